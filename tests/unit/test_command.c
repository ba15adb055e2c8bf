/* Commands of the user's: what counts as one number, how they fail, and that signals end both. */
#include "check.h"
#include "child.h"

#include "base/command.h"

#include <errno.h>
#include <math.h>
#include <time.h>

static char folder[] = "/tmp/test_command.XXXXXX";

static void check_value(const char *text, double expected)
{
	static const char *const set[] = { "COFILTER_MODEL=a b'\"$c", "COFILTER_EPOCH=7", NULL };
	char why[160] = "";
	double value = NAN;
	bool ok = command_number(text, set, &value, why, sizeof(why));

	CHECK(ok && value == expected, "%s: %.17g %s", text, value, why);
}

static void check_fault(const char *text, const char *expected)
{
	static const char *const set[] = { NULL };
	char why[160] = "";
	double value;
	bool ok = command_number(text, set, &value, why, sizeof(why));

	CHECK(!ok && strcmp(why, expected) == 0, "%s: %s", text, why);
}

static void test_numbers(void)
{
	check_value("echo 0.25", 0.25);
	check_value("printf ' \\t-1e-3\\r\\n\\n'", -1e-3);
	check_value("printf 0.1", 0.1);
	check_value("echo 12345678.123456789", 12345678.123456789);
	check_value("printf '%03000d' 5", 5);
	check_value("echo noise >&2; echo 1", 1);
	check_value("echo $COFILTER_EPOCH", 7);
	check_value("[ \"$COFILTER_MODEL\" = \"a b'\\\"\\$c\" ] && echo 1", 1);
	setenv("COFILTER_EPOCH", "6", 1);
	check_value("env | grep -c ^COFILTER_EPOCH=", 1);
	check_value("echo $COFILTER_EPOCH", 7);
	unsetenv("COFILTER_EPOCH");
	check_value("env | grep -c ^HOME=", getenv("HOME") != NULL);
	check_value("cat; echo 3", 3); /* nothing to read */
	check_value("sleep 0.2 | echo 4", 4);
	check_value("exec 3>&1 >/dev/null; sleep 0.2; echo 5 >&3", 5);
}

static void test_faults(void)
{
	check_fault("true", "it printed no number");
	check_fault("echo", "it printed no number");
	check_fault("echo 1 2", "it printed more than a number");
	check_fault("echo 1; echo 2", "it printed more than a number");
	check_fault("printf '1\\0'", "it printed more than a number");
	check_fault("printf '1\\0002'", "it printed more than a number");
	check_fault("yes 1", "it printed more than a number");
	check_fault("printf '%05000d' 5", "it printed more than a number");
	check_fault("echo nan", "it printed 'nan', which is no finite number");
	check_fault("echo inf", "it printed 'inf', which is no finite number");
	check_fault("echo 1e999", "it printed '1e999', which is no finite number");
	check_fault("echo 0x1p3", "it printed '0x1p3', which is no finite number");
	check_fault("echo 0,5", "it printed '0,5', which is no finite number");
	check_fault("echo 1; exit 3", "exit status 3");
	check_fault("no-such-program 2>/dev/null", "exit status 127");
	check_fault("echo 1; kill -9 $$", "it was ended by signal 9");
	check_fault("if", "exit status 2");
}

/* No descriptor is left over. */
static void test_descriptors(void)
{
	int first = dup(0), next;

	close(first);
	check_value("echo 1", 1);
	check_fault("exit 1", "exit status 1");
	next = dup(0);
	CHECK(first == next, "descriptors are closed: %d, %d", first, next);
	close(next);
}

/* Where a command notes the number of its group. */
static char *note_file(void)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s/group", folder);
	return name;
}

