/*
 * warm_start: begin a training with the parameters of trained models.
 *
 * One model of the same kind and widths: its tensors, by name. Where ids were appended since, its
 * tables have fewer rows than the new ones; the other rows stay as a fresh start draws them.
 *
 * A gmf and an mlp model into a neumf (He et al. 2017, section 3.4.1; load_pretrain_model of their
 * NeuMF.py): embeddings and hidden layers from where they are, and for the head
 *   head.weight = concat(alpha x head.weight of gmf, (1 - alpha) x head.weight of mlp)
 *   head.bias   = alpha x head.bias of gmf + (1 - alpha) x head.bias of mlp
 * with alpha 0.5: alpha is on all of the head. Products and sum are rounded to float32 once.
 *
 * Moments are not taken over: the optimizer starts fresh.
 */
#ifndef WARM_START_H
#define WARM_START_H

#include "model/backend.h"
#include "stream/id_family.h"

enum { WARM_START_MAX_MODELS = 2 };

/* The models to start from. */
struct warm_start;

/* Open one or two models (in any order): what they say of themselves is known from here on, their
   parameters are read by warm_start_apply. Dies as model_file_load does. */
struct warm_start *warm_start_open(const char *const *paths, unsigned num);
unsigned warm_start_num(const struct warm_start *w);
void warm_start_free(struct warm_start *w);

/* The checksums of their tensors, with a comma between them, in a new string: for provenance, which
   has no paths. "unknown" stands for a file that has none. */
char *warm_start_checksums(const struct warm_start *w);

/* What model k of `num` says of its making; NULL: nothing. */
const struct js *warm_start_provenance(const struct warm_start *w, unsigned k);

/* What the new model is, and the id maps of its stream (num 0: not known). */
struct warm_start_target {
	const struct neumf_shape *shape;
	const struct id_family *user_ids, *item_ids;
};

/*
 * Put the parameters of the models, once, into a backend that holds a fresh start of target->shape;
 * alpha 0 to 1 is for two models. Memory: 1 MiB. Dies on damage, and, naming file and tensor, where
 * a tensor has another width, where the new model has a tensor that none of the models has or the
 * other way round, and where a table has more rows than the new one; dies where the id map of a
 * model is not the beginning of the stream's, or neither of two models' maps that of the other,
 * unless ids_unchecked.
 */
void warm_start_apply(struct warm_start *w, const struct warm_start_target *target, double alpha,
	const struct backend_ops *ops, struct backend *backend);

#endif
