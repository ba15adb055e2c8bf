"""Record streams, record(5): a verified reader and a writer."""

import json
import struct
import zlib

import numpy as np

from .error import CofError
from .files import Input, open_output
from .version import __version__

_MAGIC = b"\x89COF\r\n\x1a\n"
_VERSION = 2
_BLOCK_BYTES = 65536
_MOST_HEADER = 1 << 20
_MOST_PROVENANCE = 1000
_MOST_NEGATIVES = _BLOCK_BYTES // 4 - 2  # a row fits into a block
_MOST_ID = 2**32 - 1
_TYPES = {"u32": "<u4", "f32": "<f4", "i64": "<i8"}
_ITEMS = ("item", "positive", "negative")

_USER, _ITEM = ("user", "u32"), ("item", "u32")
KINDS = {
    "rating": [_USER, _ITEM, ("rating", "f32"), ("time", "i64")],
    "interaction": [_USER, _ITEM, ("time", "i64")],
    "triple": [_USER, ("positive", "u32"), ("negative", "u32")],
    "sample": [_USER, _ITEM, ("label", "f32")],
    "score": [_USER, _ITEM, ("label", "f32"), ("score", "f32")],
    "rank": [_USER, _ITEM] + [(name, "u32") for name in ("above", "ties", "ties_before", "candidates")],
    "top": [_USER, _ITEM, ("rank", "u32"), ("score", "f32")],
    "group": [_USER, ("positive", "u32"), ("negative", "u32")],
}


def row_type(kind, negatives=0):
    """The NumPy type of a row; a group's field `negative` is an array of `negatives` ids."""
    if kind not in KINDS:
        raise CofError(f"'{kind}' is no kind of records")
    return np.dtype([(name, _TYPES[t], (negatives,)) if kind == "group" and name == "negative"
                     else (name, _TYPES[t]) for name, t in KINDS[kind]])


class CofReader:
    """Read a stream block by block, in constant memory:

        with CofReader("train.cof") as stream:
            for rows in stream:
                ...

    `header` is there at once. The rows of a block are verified before they are handed out; that the
    stream is whole is known when the loop has ended, and not before.
    """

    def __init__(self, file):
        self._data = Input(file)
        self.name, self._rows = self._data.name, 0
        try:
            self.header = self._read_header()
        except BaseException:
            self.close()
            raise
        self.dtype = row_type(self.header["kind"], _negatives(self.header))

    def close(self):
        self._data.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.close()

    def __iter__(self):
        while (rows := self._read_block()) is not None:
            self._rows += len(rows)
            yield rows

    def _die(self, what):
        raise CofError(f"'{self.name}' {what}")

    def _take(self, n, where):
        data = self._data.read(n)
        if len(data) < n:
            self._die(f"ends {where}: truncated")
        return data

    def _read_header(self):
        prefix = self._data.read(16)
        if not prefix:
            self._die("is empty, a record stream expected")
        if prefix[:4] != _MAGIC[:4]:
            self._die("is not a record stream")
        if prefix[:8] != _MAGIC:
            self._die("is a record stream damaged in its first 8 bytes: cut, or line ends were converted")
        if len(prefix) < 16:
            self._die("ends inside its header: truncated")
        version, length = struct.unpack("<II", prefix[8:])
        if version != _VERSION:
            self._die(f"has format version {version}, this module reads {_VERSION}")
        if length > _MOST_HEADER:
            self._die(f"claims a header of {length} bytes: damaged")
        text = self._take(length, "inside its header")
        if zlib.crc32(prefix + text) != _u32(self._take(4, "inside its header")):
            self._die("is damaged: the checksum of its header is wrong")
        try:
            return check_header(_parse(text))
        except ValueError as e:
            raise CofError(f"the header of '{self.name}' is invalid: {e}") from e

    def _read_block(self):
        where = f"after {self._rows} rows without a trailer"
        number = self._take(4, where)
        count = _u32(number)
        if count == 0:
            return self._read_trailer(where)
        if count * self.dtype.itemsize > _BLOCK_BYTES:
            self._die(f"claims a block of {count} rows: damaged")
        data = self._take(count * self.dtype.itemsize, where)
        if zlib.crc32(number + data) != _u32(self._take(4, where)):
            self._die(f"is damaged in rows {self._rows + 1} to {self._rows + count}: the checksum is wrong")
        rows = np.frombuffer(data, self.dtype)
        check_rows(self.header, rows, self._rows, f"'{self.name}'")
        return rows

    def _read_trailer(self, where):
        total = self._take(8, where)
        if zlib.crc32(bytes(4) + total) != _u32(self._take(4, where)):
            self._die("is damaged: the checksum of its trailer is wrong")
        if struct.unpack("<Q", total)[0] != self._rows:
            self._die(f"holds {self._rows} rows but its trailer says otherwise")
        if self._data.read(1):
            self._die("goes on after its trailer: join streams with cof-cat A B")


