#include "base/interrupt.h"

#include "base/die.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

static const struct {
	int number;
	const char *name;
} watched[] = { { SIGTERM, "SIGTERM" }, { SIGINT, "SIGINT" }, { SIGUSR1, "SIGUSR1" } };
enum { NUM_WATCHED = sizeof(watched) / sizeof(*watched) };

static volatile sig_atomic_t first;
static struct sigaction before[NUM_WATCHED];
static bool watching;
static int bell[2]; /* a pipe: a signal that comes just before poll() must wake it too */

static void on_signal(int number)
{
	const int error = errno;

	if (!first)
		first = number;
	if (write(bell[1], "", 1) < 0) /* it is full: it rings already */
		errno = error;
}

void interrupt_watch(void)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (pipe(bell))
		die("cannot make a pipe:");
	for (int k = 0; k < 2; k++)
		if (fcntl(bell[k], F_SETFD, FD_CLOEXEC) || fcntl(bell[k], F_SETFL, O_NONBLOCK))
			die("cannot set up a pipe:");
	for (int k = 0; k < NUM_WATCHED; k++)
		if (!sigaction(watched[k].number, NULL, &before[k]) &&
			before[k].sa_handler != SIG_IGN)
			sigaction(watched[k].number, &action, NULL);
	watching = true;
}

void interrupt_release(void)
{
	for (int k = 0; watching && k < NUM_WATCHED; k++)
		sigaction(watched[k].number, &before[k], NULL);
}

int interrupt_signal(void)
{
	return first;
}

const char *interrupt_name(int number)
{
	for (int k = 0; k < NUM_WATCHED; k++)
		if (watched[k].number == number)
			return watched[k].name;
	BUG("signal %d is not watched", number);
}

int interrupt_wait(int fd)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = bell[0], .events = POLLIN } };

	while (!first && poll(p, 2, -1) < 0)
		if (errno != EINTR)
			die("cannot wait for input:");
	return first;
}
