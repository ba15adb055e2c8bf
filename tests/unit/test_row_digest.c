/* The digest of rows depends on the rows, on their order, and on where epochs end; not on how they
   come. */
#include "check.h"

#include "model/row_digest.h"

#include <string.h>

enum { NUM = 20 };

static uint32_t user[NUM], item[NUM], negative[NUM];
static float label[NUM];
static const struct example_columns triples = { user, item, negative, NULL, 1 },
				    samples = { user, item, NULL, label, 0 };

static void fill(void)
{
	for (uint32_t k = 0; k < NUM; k++) {
		user[k] = k * 7 % 5;
		item[k] = k * 11 % 13;
		negative[k] = k;
		label[k] = (float)(k % 2);
	}
}

/* Of all examples, in pieces of `size`, an epoch ending behind `end` of them. */
static struct row_digest_text digest_of(const struct example_columns *c, size_t size, size_t end)
{
	struct row_digest *d = row_digest_new();
	struct row_digest_text text;

	for (size_t at = 0, n; at < NUM; at += n) {
		const size_t stop = at < end ? end : NUM;

		n = stop - at < size ? stop - at : size;
		row_digest_add(d, c, at, n);
		if (at + n == end)
			row_digest_end_epoch(d);
	}
	row_digest_get(d, &text);
	row_digest_free(d);
	return text;
}

static bool same(struct row_digest_text a, struct row_digest_text b)
{
	return !strcmp(a.epochs, b.epochs) && !strcmp(a.epoch, b.epoch);
}

static void test_pieces(void)
{
	const struct row_digest_text whole = digest_of(&triples, NUM, 8);

	for (size_t size = 1; size < NUM; size++)
		CHECK(same(whole, digest_of(&triples, size, 8)), "pieces of %zu", size);
	CHECK(strlen(whole.epochs) == DIGEST_HEX && strlen(whole.epoch) == DIGEST_HEX, "%s %s",
		whole.epochs, whole.epoch);
	const struct row_digest_text other = digest_of(&triples, NUM, 9);
	CHECK(strcmp(whole.epochs, other.epochs) && strcmp(whole.epoch, other.epoch),
		"another end of the epoch");
}

/* Each value of each column, before the end of the epoch and behind it. */
static void test_values(void)
{
	int missed = 0;

	for (int pairwise = 0; pairwise < 2; pairwise++) {
		const struct example_columns *c = pairwise ? &triples : &samples;
		const struct row_digest_text whole = digest_of(c, NUM, 8);

		for (size_t k = 0; k < NUM; k++)
			for (int column = 0; column < 3; column++) {
				struct row_digest_text t;

				fill();
				if (column < 2)
					(column ? item : user)[k] ^= 1;
				else if (pairwise)
					negative[k] ^= 1;
				else
					label[k] = 1 - label[k];
				t = digest_of(c, NUM, 8);
				missed += (strcmp(t.epochs, whole.epochs) != 0) != (k < 8);
				missed += (strcmp(t.epoch, whole.epoch) != 0) != (k >= 8);
			}
		fill();
	}
	CHECK(missed == 0, "a changed value shows, in its epoch: %d do not", missed);
	const struct row_digest_text whole = digest_of(&triples, NUM, 8);
	user[3] = user[4], item[3] = item[4], negative[3] = negative[4];
	negative[4] = 3; /* two rows changed places, but for one value */
	CHECK(!same(whole, digest_of(&triples, NUM, 8)), "so does another order");
	fill();
}

static void test_taken_over(void)
{
	const struct row_digest_text whole = digest_of(&triples, NUM, 8);
	struct row_digest *d = row_digest_new();
	struct row_digest_text text;

	row_digest_add(d, &triples, 8, NUM - 8);
	row_digest_get(d, &text);
	CHECK(!strcmp(text.epoch, whole.epoch), "an epoch does not depend on those before");
	row_digest_set_epochs(d, whole.epochs);
	row_digest_get(d, &text);
	CHECK(same(text, whole), "which can be taken over");
	row_digest_free(d);
}

int main(void)
{
	fill();
	test_pieces();
	test_values();
	test_taken_over();
	return CHECK_EXIT;
}
