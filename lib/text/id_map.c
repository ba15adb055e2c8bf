#include "text/id_map.h"

#include "base/die.h"
#include "base/mem.h"
#include "stream/stream.h"
#include "text/id_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void id_map_init(struct id_map *m)
{
	*m = (struct id_map){ .ids = raw_ids_new(RAW_IDS_MAX) };
}

void id_map_release(struct id_map *m)
{
	raw_ids_free(m->ids);
	id_family_release(&m->known);
	free(m->order);
	free(m->names);
	free(m->name_at);
}

/* Keep the name of the known id `id`; places begin at 1. */
static void keep_name(struct id_map *m, uint32_t id, const struct id_line *line)
{
	const size_t at = m->names_size ? m->names_size : 1, size = line->name_length + 1;

	m->names = xgrow(m->names, &m->names_capacity, at + size, 1);
	memcpy(m->names + at, line->name, size);
	m->names_size = at + size;
	m->name_at[id] = at;
}

/* Line `id` of an id file, from 0. */
static void know_line(
	struct id_map *m, const struct id_file *f, const struct id_line *line, uint32_t id)
{
	const struct raw_id raw = raw_id_of(line->raw, line->raw_length);
	const uint32_t known = raw_ids_size(m->ids);
	uint32_t found;

	if (line->dense != id)
		id_file_die(f, "id %" PRIu64 ", where a map has %" PRIu32, line->dense, id);
	if (line->raw_length == 0)
		id_file_die(f, "the raw id is empty");
	if (!line->whole)
		id_file_die(f, "it has no line end: the file was cut off");
	found = raw_ids_add(m->ids, &raw);
	if (found == UINT32_MAX)
		id_file_die(f, "more than %" PRIu32 " ids", RAW_IDS_MAX);
	if (id >= known && found != id)
		id_file_die(f, "'%s' is id %" PRIu32 " already", line->raw, found);
	if (id < known && found != id)
		id_file_die(f, "'%s' where the map before it has '%s': not its continuation",
			line->raw, raw_ids_get(m->ids, id));
}

void id_map_know(struct id_map *m, const char *path)
{
	struct id_file *f = id_file_open(path);
	struct id_hash *hash = id_hash_new();
	size_t capacity = m->num_known;
	struct id_line line;
	uint32_t num = 0;

	while (id_file_read(f, &line)) {
		know_line(m, f, &line, num);
		id_hash_add(hash, line.raw, line.raw_length);
		m->name_at = xgrow(m->name_at, &capacity, (size_t)num + 1, sizeof(*m->name_at));
		m->name_at[num] = 0;
		if (line.name_length)
			keep_name(m, num, &line);
		num++;
	}
	if (num == 0)
		die("'%s' holds no ids", id_file_name(f));
	if (num < m->num_known)
		die("'%s' has %" PRIu32 " ids, the map before it %" PRIu32 ": not its continuation",
			id_file_name(f), num, m->num_known);
	if (num > m->num_known)
		id_family_add(&m->known, num, id_hash_value(hash));
	m->num_known = num;
	id_hash_free(hash);
	id_file_close(f);
}

bool id_map_related(const struct id_map *m, const struct id_family *f)
{
	struct id_match match;

	id_match_init(&match, f);
	for (uint32_t id = 0; id < m->num_known; id++) {
		const char *raw = raw_ids_get(m->ids, id);

		id_match_add(&match, raw, strlen(raw));
	}
	id_match_release(&match);
	return match.met || f->num == 0;
}

const char *id_map_name(const struct id_map *m, uint32_t id)
{
	return m->name_at[id] ? m->names + m->name_at[id] : NULL;
}

uint32_t id_map_size(const struct id_map *m)
{
	return raw_ids_size(m->ids);
}

void id_map_settle(struct id_map *m, const uint32_t *count)
{
	m->order = raw_ids_order(m->ids, m->num_known, count, &m->num);
}

uint32_t *id_map_dense(const struct id_map *m)
{
	uint32_t *dense = xmalloc(id_map_size(m), sizeof(*dense));

	for (uint32_t k = 0; k < m->num; k++)
		dense[m->order[k]] = k;
	return dense;
}

const char *id_map_raw(struct id_map *m, uint32_t dense)
{
	return raw_ids_get(m->ids, m->order[dense]);
}

void id_map_family(struct id_map *m, struct id_family *f)
{
	struct id_hash *hash;

	id_family_copy(f, &m->known);
	if (m->num == m->num_known)
		return;
	hash = id_hash_new();
	for (uint32_t k = 0; k < m->num; k++) {
		const char *raw = id_map_raw(m, k);

		id_hash_add(hash, raw, strlen(raw));
	}
	id_family_add(f, m->num, id_hash_value(hash));
	id_hash_free(hash);
}

void id_map_write(struct id_map *m, struct stream_out *out)
{
	for (uint32_t k = 0; k < m->num; k++) {
		const char *name = k < m->num_known ? id_map_name(m, k) : NULL;

		stream_printf(out, "%" PRIu32 "\t%s%s%s\n", k, id_map_raw(m, k), name ? "\t" : "",
			name ? name : "");
	}
}
