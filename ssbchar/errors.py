"""Errors that the user can correct: each names the place, the problem and the remedy."""

import traceback

GUARDS = ("pipeline/", "storage/reading.py")
"""Where exceptions pass and none begins."""
LONGEST_MESSAGE = 120
"""Characters of an exception's own message that are repeated."""


class BadInput(Exception):
    """Raw data that cannot be used; the step sets the measurement aside and the run goes on.

    Parameters
    ----------
    where : str
        The file (and line, column or frame) at fault.
    problem : str
        What is wrong with it.
    remedy : str
        What the user should do.
    """

    def __init__(self, where: object, problem: str, remedy: str) -> None:
        # What libraries say has lines; a fault is one.
        self.where, self.problem, self.remedy = map(_join_lines, (where, problem, remedy))
        super().__init__(f"{self.where}: {self.problem}; {self.remedy}")

    def reword(self, where: object, problem: str, remedy: str) -> "BadInput":
        """Return a fault of the same kind in other words: of a series by that of its files."""
        fault = type(self).__new__(type(self))
        BadInput.__init__(fault, where, problem, remedy)
        return fault

    def as_record(self) -> dict[str, str]:
        """Return ``where``, ``problem`` and ``remedy``, as outputs store them in ``set_aside``."""
        return {"where": self.where, "problem": self.problem, "remedy": self.remedy}


def _join_lines(text: object) -> str:
    return " ".join(filter(None, map(str.strip, str(text).splitlines())))


class UnforeseenFault(BadInput):
    """An exception that nobody foresaw, as a fault of the file or measurement it arose with: the
    measurement is ``failed``, not ``set aside``, and the run goes on.

    Parameters
    ----------
    where : str
        The file or measurement.
    doing : str
        What was done when it arose: ``reading it``, ``nmr.decay.fit_decay``.
    error : Exception
    remedy : str
    """

    def __init__(self, where: object, doing: str, error: BaseException, remedy: str) -> None:
        super().__init__(where, f"{doing} failed ({describe_error(error)})", remedy)

    def as_record(self) -> dict[str, str]:
        """Return what `BadInput.as_record` does, marked as a failure."""
        return {**super().as_record(), "verdict": "failed"}


def describe_error(error: BaseException) -> str:
    """Return an exception's class, the line of this package that it came from, and the first line
    of its message."""
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        folder, found, inside = frame.filename.rpartition("ssbchar/")
        if found and folder and not inside.startswith(GUARDS):
            place = f" in {inside}:{frame.lineno}"
    lines = str(error).strip().splitlines()
    said = f": {lines[0][:LONGEST_MESSAGE]}" if lines else ""
    return f"{type(error).__name__}{place}{said}"


class BadConfig(Exception):
    """A config or sample sheet that cannot be run, one line per fault; raised before any step
    starts."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))
