#include "stream/claim.h"

#include "base/die.h"
#include "base/mem.h"
#include "stream/path.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where a name leads. */
struct place {
	enum { NOWHERE, FILE_THERE, FILE_TO_COME } is;
	int descriptor; /* the name is one of this descriptor; -1: of none */
	mode_t mode;
	dev_t device; /* of the file, or of the folder it will be in */
	ino_t inode;
	char *base; /* of the name, links followed */
};

struct claim {
	char *path; /* NULL: ended */
	struct claim_for what;
	struct place place; /* of a series: of its prefix, as a file to come */
};

static struct claim *claims;
static size_t num_claims, capacity;

static struct place find_place(const char *path, const struct claim_for *what)
{
	struct place p = { .descriptor = -1 };
	char *resolved, *folder;
	struct stat st;

	if (!what->suffix)
		p.descriptor = path_descriptor(
			path, what->use == CLAIM_READ ? STDIN_FILENO : STDOUT_FILENO);
	if (!what->suffix && !(p.descriptor < 0 ? stat(path, &st) : fstat(p.descriptor, &st))) {
		p.is = FILE_THERE;
		p.mode = st.st_mode;
	} else if (p.descriptor < 0 && (resolved = path_resolve(path))) {
		folder = path_folder(resolved);
		if (!stat(folder, &st))
			p.is = FILE_TO_COME;
		p.base = xstrdup(path_base(resolved));
		free(folder);
		free(resolved);
	}
	if (p.is != NOWHERE) {
		p.device = st.st_dev;
		p.inode = st.st_ino;
	}
	return p;
}

char *claim_series_name(const char *prefix, uint64_t number, const char *suffix)
{
	return xasprintf("%s-%04" PRIu64 "%s", prefix, number, suffix);
}

/* Is `name` one of claim_series_name(prefix, any number, suffix)? */
static bool in_series(const char *name, const char *prefix, const char *suffix)
{
	size_t n = strlen(prefix), digits;

	if (strncmp(name, prefix, n) != 0 || name[n] != '-')
		return false;
	digits = strspn(name + n + 1, "0123456789");
	return digits >= 4 && (digits == 4 || name[n + 1] != '0') &&
	       !strcmp(name + n + 1 + digits, suffix);
}

/* Has the series a name, in use already, of the file at `p`? */
static bool series_has_file(const struct claim *series, const struct place *p)
{
	char *folder = path_folder(series->path);
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	bool found = false;
	struct stat st;

	while (dir && !found && (entry = readdir(dir)) != NULL)
		found = in_series(entry->d_name, series->place.base, series->what.suffix) &&
			!fstatat(dirfd(dir), entry->d_name, &st, 0) && st.st_dev == p->device &&
			st.st_ino == p->inode;
	if (dir)
		closedir(dir);
	free(folder);
	return found;
}

static bool series_has(const struct claim *series, const struct place *p)
{
	if (p->is == FILE_THERE)
		return !S_ISCHR(p->mode) && series_has_file(series, p);
	return p->is == FILE_TO_COME && p->device == series->place.device &&
	       p->inode == series->place.inode &&
	       in_series(p->base, series->place.base, series->what.suffix);
}

static bool same_place(const struct place *a, const struct place *b)
{
	if (a->is != b->is || a->is == NOWHERE || a->device != b->device || a->inode != b->inode)
		return false;
	return a->is == FILE_THERE ? !S_ISCHR(a->mode) : !strcmp(a->base, b->base);
}

/* May the file of option `old` be replaced by that of `now`? */
static bool may_replace(const struct claim_for *now, const struct claim_for *old)
{
	return now->replaces && old->option && !strcmp(now->replaces, old->option);
}

static bool in_the_way(const struct claim *a, const struct claim *b)
{
	const bool both_write = a->what.use == CLAIM_WRITE && b->what.use == CLAIM_WRITE;

	if (a->what.use == CLAIM_READ && b->what.use == CLAIM_READ)
		return false;
	if (may_replace(&a->what, &b->what) || may_replace(&b->what, &a->what))
		return false;
	if (a->what.suffix || b->what.suffix)
		return a->what.suffix ? series_has(a, &b->place) : series_has(b, &a->place);
	if (both_write && a->place.descriptor >= 0 && a->place.descriptor == b->place.descriptor)
		return true;
	return same_place(&a->place, &b->place) && (both_write || !S_ISSOCK(a->place.mode));
}

/* "'x' of --log", "standard output", "the input 'x'"; malloc'ed. */
static char *describe(const struct claim *c)
{
	if (c->what.option && c->what.suffix)
		return xasprintf("a file of --%s %s", c->what.option, c->path);
	if (c->what.option)
		return xasprintf("'%s' of --%s", c->path, c->what.option);
	if (!strcmp(c->path, "-"))
		return xstrdup(c->what.use == CLAIM_READ ? "standard input" : "standard output");
	return xasprintf("the %s '%s'", c->what.use == CLAIM_READ ? "input" : "output", c->path);
}

static bool is_messages(const struct place *p)
{
	struct stat st;

	return p->is == FILE_THERE && S_ISREG(p->mode) && !fstat(STDERR_FILENO, &st) &&
	       st.st_dev == p->device && st.st_ino == p->inode;
}

static void check(const struct claim *c)
{
	char *one = describe(c);

	for (size_t k = 0; k < num_claims; k++)
		if (claims[k].path && in_the_way(c, &claims[k]))
			die_usage("%s is also %s", one, describe(&claims[k]));
	if (c->what.use == CLAIM_WRITE && c->place.descriptor < 0 && is_messages(&c->place))
		die_usage("%s is also standard error: messages go there", one);
	free(one);
}

static size_t add(const char *path, struct claim_for what)
{
	struct claim c = { xstrdup(path), what, find_place(path, &what) };
	size_t k = 0;

	check(&c);
	while (k < num_claims && claims[k].path)
		k++;
	if (k == num_claims)
		claims = xgrow(claims, &capacity, ++num_claims, sizeof(*claims));
	claims[k] = c;
	return k;
}

void claim_file(const char *path, struct claim_for what)
{
	add(path, what);
}

int claim_begin(const char *path, enum claim_use use)
{
	for (size_t k = 0; k < num_claims; k++) {
		const struct claim *c = &claims[k];

		if (c->path && c->what.use == use &&
			(c->what.suffix ? in_series(path, c->path, c->what.suffix)
					: !strcmp(path, c->path)))
			return -1;
	}
	return (int)add(path, (struct claim_for){ .use = use });
}

void claim_end(int claim)
{
	if (claim < 0)
		return;
	free(claims[claim].path);
	free(claims[claim].place.base);
	claims[claim].path = NULL;
}

void claim_check_messages(int fd, const char *name)
{
	struct place p = { .is = FILE_THERE };
	struct stat st;

	if (fstat(fd, &st))
		return;
	p.mode = st.st_mode;
	p.device = st.st_dev;
	p.inode = st.st_ino;
	if (is_messages(&p))
		die_usage(
			"'%s' and standard error are one file: messages would stand among records",
			name);
}
