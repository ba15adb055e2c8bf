/* mem: alignment, zeros and overflow; bitset: one bit for each number. */
#include "base/bitset.h"
#include "base/mem.h"
#include "check.h"
#include "child.h"

static bool all_zero(const unsigned char *p, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (p[k])
			return false;
	return true;
}

static void test_aligned(void)
{
	static const size_t sizes[] = { 0, 1, 63, 64, 65, 1000, 4095, 5 << 20 };

	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		const size_t n = sizes[k];
		unsigned char *p = xmalloc(n, 1);

		memset(p, 0xa5, n); // what the next allocation may find there
		free(p);
		p = xcalloc_aligned(n, 1);
		CHECK((uintptr_t)p % 64 == 0 && all_zero(p, n),
			"%zu bytes: zeroed, at a multiple of 64", n);
		free(p);
		p = xmalloc_table(n, 1);
		memset(p, 1, n);
		CHECK((uintptr_t)p % 64 == 0, "a table of %zu bytes: at a multiple of 64", n);
		free(p);
	}
	free(xcalloc_aligned(3, 0));
	free(xcalloc_aligned(0, 8));
}

static void take_aligned(void *n)
{
	free(xcalloc_aligned(*(size_t *)n, 16));
}

static void take_table(void *n)
{
	free(xmalloc_table(*(size_t *)n, 16));
}

static void test_overflow(void)
{
	static size_t sizes[] = { SIZE_MAX / 16 - 1, SIZE_MAX / 16, SIZE_MAX / 16 + 2, SIZE_MAX };
	const int fd = child_file();

	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		const struct child c = child_run(take_aligned, &sizes[k], fd);
		const struct child t = child_run(take_table, &sizes[k], fd);

		CHECK(c.status == 1 && child_one_line(c.text, "cofilter") &&
				strstr(c.text, "Cannot allocate memory"),
			"%zu x 16 bytes: %.80s", sizes[k], c.text);
		CHECK(t.status == 1 && child_one_line(t.text, "cofilter"),
			"a table of %zu x 16 bytes: refused", sizes[k]);
	}
}

static void test_bitset(void)
{
	enum { N = 100 };
	unsigned char *set = bitset_new(N);
	uint32_t held = 0;

	for (uint32_t k = 0; k < N; k += 3)
		bitset_add(set, k);
	bitset_remove(set, 9);
	CHECK(!bitset_insert(set, 12) && bitset_insert(set, 9) && !bitset_insert(set, 9),
		"insert says whether the number was missing");
	for (uint32_t k = 0; k < N; k++)
		held += bitset_has(set, k) == (k % 3 == 0);
	CHECK(held == N, "multiples of 3 and no others: %u of %d right", held, N);
	bitset_clear(set, N);
	CHECK(all_zero(set, N / 8 + 1), "cleared");
	free(set);
}

int main(void)
{
	test_aligned();
	test_overflow();
	test_bitset();
	return CHECK_EXIT;
}
