"""The release, COFILTER_VERSION of lib/cli/opt.h; it goes into every provenance."""

__version__ = "0.1.0"
