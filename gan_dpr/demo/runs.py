"""The training runs of all sessions, the curves that they keep, and how fast each preset went here."""

import threading
import time

from .missions import ORIGINAL
from .plots import Kept
from .training import LiveRun
from .words import say

MAX_LIVE = 3  # runs that train at once, over all visitors
MAX_KEPT = 8  # runs in memory, those that rest included
IDLE_SECONDS = 1800


class Runs:
    """One run for each session. A run that rests takes up no place of those that train; of too many the one that was
    used least recently goes.
    """

    def __init__(self):
        self._runs: dict[str, LiveRun] = {}
        self._kept: dict[str, Kept] = {}
        self._failed: dict[str, int] = {}
        self._speeds: dict[str, float] = {}
        self._lock = threading.Lock()

    def keep(self, session: str | None, run: LiveRun) -> None:
        """Remember a run's curves as the session's run A."""
        with self._lock:
            self._kept[session or ""] = Kept(f"{run.preset.name}, {run.step} steps", list(run.history))

    def kept(self, session: str | None) -> Kept | None:
        """The session's run A."""
        with self._lock:
            return self._kept.get(session or "")

    def forget(self, session: str | None) -> None:
        """Drop the session's run A."""
        with self._lock:
            self._kept.pop(session or "", None)

    def clock(self, run: LiveRun) -> None:
        """Learn a preset's speed from a run of some length."""
        if run.seconds > 3:
            self._speeds[run.preset.name] = len(run.history) / run.seconds

    def forecast(self, name: str, seconds: float | None) -> str:
        """How far a run of a preset will come, from its last speed here."""
        speed = self._speeds.get(name)
        if seconds is None or speed is None:
            return say("How many steps {name} makes here shows in the first seconds of its first run.", name=name)
        return say(
            "{name} made {speed:.1f} steps a second in the last run here: "
            "{seconds:.0f} s are about {steps:,.0f} steps.",
            name=name,
            speed=speed,
            seconds=seconds,
            steps=speed * seconds,
        )

    def get(self, session: str | None) -> LiveRun | None:
        with self._lock:
            return self._runs.get(session or "")

    def put(self, session: str | None, run: LiveRun) -> None:
        """Give a session its run."""
        with self._lock:
            now = time.monotonic()
            self._runs.pop(session or "", None)
            self._runs[session or ""] = run
            resting = sorted((old.touched, key) for key, old in self._runs.items() if old.state != "running")
            surplus = len(self._runs) - MAX_KEPT
            for i, (touched, key) in enumerate(resting):
                if (i < surplus or now - touched > IDLE_SECONDS) and self._runs[key] is not run:
                    del self._runs[key]

    def admit(self, run: LiveRun) -> None:
        """Let a run begin to train. ValueError with a sentence where as many as there is room for are training."""
        with self._lock:
            if sum(other.state == "running" for other in self._runs.values() if other is not run) >= MAX_LIVE:
                raise ValueError(
                    say("{n} other visitors are training on this machine now: try again in a few minutes.", n=MAX_LIVE)
                )
            run.begin()

    def failed(self, session: str | None) -> int:
        """Steps of the session's longest run of the original recipe, which is over."""
        with self._lock:
            return self._failed.get(session or "", 0)

    def drop(self, session: str | None) -> None:
        """Forget a session's run; a request that still trains it ends after its present step."""
        with self._lock:
            run = self._runs.pop(session or "", None)
            if run is not None and run.preset.name == ORIGINAL:
                self._failed[session or ""] = max(self._failed.get(session or "", 0), run.step)
        if run is not None:
            run.request_halt("stopped")

    def end(self, session: str | None) -> None:
        """The visit is over: nothing of it stays."""
        self.drop(session)
        self.forget(session)
        with self._lock:
            self._failed.pop(session or "", None)
