"""Where the time of one step goes: what ``ssbchar step --profile`` adds to the step's log.

A step that is not profiled runs without any of this. Profiling replaces a few functions for the
time of the step: the import statement, the transfers of row files, the rendering of figures and
the call of the step's own function.
"""

from __future__ import annotations

import builtins
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import Any

from ssbchar.pipeline import step
from ssbchar.runtime import timing
from ssbchar.runtime.timing import TimeSpan
from ssbchar.storage import lazy_rows, row_file, store

PROFILE_VARIABLE = "SSBCHAR_PROFILE"
"""Environment variable that ``ssbchar run --profile`` sets for its steps."""


class Part(StrEnum):
    """What a step's time is spent on."""

    REST = "reading inputs, writing outputs and all else"
    FUNCTION = "the step's own function"
    FIGURES = "rendering figures"
    BLOCKS = "reading and writing blocks of rows"
    IMPORTS = "importing libraries"


class Profile:
    """Time by part; of nested parts the innermost counts.

    Only the thread that began the profile is timed: hashing beside the imports costs no wall time.
    """

    def __init__(self) -> None:
        self.spent = dict.fromkeys(Part, TimeSpan(0.0, 0.0))
        self._stack = [Part.REST]
        self._last = timing.measure_now()
        self._thread = threading.get_ident()

    @contextmanager
    def timing_part(self, part: Part) -> Iterator[None]:
        """Count the time of a ``with`` block as spent on a part."""
        if threading.get_ident() != self._thread:
            yield
            return
        self.close_span()
        self._stack.append(part)
        try:
            yield
        finally:
            self.close_span()
            self._stack.pop()

    def close_span(self) -> None:
        """Add the time since the last change of part to the present part."""
        now = timing.measure_now()
        part = self._stack[-1]
        self.spent[part] = self.spent[part].plus(now.since(self._last))
        self._last = now

    @property
    def computing(self) -> TimeSpan:
        """Time of the step's own function and of its figures, without imports and blocks."""
        return self.spent[Part.FUNCTION].plus(self.spent[Part.FIGURES])

    def format_lines(self) -> list[str]:
        """Return the profile for the step's log."""
        self.close_span()
        total = self.computing
        lines = [f"computing: {total.wall:.2f} s, {total.processor:.2f} s of processors"]
        for part, span in self.spent.items():
            lines.append(f"  {part}: {span.wall:.2f} s, {span.processor:.2f} s of processors")
        return lines


def is_wanted(asked: bool) -> bool:
    """Return whether a step is profiled: by its own switch, or by that of the run."""
    return asked or bool(os.environ.get(PROFILE_VARIABLE))


@contextmanager
def profile_step() -> Iterator[Profile]:
    """Profile the step that runs in this ``with`` block."""
    profile = Profile()
    with ExitStack() as undo:
        undo.enter_context(_replace(builtins, "__import__", _time_imports(profile)))
        for owner, name, part in (
            (row_file.RowFile, "_transfer", Part.BLOCKS),
            (lazy_rows.RowReader, "_load_rows", Part.BLOCKS),
            (store, "render_figure", Part.FIGURES),
            (step, "call_function", Part.FUNCTION),
        ):
            timed = _time_calls(profile, part, getattr(owner, name))
            undo.enter_context(_replace(owner, name, timed))
        yield profile


@contextmanager
def _replace(owner: Any, name: str, replacement: Any) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, replacement)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _time_calls(profile: Profile, part: Part, call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def timed(*arguments: Any, **named: Any) -> Any:
        with profile.timing_part(part):
            return call(*arguments, **named)

    return timed


def _time_imports(profile: Profile) -> Callable[..., Any]:
    load = builtins.__import__

    def timed(name: str, *more: Any, **named: Any) -> Any:
        # Import statements inside functions run again and again: loaded modules cost nothing.
        if name in sys.modules:
            return load(name, *more, **named)
        with profile.timing_part(Part.IMPORTS):
            return load(name, *more, **named)

    return timed
