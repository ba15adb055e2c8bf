/* processor: COFILTER_CPU limits the level, and with it all that goes with a level. */
#include "base/processor.h"

#include "check.h"
#include "child.h"

struct answer {
	unsigned level, carryless;
};

/* The level is asked for once in a process: by a child. */
static void answer(void *name)
{
	if (name)
		setenv("COFILTER_CPU", name, 1);
	else
		unsetenv("COFILTER_CPU");
	fprintf(stderr, "%u %u", processor_level(), processor_multiplies_carryless());
}

static struct answer ask(char *name, int fd)
{
	const struct child c = child_run(answer, name, fd);
	struct answer a = { 0, 2 };

	CHECK(c.status == 0 && sscanf(c.text, "%u %u", &a.level, &a.carryless) == 2 &&
			(a.level == 1 || a.level == 3 || a.level == 4) &&
			(a.level == 4 || !a.carryless),
		"COFILTER_CPU %s: level %u, products without carries %u", name ? name : "not set",
		a.level, a.carryless);
	return a;
}

int main(void)
{
	char path[] = "/tmp/test_processor.XXXXXX";
	const int fd = mkstemp(path);

	if (fd < 0 || unlink(path))
		return 1;
	const struct answer own = ask(NULL, fd), best = ask("avx512", fd);
	CHECK(best.level == own.level && best.carryless == own.carryless, "avx512 limits nothing");
	CHECK(ask("avx2", fd).level == (own.level < 3 ? own.level : 3), "avx2 is level 3");
	CHECK(ask("sse2", fd).level == 1, "sse2 is level 1");
	return CHECK_EXIT;
}
