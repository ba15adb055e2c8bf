#include "cli/input_report.h"

#include "base/die.h"
#include "rank/user_ranks.h"

#include <inttypes.h>

void report(bool strict, const char *what, uint64_t count)
{
	if (count == 0)
		return;
	if (strict)
		die("%s: %" PRIu64, what, count);
	warn("%s: %" PRIu64, what, count);
}

void report_user_ranks(bool strict, const struct user_ranks_report *found)
{
	report(strict, "users with a positive among their own negatives, which counts once",
		found->lists.mixed);
	report(strict, "rows that list an item again, which counts once",
		found->lists.repeats + found->repeated);
	report(strict, "users without a positive, left out of all means", found->without_positive);
}
