# vigil, the command line. Of helper/ it uses what is pure: the plan of a change and the drop-in's text;
# of monitord/ what follows the journal, and the configuration.
L_cli := libsystemd popt $(L_survey) $(L_coredump)
$(eval $(call program,vigil,cli/main.c,common survey coredump helper monitord cli,$(L_cli)))
$(B)/cli/main.o: $(B)/paths
$(B)/cli/main.o: ALL_CPPFLAGS += -DLOCALEDIR='"$(localedir)"'
INSTALL_FILES += $(B)/vigil:$(bindir):vigil:755
INSTALL_LINKS += $(bindir)/inotify-survey:vigil
