# tests.mk: what the tests need beside programs and unit tests, and the longer tests.
# make fuzz: readers get damaged input for FUZZ_SECONDS in all; make test does so for a minute.
# make test-faults: every call of every stage fails in turn. make test-machines: other machines, under qemu.
# make test-san: a part of the tests, with sanitizers.

comma := ,
FUZZ_SECONDS ?= 3600
FUZZ_CC ?= clang
FUZZ_TARGETS := record safetensors rating_text ids options replay

# libFuzzer comes with clang; without it, what is built only replays the corpus
FUZZ_WITH := $(if $(shell command -v $(FUZZ_CC) 2>/dev/null),libfuzzer,replay)
FUZZ_USES := $(if $(filter replay,$(FUZZ_WITH)),$(CC),$(FUZZ_CC))
FUZZ_SANITIZE := address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS := -O1 -g -fsanitize=$(if $(filter libfuzzer,$(FUZZ_WITH)),fuzzer-no-link$(comma))$(FUZZ_SANITIZE)
FUZZ_LDFLAGS := -fsanitize=$(if $(filter libfuzzer,$(FUZZ_WITH)),fuzzer$(comma))$(FUZZ_SANITIZE) -pthread
# die.c is replaced: a reader that dies must not end the fuzzer
FUZZ_SOURCES := $(filter-out lib/base/die.c,$(foreach f,base stream text data model cli,$(wildcard lib/$f/*.c))) \
	tests/fuzz/fuzz.c $(if $(filter replay,$(FUZZ_WITH)),tests/fuzz/replay.c)
FUZZ_PROGRAMS := $(FUZZ_TARGETS:%=$B/fuzz/fuzz_%)

.PHONY: fuzz fuzzers
fuzzers: $(FUZZ_PROGRAMS)
fuzz: fuzzers
	@BUILD=$(CURDIR)/$B tests/fuzz/run $(FUZZ_SECONDS)

$B/fuzz/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FUZZ_USES) $(COF_CFLAGS) $(FUZZ_CFLAGS)' | cmp -s - $@ || echo '$(FUZZ_USES) $(COF_CFLAGS) $(FUZZ_CFLAGS)' >$@

.PRECIOUS: $B/fuzz/%.o
$B/fuzz/%.o: %.c $B/fuzz/flags
	@mkdir -p $(@D)
	$(FUZZ_USES) $(COF_CFLAGS) $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

$B/fuzz/libfuzz.a: $(FUZZ_SOURCES:%.c=$B/fuzz/%.o)
	@rm -f $@
	$(AR) qcs $@ $^

$B/fuzz/fuzz_%: $B/fuzz/tests/fuzz/fuzz_%.o $B/fuzz/libfuzz.a
	$(FUZZ_USES) $(FUZZ_LDFLAGS) $^ $(COF_LIBS) -o $@

# Preloaded by tests/faults. AddressSanitizer wants to be the first library: none of them with SAN=.
FAULT_LIBRARIES := $(if $(SAN),,$B/faults/fault.so $B/faults/record.so)
$B/faults/%.so: tests/faults/%.c tests/faults/calls.h $B/flags
	@mkdir -p $(@D)
	$(CC) -std=c11 $(WARNINGS) -O1 -g -shared -fPIC $< $(LDFLAGS) -ldl -o $@

# neither they nor the fuzzers with SAN=, which have sanitizers of their own
test: $(if $(SAN),,$(FUZZ_PROGRAMS) $(FAULT_LIBRARIES))

# what reads, writes and parses, with sanitizers; all of it by make test SAN=address,undefined
SAN_TESTS := $(patsubst %,unit/test_%,ahead behind best_epoch claim crc grouped id_family mem pool processes rating_text \
	raw_ids record record_check siphon sorted_runs safetensors stream whole_file) $(patsubst %,tests/%.bats,manners record golden cof-cat cof-cat-join ml-split)
test-san:
	@$(MAKE) $(jobs) SAN=address,undefined NVCC= all $(addprefix $B/san/,$(filter unit/%,$(SAN_TESTS)))
	@BUILD=$(CURDIR)/$B/san tests/run $(SAN_TESTS)

.PHONY: test-faults test-machines test-san
test-faults: all $(FAULT_LIBRARIES)
	@BUILD=$(CURDIR)/$B tests/faults/run

test-machines: all
	@BUILD=$(CURDIR)/$B tests/machines/run

# neumf-train killed at random times and resumed, RESUME_RUNS times; make test does so for a few
RESUME_RUNS ?= 200
.PHONY: test-resume
test-resume: all
	@BUILD=$(CURDIR)/$B tests/faults/kill-resume $(RESUME_RUNS)
