"""Id files, lines of `dense TAB raw [TAB name]`: which raw id each dense id stands for."""

import numpy as np

from . import hashes
from .error import CofError
from .files import Input


class Ids:
    """The ids of a file. raw[d] is the raw id of the dense id d, and names[d] its name, or None.

    Both are strings; bytes that are no UTF-8 are kept as surrogates.
    """

    def __init__(self, raw, names, source="ids"):
        self.raw, self.names, self.source = np.array(raw, object), np.array(names, object), source
        self._dense = {text: d for d, text in enumerate(raw)}
        if len(self._dense) < len(raw):
            raise CofError(f"'{source}' has a raw id twice")

    def __len__(self):
        return len(self.raw)

    def dense(self, raw):
        """The dense ids of raw ids, of one or an array; KeyError for one that is not here."""
        if np.ndim(raw) == 0:
            return self._dense[str(raw)]
        return np.array([self._dense[str(text)] for text in raw], np.uint32)

    def name(self, dense):
        """The names of dense ids, raw ids where there is none."""
        names, raw = self.names[dense], self.raw[dense]
        if np.ndim(dense) == 0:
            return raw if names is None else names
        return np.where(np.equal(names, None), raw, names)

    def fingerprint(self, count=None):
        """[count, hash] of the first `count` ids, as headers have it; None without a library for it."""
        count = len(self) if count is None else count
        if hashes.hash64 is None:
            return None
        text = "".join(f"{raw}\n" for raw in self.raw[:count])
        return [count, hashes.hash64(text.encode("utf-8", "surrogateescape"))]

    def check(self, family, num, what="it"):
        """Raise CofError unless the ids can be those of `what`: at least `num`, and of its family.

        family: user_ids or item_ids of a header or a model, a list of [count, hash]; empty: not known.
        """
        if len(self) < num:
            raise CofError(f"'{self.source}' has {len(self)} ids, {what} has {num}")
        if not family:
            return
        if hashes.hash64 is None:
            hashes.warn_unverified(self.source)
        elif not any(count <= len(self) and self.fingerprint(count)[1] == value for count, value in family):
            raise CofError(f"'{self.source}' is another id map than that of {what}")


def read_ids(file):
    """The Ids of a file, a path or a binary file; plain or gzip. Raises CofError."""
    with Input(file) as data:
        text, name = data.read(), data.name
    if b"\0" in text:
        raise CofError(f"'{name}' holds a NUL")
    lines = text.decode("utf-8", "surrogateescape").split("\n")
    if lines.pop():
        raise CofError(f"the last line of '{name}' has no end: cut off")
    if not lines:
        raise CofError(f"'{name}' holds no ids")
    raw, names = [], []
    for dense, line in enumerate(lines):
        fields = line.removesuffix("\r").split("\t")
        if len(fields) < 2 or fields[0] != str(dense) or not fields[1]:
            raise CofError(f"line {dense + 1} of '{name}' is not '{dense} TAB raw id'")
        raw.append(fields[1])
        names.append(fields[2] if len(fields) > 2 and fields[2] else None)
    return Ids(raw, names, name)
