"""The version, alone in its file so that the build can read it without importing anything."""

__version__ = "0.1.0"
BUILT = "2026-11-22"  # the day of this version: a clock that says less is wrong, and nothing is bought by it
