#include "cli/opt_json.h"

#include "cli/opt_print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* What the standard libraries of C and JSON have for nothing. */
static struct js *null(void)
{
	return js_real(NAN);
}

static struct js *text_or_null(const char *text)
{
	return text ? js_string(text) : null();
}

static struct js *uints_json(const struct opt_uints *list)
{
	struct js *v = js_array();

	for (unsigned k = 0; k < list->num; k++)
		js_append(v, js_int(list->value[k]));
	return v;
}

struct js *opt_value_json(const struct opt *o)
{
	const char *text;
	const struct opt_range *range = o->value;
	struct js *pair;

	switch (o->type) {
	case OPT_T_FLAG:
		return *(bool *)o->value ? js_bool(true) : NULL;
	case OPT_T_CHOICE:
		text = opt_choice(o);
		return text ? js_string(text) : NULL;
	case OPT_T_UINT:
		return *(uint32_t *)o->value < o->least ? NULL : js_int(*(uint32_t *)o->value);
	case OPT_T_UINT64:
		return *(uint64_t *)o->value < o->least ? NULL
							: js_int((int64_t) * (uint64_t *)o->value);
	case OPT_T_REAL:
		return isnan(*(double *)o->value) ? NULL : js_real(*(double *)o->value);
	case OPT_T_STRING:
		text = *(const char **)o->value;
		return text ? js_string(text) : NULL;
	case OPT_T_UINTS:
		return uints_json(o->value);
	case OPT_T_RANGE:
		if (!range->given)
			return NULL;
		pair = js_array();
		js_append(pair, js_int(range->low));
		js_append(pair, js_int(range->high));
		return pair;
	default:
		return NULL;
	}
}

static const char *type_name(enum opt_type type)
{
	static const char *const names[] = { [OPT_T_FLAG] = "flag",
		[OPT_T_CHOICE] = "choice",
		[OPT_T_UINT] = "integer",
		[OPT_T_UINT64] = "integer",
		[OPT_T_REAL] = "real",
		[OPT_T_STRING] = "string",
		[OPT_T_PATH] = "path",
		[OPT_T_PATHS] = "path",
		[OPT_T_UINTS] = "integers",
		[OPT_T_RANGE] = "range" };

	return names[type];
}

static struct js *default_json(const struct opt *o)
{
	struct js *v;

	if (o->type == OPT_T_FLAG)
		return js_bool(false);
	if (o->type == OPT_T_PATH)
		return text_or_null(*(const char **)o->value);
	v = opt_value_json(o);
	return v ? v : null();
}

static void put_bounds(struct js *v, const struct opt *o)
{
	const bool whole =
		o->type == OPT_T_UINT || o->type == OPT_T_UINT64 || o->type == OPT_T_UINTS;
	const bool real = o->type == OPT_T_REAL;

	js_put(v, "least", whole ? js_int((int64_t)o->least) : real ? js_real(o->min) : null());
	js_put(v, "most", whole ? js_int((int64_t)o->most) : real ? js_real(o->max) : null());
}

static struct js *choices_json(const struct opt *o)
{
	struct js *v = o->choices ? js_array() : null();

	for (unsigned k = 0; o->choices && o->choices[k]; k++)
		js_append(v, js_string(o->choices[k]));
	return v;
}

static struct js *option_json(const struct opt *o)
{
	const bool file = o->type == OPT_T_PATH || o->type == OPT_T_PATHS;
	const char letter[] = { o->letter, '\0' };
	struct js *v = js_object();

	js_put(v, "name", js_string(o->name));
	js_put(v, "letter", text_or_null(o->letter ? letter : NULL));
	js_put(v, "type", js_string(type_name(o->type)));
	js_put(v, "metavar", text_or_null(o->metavar));
	js_put(v, "default", default_json(o));
	put_bounds(v, o);
	js_put(v, "choices", choices_json(o));
	js_put(v, "repeats", js_bool(o->type == OPT_T_PATHS));
	js_put(v, "file", text_or_null(!file ? NULL : o->output ? "write" : "read"));
	js_put(v, "provenance", js_bool(!o->local));
	js_put(v, "help", js_string(o->help));
	return v;
}

void opt_print_json(const struct opt_program *p, const struct opt *const *options, unsigned num)
{
	struct js *all = js_object(), *list = js_array(), *examples = js_array();
	char *text;

	for (unsigned k = 0; k < num; k++)
		js_append(list, option_json(options[k]));
	for (unsigned k = 0; k < OPT_EXAMPLES && p->examples[k]; k++)
		js_append(examples, js_string(p->examples[k]));
	js_put(all, "name", js_string(p->name));
	js_put(all, "version", js_string(COFILTER_VERSION));
	js_put(all, "summary", js_string(p->summary));
	js_put(all, "operands", js_string(p->operands));
	js_put(all, "max_operands", p->max_operands < 0 ? null() : js_int(p->max_operands));
	js_put(all, "reads", js_string(p->reads));
	js_put(all, "writes", js_string(p->writes));
	js_put(all, "options", list);
	js_put(all, "examples", examples);
	text = js_dump(all, true);
	js_free(all);
	puts(text);
	free(text);
	opt_print_finish();
}
