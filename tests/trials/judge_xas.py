"""The truth of a pair of absorption spectra: which rows it speaks about, and what would be
false."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from ssbchar.verdict import Verdict

from . import judge_own
from .cases import find_trials, load_generator
from .judge import Known, Row, Rule, Truth, explain_false_structure, forbid

SHELLS = ("shell_1_ratio", "shell_2_ratio", "shell_3_ratio")
NEAR_EDGE = (-20.0, 20.0)
"""Range about the edge in which half step and white line are looked for [eV]."""


def is_pair(truth: Truth) -> bool:
    """Return whether the truth is that of a pair of the generator."""
    return "amplitude" in truth


@functools.cache
def measure_edge(shift: float, amplitude: float, reduced: float) -> tuple[float, float]:
    """Return half step [eV] and white line [edge steps] of the generator's own noise-free spectrum.

    An admixture moves both, which its truth.json does not state.

    Parameters
    ----------
    shift : float
        Of the whole edge [eV].
    amplitude : float
        Of the EXAFS (dimensionless).
    reduced : float
        Share of the admixture (dimensionless).
    """
    pairs = load_generator(find_trials(), "xas/pairs")
    energy = pairs.E0 + np.arange(*NEAR_EDGE, 0.001)
    norm = pairs.spectrum(energy, shift, amplitude, reduced)
    # The slow decay of the free atom is taken out by normalisation.
    norm = norm / (energy / pairs.E0) ** -0.35
    half = energy[int(np.argmax(norm >= 0.5))]
    return float(half), float(norm.max())


def know_edge(truth: Truth) -> Iterator[Known]:
    """Yield the shift of the edge and the change of the white line."""
    if not is_pair(truth):
        return
    before = measure_edge(0.0, 1.0, 0.0)
    after = measure_edge(truth["edge_shift"], truth["amplitude"], truth["reduced_fraction"])
    half_step, white_line = (b - a for a, b in zip(before, after, strict=True))
    if not truth["reduced_fraction"]:
        half_step, white_line = _drop_rounding(half_step), _drop_rounding(white_line)
    # An admixture moves each definition of the edge by an amount of its own.
    condition = "half step" if truth["reduced_fraction"] else "*"
    yield _know_change(truth, "edge_shift", half_step, condition)
    yield _know_change(truth, "white_line_change", white_line)


def _drop_rounding(change: float) -> float:
    # The EXAFS reaches the edge by less than a thousandth of its amplitude.
    return 0.0 if abs(change) < 1e-3 else change


def know_shells(truth: Truth) -> Iterator[Known]:
    """Yield the ratios of the shells; those of an admixture are no single factor."""
    if not is_pair(truth):
        return
    for name in SHELLS:
        if truth["reduced_fraction"]:
            yield Known(quantity=name)
        else:
            yield _know_change(truth, name, truth["amplitude"])


def _know_change(truth: Truth, quantity: str, value: float, condition: str = "*") -> Known:
    unchanged, bound = judge_own.CHANGES[quantity]
    return Known(
        quantity=quantity,
        condition=condition,
        value=value,
        unchanged=unchanged,
        bound=bound,
        deserved=True,
        leaves_trace=not truth.get("no_trace", False),
    )


def know_structure(truth: Truth) -> Iterator[Known]:
    """Yield what the word on the structure may be: what its members' truths allow."""
    if not is_pair(truth):
        return
    members = [k for k in (*know_edge(truth), *know_shells(truth)) if k.value is not None]
    matters = any(
        abs(known.value - known.unchanged) > known.bound * (1 + 1e-9) for known in members
    )

    def judge_word(row: Row, rows: Sequence[Row]) -> str:
        return explain_false_structure(str(row.get("verdict", "")), rows, members)

    # Below the bound and not zero, or an admixture: more than one word tells the truth.
    right = (Verdict.CHANGED,) if matters else (Verdict.RETAINED,)
    yield Known(quantity="structure", judge_word=judge_word, right_words=right)
    yield Known(quantity="stability", technique="combined", judge_word=judge_word)


def know_reduced(truth: Truth) -> Iterator[Known]:
    """Yield the share of an admixture."""
    if is_pair(truth):
        share = truth["reduced_fraction"]
        yield Known(
            quantity="reduced_fraction",
            value=share,
            unchanged=0.0,
            false_words={}
            if share and not math.isclose(share, 0.0)
            else forbid([Verdict.DETECTED], "nothing is reduced"),
        )


RULES: tuple[Rule, ...] = (
    Rule(
        truth="edge_shift, reduced_fraction",
        rows="edge_shift, white_line_change (from the generator's own noise-free spectra)",
        false="retained beyond the bound; changed of no change, of one the other way, or of one "
        "within the bound by more than 3 of its own errors; a number that stands as good and is "
        "off",
        know=know_edge,
    ),
    Rule(
        truth="amplitude",
        rows="shell_1_ratio, shell_2_ratio, shell_3_ratio (not of an admixture)",
        false="as above; of a pair of which one has harmonics, which leave no trace in the data, "
        "words alone are judged",
        know=know_shells,
    ),
    Rule(
        truth="all of them",
        rows="structure; combined stability",
        false="retained where any of them is beyond its bound; changed where it is false of each",
        know=know_structure,
    ),
    Rule(
        truth="reduced_fraction",
        rows="reduced_fraction",
        false="detected where nothing is reduced; a number that stands as good and is off",
        know=know_reduced,
    ),
    *judge_own.RULES,
)

UNJUDGED = {
    "edge_energy, white_line, edge_step": "the generator states changes, no absolute numbers",
    "shells of an admixture": "no single factor",
    "quality": "a note on the data, not on the sample",
}
"""Rows that no rule speaks about, and why."""
