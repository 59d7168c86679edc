"""The version, alone in its file so that the build can read it without importing anything."""

from datetime import UTC, datetime

__version__ = "0.1.0"
BUILT = "2026-11-22"  # the day of this version
# Seconds since 1970 at which that day began somewhere on earth. A clock that says less is wrong.
BUILT_AT = datetime.fromisoformat(BUILT).replace(tzinfo=UTC).timestamp() - 14 * 3600.0
