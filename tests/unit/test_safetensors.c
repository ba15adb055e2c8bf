/*
 * The model file: the bytes written against bytes made here, models that come back as they went,
 * and one clear line for every kind of damage.
 */
#include "check.h"
#include "child.h"

#include "base/bytes.h"
#include "base/die.h"
#include "base/mem.h"
#include "model/model_file.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

/* A model of 2 users, 3 items, 2 factors, as the format's description has it: 10 floats of data. */
#define USER_IDS "[[1, \\\"00000000000000ff\\\"], [2, \\\"0123456789abcdef\\\"]]"
#define PAIRS                                                                                    \
	"\"model\": \"mf\", \"loss\": \"bpr\", \"sigmoid_output\": \"false\", "                  \
	"\"users\": \"2\", \"items\": \"3\", \"factors\": \"2\", \"mlp_factors\": \"0\", "       \
	"\"hidden\": \"\", \"seed\": \"9\", \"device\": \"reference\", \"compute\": \"plain\", " \
	"\"user_ids\": \"" USER_IDS "\", \"provenance\": \"[]\""
#define ZEROS	 "00000000000000000000000000000000"
#define SUMS	 ", \"checksum\": \"" ZEROS "\", \"header_checksum\": \"" ZEROS "\""
#define METADATA "\"__metadata__\": {" PAIRS "}"
#define ITEM \
	"\"gmf_item.weight\": {\"dtype\": \"F32\", \"shape\": [3, 2], \"data_offsets\": [0, 24]}"
#define USER \
	"\"gmf_user.weight\": {\"dtype\": \"F32\", \"shape\": [2, 2], \"data_offsets\": [24, 40]}"
#define GOOD   "{" METADATA ", " ITEM ", " USER "}"
#define SEALED "{\"__metadata__\": {" PAIRS SUMS "}, " ITEM ", " USER "}"

enum { MAX_FILE = 4096, NUM_PARAMS = 10, DATA_BYTES = 40 };

static const struct neumf_shape mf = {
	.model = MODEL_MF, .loss = LOSS_BPR, .num_users = 2, .num_items = 3, .factors = 2
};

static char path[] = "/tmp/test_safetensors.XXXXXX";
static int errors;

struct file {
	unsigned char bytes[MAX_FILE];
	size_t size;
};

/* Length, JSON padded to a multiple of 8, and 0.5, 1.5, 2.5, ... */
static void make(struct file *f, const char *header)
{
	size_t n = strlen(header), padded = (n + 7) / 8 * 8;

	memset(f->bytes, ' ', sizeof(f->bytes));
	put64(f->bytes, padded);
	memcpy(f->bytes + 8, header, n);
	for (int k = 0; k < NUM_PARAMS; k++)
		put_f32(f->bytes + 8 + padded + 4 * k, (float)k + 0.5f);
	f->size = 8 + padded + DATA_BYTES;
}

/* Put the hash of `size` bytes where the zeros of `key` are. */
static void put_sum(struct file *f, const char *key, const void *bytes, size_t size)
{
	XXH128_canonical_t hash;
	char hex[sizeof(ZEROS)];
	char *at = strstr((char *)f->bytes + 8, key);

	XXH128_canonicalFromHash(&hash, XXH3_128bits(bytes, size));
	for (int k = 0; k < 16; k++)
		snprintf(hex + 2 * k, 3, "%02x", hash.digest[k]);
	memcpy(at + strlen(key), hex, sizeof(hex) - 1);
}

/* The good file with both checksums. */
static void make_sealed(struct file *f)
{
	make(f, SEALED);
	const size_t header = f->size - DATA_BYTES;
	put_sum(f, "\"checksum\": \"", f->bytes + header, DATA_BYTES);
	put_sum(f, "\"header_checksum\": \"", f->bytes, header);
}

static void store(const struct file *f)
{
	FILE *out = fopen(path, "wb");

	if (!out || fwrite(f->bytes, 1, f->size, out) != f->size || fclose(out))
		abort();
}

static void load(void *arg)
{
	struct model m;

	(void)arg;
	model_file_load(&m, path);
	model_release(&m);
}

