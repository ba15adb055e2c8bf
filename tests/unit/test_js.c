/* JSON when memory runs out: a message that says so, whatever was being built or read; and the
   message filter. */
#include "base/die.h"
#include "base/js.h"
#include "base/mem.h"
#include "check.h"
#include "child.h"

#include <sys/resource.h>

enum { VALUES = 400000 };

/* From here on the process may take 16 MiB more than it has. */
static void limit_memory(void)
{
	struct rlimit limit;
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages;

	if (!f || fscanf(f, "%lu", &pages) != 1)
		abort();
	fclose(f);
	limit.rlim_cur = limit.rlim_max = pages * (rlim_t)sysconf(_SC_PAGESIZE) + (16 << 20);
	if (setrlimit(RLIMIT_AS, &limit))
		abort();
}

static void build(void *arg)
{
	struct js *v = js_object();
	char key[32];

	(void)arg;
	limit_memory();
	for (int k = 0; k < VALUES; k++) {
		snprintf(key, sizeof(key), "key %d", k);
		js_put(v, key, js_string("a value"));
	}
}

static void parse(void *text)
{
	char why[128];

	limit_memory();
	if (!js_parse(text, strlen(text), why, sizeof(why)))
		die("the header is invalid: %s", why);
}

static void dump(void *v)
{
	limit_memory();
	js_dump(v, false);
}

static void copy(void *v)
{
	limit_memory();
	js_copy(v);
}

static void check_memory(const char *what, void (*f)(void *), void *arg)
{
	const struct child c = child_run(f, arg, child_file());

	CHECK(c.status == 1 && strstr(c.text, "cannot allocate"),
		"%s without memory: status %d, '%.*s'", what, c.status, (int)strcspn(c.text, "\n"),
		c.text);
}

static void test_memory(void)
{
	struct js *v = js_array();
	char *text;

	for (int k = 0; k < VALUES; k++)
		js_append(v, js_string("more text than fits into sixteen mebibytes, all together"));
	text = js_dump(v, false);
	check_memory("building", build, NULL);
	check_memory("reading", parse, text);
	check_memory("writing", dump, v);
	check_memory("copying", copy, v);
	free(text);
	js_free(v);
}

static void say(void *text)
{
	die("%s", (const char *)text);
}

static void check_message(const char *text, const char *want)
{
	const struct child c = child_run(say, (void *)(uintptr_t)text, child_file());
	char line[256];

	snprintf(line, sizeof(line), "test: %s\n", want);
	CHECK(c.status == 1 && !strcmp(c.text, line), "a message '%s'", want);
}

/* Control characters, C1 among them, and what is no UTF-8, reach no terminal. */
static void test_messages(void)
{
	char text[5000];

	check_message("a\033[2Jb\nc\x7f"
		      "d\te",
		"a?[2Jb?c?d?e");
	check_message("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xac",
		"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xac");
	check_message("\xc2\x9b"
		      "2J \xc2\x80 \xc2\x9f \xc2\xa0",
		"?2J ? ? \xc2\xa0");
	check_message("\x9b"
		      "2J caf\xe9 \xc3",
		"?2J caf? ?");
	check_message("\xc0\x9b \xe0\x82\x9b \xed\xa0\x80", "?? ??? ???");
	/* cut within a character */
	memset(text, 0, sizeof(text));
	for (size_t k = 0; k + 2 < sizeof(text); k += 2)
		memcpy(text + k, "\xc3\xa9", 2);
	CHECK(child_run(say, text, child_file()).status == 1, "a message that is cut");
}

int main(void)
{
	die_set_name("test");
#ifdef __SANITIZE_ADDRESS__
	CHECK_SKIP("JSON without memory: the sanitizer needs all addresses");
	(void)test_memory;
#else
	test_memory();
#endif
	test_messages();
	return CHECK_EXIT;
}
