"""What the pipeline says when it cannot go on: which file, what is wrong, what to do."""


class BadInput(Exception):
    """A raw file that cannot be used; the step sets the measurement aside and the rest of the run
    goes on.

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


class BadConfig(Exception):
    """A config or sample sheet that cannot be run; raised before any job starts, one line per
    fault."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))
