# install.mk: make install, uninstall. One list of files serves both, so that uninstall removes what install made and no more.
# PREFIX (/usr/local) is where the programs will run, DESTDIR a folder to put before it.

BIN_DIR := $(PREFIX)/bin
MAN_DIR := $(PREFIX)/share/man
BASH_DIR := $(PREFIX)/share/bash-completion/completions
ZSH_DIR := $(PREFIX)/share/zsh/site-functions
FISH_DIR := $(PREFIX)/share/fish/vendor_completions.d
SHARE_DIR := $(PREFIX)/share/cofilter
LIBRARY_DIR := $(PREFIX)/lib
PLUGIN_DIR := $(LIBRARY_DIR)/cofilter
INCLUDE_DIR := $(PREFIX)/include/cofilter

INSTALL_PROGRAMS := $(notdir $(PROGRAMS))
# programs that are shell, beside the parts they are made of
INSTALL_DOORS := pipelines/cofilter
INSTALL_COMPLETED := $(INSTALL_PROGRAMS) $(notdir $(INSTALL_DOORS))
INSTALL_PAGES := $(wildcard stages/*.1 data/*.1 pipelines/*.1)
INSTALL_SCRIPTS := $(wildcard pipelines/*.sh data/fetch-*.sh)
INSTALL_DATA := $(filter-out $(INSTALL_SCRIPTS) $(INSTALL_DOORS) $(INSTALL_PAGES),$(wildcard pipelines/*))
# where there was an nvcc, an mpicc
INSTALL_PLUGINS := $B/lib/cofilter/cofilter-cuda.so $B/lib/cofilter/cofilter-mpi.so
# what a stage may include: all but the backends, which are chosen by name, and a part of a source file
INSTALL_HEADERS := $(filter-out lib/linear/ials_row.h,$(foreach f,base stream text data rank model linear cli,$(wildcard lib/$f/*.h)))

INSTALLED = $(INSTALL_PROGRAMS:%=$(BIN_DIR)/%) $(patsubst pipelines/%,$(BIN_DIR)/%,$(INSTALL_DOORS)) \
	$(INSTALL_COMPLETED:%=$(BASH_DIR)/%) \
	$(INSTALL_COMPLETED:%=$(ZSH_DIR)/_%) $(INSTALL_COMPLETED:%=$(FISH_DIR)/%.fish) \
	$(patsubst %,$(MAN_DIR)/man1/%,$(notdir $(INSTALL_PAGES))) $(MAN_DIR)/man5/record.5 \
	$(SHARE_DIR)/cofilter.magic $(patsubst %,$(SHARE_DIR)/%,$(INSTALL_SCRIPTS) $(INSTALL_DATA)) \
	$(INSTALL_HEADERS:lib/%=$(INCLUDE_DIR)/%) $(LIBRARY_DIR)/libcofilter.a $(LIBRARY_DIR)/pkgconfig/cofilter.pc \
	$(INSTALL_PLUGINS:$B/lib/cofilter/%=$(PLUGIN_DIR)/%)
# folders of cofilter alone, inner ones first
INSTALLED_FOLDERS = $(patsubst lib/%/,$(INCLUDE_DIR)/%,$(sort $(dir $(INSTALL_HEADERS)))) $(INCLUDE_DIR) \
	$(SHARE_DIR)/pipelines $(SHARE_DIR)/data $(SHARE_DIR) $(PLUGIN_DIR)

COF_VERSION = $(shell sed -n 's/^\#define COFILTER_VERSION "\(.*\)"/\1/p' lib/cli/opt.h)

install: all
	install -d $(addprefix $(DESTDIR),$(BIN_DIR) $(BASH_DIR) $(ZSH_DIR) $(FISH_DIR) $(MAN_DIR)/man1 $(MAN_DIR)/man5 \
		$(SHARE_DIR)/pipelines $(SHARE_DIR)/data)
	install $(PROGRAMS) $(INSTALL_DOORS) $(DESTDIR)$(BIN_DIR)
	for program in $(PROGRAMS) $(INSTALL_DOORS); do name=$${program##*/}; \
		$$program --completion bash >$(DESTDIR)$(BASH_DIR)/$$name && \
		$$program --completion zsh >$(DESTDIR)$(ZSH_DIR)/_$$name && \
		$$program --completion fish >$(DESTDIR)$(FISH_DIR)/$$name.fish || exit 1; done
	install -m 644 $(INSTALL_PAGES) $(DESTDIR)$(MAN_DIR)/man1
	install -m 644 lib/stream/record.5 $(DESTDIR)$(MAN_DIR)/man5
	install -m 644 lib/stream/cofilter.magic $(DESTDIR)$(SHARE_DIR)
	install $(filter pipelines/%,$(INSTALL_SCRIPTS)) $(DESTDIR)$(SHARE_DIR)/pipelines
	install -m 644 $(INSTALL_DATA) $(DESTDIR)$(SHARE_DIR)/pipelines
	install $(filter data/%,$(INSTALL_SCRIPTS)) $(DESTDIR)$(SHARE_DIR)/data
	for header in $(INSTALL_HEADERS:lib/%=%); do \
		install -D -m 644 lib/$$header $(DESTDIR)$(INCLUDE_DIR)/$$header || exit 1; done
	install -D -m 644 $B/libcofilter.a $(DESTDIR)$(LIBRARY_DIR)/libcofilter.a
	install -d $(DESTDIR)$(LIBRARY_DIR)/pkgconfig
	sed 's|@PREFIX@|$(PREFIX)|; s|@LIBS@|$(COF_LIBS)|; s|@VERSION@|$(COF_VERSION)|' stages/cofilter.pc.in \
		>$(DESTDIR)$(LIBRARY_DIR)/pkgconfig/cofilter.pc
	for plugin in $(INSTALL_PLUGINS); do [ ! -e $$plugin ] || \
		install -D -m 644 -t $(DESTDIR)$(PLUGIN_DIR) $$plugin || exit 1; done

uninstall:
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	for folder in $(addprefix $(DESTDIR),$(INSTALLED_FOLDERS)); do rmdir $$folder 2>/dev/null || :; done