/* Loading `f` ends with status 1 and one line that names the file and has `text`. */
static void check_fault(const struct file *f, const char *text)
{
	store(f);
	struct child c = child_run(load, NULL, errors);
	CHECK(c.status == 1 && child_one_line(c.text, "cofilter") && strstr(c.text, text) &&
			strstr(c.text, path),
		"%s: status %d, %.*s", text, c.status, (int)strcspn(c.text, "\n"), c.text);
}

static void check_header(const char *header, const char *text)
{
	struct file f;

	make(&f, header);
	check_fault(&f, text);
}

/* The good header with the first `from` replaced. */
static void check_change(const char *from, const char *to, const char *text)
{
	char header[MAX_FILE];
	const char *at = strstr(GOOD, from);

	if (!at)
		abort();
	snprintf(header, sizeof(header), "%.*s%s%s", (int)(at - GOOD), GOOD, to, at + strlen(from));
	check_header(header, text);
}

struct values {
	struct neumf_layout layout;
	const float *params;
};

static void values_of(void *arg, struct neumf_rows rows, float *out)
{
	const struct values *v = arg;
	const struct neumf_tensor *t = &v->layout.tensor[rows.tensor];

	memcpy(out, v->params + t->offset + (size_t)rows.first * t->cols,
		neumf_floats(&v->layout, rows) * sizeof(*out));
}

static void save(const struct neumf_shape *shape, const float *params, const char *device)
{
	struct id_pair pair[] = { { 1, 0xff }, { 2, 0x0123456789abcdef } };
	struct id_family users = { 2, pair }, items = { 0 };
	struct js *provenance = js_array();
	struct model_info info = { .seed = 9,
		.device = device,
		.compute = device ? "plain" : NULL,
		.provenance = provenance,
		.user_ids = &users,
		.item_ids = device ? &items : NULL };
	struct values v = { .params = params };

	neumf_layout(shape, &v.layout);
	model_file_save(stream_create(path, true), shape, &info, values_of, &v);
	js_free(provenance);
}

static void test_bytes(void)
{
	float params[NUM_PARAMS];
	unsigned char written[MAX_FILE];
	struct model m;
	struct file f;

	for (int k = 0; k < NUM_PARAMS; k++)
		params[k] = (float)k + 0.5f;
	save(&mf, params, "reference");
	make_sealed(&f);
	FILE *in = fopen(path, "rb");
	size_t n = in ? fread(written, 1, sizeof(written), in) : 0;
	if (in)
		fclose(in);
	CHECK(n == f.size && !memcmp(written, f.bytes, n), "the bytes written are the format's");

	store(&f);
	model_file_load(&m, path);
	CHECK(!memcmp(&m.shape, &mf, sizeof(mf)) && !memcmp(m.params, params, sizeof(params)),
		"and are read back");
	CHECK(m.user_ids.num == 2 && m.user_ids.pair[0].count == 1 &&
			m.user_ids.pair[0].hash == 0xff && m.user_ids.pair[1].count == 2 &&
			m.user_ids.pair[1].hash == 0x0123456789abcdef && m.item_ids.num == 0,
		"with the id map of the users; that of the items is not known");
	model_release(&m);

	save(&mf, params, NULL);
	in = fopen(path, "rb");
	n = in ? fread(written, 1, sizeof(written) - 1, in) : 0;
	if (in)
		fclose(in);
	written[n] = '\0';
	CHECK(n > 0 && strstr((char *)written + 8, "\"user_ids\"") &&
			!strstr((char *)written + 8, "\"item_ids\"") &&
			!strstr((char *)written + 8, "\"device\"") &&
			!strstr((char *)written + 8, "\"compute\""),
		"what is not known is not said");
}

static void test_models(void)
{
	struct neumf_shape s = { .num_users = 5, .num_items = 4 };
	struct neumf_layout l;

	for (unsigned k = MODEL_NEUMF; k <= MODEL_MF + 1; k++)
		for (s.loss = LOSS_BPR; s.loss <= LOSS_BCE; s.loss++) {
			s.bias = k > MODEL_MF;
			s.model = s.bias ? MODEL_MF : k;
			s.sigmoid_output = s.loss == LOSS_HINGE;
			s.factors = neumf_has_gmf(&s) ? 3 : 0;
			s.num_hidden = s.mlp_factors = neumf_has_mlp(&s) ? 2 : 0;
			s.hidden[0] = neumf_has_mlp(&s) ? 6 : 0;
			s.hidden[1] = neumf_has_mlp(&s) ? 5 : 0;
			neumf_layout(&s, &l);
			float *params = xmalloc(l.num_params, sizeof(float));
			neumf_init(&s, 0.5, DENSE_NORMAL, 3, params);
			save(&s, params, "reference");
			struct model m;
			model_file_load(&m, path);
			CHECK(!memcmp(&s, &m.shape, sizeof(s)) &&
					!memcmp(params, m.params, l.num_params * sizeof(float)),
				"model %u, %s, comes back as it went", k, neumf_loss_names[s.loss]);
			free(params);
			model_release(&m);
		}
}

