#include "base/progress.h"

#include "base/die.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *unit;
	uint64_t total, next_look;
	double start, shown;
	int on;
} state;

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_start(const char *unit, uint64_t total)
{
	state.unit = unit;
	state.total = total;
	state.next_look = 0;
	state.start = state.shown = now();
	state.on = !die_quiet && isatty(STDERR_FILENO);
}

static void show(uint64_t done, double rate)
{
	fprintf(stderr, "\r%s: %.3g M %s, %.3g M/s", die_name(), (double)done / 1e6, state.unit,
		rate / 1e6);
	if (state.total > done && rate > 0)
		fprintf(stderr, ", %.0f %% done, %.0f s left",
			100.0 * (double)done / (double)state.total,
			(double)(state.total - done) / rate);
	fprintf(stderr, "\033[K");
	die_line_open = true;
}

void progress_at(uint64_t done)
{
	double t, rate;

	if (!state.on || done < state.next_look)
		return;
	t = now();
	rate = (double)done / (t - state.start + 1e-9);
	if (t - state.shown > 0.2) {
		show(done, rate);
		state.shown = t;
	}
	state.next_look = done + 1 + (uint64_t)(rate / 20);
}

bool progress_shown(void)
{
	return state.on;
}

void progress_end(void)
{
	if (die_line_open)
		fprintf(stderr, "\r\033[K");
	die_line_open = false;
	state.on = 0;
}
