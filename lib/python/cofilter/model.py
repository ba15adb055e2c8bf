"""Models, the safetensors files of neumf-train(1), ials-train(1) and the stages that save item weights."""

import json

import numpy as np

from . import hashes
from .error import CofError
from .files import Input

_TYPES = {"F32": "<f4", "U32": "<u4", "U64": "<u8"}
_SIDES = ("user", "item")
_LOSSES = ("bpr", "hinge", "bce", "ccl")
COSINE_FLOOR = 2.0**-80  # NEUMF_COSINE_FLOOR of neumf.h


class Model:
    """Tensors and metadata of a model.

    kind: neumf, gmf, mlp, mf, or item-weights. tensors: a dict of arrays by name, meta: the metadata,
    strings by name. users, items: its bounds. user_ids, item_ids: fingerprints of its id maps.
    """

    def __init__(self, meta, tensors, name="model"):
        self.meta, self.tensors, self.name = meta, tensors, name
        self.kind = meta.get("model")
        self.users, self.items = _number(meta, "users", name), _number(meta, "items", name)
        self.user_ids, self.item_ids, self.provenance = (
            _json(meta, key, name) for key in ("user_ids", "item_ids", "provenance"))
        if self.kind != "item-weights":
            self._check_score()
            self._check_shapes()

    @property
    def cosine(self):
        """Is the score the cosine of two rows, as --loss ccl makes it?"""
        return self.meta.get("loss") == "ccl"

    @property
    def num_hidden(self):
        return len([name for name in self.tensors if name.startswith("mlp.")]) // 2

    def score(self, users, items):
        """Scores of users and items, arrays of ids that go together as NumPy's rules say; float32.

        With score(u, np.arange(model.items)) one user's scores of all items.
        """
        if self.kind == "item-weights":
            raise CofError(f"'{self.name}' scores from items: its arrays are in tensors")
        users, items = np.broadcast_arrays(users, items)
        for ids, bound in (users, self.users), (items, self.items):
            if ids.dtype.kind not in "iu" or (ids.size and not (0 <= ids.min() and ids.max() < bound)):
                raise CofError(f"an id is not a whole number from 0 to {bound - 1}")
        logit = self._logit(users.ravel(), items.ravel()).astype(np.float32).reshape(users.shape)
        if self.meta.get("sigmoid_output") != "true":
            return logit
        with np.errstate(over="ignore"):
            return np.float32(1) / (np.float32(1) + np.exp(-logit))

    def torch(self):
        """The model as a torch.nn.Module, forward(users, items) being the scores."""
        from .torch_model import module_of

        return module_of(self)

    def _logit(self, users, items):
        t = {name: values.astype(np.float64) for name, values in self.tensors.items()
             if name.startswith(("mlp.", "head", "global"))}

        def row(name, ids):
            return self.tensors[name].astype(np.float64)[ids]

        def direction(rows):
            return rows / np.sqrt((rows * rows).sum(1, keepdims=True) + COSINE_FLOOR) if self.cosine else rows

        parts = []
        if "gmf_user.weight" in self.tensors:
            parts.append(direction(row("gmf_user.weight", users)) * direction(row("gmf_item.weight", items)))
        if "mlp_user.weight" in self.tensors:
            hidden = np.hstack([row("mlp_user.weight", users), row("mlp_item.weight", items)])
            for k in range(self.num_hidden):
                hidden = np.maximum(hidden @ t[f"mlp.{k}.weight"].T + t[f"mlp.{k}.bias"], 0)
            parts.append(hidden)
        c = np.hstack(parts)
        if "head.weight" in t:
            return c @ t["head.weight"][0] + t.get("head.bias", np.zeros(1))[0]
        s = c.sum(axis=1)
        if "global_bias" in t:
            s += row("user_bias", users) + row("item_bias", items) + t["global_bias"][0]
        return s

    def _check_score(self):
        """What is not known here would be left out of the score in silence."""
        meta, cosine = self.meta, "cosine" if self.cosine else None
        if meta.get("loss") not in _LOSSES or meta.get("sigmoid_output") not in ("true", "false"):
            raise CofError(f"'{self.name}' has a loss or an output that this module does not know")
        if meta.get("score") != cosine or (cosine and (self.kind != "mf" or "true" in (
                meta["sigmoid_output"], meta.get("bias")))):
            raise CofError(f"metadata of '{self.name}': a score '{meta.get('score')}' of its kind and loss")
        if meta.get("bias", "false") != ("true" if "global_bias" in self.tensors else "false"):
            raise CofError(f"metadata of '{self.name}': bias is not what its tensors are")

    def _check_shapes(self):
        wanted = self._shapes()
        found = {name: tensor.shape for name, tensor in self.tensors.items()}
        if wanted != found:
            raise CofError(f"'{self.name}' has not the tensors of its kind {self.kind}: {found}, not {wanted}")

    def _shapes(self):
        meta, name, bounds, shapes = self.meta, self.name, (self.users, self.items), {}
        if self.kind not in ("neumf", "gmf", "mlp", "mf"):
            raise CofError(f"'{name}' holds a model '{self.kind}', which this module does not know")
        width = 0
        if self.kind != "mlp":
            width = _number(meta, "factors", name)
            shapes.update({f"gmf_{side}.weight": (n, width) for side, n in zip(_SIDES, bounds)})
        if self.kind in ("neumf", "mlp"):
            wide = _number(meta, "mlp_factors", name)
            shapes.update({f"mlp_{side}.weight": (n, wide) for side, n in zip(_SIDES, bounds)})
            before = 2 * wide
            for k, text in enumerate(meta.get("hidden", "").split(",")):
                size = _number({"hidden": text}, "hidden", name)
                shapes.update({f"mlp.{k}.weight": (size, before), f"mlp.{k}.bias": (size,)})
                before = size
            width += before
        if self.kind != "mf":
            shapes["head.weight"] = (1, width)
            if meta.get("loss") == "bce":
                shapes["head.bias"] = (1,)
        elif "global_bias" in self.tensors:
            shapes.update({"global_bias": (1,), "user_bias": (self.users,), "item_bias": (self.items,)})
        return shapes


