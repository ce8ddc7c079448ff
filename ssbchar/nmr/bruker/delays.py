"""The decay time of each slice, from the pulse program and its parameters and lists."""

from __future__ import annotations

import ast
import functools
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ssbchar.errors import BadInput

UNITS = {"s": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
ASK = "give the sample-sheet column 'read.decay_axis', such as 2*vd+p2"
_OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_TOKEN = re.compile(r"(?<![\w.])(vd|d\d+|p\d+|\d+\.?\d*[smun])((?:\*[\d.]+)?)(?![\w.])")


def read_list(path: Path, counts: bool = False) -> list[float]:
    """Return the values of a Bruker delay list [s] (suffixes s, m, u, n) or of a list of loop
    counts.

    Raises
    ------
    BadInput
        The list is missing, empty or holds something else.
    """
    if not path.is_file():
        raise BadInput(
            path, "the list of the slices is missing", "copy it from the spectrometer, or " + ASK
        )
    values = []
    for number, word in enumerate(path.read_text(encoding="latin-1").split(), 1):
        found = re.fullmatch(r"([+-]?[\d.]+(?:[eE][+-]?\d+)?)([smun]?)", word)
        if not found:
            raise BadInput(f"{path}, entry {number}", f"'{word}' is no number", "correct the list")
        values.append(float(found[1]) * (1.0 if counts else UNITS.get(found[2], 1.0)))
    if not values:
        raise BadInput(path, "the list is empty", "copy it from the spectrometer")
    return values


def evaluate(text: str, names: Mapping[str, float]) -> float:
    """Return the value of a pulse-program expression such as ``((1s*l1)/cnst31)-(p1/2)`` [s].

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
        return _value(ast.parse(plain.strip(), mode="eval").body, names)
    except (SyntaxError, ZeroDivisionError) as error:
        raise ValueError(f"'{text}' cannot be evaluated") from error


def _value(node: ast.expr, names: Mapping[str, float]) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left, names), _value(node.right, names))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, names)
    raise ValueError(f"'{ast.unparse(node)}' is not known")


def names_from(acqus: Mapping[str, object], program: str) -> tuple[dict[str, float], list[str]]:
    """Return the names a pulse program may use, in seconds, with its own relations applied, and the
    conflicts found.

    Relations such as ``"p2=2*p1"`` are evaluated when the experiment starts, so they win over a
    stored value.
    """
    names: dict[str, float] = {}
    for key, letter, scale in (
        ("D", "d", 1.0),
        ("P", "p", 1e-6),
        ("L", "l", 1.0),
        ("CNST", "cnst", 1.0),
    ):
        values = acqus.get(key) or []
        assert isinstance(values, Sequence)
        names.update(
            zip(_numbered(letter, len(values)), [float(v) * scale for v in values], strict=True)
        )
    names["de"] = float(acqus.get("DE", 0.0)) * 1e-6  # type: ignore[arg-type]
    conflicts = []
    for target, text in re.findall(r'^\s*"\s*(\w+)\s*=\s*([^"]+)"', program, re.MULTILINE):
        try:
            value = evaluate(text, names)
        except ValueError:
            continue
        stored = names.get(target.lower())
        if (
            stored is not None
            and target[0].lower() in "dp"
            and abs(value - stored) > 1e-8 + 1e-3 * abs(value)
        ):
            conflicts.append(
                f"{target} is stored as {stored:g} s but the pulse program sets {target}={text} = {value:g} s"
            )
        names[target.lower()] = value
    return names, conflicts


@functools.cache
def _numbered(letter: str, count: int) -> list[str]:
    return [f"{letter}{i}" for i in range(count)]


def sequence(program: str) -> list[str]:
    """Return the lines between the last recycle delay and the acquisition, plain and in lower case.

    Raises
    ------
    ValueError
        There is no acquisition in the program, or what varies in it is not understood.
    """
    lines = []
    for line in program.splitlines():
        bare = line.split(";")[0].strip().lower()
        if not bare or bare.startswith(("#", '"', "define")):
            continue
        lines.append(bare)
        if re.search(r"\bgo=", bare):
            break
    else:
        raise ValueError("no acquisition (go=) found")
    start = max(
        (i for i, line in enumerate(lines) if re.search(r"\b(d1|mcrest|ze)\b", line)), default=0
    )
    kept = lines[start + 1 : -1] if start + 1 < len(lines) else []
    first = re.search(r"\bd1\b(.*)", lines[start])
    if first and _TOKEN.search(first[1]):
        kept.insert(0, first[1])
    for line in kept:
        if re.search(r"\b(i[dp]\d+|d[dp]u?\d+|if|goto|acq)\b|\bgo\b", line):
            raise ValueError(f"'{line}' is not understood")
    return kept


def formula(program: str) -> str:
    """Return the time from the end of the first pulse to the acquisition, in the pulse program's
    terms.

    A loop ``lo to 3 times c`` multiplies what stands between label 3 and itself; ``vd`` and ``vc``
    vary from slice to slice.

    Raises
    ------
    ValueError
        The program is not understood.
    """
    terms: list[tuple[str, str]] = []
    begun = False
    for line in sequence(program):
        label = re.match(r"(\d+|[a-z]\w*,)\s+(.*)", line)
        if label and not _TOKEN.match(line):
            terms.append(("label", label[1].strip(",")))
            line = label[2]
        loop = re.match(r"lo to (\w+) times (\w+)", line)
        if loop:
            terms = _looped(terms, loop[1], "vc" if loop[2] in ("c", "vc") else loop[2])
            continue
        for token in _TOKEN.finditer(re.sub(r"\b(pl|ph|sp|pcpd|cpds?)\d+\S*", " ", line)):
            name = token[1] + token[2]
            if begun:
                terms.append(("time", name))
            begun = begun or token[1].startswith("p")
    times = [text for kind, text in terms if kind == "time"]
    if not times:
        raise ValueError("no delay between the first pulse and the acquisition")
    return "+".join(times)


def _looped(terms: list[tuple[str, str]], label: str, count: str) -> list[tuple[str, str]]:
    starts = [i for i, term in enumerate(terms) if term == ("label", label)]
    if not starts:
        raise ValueError(f"loop to unknown label {label}")
    body = "+".join(text for kind, text in terms[starts[-1] + 1 :] if kind == "time")
    return [*terms[: starts[-1]], ("time", f"{count}*({body})")]
