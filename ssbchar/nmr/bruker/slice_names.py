"""What the names of a pulse program stand for in each slice: lists, counters and delays that are
stepped, and relations that rest on them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ssbchar.nmr.bruker import delays
from ssbchar.nmr.bruker.delays import Relation

LIST_NAMES = ("vd", "vc", "vp")
"""Names whose values stand in a list, one per slice."""
NOT_UNDERSTOOD = ""
"""Step of a name that changes in a way that is not followed."""
WHOLE = 1e-6
"""A computed loop count this close to a whole number is that number [1]."""
_STEPS = (
    (r"([id])u(\d+)", "l{n}", "1"),
    (r"([id])d(\d+)", "d{n}", "in{n}"),
    (r"([id])pu(\d+)", "p{n}", "inp{n}"),
)
"""Commands that step a counter, a delay or a pulse, the name and its step."""


@dataclass(frozen=True, kw_only=True)
class SliceNames:
    """The names of a pulse program, and what changes them from slice to slice."""

    program: str
    names: Mapping[str, float]
    """At the start (`delays.names_from_parameters`) [s], counts and constants."""

    @cached_property
    def changes(self) -> dict[str, list[str]]:
        """What is done to a name after each slice, as expressions of its next value."""
        return find_changes(self.program)

    @cached_property
    def pending(self) -> dict[str, Relation]:
        """Relations whose value is not known before the slices are, by name."""
        varying = {*LIST_NAMES, *self.changes}
        pending: dict[str, Relation] = {}
        for relation in delays.find_relations(self.program):
            name = relation.name.lower()
            unknown = relation.uses - self.names.keys()
            if relation.uses & (varying | pending.keys()) or unknown:
                pending[name] = relation
            else:
                pending.pop(name, None)
        return pending

    def find_needed(self, formula: str) -> set[str]:
        """Return the names that a formula rests on, through relations too."""
        needed: set[str] = set()
        left = delays.find_names(formula)
        while left:
            name = left.pop()
            needed.add(name)
            if name in self.pending:
                left |= self.pending[name].uses - needed
        return needed

    def expand(self, formula: str) -> str:
        """Return a formula with the relations put in whose value depends on the slice."""
        expanded = formula
        for _ in self.pending:
            expanded = re.sub(
                r"(?<![\w.])[a-z_]\w*(?!\w)",
                lambda found: (
                    f"({self.pending[found[0]].text.strip().lower()})"
                    if found[0] in self.pending
                    else found[0]
                ),
                expanded,
            )
        return expanded

    def evaluate(
        self, formula: str, lists: Mapping[str, Sequence[float]], count: int
    ) -> list[float]:
        """Return the value of a formula in each of the first `count` slices [s].

        A loop runs at least once, whatever its counter says: it is tested at its end.

        Parameters
        ----------
        formula : str
            From `delays.derive_formula`, or the user's own.
        lists : mapping of str to sequence of float
            Values of ``vd``, ``vc``, ``vp`` [s, counts].
        count : int
            Number of slices.

        Raises
        ------
        ValueError
            A name of the formula is not known, or changes in a way that is not understood.
        """
        needed = self.find_needed(formula)
        self._check(needed)
        state = dict(self.names)
        values = []
        for slice_ in range(count):
            state |= {name: list_[slice_] for name, list_ in lists.items()}
            now = dict(state)
            for name in self.pending:
                now.pop(name, None)
            for name, relation in self.pending.items():
                if name in needed:
                    now[name] = delays.evaluate(relation.text, now)
            for counter in delays.find_counters(self.program) & now.keys() & needed:
                now[counter] = _count_loops(counter, now[counter])
            values.append(delays.evaluate(formula, now))
            for name in needed & self.changes.keys():
                for step in self.changes[name]:
                    state[name] = delays.evaluate(step, state)
        return values

    def _check(self, needed: set[str]) -> None:
        """Refuse names that change in a way that is not followed."""
        for name in sorted(needed & self.changes.keys()):
            if NOT_UNDERSTOOD in self.changes[name]:
                raise ValueError(f"how {name} changes from slice to slice is not understood")
        before_start = {r.name.lower() for r in delays.find_relations(_take_head(self.program))}
        for name in sorted(needed & self.pending.keys()):
            relation = self.pending[name]
            if name in relation.uses:
                raise ValueError(f"'{relation.name}={relation.text}' refers to itself")
            stepped = sorted(relation.uses & self.changes.keys())
            if stepped and name in before_start:
                # It is evaluated once, before the first slice; whether it is meant so is open.
                raise ValueError(
                    f"'{relation.name}={relation.text}' stands before the start, and {stepped[0]} "
                    "is stepped later"
                )


def _take_head(program: str) -> str:
    """Return what of a program stands before its first step."""
    return re.split(r"^\s*(?:\w+\s+)?ze\b", program, maxsplit=1, flags=re.MULTILINE)[0]


def _count_loops(name: str, value: float) -> float:
    count = round(value)
    if abs(value - count) > WHOLE * max(abs(value), 1.0):
        raise ValueError(f"{name} = {value:g} is no number of loops")
    return float(max(count, 1))


def find_changes(program: str) -> dict[str, list[str]]:
    """Return what a program does to counters, delays and pulses after each slice.

    ``iu22``, ``id6``, ``ipu3`` and their opposites, relations such as ``"d6=d6*2"``, and the macros
    ``caldel`` and ``calclc`` in ``mc`` lines (``F1QF``) are followed.

    Parameters
    ----------
    program : str
        The pulse program.

    Returns
    -------
    dict of str to list of str
        Expressions of the next value by name; `NOT_UNDERSTOOD` where it is not followed.
    """
    changes: dict[str, list[str]] = {}
    loops = 0
    for line in _list_lines_behind_acquisition(program):
        understood = loops == 0
        for name, expression in _list_steps(line):
            is_other_axis = re.search(r"\bf[2-9]\w*\(|\bf1(?!qf)\w*\(", line) is not None
            is_plain = understood and not is_other_axis
            changes.setdefault(name, []).append(expression if is_plain else NOT_UNDERSTOOD)
        loops += len(re.findall(r"\blo\s+to\b", line))
    return changes


def _list_lines_behind_acquisition(program: str) -> list[str]:
    lines = [line.split(";")[0].strip().lower() for line in program.splitlines()]
    starts = [n for n, line in enumerate(lines) if re.search(r"\bgo=", line)]
    if not starts:
        return []
    first = re.sub(r".*\bgo=\S*", "", lines[starts[0]])
    behind = [first, *lines[starts[0] + 1 :]]
    ends = [n for n, line in enumerate(behind) if re.match(r"(\w+\s+)?exit\b", line)]
    kept = behind[: ends[0]] if ends else behind
    return [line for line in kept if not line.startswith("#")]


def _list_steps(line: str) -> list[tuple[str, str]]:
    """Return the names that a line changes, each with the expression of its next value."""
    relation = re.match(r'"\s*(\w+)\s*=\s*([^"]+)"', line)
    if relation:
        return [(relation[1], relation[2])]
    found = []
    for pattern, name, step in _STEPS:
        for command in re.finditer(rf"(?<![\w.]){pattern}(?!\w)", line):
            n, sign = command[2], "+" if command[1] == "i" else "-"
            target = name.format(n=n)
            found.append((target, f"{target}{sign}{step.format(n=n)}"))
    for macro in re.finditer(r"\bcal(?:del|clc|pul)\(\s*(\w+)\s*,\s*([+-]?)\s*(\w+)\s*\)", line):
        found.append((macro[1], f"{macro[1]}{macro[2] or '+'}{macro[3]}"))
    for reset in re.finditer(r"(?<![\w.])r([du])(\d+)(?!\w)", line):
        letter = "l" if reset[1] == "u" else "d"
        found.append((f"{letter}{reset[2]}", NOT_UNDERSTOOD))
    return found
