"""Files in and out: gzip is known by its first bytes, and an output is whole or not there."""

import contextlib
import gzip
import os
import tempfile
import zlib

from .error import CofError


class Input:
    """A path or a binary file, plain or gzip; a file that was open stays open."""

    def __init__(self, file):
        self._own = isinstance(file, (str, bytes, os.PathLike))
        self.name = os.fsdecode(file) if self._own else str(getattr(file, "name", "stream"))
        self._raw = open(file, "rb") if self._own else file
        plain = _Peeked(self._raw)
        self._data = gzip.GzipFile(fileobj=plain) if plain.begin == b"\x1f\x8b" else plain

    def read(self, n=-1):
        """n bytes, fewer only at the end; all that are left for -1."""
        try:
            return self._data.read(n)
        except (EOFError, gzip.BadGzipFile, zlib.error) as e:
            raise CofError(f"'{self.name}' is damaged: {e}") from e

    def close(self):
        if self._own:
            self._raw.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.close()


class _Peeked:
    """A binary file whose first two bytes are known; read(n) gives n bytes unless it ends."""

    def __init__(self, raw):
        self.raw, self.begin = raw, b""
        self.begin = self.read(2)

    def read(self, n=-1):
        if n < 0:
            data, self.begin = self.begin + self.raw.read(), b""
            return data
        parts, self.begin = [self.begin[:n]], self.begin[n:]
        n -= len(parts[0])
        while n > 0 and (part := self.raw.read(n)):
            parts.append(part)
            n -= len(part)
        return b"".join(parts)


@contextlib.contextmanager
def open_output(file):
    """Yield a binary file to write to. A path gets its file, or keeps its old one, in one step."""
    if not isinstance(file, (str, bytes, os.PathLike)):
        yield file
        return
    path = os.path.realpath(os.fsdecode(file))
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe or a device: written in place
        with open(path, "wb") as out:
            yield out
        return
    descriptor, temporary = tempfile.mkstemp(prefix=os.path.basename(path) + ".", dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.chmod(temporary, _mode(path))
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _mode(path):
    """Of the file that is replaced, or what a new file gets."""
    if os.path.exists(path):
        return os.stat(path).st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
