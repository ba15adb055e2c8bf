/* child: run a function in a process of its own, since the library ends the process it fails in. */
#ifndef CHILD_H
#define CHILD_H

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that dies frees nothing; and a search for leaks in each takes minutes. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return 1;
}

/* Then it hangs, and is killed by SIGALRM. A busy machine may stop for a while. */
enum { CHILD_SECONDS = 120 };

struct child {
	int status; /* exit status, or minus the signal that ended it */
	char text[1024];
};

/* f(arg) in a child; what it says on stderr goes by way of `fd`, an empty file of the caller's. */
static inline struct child child_run(void (*f)(void *arg), void *arg, int fd)
{
	struct child c = { 0 };
	int status;
	pid_t pid;

	if (ftruncate(fd, 0) || fflush(stdout))
		abort();
	pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0) {
		alarm(CHILD_SECONDS);
		dup2(fd, STDERR_FILENO);
		lseek(STDERR_FILENO, 0, SEEK_SET);
		f(arg);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		abort();
	c.status = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
	if (pread(fd, c.text, sizeof(c.text) - 1, 0) < 0)
		abort();
	return c;
}

/* Is `text` one line "NAME: ...", of printable characters? */
static inline bool child_one_line(const char *text, const char *name)
{
	size_t n = strlen(text);

	if (strncmp(text, name, strlen(name)) || strncmp(text + strlen(name), ": ", 2))
		return false;
	for (size_t k = 0; k + 1 < n; k++)
		if (text[k] < ' ' || text[k] > '~')
			return false;
	return text[n - 1] == '\n';
}

/* A temporary file without a name. */
static inline int child_file(void)
{
	FILE *f = tmpfile();

	if (!f)
		abort();
	return fileno(f); /* stays open to the end */
}

#endif
