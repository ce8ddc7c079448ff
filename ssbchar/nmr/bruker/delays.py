"""The decay time of each slice, from the pulse program and its parameters and lists."""

from __future__ import annotations

import ast
import functools
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssbchar.errors import BadInput

UNITS = {"s": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
"""Suffixes of a time [s]."""
ASK = (
    "give the sample-sheet column 'read.decay_axis', such as 2*vd+p2, or, of repeats, "
    "'read.slices': sum"
)
"""Remedy where the decay time cannot be told."""
LONGEST_TOLD = 80
"""Characters of a formula, or of a line of a program, that a message repeats."""
_OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_TOKEN = re.compile(r"(?<![\w.])(vd|vp|d\d+|p\d+|\d+\.?\d*[smun])((?:\*[\d.]+)?)(?![\w.])")
"""A delay or a pulse in a line of a program, with its factor."""
NUMBERED = (
    ("D", "d", 1.0),
    ("P", "p", 1e-6),
    ("L", "l", 1.0),
    ("CNST", "cnst", 1.0),
    ("IN", "in", 1.0),
    ("INP", "inp", 1e-6),
)
"""Arrays of ``acqus``, the letter of their elements in a program, and the factor to seconds."""
SAME_TIME = 1e-8
"""Stored and computed times that differ by less are the same [s], as are those within a thousandth:
parameter files round."""


def read_list(path: Path, counts: bool = False, suffixed: bool = False) -> list[float]:
    """Return the values of a Bruker delay list, or of a list of loop counts.

    Parameters
    ----------
    path : Path
        The list: one number per word, with the suffixes s, m, u, n for times.
    counts : bool
        The numbers are loop counts, not times.
    suffixed : bool
        A time without a suffix is refused: of a list of pulses it may be s or us.

    Returns
    -------
    list of float
        Times [s], or counts.

    Raises
    ------
    BadInput
        The list is missing, empty or holds something else.
    """
    if not path.is_file():
        remedy = f"copy it from the spectrometer, or {ASK}"
        raise BadInput(path, "the list of the slices is missing", remedy)
    values = []
    for number, word in enumerate(path.read_text(encoding="latin-1").split(), 1):
        found = re.fullmatch(r"([+-]?[\d.]+(?:[eE][+-]?\d+)?)([smun]?)", word)
        if not found:
            raise BadInput(
                f"{path}, entry {number}", f"'{word}' is not a number", "correct the list"
            )
        if suffixed and not found[2]:
            problem = f"'{word}' has no unit, and lists of pulses are written in s or in us"
            raise BadInput(f"{path}, entry {number}", problem, f"write '{word}u' or '{word}s'")
        values.append(float(found[1]) * (1.0 if counts else UNITS.get(found[2], 1.0)))
    if not values:
        raise BadInput(path, "the list is empty", "copy it from the spectrometer")
    return values


def evaluate(text: str, names: Mapping[str, float]) -> float:
    """Return the value of a pulse-program expression such as ``((1s*l1)/cnst31)-(p1/2)`` [s].

    Parameters
    ----------
    text : str
        Numbers (with a suffix s, m, u or n for times), names, ``+ - * /`` and brackets.
    names : mapping of str to float
        What the names stand for [s].

    Raises
    ------
    ValueError
        A name or construct is not known.
    """
    plain = re.sub(
        r"(?<![\w.])(\d+\.?\d*)([smun])(?!\w)",
        lambda m: repr(float(m[1]) * UNITS[m[2]]),
        text.lower(),
    )
    try:
        return _evaluate_node(ast.parse(plain.strip(), mode="eval").body, names)
    except (SyntaxError, ZeroDivisionError) as error:
        raise ValueError(f"'{shorten_formula(text)}' cannot be evaluated") from error


def _evaluate_node(node: ast.expr, names: Mapping[str, float]) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](
            _evaluate_node(node.left, names), _evaluate_node(node.right, names)
        )
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluate_node(node.operand, names)
    raise ValueError(f"'{shorten_formula(ast.unparse(node))}' is not known")