def read_cof(file):
    """(header, rows) of a stream, a path or a binary file; plain or gzip.

    header: a dict, as cof-cat --header prints it. rows: a structured array with the fields of the
    kind, all verified. Raises CofError.
    """
    with CofReader(file) as stream:
        blocks = list(stream)
        rows = np.concatenate(blocks) if blocks else np.empty(0, stream.dtype)
        return stream.header, rows


def write_cof(file, rows, *, kind=None, like=None, users=None, items=None, epochs=None, options=None):
    """Write a stream: a path, which gets its file whole or not at all, or a binary file.

    rows: a structured array, a dict of arrays or a DataFrame with the fields of the kind. like: the
    header of another stream, which gives kind, bounds, id maps, epochs and provenance, or `kind`,
    `users` and `items` say that every id is below these bounds. epochs: the rows are so many epochs
    of equal length. options: a dict for the entry of this step in the provenance, whose program is
    "python". Raises CofError for a value that does not fit, and writes nothing then.
    """
    header = _new_header(kind, like, users, items, options)
    rows = _as_rows(header["kind"], rows)
    if header["kind"] == "group":
        header["fields"] = _fields("group", rows.dtype["negative"].shape[0])
    _put_epochs(header, like, epochs, len(rows))
    try:
        check_header(header)
    except ValueError as e:
        raise CofError(f"no stream can have this header: {e}") from e
    check_rows(header, rows, 0, "what is to be written")
    with open_output(file) as out:
        _write(out, header, rows)


def _write(out, header, rows):
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    if len(text) > _MOST_HEADER:
        raise CofError(f"a header of {len(text)} bytes is too long")
    head = _MAGIC + struct.pack("<II", _VERSION, len(text)) + text
    out.write(head + struct.pack("<I", zlib.crc32(head)))
    step = _BLOCK_BYTES // rows.dtype.itemsize
    for at in range(0, len(rows), step):
        block = rows[at:at + step]
        data = struct.pack("<I", len(block)) + block.tobytes()
        out.write(data + struct.pack("<I", zlib.crc32(data)))
    data = bytes(4) + struct.pack("<Q", len(rows))
    out.write(data + struct.pack("<I", zlib.crc32(data)))


