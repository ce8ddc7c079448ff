"""Errors that the user can correct: each names the place, the problem and the remedy."""


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
        self.where, self.problem, self.remedy = str(where), problem, remedy
        super().__init__(f"{where}: {problem}; {remedy}")

    def as_record(self) -> dict[str, str]:
        """Return ``where``, ``problem`` and ``remedy``, as outputs store them in ``set_aside``."""
        return {"where": self.where, "problem": self.problem, "remedy": self.remedy}


class BadConfig(Exception):
    """A config or sample sheet that cannot be run, one line per fault; raised before any step
    starts."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))