def shorten_formula(text: str) -> str:
    """Return a formula as it is told in a line: of a long one its beginning and its end."""
    if len(text) <= LONGEST_TOLD:
        return text
    half = LONGEST_TOLD // 2
    return f"{text[:half]} ... {text[-half:]}"


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A line ``"p2=2*p1"`` of a pulse program."""

    name: str
    text: str
    """Right-hand side, as written."""

    @property
    def uses(self) -> set[str]:
        """Names on the right-hand side, in lower case."""
        return find_names(self.text)


def find_names(text: str) -> set[str]:
    """Return the names in an expression, in lower case; the unit of a time is none."""
    return set(re.findall(r"(?<![\w.])[a-z_]\w*", text.lower()))


def names_from_parameters(
    acqus: Mapping[str, object], program: str
) -> tuple[dict[str, float], list[str]]:
    """Return the names a pulse program may use, its own relations applied, and the conflicts found.

    Relations such as ``"p2=2*p1"`` are evaluated when the experiment starts, so they win over a
    stored value.

    Parameters
    ----------
    acqus : mapping
        The acquisition's parameters.
    program : str
        The pulse program.

    Returns
    -------
    names : dict of str to float
        Times [s], counts and constants.
    conflicts : list of str
        Stored values that the program contradicts, one line each.
    """
    names: dict[str, float] = {}
    for array, letter, scale in NUMBERED:
        values = acqus.get(array) or []
        assert isinstance(values, Sequence)
        scaled = [float(value) * scale for value in values]
        names.update(zip(_numbered_names(letter, len(values)), scaled, strict=True))
    names["de"] = float(acqus.get("DE", 0.0)) * 1e-6  # type: ignore[arg-type]
    conflicts = []
    unknown: set[str] = set()
    for relation in find_relations(program):
        name = relation.name.lower()
        if relation.uses & unknown:
            unknown.add(name)
            continue
        try:
            value = evaluate(relation.text, names)
        except ValueError:
            # It uses what varies (vd), or what only the spectrometer knows: no value is taken
            # from what rests on it (`slice_names.SliceNames`).
            unknown.add(name)
            continue
        if name in names and _is_contradicted(name, names[name], value):
            conflicts.append(
                f"{relation.name} is stored as {names[name]:g} s but the pulse program sets "
                f"{relation.name}={relation.text} = {value:g} s"
            )
        names[name] = value
    return names, conflicts


def find_relations(program: str) -> list[Relation]:
    """Return the relations of a program in their order, those behind the acquisition left out."""
    program = re.split(r"^[^;\"\n]*\bgo=", program, maxsplit=1, flags=re.MULTILINE)[0]
    found = re.findall(r'^\s*"\s*(\w+)\s*=\s*([^"]+)"', program, re.MULTILINE)
    return [Relation(name=name, text=text) for name, text in found]


def _is_contradicted(name: str, stored: float, value: float) -> bool:
    is_time = name[0] in "dp"
    return is_time and abs(value - stored) > SAME_TIME + 1e-3 * abs(value)


@functools.cache
def _numbered_names(letter: str, count: int) -> list[str]:
    return [f"{letter}{i}" for i in range(count)]


def find_sequence(program: str) -> list[str]:
    """Return the lines between the last recycle delay and the acquisition, plain and in lower case.

    Parameters
    ----------
    program : str
        The pulse program.

    Raises
    ------
    ValueError
        There is no acquisition in the program, or what varies in it is not understood.
    """
    lines = _executed_lines(program)
    recycling = [n for n, line in enumerate(lines) if re.search(r"\b(d1|mcrest|ze)\b", line)]
    start = max(recycling, default=0)
    kept = lines[start + 1 : -1] if start + 1 < len(lines) else []
    # The first pulse may stand in the line of the recycle delay.
    behind_delay = re.search(r"\bd1\b(.*)", lines[start])
    if behind_delay and _TOKEN.search(behind_delay[1]):
        kept.insert(0, behind_delay[1])
    for line in kept:
        if re.search(r"\b([idr][dpu]u?\d+|if|goto|acq)\b|\bgo\b", line):
            raise ValueError(f"'{shorten_formula(line)}' is not understood")
    return kept


def find_counters(program: str) -> set[str]:
    """Return the names that count loops before the acquisition; ``c`` is ``vc``."""
    try:
        lines = _executed_lines(program)
    except ValueError:
        return set()
    found = re.findall(r"\blo\s+to\s+\w+\s+times\s+([a-z]\w*)", "\n".join(lines))
    return {"vc" if name == "c" else name for name in found}


def _executed_lines(program: str) -> list[str]:
    """Return the lines of a program up to its acquisition, without comments and definitions."""
    lines = []
    for line in program.splitlines():
        bare = line.split(";")[0].strip().lower()
        if not bare or bare.startswith(("#", '"', "define")):
            continue
        lines.append(bare)
        if re.search(r"\bgo=", bare):
            return lines
    raise ValueError("no acquisition (go=) found")


@dataclass(frozen=True, kw_only=True)
class Term:
    """A part of a sequence: a time, or the label that a loop returns to."""

    text: str
    is_label: bool = False


def derive_formula(program: str) -> str:
    """Return the time from the end of the first pulse to the acquisition, in the program's terms.

    A loop ``lo to 3 times c`` multiplies what stands between label 3 and itself; ``vd`` and ``vc``
    vary from slice to slice.

    Parameters
    ----------
    program : str
        The pulse program.

    Raises
    ------
    ValueError
        The program is not understood.
    """
    terms: list[Term] = []
    after_pulse = False
    defined = _find_defined_times(program)
    for line in find_sequence(program):
        label = re.match(r"(\d+|[a-z]\w*,)\s+(.*)", line)
        if label and not _TOKEN.match(line):
            terms.append(Term(text=label[1].strip(","), is_label=True))
            line = label[2]
        loop = re.match(r"lo to (\w+) times (\w+)", line)
        if loop:
            count = "vc" if loop[2] in ("c", "vc") else loop[2]
            terms = _multiply_loop(terms, loop[1], count)
            continue
        timed = re.sub(r"\b(pl|ph|sp|pcpd|cpds?)\d+\S*", " ", line)  # powers, phases, shapes
        for text, is_pulse in _find_times(timed, defined):
            if after_pulse:
                terms.append(Term(text=text))
            after_pulse = after_pulse or is_pulse
    times = [term.text for term in terms if not term.is_label]
    if not times:
        raise ValueError("no delay between the first pulse and the acquisition")
    return "+".join(times)


def ends_with_pulse(program: str) -> bool:
    """Return whether the acquisition follows a pulse at once, as in a one-pulse experiment.

    False where the program is not understood.

    Parameters
    ----------
    program : str
        The pulse program.
    """
    try:
        times = list_times(program)
    except ValueError:
        return False
    return bool(times) and times[-1][1]


def list_times(program: str) -> list[tuple[str, bool]]:
    """Return the delays and pulses between the recycle delay and the acquisition, in their order,
    and whether each is a pulse.

    Parameters
    ----------
    program : str
        The pulse program.

    Raises
    ------
    ValueError
        There is no acquisition in the program, or what varies in it is not understood.
    """
    defined = _find_defined_times(program)
    times = []
    for line in find_sequence(program):
        timed = re.sub(r"\b(pl|ph|sp|pcpd|cpds?)\d+\S*", " ", line)
        times += _find_times(timed, defined)
    return times


def _find_defined_times(program: str) -> dict[str, bool]:
    """Return the times that a program gives a name of its own, and whether each is a pulse."""
    named = re.findall(r"^\s*define\s+(delay|pulse)\s+(\w+)", program, re.MULTILINE)
    return {name.lower(): kind == "pulse" for kind, name in named}


def _find_times(line: str, defined: Mapping[str, bool]) -> list[tuple[str, bool]]:
    """Return the times of a line in their order, and whether each is a pulse."""
    own = re.compile(r"(?<![\w.])([a-z_]\w*)((?:\*[\d.]+)?)(?![\w.])")
    found = [
        (token.start(), token[1] + token[2], token[1].startswith("p") or token[1] == "vp")
        for token in _TOKEN.finditer(line)
    ]
    found += [
        (token.start(), token[1] + token[2], defined[token[1]])
        for token in own.finditer(line)
        if token[1] in defined
    ]
    return [(text, is_pulse) for _, text, is_pulse in sorted(found)]


def _multiply_loop(terms: list[Term], label: str, count: str) -> list[Term]:
    """Return the terms with those from a label on as one, multiplied by a loop's count."""
    starts = [n for n, term in enumerate(terms) if term.is_label and term.text == label]
    if not starts:
        raise ValueError(f"loop to unknown label {label}")
    body = "+".join(term.text for term in terms[starts[-1] + 1 :] if not term.is_label)
    return [*terms[: starts[-1]], Term(text=f"{count}*({body})")]
