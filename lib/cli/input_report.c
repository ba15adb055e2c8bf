#include "cli/input_report.h"

#include "base/die.h"

#include <inttypes.h>

void report(bool strict, const char *what, uint64_t count)
{
	if (count == 0)
		return;
	if (strict)
		die("%s: %" PRIu64, what, count);
	warn("%s: %" PRIu64, what, count);
}
