"""When a visit ends: some minutes after its page has gone, so that a connection that was cut finds everything there."""

import threading
import time
from collections.abc import Callable

GRACE_SECONDS = 300  # after the page has gone
IDLE_SECONDS = 1800  # after a page was used again whose connection had been lost: of its end nobody hears


class Visits:
    """Calls what is in `ends` with each session that has ended, on a thread of its own.

    Gradio reports that a page has gone where its connection ends, which a proxy or a sleeping machine does as well, and
    it never reports that the page is back.
    """

    def __init__(self, grace: float = GRACE_SECONDS, idle: float = IDLE_SECONDS):
        self.ends: list[Callable[[str | None], None]] = []
        self._grace, self._idle = grace, idle
        self._due: dict[str | None, float] = {}
        self._lock = threading.Lock()
        self._sweeps = False

    def leave(self, session: str | None) -> None:
        """The session's page has gone."""
        with self._lock:
            self._due[session] = time.monotonic() + self._grace
            if not self._sweeps:
                self._sweeps = True
                self._wait()

    def seen(self, session: str | None) -> None:
        """The session's page is used: it has not gone after all."""
        with self._lock:
            if session in self._due:
                self._due[session] = time.monotonic() + self._idle

    def _wait(self) -> None:
        timer = threading.Timer(self._grace, self._sweep)
        timer.daemon = True
        timer.start()

    def _sweep(self) -> None:
        with self._lock:
            now = time.monotonic()
            gone = [session for session, due in self._due.items() if due <= now]
            for session in gone:
                del self._due[session]
            self._sweeps = bool(self._due)
            if self._sweeps:
                self._wait()
        for session in gone:
            for end in self.ends:
                end(session)
