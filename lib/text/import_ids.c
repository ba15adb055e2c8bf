#include "text/import_ids.h"

#include "base/number.h"

uint32_t import_ids_parse(const struct import_ids *ids, bool item, const struct text_lines *line,
	const char *field, const char *text)
{
	const struct id_lookup *lookup = item ? ids->items : ids->users;
	char why[256];
	uint64_t u64;
	uint32_t id;

	if (lookup && !id_lookup_find(lookup, text, &id, why, sizeof(why)))
		text_lines_die(line, text, "%s '%.40s' %s", field, text, why);
	if (!lookup) {
		if (!number_parse_uint(text, 0, UINT32_MAX, &u64))
			text_lines_die(line, text,
				"%s '%.40s' is not a whole number from 0 to 4294967295", field,
				text);
		id = (uint32_t)u64;
	}
	if (id >= (item ? ids->num_items : ids->num_users))
		text_lines_die(line, text, "%s '%.40s' is not below the bound of %s", field, text,
			item ? "items" : "users");
	return id;
}
