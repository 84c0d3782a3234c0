# Units, D-Bus services and policies, with the install paths substituted.
UNIT_TEMPLATES := $(wildcard units/*.in)
GENERATED += $(UNIT_TEMPLATES:%.in=$(B)/%)
dbusdir ?= $(datadir)/dbus-1
INSTALL_FILES += \
	$(B)/units/vigil-helper.service:$(systemunitdir) \
	$(B)/units/vigil-monitord.service:$(userunitdir) \
	units/vigil-monitord.socket:$(userunitdir) \
	$(B)/units/vigil-coredump-processor@.service:$(systemunitdir) \
	$(B)/units/vigil-coredump-processor.service:$(systemunitdir) \
	$(B)/units/org.vigil.Helper1.service:$(dbusdir)/system-services \
	$(B)/units/org.vigil.Monitor1.service:$(dbusdir)/services \
	units/org.vigil.Helper1.conf:$(dbusdir)/system.d \
	units/org.vigil.helper.policy:$(datadir)/polkit-1/actions
# What pulls the processor in: `systemctl enable` does not do for a template's WantedBy=systemd-coredump@.service.
INSTALL_LINKS += \
	$(systemunitdir)/systemd-coredump@.service.wants/vigil-coredump-processor@.service:../vigil-coredump-processor@.service \
	$(systemunitdir)/systemd-coredumpd.service.wants/vigil-coredump-processor.service:../vigil-coredump-processor.service