static void pause_for(long milliseconds)
{
	struct timespec t = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* The group of the command that runs, once it has noted it. */
static pid_t read_group(void)
{
	for (int k = 0; k < 1000; k++) {
		FILE *f = fopen(note_file(), "r");
		int group = 0;

		if (f && fscanf(f, "%d", &group) != 1)
			group = 0;
		if (f)
			fclose(f);
		if (group)
			return group;
		pause_for(10);
	}
	return 0;
}

static volatile sig_atomic_t seen;

static void on_signal(int number)
{
	seen = number;
}

/* Run a command that takes long; `how` NULL: signals have their default, else they are noted. */
static void run_long(const char *how)
{
	static const char *const set[] = { NULL };
	char text[256], why[160] = "";
	double value;

	if (how)
		signal(SIGINT, on_signal);
	snprintf(text, sizeof(text), "%s echo $$ >%s; sleep 60 | sleep 61; echo 1", how ? how : "",
		note_file());
	command_number(text, set, &value, why, sizeof(why));
	_exit(seen == SIGINT && strncmp(why, "it was ended by signal", 22) == 0 ? 42 : 43);
}

/* Send `number` to a process with a long command; its wait status, once nothing is left of the
   command. */
static int interrupt(const char *how, int number, int times, bool *group_gone)
{
	int status = 0;
	pid_t group, pid;

	unlink(note_file());
	pid = fork();
	if (pid == 0)
		run_long(how);
	group = read_group();
	for (int k = 0; k < times; k++) {
		kill(pid, number);
		pause_for(100);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	for (int k = 0; k < 500 && kill(-group, 0) == 0; k++)
		pause_for(10);
	*group_gone = group > 0 && kill(-group, 0) != 0;
	return status;
}

static void test_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 };
	bool gone;
	int status;

	for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++) {
		signal(numbers[k], SIG_DFL); /* nohup and a shell's & have some of them ignored */
		status = interrupt(NULL, numbers[k], 1, &gone);
		CHECK(gone && WIFSIGNALED(status) && WTERMSIG(status) == numbers[k],
			"signal %d ends the command, then us", numbers[k]);
	}
	status = interrupt(":;", SIGINT, 1, &gone);
	CHECK(gone && WIFEXITED(status) && WEXITSTATUS(status) == 42,
		"with a handler: the command ends, the handler is called");
	status = interrupt("trap '' TERM;", SIGINT, 2, &gone);
	CHECK(gone && WIFEXITED(status) && WEXITSTATUS(status) == 42,
		"a second signal ends a command that ignores SIGTERM");
	status = interrupt(NULL, SIGKILL, 1, &gone);
	CHECK(!gone, "of SIGKILL nobody hears");
	kill(-read_group(), SIGKILL);
}

/* Handlers are as before, also those of signals that were ignored. */
static void test_restored(void)
{
	struct sigaction now;

	signal(SIGINT, on_signal);
	signal(SIGHUP, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	check_value("echo 1", 1);
	check_value("kill -HUP $PPID; echo 2", 2);
	sigaction(SIGINT, NULL, &now);
	CHECK(now.sa_handler == on_signal, "SIGINT has its handler");
	sigaction(SIGHUP, NULL, &now);
	CHECK(now.sa_handler == SIG_IGN, "SIGHUP is still ignored");
	sigaction(SIGCHLD, NULL, &now);
	CHECK(now.sa_handler == SIG_IGN, "SIGCHLD is still ignored");
	signal(SIGCHLD, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
}

/* With standard input and output closed, the pipe gets their numbers. */
static void run_closed(void *arg)
{
	static const char *const set[] = { NULL };
	char why[160];
	double value;

	(void)arg;
	close(0);
	close(1);
	_exit(command_number("cat; echo 6", set, &value, why, sizeof(why)) && value == 6 ? 0 : 1);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	test_numbers();
	test_faults();
	test_descriptors();
	test_restored();
	test_signals();
	CHECK(child_run(run_closed, NULL, child_file()).status == 0, "without our own descriptors");
	unlink(note_file());
	rmdir(folder);
	return CHECK_EXIT;
}
