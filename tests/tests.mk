# tests.mk: make fuzz runs each reader for FUZZ_SECONDS under libFuzzer (clang), from small real files on.
# A finding is kept in build/fuzz and fails.

FUZZ_SECONDS ?= 60
FUZZ_CC ?= clang
FUZZ_TARGETS := record safetensors rating_text
FUZZ_CFLAGS := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
# die.c is replaced: a reader that dies must not end the fuzzer
FUZZ_OBJECTS := $(patsubst lib/%.c,$B/fuzz/lib/%.o,$(filter-out lib/base/die.c,$(wildcard lib/*/*.c))) $B/fuzz/tests/fuzz/fuzz.o

.PHONY: fuzz
fuzz: $(FUZZ_TARGETS:%=$B/fuzz/fuzz_%) programs
	@tests/fuzz/run $B $(FUZZ_SECONDS) $(FUZZ_TARGETS)

$B/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(COF_CFLAGS) $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

$B/fuzz/libfuzz.a: $(FUZZ_OBJECTS)
	@rm -f $@
	$(AR) qcs $@ $^

$B/fuzz/fuzz_%: $B/fuzz/tests/fuzz/fuzz_%.o $B/fuzz/libfuzz.a
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -pthread $^ $(COF_LIBS) -o $@

.PHONY: test-machines
test-machines: all
	@BUILD=$(CURDIR)/$B tests/machines/run
