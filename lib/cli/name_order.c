#include "cli/name_order.h"

#include "stream/record.h"
#include "text/id_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS = 16 };

/* The name of an item, which may be written to `digits`. */
static const char *name_of(
	const struct id_names *names, uint32_t item, char digits[DIGITS], size_t *length)
{
	if (names)
		return id_names_get(names, item, length);
	*length = (size_t)snprintf(digits, DIGITS, "%" PRIu32, item);
	return digits;
}

static bool comes_before(void *arg, uint32_t a, uint32_t b)
{
	char digits_a[DIGITS], digits_b[DIGITS];
	size_t length_a, length_b;
	const char *name_a = name_of(arg, a, digits_a, &length_a),
		   *name_b = name_of(arg, b, digits_b, &length_b);
	const int first = memcmp(name_a, name_b, length_a < length_b ? length_a : length_b);

	return first ? first > 0 : length_a > length_b;
}

const struct tie_order *name_order(const char *item_ids, const struct rec_header *h)
{
	static struct tie_order order = { comes_before, NULL };
	const struct id_names_source source = { item_ids, "item", false, h->num_items,
		&h->item_ids };

	if (item_ids)
		order.arg = id_names_load(&source, ID_NAMES_PLAIN);
	return &order;
}
