# vigil-coredump-processor, root's messenger. It uses of coredump/ what reads the journal and sends; no core, no index.
$(eval $(call program,vigil-coredump-processor,coredump/main-processor.c,common coredump,$(L_coredump)))
INSTALL_FILES += $(B)/vigil-coredump-processor:$(libexecdir):vigil-coredump-processor:755
