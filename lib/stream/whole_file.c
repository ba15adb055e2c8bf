#define _GNU_SOURCE // O_TMPFILE, flock
#include "stream/whole_file.h"

#include "base/die.h"
#include "base/mem.h"
#include "stream/path.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { MAX_TEMPORARIES = 64, DESCRIPTOR_NAME = 32, SUFFIX = 16, HASH = 18 };

struct whole_file {
	int fd;
	char *name, *path;     /* as given; links followed */
	const char *temporary; /* its name until then, in `temporaries`; NULL: none */
};

/* Files to remove when the program ends: read by the signal handler, changed with signals blocked. */
static char *volatile temporaries[MAX_TEMPORARIES];
static volatile pid_t owner; /* a child of a fork removes nothing */

static void remove_temporaries(void)
{
	if (getpid() != owner)
		return;
	for (int k = 0; k < MAX_TEMPORARIES; k++)
		if (temporaries[k])
			unlink(temporaries[k]);
}

void whole_file_end_by_signal(int number)
{
	sigset_t this;

	remove_temporaries();
	signal(number, SIG_DFL);
	raise(number);
	sigemptyset(&this);
	sigaddset(&this, number);
	pthread_sigmask(SIG_UNBLOCK, &this, NULL); /* in its own handler it waits till now */
	_exit(128 + number);
}

static bool ends_a_program(int number)
{
	static const int others[] = { SIGKILL, SIGSTOP, SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU,
		SIGURG, SIGWINCH };

	for (size_t k = 0; k < sizeof(others) / sizeof(*others); k++)
		if (number == others[k])
			return false;
	return true;
}

static void watch_signals(void)
{
	struct sigaction old, action = { .sa_handler = whole_file_end_by_signal };
	static bool done;

	if (done)
		return;
	done = true;
	atexit(remove_temporaries);
	for (int number = 1; number <= SIGRTMAX; number++)
		if (ends_a_program(number) && !sigaction(number, NULL, &old) &&
			old.sa_handler == SIG_DFL)
			sigaction(number, &action, NULL);
}

static void block_signals(sigset_t *old)
{
	sigset_t all;

	watch_signals();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, old);
}

static void unblock_signals(const sigset_t *old)
{
	pthread_sigmask(SIG_SETMASK, old, NULL);
}

/* With signals blocked: `name`, malloc'ed, is the file's from here on. */
static void remember(struct whole_file *f, char *name)
{
	owner = getpid();
	for (int k = 0; k < MAX_TEMPORARIES; k++)
		if (!temporaries[k]) {
			f->temporary = temporaries[k] = name;
			return;
		}
	BUG("more than %d unfinished files", MAX_TEMPORARIES);
}

static void forget(struct whole_file *f)
{
	for (int k = 0; k < MAX_TEMPORARIES; k++)
		if (temporaries[k] == f->temporary) {
			free(temporaries[k]);
			temporaries[k] = NULL;
		}
	f->temporary = NULL;
}

/* PATH.cofilter-K, malloc'ed; a name that would get too long ends in its hash. */
static char *temporary_name(const char *path, unsigned k)
{
	const char *base = path_base(path);
	const int folder = (int)(base - path);
	const size_t length = strlen(base), most = NAME_MAX - SUFFIX;
	size_t n = length;

	if (length <= most)
		return xasprintf("%s.cofilter-%u", path, k);
	n = most - HASH;
	while (n && ((unsigned char)base[n] & 0xc0) == 0x80) /* between characters */
		n--;
	return xasprintf("%.*s%.*s-%016" PRIx64 ".cofilter-%u", folder, path, (int)n, base,
		(uint64_t)XXH3_64bits(base, length), k);
}