static void test_headers(void)
{
	check_header("", "a header of 0 bytes");
	check_header("{", "header of");
	check_header("[]", "__metadata__");
	check_header("{" ITEM ", " USER "}", "__metadata__");
	check_header("{" METADATA ", " ITEM "}", "no tensor 'gmf_user.weight'");
	check_header("{" METADATA ", " ITEM ", " USER ", \"more\": {}}", "tensor 'more'");
	check_change("\"9\"", "9", "\"seed\" of the metadata is no string");
	check_change("\"model\": \"mf\", ", "", "no \"model\"");
	check_change("\"mf\"", "\"svd\"", "\"model\" is 'svd'");
	check_change("\"bpr\"", "\"bpr \"", "\"loss\" is 'bpr '");
	check_change("\"false\"", "\"no\"", "\"sigmoid_output\" is 'no'");
	check_change("\"users\": \"2\"", "\"users\": \"-2\"", "\"users\" is '-2'");
	check_change("\"users\": \"2\"", "\"users\": \"4294967296\"", "\"users\" is '4294967296'");
	check_change("\"users\": \"2\"", "\"users\": \"0\"", "no users");
	check_change("\"factors\": \"2\"", "\"factors\": \"65537\"", "number of factors");
	check_change("\"hidden\": \"\"", "\"hidden\": \"8,,4\"", "\"hidden\" is '8,,4'");
	check_change("\"hidden\": \"\"", "\"hidden\": \"8\"", "no hidden layers");
	check_change("\"hidden\": \"\"", "\"hidden\": \"1,1,1,1,1,1,1,1,1\"", "\"hidden\" is");
	check_change("[[1, ", "[[3, ", "\"user_ids\" is '[[3, ");
	check_change("00ff", "0ff", "\"user_ids\" is '[[1, ");
	check_change("[[1, ", "[{1, ", "\"user_ids\": ");
	check_change("\"" USER_IDS "\"", "\"{}\"", "\"user_ids\" is '{}'");
	check_change("F32", "F64", "tensor 'gmf_item.weight'");
	check_change("[3, 2]", "[2, 3]", "shape (3, 2)");
	check_change("[3, 2]", "[6]", "shape (3, 2)");
	check_change("[3, 2]", "[3, 2, 1]", "shape (3, 2)");
	check_change("[3, 2]", "[3, \"2\"]", "shape (3, 2)");
	check_change("[0, 24]", "[8, 32]", "bytes 0 to 24");
	check_change("[0, 24]", "[0, 28]", "bytes 0 to 24");
	check_change("[24, 40]", "[20, 36]", "bytes 24 to 40");
	check_change("[24, 40]", "[32, 48]", "bytes 24 to 40");
	check_change("[24, 40]", "24", "bytes 24 to 40");
	check_header(
		"{" METADATA ", "
		"\"gmf_item.weight\": {\"dtype\": \"F32\", \"shape\": [3, 2], \"data_offsets\": [16, 40]}, "
		"\"gmf_user.weight\": {\"dtype\": \"F32\", \"shape\": [2, 2], \"data_offsets\": [0, 16]}}",
		"bytes 0 to 24"); /* not in name order */
}

/* Bounds that would need more memory than there is, in a file of some hundred bytes. */
static void test_lie(void)
{
	check_header(
		"{\"__metadata__\": {\"model\": \"mf\", \"loss\": \"bpr\", \"sigmoid_output\": \"false\", "
		"\"users\": \"4000000000\", \"items\": \"4000000000\", \"factors\": \"65536\", "
		"\"mlp_factors\": \"0\", \"hidden\": \"\"}, "
		"\"gmf_item.weight\": {\"dtype\": \"F32\", \"shape\": [4000000000, 65536], "
		"\"data_offsets\": [0, 1048576000000000]}, "
		"\"gmf_user.weight\": {\"dtype\": \"F32\", \"shape\": [4000000000, 65536], "
		"\"data_offsets\": [1048576000000000, 2097152000000000]}}",
		"its header says 2097152000000");
}

