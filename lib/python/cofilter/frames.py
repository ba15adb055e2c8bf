"""Rows as pandas and SciPy have them, and back."""

import numpy as np

from .error import CofError
from .stream import KINDS, _as_rows

_SIDES = {"user": "user", "item": "item", "positive": "item", "negative": "item"}


def to_pandas(header, rows, *, user_ids=None, item_ids=None, names=False):
    """A DataFrame with a column a field; of groups negative_1, negative_2 ...

    user_ids, item_ids: Ids, then these columns hold raw ids, or with `names` names. Raises CofError
    where they are not the ids of this stream.
    """
    import pandas

    columns = {}
    for field in rows.dtype.names:
        side = _SIDES.get(field)
        ids = {"user": user_ids, "item": item_ids}.get(side)
        if ids is not None:
            ids.check(header.get(f"{side}_ids"), header[f"{side}s"], "the stream")
        values = rows[field] if rows[field].ndim == 2 else rows[field][:, None]
        for k in range(values.shape[1]):
            name = f"{field}_{k + 1}" if rows[field].ndim == 2 else field
            column = values[:, k]
            columns[name] = column if ids is None else ids.name(column) if names else ids.raw[column]
    return pandas.DataFrame(columns)


def from_pandas(frame, kind, *, user_ids=None, item_ids=None):
    """Rows of `kind`, for write_cof, of a DataFrame with a column a field; raw ids by Ids.

    Raises CofError where a column is missing or does not fit, KeyError for an unknown raw id.
    """
    columns = {}
    for field, _ in KINDS[kind]:
        ids = {"user": user_ids, "item": item_ids}.get(_SIDES.get(field))
        many = [name for name in frame.columns if kind == "group" and str(name).startswith(f"{field}_")]
        if not many and field not in frame.columns:
            raise CofError(f"the frame has no column {field}")
        many.sort(key=lambda name: int(name.rpartition("_")[2]))
        parts = [frame[name].to_numpy() for name in many or [field]]
        parts = parts if ids is None else [ids.dense(part) for part in parts]
        columns[field] = np.stack(parts, 1) if many else parts[0]
    return _as_rows(kind, columns)


def to_scipy(header, rows, value=None):
    """The users x items matrix of the stream's bounds, in CSR form, float32.

    value: the field that is its entries ("rating", "label", "score"); a user with an item twice is a
    CofError then. None: 1 where there is a row, once or several times.
    """
    from scipy.sparse import csr_matrix

    if not {"user", "item"} <= set(rows.dtype.names):
        raise CofError(f"{header['kind']} records are no matrix")
    entries = np.ones(len(rows), np.float32) if value is None else rows[value].astype(np.float32)
    matrix = csr_matrix((entries, (rows["user"], rows["item"])), (header["users"], header["items"]))
    if value is not None and matrix.nnz < len(rows):
        raise CofError("a user has an item twice: which value is meant?")
    if value is None:
        matrix.data[:] = 1
    return matrix


def from_scipy(matrix, kind="interaction", time=0):
    """Rows of a users x items matrix: interactions, its entries being what is stored and not 0, or
    ratings with these entries; each at `time`."""
    if kind not in ("interaction", "rating"):
        raise CofError(f"a matrix has no {kind} records")
    matrix = matrix.tocoo(copy=True)
    matrix.sum_duplicates()
    order = np.lexsort((matrix.col, matrix.row))
    order = order[matrix.data[order] != 0]
    columns = {"user": matrix.row[order], "item": matrix.col[order], "time": np.full(len(order), time)}
    if kind == "rating":
        columns["rating"] = matrix.data[order]
    return _as_rows(kind, columns)
