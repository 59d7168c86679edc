"""What is kept for the day on which the journal is lost."""

from __future__ import annotations

from imageserver.doctor.findings import Span
from imageserver.doctor.notebook import Notebook

_OLD = (
    2 * 86_400.0
)  # seconds that the journal may be ahead of its snapshot; one is made a day at least where it changes


def look_at_snapshot(notebook: Notebook) -> None:
    """The age of the snapshot that the server keeps of its journal. Says nothing where there is none yet."""
    journal, snapshot = (notebook.data / f"journal.sqlite{end}" for end in ("", "-snapshot"))
    try:
        kept, changed = snapshot.stat().st_mtime, journal.stat().st_mtime
    except FileNotFoundError:
        return
    if changed - kept > _OLD:
        notebook.warn("folders", "snapshot_old", age=Span(changed - kept))
    else:
        notebook.good("folders", "snapshot_good", age=Span(max(0.0, notebook.clock.now() - kept)))
