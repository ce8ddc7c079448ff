"""Lines that steps print side by side stay whole."""

import io
import sys

import pytest

from ssbchar.runtime import progress


class Raw(io.RawIOBase):
    """Keeps each write apart."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        self.writes.append(bytes(content))  # type: ignore[call-overload]
        return len(self.writes[-1])


def unbuffer(monkeypatch: pytest.MonkeyPatch) -> Raw:
    """Make standard error unbuffered, as by ``PYTHONUNBUFFERED``; return what keeps its writes."""
    raw = Raw()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, write_through=True))  # type: ignore[type-var]
    return raw


def test_a_line_and_its_end_are_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    unbuffered = unbuffer(monkeypatch)
    print("two writes", file=sys.stderr)
    assert unbuffered.writes == [b"two writes", b"\n"], "what the function is for"
    unbuffered.writes.clear()
    progress.print_line("set aside: a file")
    assert unbuffered.writes == [b"set aside: a file\n"]


def test_how_far_a_step_is(monkeypatch: pytest.MonkeyPatch) -> None:
    unbuffered = unbuffer(monkeypatch)
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    assert list(progress.report_progress("abcd", "fit", size=10)) == list("abcd")
    # Started at 0, items done at 2, 4, 6 and 8 s; the first line after more than 5 s.
    assert unbuffered.writes == [b"fit: 30/40 frames, 2 s to go\n"]
