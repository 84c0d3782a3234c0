# Units, D-Bus services and policies, with the install paths substituted.
UNIT_TEMPLATES := $(wildcard units/*.in)
GENERATED += $(UNIT_TEMPLATES:%.in=$(B)/%)
dbusdir ?= $(datadir)/dbus-1
INSTALL_FILES += \
	$(B)/units/vigil-helper.service:$(systemunitdir) \
	$(B)/units/vigil-monitord.service:$(userunitdir) \
	$(B)/units/org.vigil.Helper1.service:$(dbusdir)/system-services \
	$(B)/units/org.vigil.Monitor1.service:$(dbusdir)/services \
	units/org.vigil.Helper1.conf:$(dbusdir)/system.d \
	units/org.vigil.helper.policy:$(datadir)/polkit-1/actions
