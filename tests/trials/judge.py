"""What the rows of a case say against its truth: false words, errors, needless N/A, coverage.

A judge of a technique (`judge_hexrd`, `judge_xas`, `judge_nmr`) turns the truth into `Known`
statements by a table of `Rule`; here each is held against the rows that it speaks about.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ssbchar.verdict import Verdict

Row = Mapping[str, Any]
"""A row of ``summary.csv`` as a dictionary; what is empty is left out."""
Truth = Mapping[str, Any]
"""What the generator states of a case."""

POSITIVE = frozenset(
    {
        Verdict.RETAINED,
        Verdict.CHANGED,
        Verdict.MIXED,
        Verdict.UNCHANGED,
        Verdict.STABLE,
        Verdict.REVERSIBLE,
        Verdict.PARTLY,
        Verdict.REACTS,
        Verdict.RETURNED,
        Verdict.NOT_RETURNED,
        Verdict.GONE,
        Verdict.DETECTED,
        Verdict.PRESENT_FROM_START,
        Verdict.STILL_PRESENT,
        Verdict.NAMED,
        Verdict.KNOWN_PHASE,
        Verdict.AGREES,
        Verdict.CHECKED,
        Verdict.UNCHANGING,
        Verdict.EXCHANGING,
        Verdict.SEVERAL_SPECIES,
        Verdict.HELD,
        Verdict.QUANTIFIED,
    }
)
"""Words that conclude something, on which a reader acts."""
STATED = POSITIVE | {Verdict.NONE, Verdict.OK}
"""Words beside which a number stands as good."""
UNDECIDED = frozenset(
    {
        Verdict.NOT_APPLICABLE,
        Verdict.SET_ASIDE,
        Verdict.FAILED,
        Verdict.SKIPPED,
        Verdict.DOUBTFUL,
        Verdict.MISFIT,
        Verdict.UNDETERMINED,
        Verdict.UPPER_LIMIT,
        Verdict.LOWER_LIMIT,
        Verdict.TOO_FEW,
        Verdict.TOO_FEW_FRAMES,
        Verdict.TOO_FEW_LINES,
        Verdict.NOT_MEASURED,
        Verdict.NOT_CALIBRATED,
        Verdict.NOT_APPLIED,
        Verdict.PART_OF_STDERR,
        Verdict.UNKNOWN_T1,
        Verdict.NO_SIGNAL,
        Verdict.NOT_CHECKED,
        Verdict.DIFFERS,
        Verdict.DISAGREE,
        Verdict.CONFLICT,
        Verdict.POSSIBLE_DISPLACEMENT,
        Verdict.OFF,
        Verdict.FAR,
        Verdict.NOT_DETECTED,
        Verdict.NOT_SEEN,
        Verdict.ONE_SIDED,
        Verdict.NOT_NAMED,
        Verdict.AMBIGUOUS,
        Verdict.INCONCLUSIVE,
        Verdict.REACTING,
        Verdict.EVOLVING,
        Verdict.STRETCHED,
        Verdict.NOT_DECAYING,
        Verdict.BROKEN,
        Verdict.NO_CROSSING,
        Verdict.UNSEEN,
        Verdict.AT_EDGE,
        Verdict.BOUNDED,
        Verdict.NOT_QUANTIFIED,
    }
)
"""Words that conclude nothing, or warn."""
EQUAL = frozenset({Verdict.RETAINED, Verdict.RETURNED, Verdict.UNCHANGED, Verdict.STABLE})
"""Words that say: no change that matters."""
DIFFERENT = frozenset({Verdict.CHANGED, Verdict.NOT_RETURNED})
"""Words that say: a change that matters."""
STRUCTURE_WORDS = (Verdict.RETAINED, Verdict.CHANGED)
MANY = 3.0
"""Standard uncertainties beyond which a stated number is silently wrong."""
FAR_TOO_MANY = 5.0
"""Standard uncertainties beyond which no stated number may lie."""
NUMBERS = ("value", "stderr", "systematic", "lower95", "upper95")
KEYS = ("sample", "technique", "subject", "condition", "quantity")
JudgeWord = Callable[[Row, Sequence[Row]], str]
"""Returns why the word of a row is false; empty where it is not."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is true of the rows of one kind.

    Names may hold ``*`` (`fnmatch`).
    """

    quantity: str
    subject: str = "*"
    condition: str = "*"
    technique: str = "*"
    value: float | None = None
    """In the unit of the row; None where only words are judged."""
    unchanged: float | None = None
    """What the number would be if nothing had changed; None where it is no change."""
    bound: float | None = None
    """The change that matters."""
    false_words: Mapping[str, str] = field(default_factory=dict)
    """Words that are false whatever the numbers, with the reason."""
    right_words: Collection[str] = ()
    """Words that tell the truth as fully as data could."""
    judge_word: JudgeWord | None = None
    """A word that is judged by more than its own row."""
    deserved: bool = False
    """Whether a number was there, by the trial's own statement: N/A is needless."""
    possible: tuple[float, float] | None = None
    """All that the number can be; limits that hold all of it are no number."""
    counts: bool = True
    """Whether it counts in pooled coverage; a second row of the same number does not."""
    leaves_trace: bool = True
    """Whether the data show what spoils the number; where not, by the trial's own statement, words
    are judged and the number is not."""

    def speaks_about(self, row: Row) -> bool:
        """Return whether a row is of this kind."""
        return all(
            fnmatchcase(str(row.get(name, "")), getattr(self, name))
            for name in ("quantity", "subject", "condition", "technique")
        )


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line of a technique's table: from a key of the truth to what would be false."""

    truth: str
    """Key of truth.json."""
    rows: str
    """Rows that it speaks about."""
    false: str
    """What would be a false word, or a wrong number."""
    know: Callable[[Truth], Iterable[Known]]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One row against one statement; or a row that is missing."""

    key: str
    """Subject, condition and quantity."""
    quantity: str
    word: str
    numbers: Mapping[str, float]
    truth: float | None = None
    stated: bool = False
    """Whether its word lets the number stand as good."""
    false_word: str = ""
    """Why the word is false; empty where it is not."""
    right_word: bool | None = None
    """Whether the word tells all that is true; None where no word is expected."""
    z: float | None = None
    """Error in units of hypot(stderr, systematic)."""
    covered: bool | None = None
    """Whether the 95 % limits hold the truth; None without limits."""
    needless: bool = False
    """A number was there, and the row has none."""
    deserved: bool = False
    counts: bool = True
    leaves_trace: bool = True

    @property
    def stands(self) -> bool:
        """Whether the number is told as good, has an error, and could have been known to be off."""
        return self.stated and self.z is not None and self.leaves_trace

    @property
    def beyond_3(self) -> bool:
        """Whether a number stands as good and is more than three uncertainties off."""
        return self.stands and self.z is not None and abs(self.z) > MANY

    @property
    def beyond_5(self) -> bool:
        """Whether a number stands as good and is more than five uncertainties off."""
        return self.stands and self.z is not None and abs(self.z) > FAR_TOO_MANY

    @property
    def misses_limit(self) -> bool:
        """Whether the row is an upper or lower limit that the truth does not keep."""
        return self.word in (Verdict.UPPER_LIMIT, Verdict.LOWER_LIMIT) and self.covered is False

    @property
    def silently_wrong(self) -> bool:
        """Whether a reader who acts on the row errs."""
        return bool(self.false_word) or self.beyond_3

    @property
    def width(self) -> float | None:
        """Full width of the limits; None where one is missing."""
        if "lower95" not in self.numbers or "upper95" not in self.numbers:
            return None
        return self.numbers["upper95"] - self.numbers["lower95"]


def judge_rows(rows: Sequence[Row], truth: Truth, rules: Iterable[Rule]) -> list[Judged]:
    """Return all rows that the truth speaks about, and the missing ones that were deserved.

    Parameters
    ----------
    rows : sequence of mapping
        Of one case.
    truth : mapping
        What its generator states.
    rules : iterable of Rule
        The table of the technique.
    """
    return [
        judged
        for rule in rules
        for known in rule.know(truth)
        for judged in _judge_known(rows, known)
    ]


def list_unjudged(rows: Sequence[Row], truth: Truth, rules: Iterable[Rule]) -> list[Row]:
    """Return the rows with a positive word that no rule speaks about.

    Parameters
    ----------
    rows : sequence of mapping
        Of one case.
    truth : mapping
        What its generator states.
    rules : iterable of Rule
        The table of the technique.
    """
    known = [statement for rule in rules for statement in rule.know(truth)]
    return [
        row
        for row in rows
        if row.get("verdict", "") in POSITIVE and not any(k.speaks_about(row) for k in known)
    ]


def _judge_known(rows: Sequence[Row], known: Known) -> Iterator[Judged]:
    found = [row for row in rows if known.speaks_about(row)]
    yield from (_judge_row(row, rows, known) for row in found)
    if not found and known.deserved:
        names = (known.subject, known.condition, known.quantity)
        yield Judged(
            key=" / ".join(name for name in names if name not in ("", "*")),
            quantity=known.quantity,
            word="(no row)",
            numbers={},
            truth=known.value,
            needless=True,
            deserved=True,
            counts=known.counts,
        )


def _judge_row(row: Row, rows: Sequence[Row], known: Known) -> Judged:
    word = str(row.get("verdict", ""))
    numbers = read_numbers(row)
    truth = known.value
    false_word = explain_false_word(row, rows, known)
    return Judged(
        key=" / ".join(str(row[name]) for name in KEYS[2:] if row.get(name)),
        quantity=str(row.get("quantity", "")),
        word=word,
        numbers=numbers,
        truth=truth,
        stated=word in STATED,
        false_word=false_word,
        right_word=word in known.right_words and not false_word if known.right_words else None,
        z=measure_error(numbers, truth),
        covered=_test_limits(numbers, truth),
        needless=known.deserved and truth is not None and not is_told(numbers, known),
        deserved=known.deserved and truth is not None,
        counts=known.counts and known.leaves_trace,
        leaves_trace=known.leaves_trace,
    )


def is_told(numbers: Mapping[str, float], known: Known) -> bool:
    """Return whether a row says anything of its number: a value, or a limit that leaves a part of
    what is possible out.

    Parameters
    ----------
    numbers : mapping
        Value, errors and limits of the row, as far as given.
    known : Known
        What is true of it.
    """
    low, high = numbers.get("lower95", -math.inf), numbers.get("upper95", math.inf)
    lowest, highest = known.possible or (-math.inf, math.inf)
    limits = "lower95" in numbers or "upper95" in numbers
    return low > lowest or high < highest if limits else "value" in numbers


def read_numbers(row: Row) -> dict[str, float]:
    """Return the numbers of a row; one that is not finite is none.

    Parameters
    ----------
    row : mapping
        As in the results file.
    """
    found = {}
    for name in NUMBERS:
        number = row.get(name)
        if number is not None and number != "" and math.isfinite(float(number)):
            found[name] = float(number)
    return found


def measure_error(numbers: Mapping[str, float], truth: float | None) -> float | None:
    """Return the error in units of hypot(stderr, systematic).

    A number without any uncertainty cannot be judged so: None. One that states zero uncertainty and
    is off is infinitely wrong.

    Parameters
    ----------
    numbers : mapping
        Value, stderr and systematic of a row, as far as given.
    truth : float or None
        In the same unit.
    """
    if truth is None or "value" not in numbers:
        return None
    if "stderr" not in numbers and "systematic" not in numbers:
        return None
    error = numbers["value"] - truth
    total = math.hypot(numbers.get("stderr", 0.0), numbers.get("systematic", 0.0))
    if total > 0:
        return error / total
    return 0.0 if math.isclose(numbers["value"], truth) else math.copysign(math.inf, error)


def _test_limits(numbers: Mapping[str, float], truth: float | None) -> bool | None:
    """Return whether the limits hold the truth; None where there is none to hold it."""
    if truth is None:
        return None
    low, high = numbers.get("lower95"), numbers.get("upper95")
    if low is None and high is None:
        return None
    slack = 1e-9 * max(abs(truth), 1e-300)
    return (low is None or low <= truth + slack) and (high is None or truth - slack <= high)


def explain_false_word(row: Row, rows: Sequence[Row], known: Known) -> str:
    """Return why the word of a row is false, empty where it is not.

    Parameters
    ----------
    row : mapping
        The row.
    rows : sequence of mapping
        All rows of the case.
    known : Known
        What is true of it.
    """
    word = str(row.get("verdict", ""))
    if word in known.false_words:
        return known.false_words[word]
    if known.judge_word is not None:
        return known.judge_word(row, rows)
    if known.unchanged is None or known.value is None:
        return ""
    return explain_false_change(word, read_numbers(row), known)


def explain_false_structure(word: str, rows: Sequence[Row], members: Sequence[Known]) -> str:
    """Return why a word on the whole structure is false, empty where it is not.

    ``retained`` is false where any member changed beyond its bound; ``changed`` where it would be
    false of every member, each judged with the errors of its own row.

    Parameters
    ----------
    word : str
        The verdict.
    rows : sequence of mapping
        All rows of the case.
    members : sequence of Known
        Edge, white line and shells.
    """
    if word == Verdict.MIXED:
        return "one technique alone cannot be mixed"
    if word not in STRUCTURE_WORDS:
        return ""
    reasons = []
    for known in members:
        numbers = next((read_numbers(row) for row in rows if known.speaks_about(row)), {})
        # Which way a member went is its own row's business.
        errors = {k: v for k, v in numbers.items() if k in ("stderr", "systematic")}
        reasons.append(explain_false_change(word, errors, known))
    if word == Verdict.RETAINED:
        return next((f"{k.quantity}: {r}" for k, r in zip(members, reasons, strict=True) if r), "")
    return "nothing changed that matters" if all(reasons) else ""


def explain_false_change(word: str, numbers: Mapping[str, float], known: Known) -> str:
    """Return why a word on a change is false, empty where it is not.

    ``retained`` and its like are false where the true change is beyond the bound. ``changed`` and
    its like are false where there is no change at all, or one the other way, or one that is smaller
    than the bound by more than three of the row's own uncertainties. ``detected`` is false where
    there is nothing.

    Parameters
    ----------
    word : str
        The verdict.
    numbers : mapping
        Value, stderr and systematic of the row, as far as given.
    known : Known
        What is true of it.
    """
    if known.value is None or known.unchanged is None:
        return ""
    change = known.value - known.unchanged
    size = abs(change)
    is_none = math.isclose(known.value, known.unchanged, abs_tol=1e-12)
    if word == Verdict.DETECTED:
        return "nothing is there" if is_none else ""
    if known.bound is None:
        return ""
    if word in EQUAL and size > known.bound * (1 + 1e-9):
        return f"the true change, {change:.4g}, is beyond {known.bound:g}"
    if word not in DIFFERENT:
        return ""
    if is_none:
        return "nothing changed"
    told = numbers.get("value")
    if told is not None and (told - known.unchanged) * change < 0:
        return f"the true change, {change:.4g}, is the other way"
    total = math.hypot(numbers.get("stderr", 0.0), numbers.get("systematic", 0.0))
    if size < known.bound - MANY * total:
        return f"the true change, {change:.4g}, is within {known.bound:g}"
    return ""


def forbid(words: Iterable[str], reason: str) -> dict[str, str]:
    """Return words that are false for one reason.

    Parameters
    ----------
    words : iterable of str
    reason : str
    """
    return {str(word): reason for word in words}
