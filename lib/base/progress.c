#include "base/progress.h"

#include "base/clock.h"
#include "base/die.h"
#include "base/terminal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *unit;
	progress_teller *teller;
	void *arg;
	uint64_t total, skipped, next_look;
	double start, shown;
	int on;
	enum terminal_right right;
} state;

static enum terminal_right right_to_line(void)
{
	if (terminal_is_pipe(STDOUT_FILENO))
		return TERMINAL_MIDDLE;
	if (!state.total && !state.teller && terminal_is_pipe(STDIN_FILENO))
		return TERMINAL_BEHIND;
	return TERMINAL_LAST;
}

void progress_start(const char *unit, uint64_t total)
{
	const double time = now();

	state.unit = unit;
	state.total = total;
	state.teller = NULL;
	state.skipped = state.next_look = 0;
	state.start = state.shown = time;
	state.on = !die_quiet && isatty(STDERR_FILENO);
	state.right = right_to_line();
}

void progress_tell(progress_teller *teller, void *arg)
{
	state.teller = teller;
	state.arg = arg;
	state.right = right_to_line();
	if (state.on) /* before a stage of less right begins to draw */
		terminal_has_line(state.right);
}

void progress_skip(uint64_t done)
{
	state.skipped = done;
	state.next_look = 0;
	state.start = now();
}

/* Three digits, so that a number that grows does not move what follows it. */
static int decimals(double count, unsigned unit)
{
	if (unit == 0 || count >= 99.95)
		return 0;
	return count < 9.995 ? 2 : 1;
}

char *progress_count(double count, char text[PROGRESS_NUMBER])
{
	static const char *const unit[] = { "", " k", " M", " G", " T" };
	unsigned k = 0;

	/* what three digits would round up to 1000 is 1 of the next unit */
	while (count >= (k ? 999.5 : 9999.5) && k < sizeof(unit) / sizeof(*unit) - 1) {
		count /= 1000;
		k++;
	}
	if (k == 0 && count < 100)
		snprintf(text, PROGRESS_NUMBER, "%.3g", count);
	else
		snprintf(text, PROGRESS_NUMBER, "%.*f%s", decimals(count, k), count, unit[k]);
	return text;
}

char *progress_time(double seconds, char text[PROGRESS_NUMBER])
{
	if (seconds < 99.5)
		snprintf(text, PROGRESS_NUMBER, seconds < 9.95 ? "%.1f s" : "%.0f s", seconds);
	else if (seconds < 99.5 * 60)
		snprintf(text, PROGRESS_NUMBER, "%.0f min", seconds / 60);
	else
		snprintf(text, PROGRESS_NUMBER, "%.3g h", seconds / 3600);
	return text;
}

/* Add a part where the line has room for all of it, and for `reserved` more. */
static size_t add(char *line, size_t n, size_t width, size_t reserved, const char *part)
{
	const size_t length = strlen(part);

	if (n + length + reserved > width)
		return n;
	memcpy(line + n, part, length + 1);
	return n + length;
}

/* What is known, as far as it fits into `width` columns; how long it takes comes before how fast it
   is. */
static size_t compose(char *line, size_t size, size_t width, uint64_t done)
{
	const double rate = (double)(done - state.skipped) / (now() - state.start + 1e-9);
	char number[PROGRESS_NUMBER], speed[64], left[64] = "", text[128] = "";
	size_t n;

	if (state.teller)
		state.teller(state.arg, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%s %s", progress_count((double)done, number),
			state.unit);
	snprintf(speed, sizeof(speed), ", %s/s", progress_count(rate, number));
	if (state.total > done && rate > 0)
		snprintf(left, sizeof(left), ", %.0f %%, %s left",
			100.0 * (double)done / (double)state.total,
			progress_time((double)(state.total - done) / rate, number));
	n = (size_t)snprintf(line, size, "%s: %s", die_name(), text);
	if (n > width)
		for (n = width; n > 0 && line[n] != ','; n--)
			;
	n = add(line, n, width, strlen(left), speed);
	return add(line, n, width, 0, left);
}

static void show(uint64_t done)
{
	enum { MOST = 256 };
	char line[MOST + 8] = "\r";
	const size_t columns = terminal_columns();
	/* the last column stays free: in it some terminals go on to the next line */
	const size_t width = columns - 1 < MOST ? columns - 1 : MOST;
	size_t n;

	if (!terminal_has_line(state.right))
		return;
	n = 1 + compose(line + 1, MOST + 1, width, done);
	memcpy(line + n, "\033[K", 3);
	fwrite(line, 1, n + 3, stderr);
	die_line_open = true;
}

void progress_at(uint64_t done)
{
	double t, ahead;

	if (!state.on || done < state.next_look)
		return;
	t = now();
	if (t - state.shown > 0.2) {
		show(done);
		state.shown = t;
	}
	/* a twentieth of a second ahead, but not far: what came fast may go on slowly */
	ahead = (double)(done - state.skipped);
	ahead *= fmin(0.05 / (t - state.start + 1e-9), 1.0 / 64);
	state.next_look = done + 1 + (uint64_t)ahead;
}

void progress_end(void)
{
	if (die_line_open)
		fputs("\r\033[K", stderr);
	die_line_open = false;
	if (state.on)
		terminal_give_up();
	state.on = 0;
}