def check_header(h):
    """Return h, a header as a dict, or raise ValueError with what is wrong in it."""
    kind = h.get("kind") if isinstance(h, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError("its kind is unknown")
    if h.get("fields") != _fields(kind, _negatives(h)) or not 0 <= _negatives(h) <= _MOST_NEGATIVES:
        raise ValueError("its fields are not those of its kind")
    for key in "users", "items":
        if not _whole(h.get(key), 1, _MOST_ID):
            raise ValueError(f"{key} is not a number from 1 to {_MOST_ID}")
    for key in "user_ids", "item_ids":
        if key in h and not _is_family(h[key]):
            raise ValueError(f"{key} is not a list of [count, hash], counts ascending")
    _check_epochs(h)
    provenance = h.get("provenance")
    if not isinstance(provenance, list) or not all(isinstance(entry, dict) for entry in provenance):
        raise ValueError("its provenance is not a list of objects")
    if len(provenance) > _MOST_PROVENANCE:
        raise ValueError(f"its provenance has more than {_MOST_PROVENANCE} entries")
    return h


def check_rows(header, rows, before, name):
    """Raise CofError at an id beyond its bound, or a float that is not finite (a score may be -inf)."""
    for field in rows.dtype.names:
        values = rows[field]
        if field == "user" or field in _ITEMS:
            bound = header["users" if field == "user" else "items"]
            bad, why = values >= bound, f"is not below the bound {bound}"
        elif values.dtype.kind == "f":
            bad, why = ~np.isfinite(values), "is not a finite number"
            if field == "score":
                bad &= values != -np.inf
        else:
            continue
        if bad.any():
            first = int(np.argmax(bad.reshape(len(rows), -1).any(axis=1)))
            raise CofError(f"row {before + first + 1} of {name}: {field} {values[first]} {why}")


def _u32(data):
    return int.from_bytes(data, "little")


def _parse(text):
    """JSON as the programs read it, which hold numbers in 64 bits and strings of valid Unicode."""

    def unique(pairs):
        keys = dict(pairs)
        if len(keys) < len(pairs):
            raise ValueError("a key comes twice")
        return keys

    def refuse(constant):
        raise ValueError(f"{constant} is no JSON")

    def whole(digits):
        if not -2**63 <= (value := int(digits)) < 2**63:
            raise ValueError(f"{digits} is too big")
        return value

    def real(digits):
        if abs(value := float(digits)) == float("inf"):
            raise ValueError(f"{digits} is too big")
        return value

    try:
        value = json.loads(text.decode(), object_pairs_hook=unique, parse_constant=refuse, parse_int=whole,
                           parse_float=real)
        said = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if "\\u0000" in said.replace("\\\\", ""):
        raise ValueError("a string holds a NUL")
    said.encode()  # a ValueError where a surrogate stands alone
    return value


def _whole(value, least, most):
    return type(value) is int and least <= value <= most  # True is no number


def _fields(kind, negatives):
    fields = [[name, t] for name, t in KINDS[kind]]
    if kind == "group":
        fields[-1].append(negatives)
    return fields


def _negatives(h):
    """Of a header of groups; -1 where it does not say."""
    if h["kind"] != "group":
        return 0
    try:
        number = h["fields"][2][2]
    except (KeyError, IndexError, TypeError):
        return -1
    return number if _whole(number, 1, _MOST_NEGATIVES) else -1


def _is_family(pairs):
    if not isinstance(pairs, list):
        return False
    before = 0
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not _whole(pair[0], before + 1, _MOST_ID):
            return False
        if not isinstance(pair[1], str) or len(pair[1]) != 16 or set(pair[1]) - set("0123456789abcdef"):
            return False
        before = pair[0]
    return True


def _check_epochs(h):
    epochs, rows, first = (h.get(key, 0) for key in ("epochs", "rows_per_epoch", "first_row"))
    if not all(_whole(number, 0, 2**63 - 1) for number in (epochs, rows, first)):
        raise ValueError("epochs, rows_per_epoch or first_row is not a number")
    if first and first > epochs * rows:
        raise ValueError("its first_row lies beyond its epochs")


def _new_header(kind, like, users, items, options):
    if like is None and None in (kind, users, items):
        raise CofError("kind, users and items are needed, or like")
    if like is not None and (users is not None or items is not None):
        raise CofError("like says the bounds: it goes with neither users nor items")
    like = like or {}
    kind = kind or like["kind"]
    row_type(kind)
    h = {"kind": kind, "fields": _fields(kind, _negatives(like) if like.get("kind") == kind else 1)}
    h["users"] = like.get("users", users)
    h["items"] = like.get("items", items)
    for key in "users", "items":
        if isinstance(h[key], np.integer):
            h[key] = int(h[key])
    for key in "user_ids", "item_ids":
        if like.get(key):
            h[key] = like[key]
    entry = {"program": "python", "version": __version__, "options": options or {}}
    return {**h, "provenance": list(like.get("provenance", [])) + [entry]}


def _put_epochs(header, like, epochs, rows):
    keys = "epochs", "rows_per_epoch", "first_row"
    if epochs:
        if rows == 0 or rows % epochs:
            raise CofError(f"{rows} rows are not {epochs} epochs of equal length")
        header.update(epochs=epochs, rows_per_epoch=rows // epochs)
    elif epochs is None and like and like.get("kind") == header["kind"] and like.get("rows_per_epoch"):
        said = like.get("epochs", 0) * like["rows_per_epoch"] - like.get("first_row", 0)
        if rows != said:
            raise CofError(f"there are {rows} rows, and {said} by the epochs of `like` (epochs= to say them)")
        header.update({key: like[key] for key in keys if key in like})
    header["provenance"] = header.pop("provenance")  # the last key, as the programs have it


def _as_rows(kind, rows):
    names = rows.dtype.names if isinstance(rows, np.ndarray) else list(rows)
    wanted = [name for name, t in KINDS[kind]]
    if not names or set(names) != set(wanted):
        raise CofError(f"{kind} records have the fields {', '.join(wanted)}, not {', '.join(names or ['none'])}")
    columns = {name: np.asarray(rows[name]) for name in wanted}
    if len({len(column) for column in columns.values()}) > 1:
        raise CofError("the columns are not of one length")
    negatives = columns["negative"].shape[-1] if kind == "group" and columns["negative"].ndim == 2 else 0
    if kind == "group" and not 1 <= negatives <= _MOST_NEGATIVES:
        raise CofError(f"the negatives of groups are an array of 1 to {_MOST_NEGATIVES} columns")
    out = np.empty(len(columns["user"]), row_type(kind, negatives))
    for name in wanted:
        out[name] = _cast(name, columns[name], out.dtype[name].base)
    return out


def _cast(name, column, dtype):
    """The same values in the type of the field, or an error: nothing wraps around or is cut."""
    if column.dtype.kind not in "iufb":
        raise CofError(f"{name} is no column of numbers")
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return column.astype(dtype)
    if column.dtype.kind == "f" and not (np.isfinite(column).all() and (column == np.floor(column)).all()):
        raise CofError(f"{name} is not all whole numbers")
    limits = np.iinfo(dtype)
    if len(column) and not (limits.min <= int(column.min()) and int(column.max()) <= limits.max):
        raise CofError(f"{name} is not all within {limits.min} to {limits.max}")
    return column.astype(dtype)
