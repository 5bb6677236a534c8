"""Raw uploads in Gradio's cache, which keeps them for an hour: here they go with the visitor who sent them."""

import threading
from collections.abc import Iterable
from pathlib import Path


class Uploads:
    """Which session sent which file. Two that sent the same bytes share one file, which the last one takes along."""

    def __init__(self):
        self._sent: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def note(self, session: str | None, paths: Iterable[str | None]) -> None:
        """Remember files for the time when the session ends."""
        with self._lock:
            self._sent.setdefault(session or "", set()).update(path for path in paths if path)

    def drop(self, session: str | None) -> None:
        """Delete a session's files."""
        with self._lock:
            gone = self._sent.pop(session or "", set())
            for path in gone - {path for paths in self._sent.values() for path in paths}:
                Path(path).unlink(missing_ok=True)