static void test_data(void)
{
	struct file f;

	make(&f, GOOD);
	put64(f.bytes, UINT64_MAX);
	check_fault(&f, "no safetensors file");
	put64(f.bytes, 100000000);
	check_fault(&f, "in a header of 100000000 bytes");

	make(&f, GOOD);
	put_f32(f.bytes + f.size - 8, NAN);
	check_fault(&f, "not finite");
	put_f32(f.bytes + f.size - 8, -INFINITY);
	check_fault(&f, "not finite");

	make(&f, GOOD);
	f.size++;
	check_fault(&f, "goes on after byte");
}

static void load_loudly(void *arg)
{
	die_quiet = false;
	load(arg);
}

/* Files of other programs and of before need not have checksums; one alone is a fault. */
static void test_no_sums(void)
{
	struct file f;

	make(&f, GOOD);
	store(&f);
	struct child c = child_run(load_loudly, NULL, errors);
	CHECK(c.status == 0 && child_one_line(c.text, "cofilter") && strstr(c.text, path) &&
			strstr(c.text, "has no checksum"),
		"without checksums it is read, and noted: %.*s", (int)strcspn(c.text, "\n"),
		c.text);
	make_sealed(&f);
	store(&f);
	c = child_run(load_loudly, NULL, errors);
	CHECK(c.status == 0 && !c.text[0], "with them nothing is noted");
	check_change("\"[]\"", "\"[]\", \"checksum\": \"" ZEROS "\"",
		"has \"checksum\" without \"header_checksum\"");
	check_change("\"[]\"", "\"[]\", \"header_checksum\": \"" ZEROS "\"",
		"has \"header_checksum\" without \"checksum\"");
	check_change("\"[]\"", "\"[]\"" SUMS, "the header of '");
	check_change("\"[]\"", "\"[]\", \"checksum\": \"\", \"header_checksum\": \"\"",
		"the header of '");
}

/* Loading `f` fails with one line; `why`: a part of that line. */
static bool refused(const struct file *f, const char *why)
{
	store(f);
	struct child c = child_run(load, NULL, errors);
	return c.status == 1 && child_one_line(c.text, "cofilter") && strstr(c.text, why);
}

/* Every proper prefix is an error, and so is every flipped bit. */
static void test_cuts_and_flips(void)
{
	struct file good, f;
	int bad = 0;

	make_sealed(&good);
	f = good;
	for (f.size = 0; f.size < good.size; f.size++)
		bad += !refused(&f, "");
	CHECK(bad == 0, "%zu prefixes, each one line and status 1; %d are not", good.size, bad);
	bad = 0;
	for (size_t bit = 0; bit < 8 * good.size; bit++) {
		const size_t data = 8 * (good.size - DATA_BYTES);

		f = good;
		f.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
		bad += !refused(&f, bit >= data && bit % 32 < 23 ? "the tensors of '" : "");
	}
	CHECK(bad == 0, "of %zu flipped bits %d are not one line and status 1", 8 * good.size, bad);
}

static void save_nan(void *arg)
{
	float params[NUM_PARAMS] = { 1, 2, 3, NAN };

	(void)arg;
	save(&mf, params, "reference");
}

static void test_save_nan(void)
{
	remove(path);
	struct child c = child_run(save_nan, NULL, errors);
	CHECK(c.status == 1 && strstr(c.text, "'gmf_item.weight' is not finite") &&
			access(path, F_OK) != 0,
		"a model that is not finite is not written: %s", c.text);
}

int main(void)
{
	if (mkstemp(path) < 0)
		abort();
	errors = child_file();
	die_quiet = true; /* notes: test_no_sums */
	test_bytes();
	test_models();
	test_headers();
	test_lie();
	test_data();
	test_no_sums();
	test_cuts_and_flips();
	test_save_nan();
	remove(path);
	return CHECK_EXIT;
}
