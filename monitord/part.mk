# vigil-monitord, the daemon
L_monitord := libnotify libsystemd popt $(L_survey) $(L_coredump)
$(eval $(call program,vigil-monitord,monitord/main-monitord.c,common survey coredump monitord,$(L_monitord)))
$(B)/monitord/main-monitord.o $(B)/monitord/config.o: $(B)/paths
$(B)/monitord/main-monitord.o: ALL_CPPFLAGS += -DLOCALEDIR='"$(localedir)"'
$(B)/monitord/config.o: ALL_CPPFLAGS += -DPREFIX='"$(PREFIX)"' -DSYSCONFDIR='"$(sysconfdir)"'
INSTALL_FILES += $(B)/vigil-monitord:$(bindir):vigil-monitord:755
