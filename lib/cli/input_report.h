/* input_report: what a stage found odd in its input, as one line with a count. */
#ifndef INPUT_REPORT_H
#define INPUT_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* Nothing when count is 0; else "stage: WHAT: COUNT" on stderr, as an error with `strict`. */
void report(bool strict, const char *what, uint64_t count);

struct user_ranks_report;
void report_user_ranks(bool strict, const struct user_ranks_report *found);

#endif
