/*
 * score_options: what every scorer shares: options, input, --seen, --user-items, --candidates,
 * output, order and reports. The main of a scorer:
 *
 *	char **operands = opt_parse(argc, argv, &program);    its own table, then score_options()
 *	struct score_run *run = score_run_open(operands[0]);
 *	... open its model or train file, with score_run_pool(run) if it uses threads
 *	score_run_source(run, name, header);
 *	... make its struct scorer
 *	score_run(run, &scorer);
 *	score_run_close(run);
 */
#ifndef SCORE_OPTIONS_H
#define SCORE_OPTIONS_H

#include "cli/opt.h"
#include "rank/scorer.h"
#include "stream/record.h"

struct pool;
struct score_run;

/* For struct opt_program. */
#define SCORE_READS \
	"interaction, rating or sample records (samples: a label above 0 makes a positive)"
#define SCORE_WRITES "score records; rank with --ranks, top with --top"

/* The table of shared options, with their defaults set. */
const struct opt *score_options(void);

/* The name of a given one that says what to score or how; NULL where none is given. */
const char *score_options_given(void);

/* Is --user-items given? */
bool score_options_user_items(void);

/* As many threads as --threads says, for a stage that scores nothing; pool_free(). */
struct pool *score_options_pool(void);

/*
 * Open the input (NULL: standard input) and read its header. A scorer opens its other files after
 * that, since a stage upstream may only now have completed them.
 */
struct score_run *score_run_open(const char *input);

/* The threads of --threads, for the scorer as well. */
struct pool *score_run_pool(const struct score_run *run);

/*
 * Users are scored from the items they have in the interactions of `path`, unless --user-items says
 * otherwise: those of a model that knows no users. To be called before score_run_source; `path` is
 * opened there.
 */
void score_run_train(struct score_run *run, const char *path);

/*
 * What the scorer is made from, a model or a train file: `h` has its bounds and id maps. Dies where
 * the input or --items does not fit them. Both are borrowed until score_run_close.
 */
void score_run_source(struct score_run *run, const char *name, const struct rec_header *h);

/*
 * For a model that has a row per user, after score_run_source: the items of --user-items (false: not
 * given), borrowed until score_run_close. The caller makes rows for these users, which its scorer
 * then knows by their ids.
 */
struct item_lists;
bool score_run_fold_in(struct score_run *run, struct item_lists *users);

/* Read the input to its verified end and write all output. Dies on a score that is not finite. */
void score_run(struct score_run *run, const struct scorer *scorer);

void score_run_close(struct score_run *run);

#endif
