/* processor: for which instruction sets kernels that are compiled once for each can be chosen. */
#ifndef PROCESSOR_H
#define PROCESSOR_H

#include <stdbool.h>

/*
 * The highest level of x86-64 (System V psABI, 3.1.1) that this processor runs and kernels are
 * compiled for: 4 (AVX-512), 3 (AVX2, FMA), else 1. 1 on every other machine.
 */
unsigned processor_level(void);

/* Has it products without carries of whole vectors of AVX-512 (VPCLMULQDQ)? */
bool processor_multiplies_carryless(void);

#endif
