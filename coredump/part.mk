# vigil-coredump-processor, root's messenger. It uses of coredump/ what reads the journal and sends; no core, no index.
$(eval $(call program,vigil-coredump-processor,coredump/main-processor.c,common coredump,$(L_coredump)))
INSTALL_FILES += $(B)/vigil-coredump-processor:$(libexecdir):vigil-coredump-processor:755
# vigil-unwind, the sandbox. coredump/unwind/ is linked into it alone; of libstdc++ it takes __cxa_demangle().
L_unwind := libdw libelf libseccomp libarchive jansson -lstdc++
$(eval $(call program,vigil-unwind,coredump/unwind/main-unwind.c,common coredump coredump/unwind,$(L_unwind)))
INSTALL_FILES += $(B)/vigil-unwind:$(libexecdir):vigil-unwind:755
$(B)/coredump/sibling.o: $(B)/paths
$(B)/coredump/sibling.o: ALL_CPPFLAGS += -DLIBEXECDIR='"$(libexecdir)"'
# vigil-debuginfod, which fetches debug files where somebody wants that. coredump/debuginfod/ is linked into it alone.
L_debuginfod := libdebuginfod jansson
$(eval $(call program,vigil-debuginfod,coredump/main-debuginfod.c,common coredump coredump/debuginfod,$(L_debuginfod)))
INSTALL_FILES += $(B)/vigil-debuginfod:$(libexecdir):vigil-debuginfod:755
