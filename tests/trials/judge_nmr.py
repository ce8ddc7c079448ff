"""The truth of a 7Li echo with its decay: which rows it speaks about, and what would be false."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ssbchar.verdict import Verdict

from . import judge_own
from .judge import MANY, STATED, Known, Row, Rule, Truth, forbid, measure_error, read_numbers

METAL, ALLOY = "li_metal", "li_si"
NOT_ALWAYS_DESERVED = ("evolve", "t2diff")
"""Categories of which the generator's README says so: the sample changes, or its metal's decay is
not that of pure Li."""
NO_DECAY = ("dead",)
"""Categories without a decay series."""
ALLOYED = {"alloyed_share": 100.0, "x_alloyed": 1.0}
"""What is alloyed, and its value where all is: [percent] and of a nominal x of 1."""
SHARES = (0.0, 100.0)


def is_powder(truth: Truth) -> bool:
    """Return whether the truth is that of a sample of the generator."""
    return "cat" in truth


def deserves_correction(truth: Truth) -> bool:
    """Return whether the shares before any decay can be had."""
    return truth["cat"] not in (*NOT_ALWAYS_DESERVED, *NO_DECAY)


def know_raw(truth: Truth) -> Iterator[Known]:
    """Yield the shares of the echo as measured."""
    if is_powder(truth):
        yield from _list_shares(truth["raw"], "raw", deserved=True)


def know_corrected(truth: Truth) -> Iterator[Known]:
    """Yield the shares before any decay, and what is alloyed."""
    if not is_powder(truth):
        return
    if truth["cat"] in NO_DECAY:
        false = forbid(STATED, "there is no decay series to correct with")
        yield Known(quantity="li_*_fraction", condition="corrected", false_words=false)
        for quantity in ALLOYED:
            yield Known(quantity=quantity, condition="", false_words=false)
        return
    deserved = deserves_correction(truth)
    yield from _list_shares(truth["corr"], "corrected", deserved=deserved)
    for quantity, whole in ALLOYED.items():
        yield Known(
            quantity=quantity,
            subject="sample",
            condition="",
            value=whole * truth["x"],
            deserved=deserved,
            possible=(0.0, whole),
            counts=False,
        )
        yield Known(
            quantity=quantity,
            subject="sample",
            condition="lines that may be salts left out",
            value=whole * truth["x"] * (1 - find_salt(truth)),
            counts=False,
        )


def find_salt(truth: Truth) -> float:
    """Return the share of a diamagnetic salt in the Li-Si region before any decay."""
    if truth["cat"] == "salt2":
        return float(truth["salt"])
    # Powders: kind, area, ...; the second is the salt.
    if truth["cat"] in ("quad", "quadlow", "bigquad"):
        return float(truth["lisi"][1][1])
    return 0.0


def _list_shares(metal: float, condition: str, *, deserved: bool) -> Iterator[Known]:
    """Yield both shares of an echo [percent]; they sum to 100 and count once."""
    for region, value in ((METAL, metal), (ALLOY, 100 - metal)):
        yield Known(
            quantity=f"{region}_fraction",
            subject=region,
            condition=condition,
            value=value,
            deserved=deserved,
            possible=SHARES,
            counts=region == METAL,
        )


def know_decay(truth: Truth) -> Iterator[Known]:
    """Yield the decay times of both regions; that of two salts in one region is no single one."""
    if not is_powder(truth) or truth["cat"] in NO_DECAY:
        return
    times = {METAL: truth["T2m"]}
    if truth["cat"] != "salt2":
        times[ALLOY] = truth["T2s"]
    for region, value in times.items():
        yield Known(
            quantity="t2_star",
            subject=region,
            condition="",
            value=value,
            deserved=deserves_correction(truth),
        )


def know_prelithiation(truth: Truth) -> Iterator[Known]:
    """Yield what the word on the whole sample may be."""
    share = find_alloyed_share(truth)
    if share is None:
        reason = "the sample changes, or there is no decay series to correct with"
        false = forbid([Verdict.QUANTIFIED], reason)
        yield Known(quantity="prelithiation", false_words=false)
        return

    def judge_word(row: Row, rows: Sequence[Row]) -> str:
        return explain_false_quantified(str(row.get("verdict", "")), rows, share)

    is_deserved = not is_powder(truth) or deserves_correction(truth)
    right = (Verdict.QUANTIFIED,) if is_deserved else ()
    yield Known(quantity="prelithiation", judge_word=judge_word, right_words=right)


def find_alloyed_share(truth: Truth) -> float | None:
    """Return what is alloyed [percent]; None where it cannot be had."""
    if is_powder(truth):
        return None if truth["cat"] in NO_DECAY else 100 * float(truth["x"])
    rows = [row for row in truth.get("own", ()) if row["quantity"] == "alloyed_share"]
    return float(rows[0]["value"]) if rows else None


def explain_false_quantified(word: str, rows: Sequence[Row], share: float) -> str:
    """Return why ``quantified`` is false: the share that it rests on is off, or is not there.

    Parameters
    ----------
    word : str
        The verdict.
    rows : sequence of mapping
        All rows of the case.
    share : float
        What is alloyed in truth [percent].
    """
    if word != Verdict.QUANTIFIED:
        return ""
    shares = [
        read_numbers(row)
        for row in rows
        if row.get("quantity") == "alloyed_share" and not row.get("condition")
    ]
    errors = [measure_error(numbers, share) for numbers in shares]
    if all(error is None for error in errors):
        return "there is no alloyed share with an uncertainty"
    off = [error for error in errors if error is not None and abs(error) > MANY]
    return f"the alloyed share is off by {off[0]:+.1f} of its uncertainties" if off else ""


def know_drift(truth: Truth) -> Iterator[Known]:
    """Yield what may be said of our own samples, measured more than once: one of them evolves."""
    if "own" not in truth:
        return
    evolves = any(
        row["quantity"] == "li_metal_fraction" and row["verdict"] == Verdict.NOT_APPLICABLE
        for row in truth["own"]
    )
    if evolves:
        yield Known(
            quantity="drift",
            false_words=forbid([Verdict.STABLE], "Li moves from the metal into Si"),
            right_words=(Verdict.EVOLVING,),
        )
    else:
        yield Known(
            quantity="drift",
            value=0.0,
            false_words=forbid([Verdict.EVOLVING], "the sample stays as it is"),
            right_words=(Verdict.STABLE,),
        )
    # Li moves inside the coil: the whole signal stays.
    yield Known(
        quantity="signal_change",
        value=0.0,
        false_words=forbid([Verdict.CHANGED], "no Li leaves the coil"),
        right_words=(Verdict.UNCHANGED,),
    )


def know_diamagnetic(truth: Truth) -> Iterator[Known]:
    """Yield the share of diamagnetic Li in the Li-Si region, where both decay alike."""
    if is_powder(truth) and truth["cat"] not in ("salt2", *NO_DECAY):
        yield Known(
            quantity="diamagnetic_share",
            value=100 * (find_salt(truth)),
            counts=False,
        )


RULES: tuple[Rule, ...] = (
    Rule(
        truth="raw",
        rows="li_metal_fraction, li_si_fraction (raw)",
        false="a number that stands as good and is off",
        know=know_raw,
    ),
    Rule(
        truth="corr, x, salt",
        rows="li_metal_fraction, li_si_fraction (corrected); alloyed_share, x_alloyed, with and "
        "without lines that may be salts",
        false="a number that stands as good and is off; any number without a decay series",
        know=know_corrected,
    ),
    Rule(
        truth="T2m, T2s",
        rows="t2_star of li_metal and li_si (of a region with two salts: not judged)",
        false="a number that stands as good and is off",
        know=know_decay,
    ),
    Rule(
        truth="x",
        rows="combined prelithiation",
        false="quantified where the alloyed share is off by more than 3 of its uncertainties, has "
        "none, or where there is no decay series",
        know=know_prelithiation,
    ),
    Rule(
        truth="own: verdict N/A where the sample evolves",
        rows="drift, signal_change",
        false="stable of a sample that evolves, evolving of one that does not; changed: no Li "
        "leaves the coil",
        know=know_drift,
    ),
    Rule(
        truth="lisi: area of the salt",
        rows="diamagnetic_share",
        false="(limits only)",
        know=know_diamagnetic,
    ),
    *judge_own.RULES,
)

UNJUDGED = {
    "shares by one route or convention (raw, lines; raw, windows; corrected, t = ...)": "parts of "
    "the headline's systematic; their errors are statistical",
    "visible_share, echo_efficiency_ratio": "the trials have no skin effect and ideal pulses",
    "li_si_leak": "an upper limit of nothing",
}
"""Rows that no rule speaks about, and why."""
