"""Record streams, id files and models of cofilter as NumPy arrays.

    header, rows = read_cof("train.cof")
    write_cof("mine.cof", rows, like=header)
    users = read_ids("users.tsv")
    model = load_model("model.safetensors")

The formats are those of the man pages record(5) and neumf-train(1). Nothing is guessed: what is
damaged, cut off, out of bounds or of another id map raises CofError, and no file is half written.
pandas, SciPy and PyTorch are used where a function needs them, and are not needed otherwise.
"""

from .error import CofError
from .frames import from_pandas, from_scipy, to_pandas, to_scipy
from .ids import Ids, read_ids
from .model import Model, load_model
from .stream import KINDS, CofReader, read_cof, row_type, write_cof
from .version import __version__

__all__ = [
    "KINDS", "CofError", "CofReader", "Ids", "Model", "__version__", "from_pandas", "from_scipy",
    "load_model", "read_cof", "read_ids", "row_type", "to_pandas", "to_scipy", "write_cof",
]
