#include "model/train_provenance.h"

struct js *train_provenance(const struct js *provenance, struct js *chosen, const char *stopped,
	const struct trainer_epoch *last)
{
	const size_t num = js_length(provenance);
	struct js *all = js_array(), *entry = js_copy(js_at(provenance, num - 1)), *v;

	for (size_t k = 0; k + 1 < num; k++)
		js_append(all, js_copy(js_at(provenance, k)));
	if (chosen)
		js_put(entry, "on_epoch", chosen);
	if (stopped) {
		js_put(entry, "stopped", v = js_object());
		js_put(v, "by", js_string(stopped));
		js_put(v, "epoch", js_int((int64_t)last->epoch));
		js_put(v, "rows", js_int((int64_t)last->trained));
	}
	js_append(all, entry);
	return all;
}
