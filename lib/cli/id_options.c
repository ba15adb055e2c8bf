#include "cli/id_options.h"

#include "base/die.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

enum unknown { UNKNOWN_ADD, UNKNOWN_DROP, UNKNOWN_ERROR };
enum missing { MISSING_ERROR, MISSING_DROP, MISSING_KEEP };

static const char *const unknown_names[] = { "add", "drop", "error", NULL };
static const char *const missing_names[] = { "error", "drop", "keep", NULL };

static struct {
	const char *user_ids, *item_ids;
	struct opt_paths known_users, known_items;
	unsigned unknown, missing;
	uint64_t dropped, without; /* rows: of unknown ids, of missing ones */
} cfg;

/* clang-format off */
static const struct opt options[] = {
	OPT_OUTPUT(0, "user-ids", &cfg.user_ids, "FILE", "write 'dense TAB raw' of the users here"),
	OPT_OUTPUT(0, "item-ids", &cfg.item_ids, "FILE", "write 'dense TAB raw' of the items here"),
	OPT_PATHS(0, "known-users", &cfg.known_users, "FILE", "an id file: its users keep their dense ids"),
	OPT_PATHS(0, "known-items", &cfg.known_items, "FILE", "an id file: its items keep their dense ids"),
	OPT_CHOICE(0, "unknown", &cfg.unknown, unknown_names, "what to do with ids that these files lack, and their rows"),
	OPT_CHOICE(0, "missing", &cfg.missing, missing_names, "of ids that look like no id: NA, null, nan, ..."),
	OPT_END,
};
/* clang-format on */

const struct opt *id_options(void)
{
	return options;
}

const char *id_options_user_ids(void)
{
	return cfg.user_ids;
}

const char *id_options_item_ids(void)
{
	return cfg.item_ids;
}

bool id_options_take_empty(void)
{
	return cfg.missing == MISSING_DROP;
}

static void open_map(struct id_map *m, const struct opt_paths *known)
{
	id_map_init(m);
	for (unsigned k = 0; k < known->num; k++)
		id_map_know(m, known->path[k]);
	m->closed = known->num && cfg.unknown != UNKNOWN_ADD;
}

void id_options_open(struct id_map *users, struct id_map *items)
{
	if (opt_given(&cfg.unknown) && !cfg.known_users.num && !cfg.known_items.num)
		die_usage("option --unknown goes with --known-users or --known-items");
	open_map(users, &cfg.known_users);
	open_map(items, &cfg.known_items);
}

/* How R, pandas, SQL, Python, JavaScript and Excel write a value that is not there; blanks alone, or
   around it, name nobody either. */
static bool is_missing(const struct raw_id *raw)
{
	static const char *const written[] = { "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan",
		"NULL", "null", "\\N", "None", "nil", "undefined", "NaT" };

	const char *text = raw->text;
	size_t length = raw->length;

	if (raw->number != RAW_ID_TEXT)
		return false;
	for (; length > 0 && *text == ' '; text++)
		length--;
	while (length > 0 && text[length - 1] == ' ')
		length--;
	for (size_t k = 0; k < sizeof(written) / sizeof(*written); k++)
		if (strlen(written[k]) == length && memcmp(text, written[k], length) == 0)
			return true;
	return length == 0;
}

bool id_options_drops_missing(const struct raw_id *user, const struct raw_id *item, char **why)
{
	const bool no_user = cfg.missing != MISSING_KEEP && is_missing(user);
	const struct raw_id *raw = no_user ? user : item;

	if (!no_user && (cfg.missing == MISSING_KEEP || !is_missing(item)))
		return false;
	if (cfg.missing == MISSING_ERROR)
		*why = xasprintf("is '%.*s' %s, or a missing value? --missing keep takes it as an "
				 "id, --missing drop leaves such rows out",
			(int)raw->length, raw->text, no_user ? "a user" : "an item");
	cfg.without++;
	return true;
}

char *id_options_refused(const struct raw_id *user, uint32_t user_number, const struct raw_id *item,
	uint32_t item_number)
{
	const bool unknown_user = user_number == ID_MAP_UNKNOWN;
	const struct opt_paths *known = unknown_user ? &cfg.known_users : &cfg.known_items;
	const struct raw_id *raw = unknown_user ? user : item;

	if (user_number == ID_MAP_FULL || item_number == ID_MAP_FULL)
		return xasprintf("more than %" PRIu32 " %s", RAW_IDS_MAX,
			user_number == ID_MAP_FULL ? "users" : "items");
	if (cfg.unknown == UNKNOWN_ERROR)
		return xasprintf("%s '%.*s' is not in '%s' (--unknown error)",
			unknown_user ? "user" : "item", (int)(raw->length < 80 ? raw->length : 80),
			raw->text, known->path[known->num - 1]);
	cfg.dropped++;
	return NULL;
}

static void report_added(const struct id_map *m, const struct opt_paths *known, const char *what)
{
	if (known->num)
		note("%s: %" PRIu32 " known, %" PRIu32 " added", what, m->num_known,
			m->num - m->num_known);
}

void id_options_report(const struct id_map *users, const struct id_map *items)
{
	report_added(users, &cfg.known_users, "users");
	report_added(items, &cfg.known_items, "items");
	if (cfg.dropped > 0)
		note("ratings dropped for an unknown user or item: %" PRIu64, cfg.dropped);
	if (cfg.without > 0)
		note("ratings dropped for a missing user or item: %" PRIu64, cfg.without);
}
