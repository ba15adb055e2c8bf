# cofilter. Targets: all test lint bench bench-quick bench-peers pipeline pipeline-ncf pipeline-gowalla,
# install uninstall deps deps-lint deps-dev clean,
# test-cuda test-cuda-quick gpu-kit (tests/cuda/README.md), fuzz (tests/fuzz), test-resume (tests/faults/kill-resume)
# Knobs: CC CFLAGS LDFLAGS PREFIX DESTDIR, SAN=address,undefined, DEV=1 (warnings are errors), NVCC, CUDA_ARCH

CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
B := build$(if $(SAN),/san)

# for a make of one goal: all processors, where nobody says how many
jobs = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 1))

DEPS := deps deps-lint deps-dev
# `deps` named with other goals runs first, the rest in a sub-make: no probe below sees the machine before it.
ifneq ($(and $(filter $(DEPS),$(MAKECMDGOALS)),$(filter-out $(DEPS),$(MAKECMDGOALS))),)
.PHONY: $(MAKECMDGOALS)
first_goal := $(firstword $(filter-out $(DEPS),$(MAKECMDGOALS)))
$(filter $(DEPS),$(MAKECMDGOALS)):
	@sh data/deps.sh $@
$(first_goal): $(filter $(DEPS),$(MAKECMDGOALS))
	@$(MAKE) $(if $(word 2,$(filter-out $(DEPS),$(MAKECMDGOALS))),,$(jobs)) $(filter-out $(DEPS),$(MAKECMDGOALS))
$(filter-out $(DEPS) $(first_goal),$(MAKECMDGOALS)): $(first_goal) ;
else

O := $B/obj

STAGES := $(basename $(notdir $(wildcard stages/*.c)))
PROGRAMS := $(STAGES:%=$B/bin/%) $(patsubst data/%.c,$B/bin/%,$(wildcard data/*.c))
# every folder of lib/ but those of plug-ins
LIB_OBJECTS := $(patsubst %.c,$O/%.o,$(filter-out lib/mpi/%,$(wildcard lib/*/*.c)))
BENCHES := $(patsubst tests/bench/%.c,$B/bench/%,$(wildcard tests/bench/*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,$B/unit/%,$(wildcard tests/unit/*.c))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wpointer-arith $(if $(DEV),-Werror)
SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
COF_CFLAGS := -std=c11 -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700 -Ilib $(WARNINGS) $(SANITIZE) -pthread
# Floating-point arithmetic as it is written, whatever CFLAGS say: models have the same bits on every machine (lib/base/real.h)
SAME_BITS := -fno-fast-math -ffp-contract=off
# on s390x C11 has gcc compute float in double; nowhere else, and vectors cannot
COF_CFLAGS += $(if $(filter s390%,$(shell $(CC) -dumpmachine)),-fexcess-precision=fast)
COF_LIBS := -ljansson -lz -ldeflate -lxxhash -ldl -lm

.DELETE_ON_ERROR:
.PRECIOUS: $O/%.o
.PHONY: all programs test unit lint bench bench-quick bench-peers pipeline $(DEPS) install uninstall clean
all: programs

include lib/cpu/cpu.mk lib/linear/linear.mk lib/cuda/cuda.mk lib/mpi/mpi.mk stages/install.mk tests/tests.mk tests/cuda/host.mk

programs: $(PROGRAMS)

$O/%.o: %.c $B/flags | $B/libraries
	@mkdir -p $(@D)
	$(CC) $(COF_CFLAGS) $(CFLAGS) $(SAME_BITS) -MMD -MP -c $< -o $@

# everything is made again when the compiler or its flags change
$B/flags: FORCE
	@mkdir -p $B
	@echo '$(CC) $(COF_CFLAGS) $(CFLAGS) $(LDFLAGS) $(COF_LIBS)' | cmp -s - $@ || \
		echo '$(CC) $(COF_CFLAGS) $(CFLAGS) $(LDFLAGS) $(COF_LIBS)' >$@
.PHONY: FORCE

# The compiler, and the headers of libraries, or one line that says how to get them.
LIBRARY_HEADERS := zlib.h libdeflate.h xxhash.h jansson.h Random123/philox.h
$B/libraries: $B/flags
	@for header in $(LIBRARY_HEADERS); do \
		echo "#include <$$header>" | $(CC) $(COF_CFLAGS) $(CFLAGS) -E -xc - >/dev/null 2>&1 || \
			{ echo "cannot build: no compiler '$(CC)' or no $$header: run 'make deps'" >&2; exit 1; }; \
	done
	@touch $@

$B/libcofilter.a: $(LIB_OBJECTS)
	@rm -f $@
	$(AR) qcs $@ $^

define link
@mkdir -p $(@D)
$(CC) $(SANITIZE) -pthread $(LDFLAGS) $^ $(COF_LIBS) -o $@
endef
$B/bin/%: $O/stages/%.o $B/libcofilter.a
	$(link)
$B/bin/%: $O/data/%.o $B/libcofilter.a
	$(link)
$B/unit/%: $O/tests/unit/%.o $B/libcofilter.a
	$(link)
$B/bench/%: $O/tests/bench/%.o $B/libcofilter.a
	$(link)
# nothing but the bench, for its floors, uses a BLAS
$B/bench/sgemm $B/bench/inverse: private COF_LIBS += -lopenblas

unit: $(UNIT_TESTS)

test: all unit
	@BUILD=$(CURDIR)/$B tests/run

bench bench-quick: all $(BENCHES)
	@BUILD=$(CURDIR)/$B tests/bench/run $(if $(filter bench-quick,$@),--quick)

# beside programs of PyPI, in environments of their own
bench-peers: all $(BENCHES)
	@BUILD=$(CURDIR)/$B tests/bench/install-peers
	@BUILD=$(CURDIR)/$B tests/bench/run --peers

$(DEPS):
	@sh data/deps.sh $@

pipeline: all
	@PATH="$(CURDIR)/$B/bin:$$PATH" pipelines/d2l-neumf.sh

pipeline-%: all
	@PATH="$(CURDIR)/$B/bin:$$PATH" pipelines/$*.sh

lint:
	@tests/lint

clean:
	rm -rf build

-include $(shell find $B -name '*.d' 2>/dev/null)
endif
