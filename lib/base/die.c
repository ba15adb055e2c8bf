#include "base/die.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *program = "cofilter";
bool die_quiet, die_line_open;
unsigned die_delay;

void die_set_name(const char *name)
{
	program = name;
}

const char *die_name(void)
{
	return program;
}

/* The first thread that dies ends the program; another waits for that. */
static void begin_to_end(void)
{
	static atomic_flag ending = ATOMIC_FLAG_INIT;

	while (atomic_flag_test_and_set(&ending))
		pause();
}

/* Names and data may hold anything: one line, and no codes for a terminal, C1 controls among them.
   What is no UTF-8 was cut, or is of an encoding in which any byte may be a control. Returns the
   length, which may shrink. */
static size_t make_printable(char *line, size_t n)
{
	size_t to = 0;

	for (size_t k = 0, size; k < n; k += size) {
		uint32_t c = 0;

		size = utf8_length(line + k, n - k, &c);
		if (size == 0 || c < ' ' || (c >= 0x7f && c < 0xa0)) {
			line[to++] = '?';
			size += size == 0;
			continue;
		}
		memmove(line + to, line + k, size);
		to += size;
	}
	return to;
}

/* One write per message, so that the lines of two stages in a pipe do not mix. */
static void say(int error, const char *format, va_list ap)
{
	static const char clear[] = "\r\033[K";
	enum { MOST = 4096, CLEAR = sizeof(clear) - 1 };
	char all[CLEAR + MOST], *const line = all + CLEAR;
	size_t n = (size_t)snprintf(line, MOST - 1, "%s: ", program);
	size_t length = strlen(format);
	int more = vsnprintf(line + n, MOST - 1 - n, format, ap);

	if (more > 0)
		n += (size_t)more;
	if (n > MOST - 2)
		n = MOST - 2;
	if (length && format[length - 1] == ':')
		n += (size_t)snprintf(line + n, MOST - 1 - n, " %s", strerror(error));
	if (n > MOST - 2)
		n = MOST - 2;
	n = make_printable(line, n);
	line[n++] = '\n';
	die_line_open = false;
	if (!isatty(STDERR_FILENO)) {
		fwrite(line, 1, n, stderr);
		return;
	}
	/* there may be a progress line, of this stage or another */
	memcpy(all, clear, CLEAR);
	fwrite(all, 1, CLEAR + n, stderr);
}

void die(const char *format, ...)
{
	int error = errno;
	va_list ap;

	begin_to_end();
	sleep(die_delay);
	va_start(ap, format);
	say(error, format, ap);
	va_end(ap);
	exit(EXIT_DATA);
}

void die_usage(const char *format, ...)
{
	int error = errno;
	va_list ap;

	begin_to_end();
	sleep(die_delay);
	va_start(ap, format);
	say(error, format, ap);
	va_end(ap);
	fprintf(stderr, "Try '%s --help' for more information.\n", program);
	exit(EXIT_USAGE);
}

void warn(const char *format, ...)
{
	int error = errno;
	va_list ap;

	if (die_delay > 0)
		return;
	va_start(ap, format);
	say(error, format, ap);
	va_end(ap);
}

void note(const char *format, ...)
{
	int error = errno;
	va_list ap;

	if (die_quiet || die_delay > 0)
		return;
	va_start(ap, format);
	say(error, format, ap);
	va_end(ap);
}

void die_bug(const char *file, int line, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "%s: BUG at %s:%d: ", program, file, line);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}