def load_model(file):
    """The Model of a file, a path or a binary file; plain or gzip. Raises CofError.

    Its checksums are verified; a file without them is taken, one of which a bit has changed is not.
    """
    with Input(file) as source:
        data, name = source.read(), source.name
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > len(data) - 8:
        raise CofError(f"'{name}' is no safetensors file, or cut off in its header")
    try:
        header = json.loads(data[8:8 + size].decode())
        meta = header.pop("__metadata__")
        if not all(isinstance(value, str) for value in meta.values()):
            raise ValueError("its metadata are not all strings")
        tensors = _tensors(header, data, 8 + size)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as e:
        raise CofError(f"the header of '{name}' is invalid: {e}") from e
    _verify(meta, data, 8 + size, name)
    for key, values in tensors.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise CofError(f"tensor {key} of '{name}' is not all finite numbers")
    return Model(meta, tensors, name)


def _tensors(header, data, start):
    """Views of the bytes; they must be packed without gaps, from the header to the end."""
    tensors, at = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape, (begin, end) = np.dtype(_TYPES[entry["dtype"]]), entry["shape"], entry["data_offsets"]
        count = int(np.prod(shape, dtype=object)) if shape else 1
        if begin != at or end - begin != count * dtype.itemsize or min(shape, default=1) < 0:
            raise ValueError(f"tensor {name} does not lie behind the one before")
        if start + end > len(data):
            raise ValueError("its tensors are cut off")
        tensors[name] = np.frombuffer(data, dtype, count, start + begin).reshape(shape)
        at = end
    if start + at != len(data):
        raise ValueError(f"{len(data) - start - at} bytes follow its tensors")
    return tensors


def _verify(meta, data, start, name):
    wanted, wanted_header = meta.get("checksum"), meta.get("header_checksum")
    if (wanted is None) != (wanted_header is None):
        raise CofError(f"'{name}' has one checksum of two")
    if wanted is None:
        return
    if hashes.hash128 is None:
        hashes.warn_unverified(name)
        return
    head = data[:start]
    at = head.rfind(wanted_header.encode())  # the last value of the metadata
    if hashes.hash128(head[:at] + b"0" * 32 + head[at + 32:]) != wanted_header:
        raise CofError(f"the header of '{name}' is damaged: its checksum is wrong")
    if hashes.hash128(data[start:]) != wanted:
        raise CofError(f"'{name}' is damaged: the checksum of its tensors is wrong")


def _json(meta, key, name):
    try:
        return json.loads(meta.get(key, "[]"))
    except (ValueError, RecursionError) as e:
        raise CofError(f"metadata of '{name}': {key}: {e}") from e


def _number(meta, key, name):
    text = meta.get(key, "")
    if not (text.isascii() and text.isdigit() and int(text) < 2**32):
        raise CofError(f"metadata of '{name}': {key} is '{text}'")
    return int(text)
