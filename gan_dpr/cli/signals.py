"""SIGTERM and Ctrl-C as an exit status."""

import signal


class Stopped(BaseException):
    """A signal arrived; `status` is 130 for Ctrl-C and 143 for SIGTERM."""

    def __init__(self, status: int):
        super().__init__(status)
        self.status = status


class StopSignals:
    """While entered, a signal is remembered as `status` and raises Stopped.

    `patient` leaves the first one to whoever asks for `status`, between two steps of a run; a second
    Ctrl-C raises.
    """

    def __init__(self, patient: bool = False):
        self.patient = patient
        self.status = 0

    def __enter__(self) -> "StopSignals":
        self._before = {number: signal.signal(number, self._arrived) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _arrived(self, number: int, frame: object) -> None:
        waiting = self.patient and not (self.status and number == signal.SIGINT)
        self.status = self.status or 128 + number
        if not waiting:
            raise Stopped(self.status)
