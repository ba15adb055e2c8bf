#define _GNU_SOURCE // pipe2
#include "base/command.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const int watched[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM,
	SIGXCPU };
enum { NUM_WATCHED = sizeof(watched) / sizeof(*watched) };

/* What the signal handler reads. */
static volatile sig_atomic_t group, signals; /* 0: no command runs; signals since it started */
static struct sigaction before[NUM_WATCHED];

/* The command goes first, then whatever the signal means to this program. */
static void on_signal(int number)
{
	int error = errno;
	pid_t running = group;
	size_t k = 0;

	if (running)
		kill(-running, signals++ ? SIGKILL : SIGTERM);
	while (watched[k] != number)
		k++;
	errno = error;
	if (before[k].sa_handler != SIG_DFL) {
		before[k].sa_handler(number);
		return;
	}
	signal(number, SIG_DFL);
	raise(number);
}

static void watch_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	signals = 0;
	for (size_t k = 0; k < NUM_WATCHED; k++)
		if (sigaction(watched[k], NULL, &before[k]) == 0 && before[k].sa_handler != SIG_IGN)
			sigaction(watched[k], &action, NULL);
}

static void restore_signals(void)
{
	for (size_t k = 0; k < NUM_WATCHED; k++)
		if (before[k].sa_handler != SIG_IGN)
			sigaction(watched[k], &before[k], NULL);
}

/* Does `entry`, "NAME=value", name the variable that `other` names? */
static bool same_name(const char *entry, const char *other)
{
	size_t length = strcspn(entry, "=");

	return strncmp(entry, other, length) == 0 && other[length] == '=';
}

/* Our environment with the variables of `set` in place of those of their names; the strings are
   borrowed. */
static char **make_environment(const char *const *set)
{
	size_t num = 0, more = 0, n = 0;

	while (environ && environ[num])
		num++;
	while (set[more])
		more++;
	char **all = xmalloc(num + more + 1, sizeof(*all));
	for (size_t k = 0; k < num; k++) {
		size_t j = 0;

		while (j < more && !same_name(set[j], environ[k]))
			j++;
		if (j == more)
			all[n++] = environ[k];
	}
	for (size_t j = 0; j < more; j++)
		all[n++] = (char *)set[j];
	all[n] = NULL;
	return all;
}

/* Start the command in a group of its own, its output going to `out`. An error number, or 0. */
static int start(const char *text, const char *const *set, int out, pid_t *pid)
{
	char *const argv[] = { "sh", "-c", (char *)text, NULL };
	char **environment = make_environment(set);
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t mask;
	int error;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attributes, 0);
	sigemptyset(&mask);
	posix_spawnattr_setsigmask(&attributes, &mask);
	error = posix_spawn(pid, "/bin/sh", &files, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	free(environment);
	return error;
}

/* Read to the end, or to one byte more than a number may have; returns how many were read. */
static size_t read_output(int fd, char *text)
{
	size_t used = 0;
	ssize_t n;

	do {
		n = read(fd, text + used, COMMAND_MAX_OUTPUT + 1 - used);
		used += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && used <= COMMAND_MAX_OUTPUT) || (n < 0 && errno == EINTR));
	return used;
}

/* Wait for the end of the command, and only then let its number go: till then the handler may use
   it. */
static bool wait_for(pid_t pid, int *status)
{
	siginfo_t info;
	pid_t ended;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
		;
	group = 0;
	do
		ended = waitpid(pid, status, 0);
	while (ended < 0 && errno == EINTR);
	return ended == pid;
}

/* Run the command with its output into `ends`; false where that is not possible, errno set. */
static bool run(const char *text, const char *const *set, const int ends[2], char *output,
	size_t *n, int *status)
{
	sigset_t all, old;
	pid_t pid;
	int error;

	/* no signal between the start and the number that the handler needs */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	watch_signals();
	error = start(text, set, ends[1], &pid);
	group = error ? 0 : pid;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	close(ends[1]);
	if (!error)
		*n = read_output(ends[0], output);
	close(ends[0]); /* who prints more than a number gets SIGPIPE */
	if (!error && !wait_for(pid, status))
		error = errno;
	restore_signals();
	errno = error;
	return !error;
}

/* The one number of a text of n bytes with room for a NUL; false, and what it is instead. */
static bool parse_output(char *text, size_t n, double *value, char *why, size_t size)
{
	static const char blanks[] = " \t\r\n\f\v";
	char *number;

	text[n] = '\0';
	number = text + strspn(text, blanks);
	size_t length = strcspn(number, blanks);
	if (strlen(text) < n || number[length + strspn(number + length, blanks)]) {
		snprintf(why, size, "it printed more than a number");
		return false;
	}
	number[length] = '\0';
	if (length == 0)
		snprintf(why, size, "it printed no number");
	else if (!number_parse_real(number, -DBL_MAX, DBL_MAX, value))
		snprintf(why, size, "it printed '%.40s', which is no finite number", number);
	else
		return true;
	return false;
}

bool command_number(const char *text, const char *const *set, double *value, char *why, size_t size)
{
	struct sigaction children, standard = { .sa_handler = SIG_DFL };
	char output[COMMAND_MAX_OUTPUT + 1];
	int ends[2], status = 0;
	size_t n = 0;
	bool ran;

	if (pipe2(ends, O_CLOEXEC) != 0) {
		snprintf(why, size, "cannot make a pipe: %s", strerror(errno));
		return false;
	}
	sigaction(SIGCHLD, &standard, &children); /* ignored, it would take the status away */
	ran = run(text, set, ends, output, &n, &status);
	sigaction(SIGCHLD, &children, NULL);
	if (!ran)
		snprintf(why, size, "cannot be run: %s", strerror(errno));
	else if (n > COMMAND_MAX_OUTPUT)
		snprintf(why, size, "it printed more than a number");
	else if (WIFSIGNALED(status))
		snprintf(why, size, "it was ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		snprintf(why, size, "exit status %d", WEXITSTATUS(status));
	else
		return parse_output(output, n, value, why, size);
	return false;
}
