#include "base/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COLUMNS = 80, FEWEST_COLUMNS = 20 };

size_t terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col == 0)
		return COLUMNS;
	return size.ws_col < FEWEST_COLUMNS ? FEWEST_COLUMNS : size.ws_col;
}

bool terminal_is_pipe(int descriptor)
{
	struct stat st;

	return fstat(descriptor, &st) == 0 && S_ISFIFO(st.st_mode);
}

/* Byte r of the device is the claim of right r. */
static struct flock bytes(short type, off_t first, off_t num)
{
	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = num
	};
}

bool terminal_has_line(enum terminal_right right)
{
	struct flock mine = bytes(F_WRLCK, (off_t)right, 1),
		     greater = bytes(F_WRLCK, 0, (off_t)right);

	if (fcntl(STDERR_FILENO, F_SETLK, &mine))
		return errno != EACCES && errno != EAGAIN;
	if (right == TERMINAL_LAST)
		return true;
	return fcntl(STDERR_FILENO, F_GETLK, &greater) || greater.l_type == F_UNLCK;
}

void terminal_give_up(void)
{
	struct flock all = bytes(F_UNLCK, 0, TERMINAL_BEHIND + 1);

	fcntl(STDERR_FILENO, F_SETLK, &all);
}
