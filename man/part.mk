# Manual pages, completions and schemas. What describes commands and options is made by the program itself.
GENERATED += $(addprefix $(B)/man/,vigil.1 vigil.bash _vigil vigil.fish)
$(B)/man/vigil.1: GENERATE = man
$(B)/man/vigil.bash: GENERATE = bash
$(B)/man/_vigil: GENERATE = zsh
$(B)/man/vigil.fish: GENERATE = fish
$(addprefix $(B)/man/,vigil.1 vigil.bash _vigil vigil.fish): $(B)/vigil
	$(call SAY,GEN,$@)
	$(Q)mkdir -p $(@D) && LC_ALL=C $(B)/vigil --generate $(GENERATE) >$@
SCHEMAS := $(wildcard man/schema/*.json)
INSTALL_FILES += $(B)/man/vigil.1:$(mandir)/man1 man/vigil-monitord.8:$(mandir)/man8 man/vigil-helper.8:$(mandir)/man8 \
	man/vigil-coredump-processor.8:$(mandir)/man8 man/vigil-unwind.8:$(mandir)/man8 man/vigil.conf.5:$(mandir)/man5 \
	$(B)/man/vigil.bash:$(datadir)/bash-completion/completions:vigil \
	$(B)/man/_vigil:$(datadir)/zsh/site-functions $(B)/man/vigil.fish:$(datadir)/fish/vendor_completions.d \
	$(foreach s,$(SCHEMAS),$(s):$(datadir)/vigil/schema)
