/*
 * fuzz: readers under libFuzzer. A target hands bytes to fuzz_run; the reader takes them from a
 * file. die() comes back to fuzz_run, which then frees what the reader left; a crash, a hang, a BUG
 * or a sanitizer's complaint ends the program.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Call read(path, size) for a file with these bytes, till it returns or dies. */
int fuzz_run(const uint8_t *data, size_t size, void (*read)(const char *path));

#endif
