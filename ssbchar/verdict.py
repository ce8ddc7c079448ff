"""Every word that a row of ``summary.csv`` may have as its verdict."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """The verdict of a conclusion."""

    NONE = ""
    """The row states a number and judges nothing."""
    OK = "ok"
    NOT_APPLICABLE = "N/A"
    SET_ASIDE = "set aside"
    FAILED = "failed"
    SKIPPED = "skipped"

    # How good a number is.
    DOUBTFUL = "doubtful"
    MISFIT = "misfit"
    UNDETERMINED = "undetermined"
    UPPER_LIMIT = "upper limit"
    LOWER_LIMIT = "lower limit"
    TOO_FEW = "too_few"
    TOO_FEW_FRAMES = "too_few_frames"
    TOO_FEW_LINES = "too_few_lines"
    NOT_MEASURED = "not_measured"
    NOT_CALIBRATED = "not calibrated"
    NOT_APPLIED = "not applied"
    PART_OF_STDERR = "part of stderr"
    UNKNOWN_T1 = "unknown T1"
    NO_SIGNAL = "no_signal"

    # One number against another.
    NOT_CHECKED = "not_checked"
    CHECKED = "checked"
    AGREES = "agrees"
    DIFFERS = "differs"
    DISAGREE = "disagree"
    CONFLICT = "conflict"
    POSSIBLE_DISPLACEMENT = "possible displacement"
    OFF = "off"
    FAR = "far"

    # Something is there, or is not.
    DETECTED = "detected"
    NOT_DETECTED = "not detected"
    NOT_SEEN = "not_seen"
    ONE_SIDED = "one_sided"
    PRESENT_FROM_START = "present_from_start"
    STILL_PRESENT = "still_present"
    NAMED = "named"
    NOT_NAMED = "not_named"
    AMBIGUOUS = "ambiguous"
    KNOWN_PHASE = "known_phase"

    # Something changed, or did not.
    RETAINED = "retained"
    CHANGED = "changed"
    MIXED = "mixed"
    INCONCLUSIVE = "inconclusive"
    UNCHANGED = "unchanged"
    STABLE = "stable"
    REVERSIBLE = "reversible"
    PARTLY = "partly"
    REACTS = "reacts"
    REACTING = "reacting"
    RETURNED = "returned"
    NOT_RETURNED = "not_returned"
    GONE = "gone"
    EVOLVING = "evolving"
    STRETCHED = "stretched"
    NOT_DECAYING = "not_decaying"

    # A series of absorption spectra.
    UNCHANGING = "unchanging"
    EXCHANGING = "exchanging"
    SEVERAL_SPECIES = "several species"
    HELD = "held"
    BROKEN = "broken"
    NO_CROSSING = "none"
    UNSEEN = "not seen"
    AT_EDGE = "at_edge"

    # A share of the lithium.
    QUANTIFIED = "quantified"
    BOUNDED = "bounded"
    NOT_QUANTIFIED = "not quantified"
