"""The one exception."""


class CofError(ValueError):
    """A file is no valid one, or what was to be written is not; the message says which and why."""