/* Remove `name` if it is a temporary file whose writer lives no more. */
static bool remove_stale(const char *name)
{
	int fd = open(name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat mine, there;
	bool removed;

	if (fd < 0)
		return false;
	removed = !fstat(fd, &mine) && S_ISREG(mine.st_mode) && mine.st_uid == geteuid() &&
		  !flock(fd, LOCK_EX | LOCK_NB) && !lstat(name, &there) &&
		  there.st_ino == mine.st_ino && there.st_dev == mine.st_dev && !unlink(name);
	close(fd);
	if (removed)
		note("removed '%s', which a run that was killed has left", name);
	return removed;
}

/* What a killed run has left of `path`, though its name may not be needed this time. */
static void tidy(const char *path)
{
	char *name = temporary_name(path, 1);

	remove_stale(name);
	free(name);
}

/* Lock the file for as long as it is open; false where a remove_stale was faster. */
static bool lock(int fd)
{
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return false; /* anything else: a file system without locks */
	return !fstat(fd, &st) && st.st_nlink > 0;
}

/* The name by which an open file without one gets one. */
static const char *descriptor_name(int fd, char *buffer)
{
	snprintf(buffer, DESCRIPTOR_NAME, "/proc/self/fd/%d", fd);
	return buffer;
}

static bool link_file(const struct whole_file *f, const char *name)
{
	char buffer[DESCRIPTOR_NAME];

	return !linkat(AT_FDCWD, descriptor_name(f->fd, buffer), AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

static bool create_file(struct whole_file *f, const char *name, mode_t mode)
{
	f->fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (f->fd < 0 || lock(f->fd))
		return f->fd >= 0;
	close(f->fd);
	f->fd = -1;
	errno = EEXIST;
	return false;
}

static bool try_name(struct whole_file *f, const char *name, mode_t mode)
{
	return f->fd < 0 ? create_file(f, name, mode) : link_file(f, name);
}

/* With signals blocked: give the file a temporary name, and make it where there is none yet. False,
   with errno set, where that fails. */
static bool take_temporary_name(struct whole_file *f, mode_t mode)
{
	for (unsigned k = 1; k <= MAX_TEMPORARIES; k++) {
		char *name = temporary_name(f->path, k);
		bool taken = try_name(f, name, mode);

		if (!taken && errno == EEXIST) {
			taken = remove_stale(name) && try_name(f, name, mode);
			errno = EEXIST; /* the next name, whatever that was about */
		}
		if (taken) {
			remember(f, name);
			return true;
		}
		free(name);
		if (errno != EEXIST)
			return false;
	}
	return false;
}

/* -1 where the file system has no such files, or they could not be named later. */
static int open_unnamed(const char *path, mode_t mode)
{
#ifdef O_TMPFILE
	char *folder = path_folder(path), buffer[DESCRIPTOR_NAME];
	int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);

	free(folder);
	if (fd >= 0 && access(descriptor_name(fd, buffer), F_OK)) {
		close(fd);
		fd = -1;
	}
	if (fd >= 0)
		(void)flock(fd, LOCK_EX | LOCK_NB); /* for when it has a name */
	return fd;
#else
	(void)path;
	(void)mode;
	return -1;
#endif
}

static bool is_mount_point(const char *path)
{
#ifdef STATX_ATTR_MOUNT_ROOT
	struct statx st;

	return !statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &st) &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
#else
	(void)path;
	return false;
#endif
}

/* In a folder like /tmp only its owner replaces a file. */
static bool is_protected_by_folder(const char *path, const struct stat *file)
{
	char *folder = path_folder(path);
	const uid_t user = geteuid();
	struct stat st;
	bool is = !stat(folder, &st) && (st.st_mode & S_ISVTX) && user != 0 && st.st_uid != user &&
		  file->st_uid != user;

	free(folder);
	return is;
}

/* Dies where `old`, at the file's path, could not be replaced in the end. */
static void check_replaceable(const struct whole_file *f, const struct stat *old)
{
	if (faccessat(AT_FDCWD, f->path, W_OK, AT_EACCESS))
		die("cannot replace '%s':", f->name);
	if (is_protected_by_folder(f->path, old))
		die("cannot replace '%s': it is another user's, in a folder with the sticky bit",
			f->name);
	if (is_mount_point(f->path))
		die("cannot replace '%s': it is a mount point; give /dev/fd/N to write in place",
			f->name);
}

struct whole_file *whole_file_create(const char *path)
{
	struct whole_file *f = xcalloc(1, sizeof(*f));
	struct stat old;
	sigset_t signals;
	bool exists, made = true;

	f->name = xstrdup(path);
	f->path = path_resolve(path);
	if (!f->path)
		die("cannot follow the link '%s':", path);
	exists = !stat(f->path, &old);
	if (!exists && errno != ENOENT)
		die("cannot create '%s':", path);
	if (exists)
		check_replaceable(f, &old);
	const mode_t mode = exists ? old.st_mode & 0777 : 0666;
	f->fd = open_unnamed(f->path, mode);
	if (f->fd >= 0) {
		tidy(f->path);
	} else {
		block_signals(&signals);
		made = take_temporary_name(f, mode);
		unblock_signals(&signals);
	}
	if (!made)
		die("cannot create '%s':", path);
	if (exists)
		(void)fchmod(f->fd, mode); /* refused where there are no permissions to keep */
	return f;
}

int whole_file_fd(const struct whole_file *f)
{
	return f->fd;
}

/* fsync, where there is such a thing. */
static bool sync_fd(int fd)
{
	return !fsync(fd) || errno == EINVAL || errno == ENOSYS || errno == ENOTSUP ||
	       errno == EROFS;
}

void whole_file_settle(struct whole_file *f)
{
	if (!sync_fd(f->fd))
		die("cannot sync '%s':", f->name);
	if (!f->temporary)
		return; /* its name leads through the descriptor */
	if (close(f->fd))
		die("cannot close '%s':", f->name);
	f->fd = -1;
}

/* With signals blocked. */
static void take_name(struct whole_file *f)
{
	if (!f->temporary && link_file(f, f->path))
		return;
	if (!f->temporary && (errno != EEXIST || !take_temporary_name(f, 0)))
		die("cannot create '%s':", f->name);
	if (rename(f->temporary, f->path))
		die("cannot rename '%s' to '%s':", f->temporary, f->path);
	forget(f);
}

/* -1: a folder that may be written but not read. */
static int open_folder(const char *path)
{
	char *folder = path_folder(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(folder);
	return fd;
}

static void sync_folder(const struct whole_file *f, int fd)
{
	if (fd < 0)
		return;
	if (!sync_fd(fd))
		warn("'%s' is written, but its folder could not be synced: a loss of power may "
		     "undo it:",
			f->name);
	close(fd);
}

void whole_file_publish(struct whole_file *f)
{
	const int folder = open_folder(f->path); /* once the file has its name nothing may fail */
	sigset_t signals;

	block_signals(&signals);
	take_name(f);
	unblock_signals(&signals);
	sync_folder(f, folder);
	if (f->fd >= 0)
		close(f->fd); /* synced before */
	free(f->name);
	free(f->path);
	free(f);
}
