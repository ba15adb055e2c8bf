"""XXH3 of the library that the programs themselves are linked with, or of the module xxhash."""

import ctypes
import warnings


class _Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def _library():
    try:
        library = ctypes.CDLL("libxxhash.so.0")
        for name, result in ("XXH3_64bits", ctypes.c_uint64), ("XXH3_128bits", _Hash128):
            function = getattr(library, name)
            function.argtypes, function.restype = [ctypes.c_char_p, ctypes.c_size_t], result
        return library
    except (OSError, AttributeError):
        return None


def _functions():
    try:
        import xxhash

        return xxhash.xxh3_64_hexdigest, xxhash.xxh3_128_hexdigest
    except ImportError:
        library = _library()
    if library is None:
        return None, None

    def hash128(data):
        value = library.XXH3_128bits(data, len(data))
        return f"{value.high:016x}{value.low:016x}"

    return lambda data: f"{library.XXH3_64bits(data, len(data)):016x}", hash128


hash64, hash128 = _functions()


def warn_unverified(name):
    """What neither module nor library is there for."""
    warnings.warn(f"'{name}': not verified, there is neither libxxhash nor the module xxhash", stacklevel=4)
