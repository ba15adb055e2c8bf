/* mem: allocation that dies when it fails, with counts checked for overflow. */
#ifndef MEM_H
#define MEM_H

#include <stddef.h>
#include <stdint.h>

/* n objects of `size` bytes, uninitialised or zeroed; never NULL, even for n = 0. Free with free().
   */
void *xmalloc(size_t n, size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);

/* Zeroed and aligned to 64 bytes: a cache line, and the widest vector. */
void *xcalloc_aligned(size_t n, size_t size);

/*
 * For tables that are read at random: uninitialised, aligned to 64 bytes, on huge pages where the
 * system has them (a TLB miss costs as much as a cache miss).
 */
void *xmalloc_table(size_t n, size_t size);
void *xcalloc_table(size_t n, size_t size); /* the same of zeros, written: each page is there */
char *xstrdup(const char *s);

/*
 * Bytes that the machine can still give without swapping, as Linux sees it, and at most the limit of
 * the control group; UINT64_MAX where it does not say.
 */
uint64_t mem_available(void);

/*
 * Dies where the machine cannot give so many bytes: "WHAT needs 6.7 GB, the machine has 3.1 GB". To
 * be asked before memory is taken that grows as a square: the system would give it, and then kill.
 */
void mem_need(double bytes, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What has been freed goes back to the system, where the C library can: before much more is taken. */
void mem_give_back(void);

/* printf to a new string. */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Grow `p`, an array of *capacity objects, to hold at least `need`; *capacity at least doubles. */
void *xgrow(void *p, size_t *capacity, size_t need, size_t size);

#endif
