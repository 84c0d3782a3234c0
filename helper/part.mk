# vigil-helper: root's part. Links common and survey, nothing else.
L_helper := libsystemd $(L_survey)
$(eval $(call program,vigil-helper,helper/main-helper.c,common survey helper,$(L_helper)))
INSTALL_FILES += $(B)/vigil-helper:$(libexecdir):vigil-helper:755
