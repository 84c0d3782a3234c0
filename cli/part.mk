# vigil, the command line
L_cli := libsystemd popt $(L_survey)
$(eval $(call program,vigil,cli/main.c,common survey cli,$(L_cli)))
$(B)/cli/main.o: ALL_CPPFLAGS += -DLOCALEDIR='"$(localedir)"'
$(B)/cli/cmd-inotify-raise.o $(B)/cli/cmd-doctor.o: ALL_CPPFLAGS += -DPREFIX='"$(PREFIX)"'
INSTALL_FILES += $(B)/vigil:$(bindir)::755
INSTALL_LINKS += $(bindir)/inotify-survey:vigil
