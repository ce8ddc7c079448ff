"""Loops over points, lines and curves, compiled to machine code by numba.

The first call on a machine compiles (up to a second each) and keeps the machine code beside the
source, or in the user's cache where that folder is read-only; later processes load it
(docs/decisions/0012-compiled-loops.md). Modules with such loops are imported by the steps that need
them only: numba takes 0.2 s to load.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numba

from ssbchar.runtime.forking import forks_safely

Given = ParamSpec("Given")
Result = TypeVar("Result")

ROUNDING = {"reassoc", "nsz", "contract", "arcp"}
"""What the compiler may do, all of it within rounding: sums several terms at a time, a product and
a sum in one instruction, a product with the reciprocal for a quotient. Nothing here assumes that
there are no NaN or infinities, and one machine gives the same bytes each time."""


def compile_loops(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Return a function of arrays and numbers that runs as machine code.

    It may call others compiled so in its own folder or here, never elsewhere: the code that is kept
    is made anew when one of these files changes. A division by zero gives infinity or NaN, as in
    NumPy.
    """
    # numba keeps code by a function's name until its own file changes; what it calls may stand
    # beside it
    function.__qualname__ += f"-{_hash_folder(Path(function.__code__.co_filename).parent)}"
    compiled: Any = numba.njit(cache=True, error_model="numpy", fastmath=ROUNDING)(function)
    compiled.compile = functools.partial(_compile_apart, compiled, compiled.compile)
    kept: Callable[Given, Result] = compiled
    return kept


def _compile_apart(dispatcher: Any, compile_here: Callable[[Any], Any], signature: Any) -> Any:
    """Compile a function in a fork, which keeps the code, and load that.

    Where code was just compiled, a function that two others call is one of both for them; of kept
    code each has its own, in which it may sum in another order: a first run differed from all later
    ones in the last digits.
    """
    if forks_safely() and not _Fork.is_one and not _is_kept(dispatcher):
        child = os.fork()
        if child == 0:
            _Fork.is_one = True
            try:
                compile_here(signature)
            finally:
                os._exit(0)
        # What went wrong in the fork goes wrong here again, and is raised.
        os.waitpid(child, 0)
    return compile_here(signature)


class _Fork:
    """Whether this process is a fork that compiles: what a function calls is compiled with it."""

    is_one = False


def _is_kept(dispatcher: Any) -> bool:
    """Return whether code of a function is on disk, of whatever arguments."""
    name = dispatcher.py_func.__qualname__
    return any(Path(dispatcher.stats.cache_path).glob(f"*.{name}-*.nbi"))


@functools.cache
def _hash_folder(folder: Path) -> str:
    """Return a word that changes when a source file of the folder, or this one, does."""
    sources = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(folder.glob("*.py")):
        sources.update(path.read_bytes())
    return sources.hexdigest()[:12]


@compile_loops
def exp_from_polynomial(x: float) -> float:
    """Return exp(x) [1] of x <= 0 [1] within 1e-12 of itself; of x < -700, where little is left of
    a double, that of -700.

    exp(x) = exp(x / 2048)^2048, and that of the small number is its Taylor polynomial. A loop over
    it is vectorised, one over the library's exponential is not: half the time of all profiles.
    """
    y = max(x, -700.0) / 2048
    # Horner's scheme, innermost first: 1 + y (1 + y/2 (1 + y/3 (...)))
    small = 1.0
    for k in range(13, 0, -1):
        small = 1 + y / k * small
    for _ in range(11):
        small *= small
    return small
