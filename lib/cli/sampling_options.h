/*
 * sampling_options: how epochs are sampled from interactions, by negsample and by neumf-train where
 * it does negsample's work itself: options, their checks, the input streams, the entry in
 * provenance.
 */
#ifndef SAMPLING_OPTIONS_H
#define SAMPLING_OPTIONS_H

#include "cli/opt.h"
#include "data/sampling.h"
#include "stream/record.h"

/* The tables of negsample: the seed stands behind its own options. */
extern const struct opt sampling_options[], sampling_seed_option[];

/* The same options by the names that they have in neumf-train, whose --seed and --alpha are
   something else. */
extern const struct opt sampling_train_options[];

struct sampling_choice {
	enum rec_kind kind;
	uint32_t negatives, epochs;
	struct sampling_config config;
};

/* What the options say. Wrong usage exits 2. */
struct sampling_choice sampling_chosen(void);

/* Is one of --pairwise, --pointwise and --grouped given? As if one were. */
bool sampling_kind_given(void);
void sampling_set_kind(enum rec_kind kind);

/* One of these, or --negatives, or --epochs. */
bool sampling_rows_given(void);

/* For a program where --seed and --alpha are something else, which were given or not: wrong usage
   where they could be meant for the sampling, and nothing is said of that. */
void sampling_check_names(bool seed, bool alpha);

/*
 * `in`, whose header was read, and the --exclude files, opened after that: their ids and splits must
 * fit it, and are noted in negsample's entry. `in` is handed over.
 */
struct sampling_inputs sampling_open(struct rec_reader *in, struct js *entry);

/*
 * The epochs that the options say, as records to be read, once prepared. Their header is that of
 * negsample's stream, with `entry` (handed over) in its provenance; the files are opened as above.
 */
struct rec_reader *sampling_source(
	struct rec_reader *in, const struct sampling_choice *choice, struct js *entry);

/* The entry that negsample with these options leaves in provenance, for another program. */
struct js *sampling_entry(void);

#endif
