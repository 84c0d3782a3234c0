# vigil-coredump-processor, root's messenger. It uses of coredump/ what reads the journal and sends; no core, no index.
$(eval $(call program,vigil-coredump-processor,coredump/main-processor.c,common coredump,$(L_coredump)))
INSTALL_FILES += $(B)/vigil-coredump-processor:$(libexecdir):vigil-coredump-processor:755
# vigil-unwind, the sandbox. coredump/unwind/ is linked into it alone; of libstdc++ it takes __cxa_demangle().
L_unwind := libdw libelf libseccomp libarchive jansson -lstdc++
$(eval $(call program,vigil-unwind,coredump/unwind/main-unwind.c,common coredump coredump/unwind,$(L_unwind)))
INSTALL_FILES += $(B)/vigil-unwind:$(libexecdir):vigil-unwind:755
$(B)/coredump/sibling.o: $(B)/paths
$(B)/coredump/sibling.o: ALL_CPPFLAGS += -DLIBEXECDIR='"$(libexecdir)"'
