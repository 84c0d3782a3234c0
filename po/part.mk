# Translations: po/LANGUAGE.po. `make update-po` takes in what the sources say now, then edit; `make pot` writes the template
# (build/…/po/vigil.pot) only. NLS=0 leaves translations out.
NLS       ?= 1
MSGFMT    ?= msgfmt
XGETTEXT  ?= xgettext
MSGMERGE  ?= msgmerge
PO_FILES  := $(if $(filter 1,$(NLS)),$(wildcard po/*.po))
MO_FILES  := $(PO_FILES:po/%.po=$(B)/locale/%/LC_MESSAGES/vigil.mo)
POT       := $(B)/po/vigil.pot
PO_SOURCES = $(wildcard $(addsuffix /*.c,common survey coredump report monitord cli))
GENERATED += $(MO_FILES)
INSTALL_FILES += $(foreach p,$(PO_FILES:po/%.po=%),$(B)/locale/$(p)/LC_MESSAGES/vigil.mo:$(localedir)/$(p)/LC_MESSAGES)

$(MO_FILES): $(B)/locale/%/LC_MESSAGES/vigil.mo: po/%.po
	$(call SAY,MSGFMT,$@)
	$(Q)mkdir -p $(@D) && $(MSGFMT) --check -o $@ $<

# po/POTFILES, which files have texts, is for translators' tools. No line numbers and no date: a template, and the translations merged with it, change only where a text does.
pot:
	$(Q)mkdir -p $(B)/po
	$(Q)$(XGETTEXT) --from-code=UTF-8 --language=C --keyword=_ --keyword=N_ --keyword=P_:1,2 --add-comments=TRANSLATORS: \
		--add-location=file --sort-by-file --package-name=vigil --package-version=$(VERSION) -o - $(PO_SOURCES) | \
		sed '/^"POT-Creation-Date:/d' >$(POT)
update-po: pot
	$(Q)sed -n 's/^#: //p' $(POT) | tr ' ' '\n' | sort -u >po/POTFILES
	$(Q)for p in po/*.po; do $(MSGMERGE) --quiet --update --backup=none --previous --add-location=file --sort-by-file $$p $(POT) && \
		printf '%s: ' $$p && $(MSGFMT) --statistics -o /dev/null $$p || exit 1; done
.PHONY: pot update-po
