"""Would the tests notice? ``python tests/house/mutants.py hexrd/onset nmr/decay --count 50 --seed
1``.

One small fault at a time is put into a copy of the package (a sign, a comparison, a number, an
``and``), and the tests of that room run on it: first those of the module's own test file, then the
rest of the room. A mutant that all tests pass on has survived; each is printed with its line. Slow;
run by hand (``make mutants``).

Left out is what no test could notice: annotations, docstrings, messages and which of two texts one
says; numbers up to 1e-9, which keep a division from zero or an equality from rounding; tolerances
and limits of steps that a solver of SciPy is given, which a fit that converges does not show. A
measured number is never exactly at a limit: ``<`` becomes ``<=`` only where one side is a whole
number (a literal, zero, a size, a length) and equality can happen; between two measured numbers the
comparison is turned round instead. That the limit itself is right is asked by changing its number.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
COPIED = ("ssbchar", "tests", "config", "workflow", "docs", "pyproject.toml", "Snakefile")
HEXRD = (
    *("patterns", "images", "calibration", "furnace", "peaks", "refinement", "expansion"),
    *("onset", "unindexed", "time_course", "pairs", "verdict"),
)
XAS = ("scans", "calibration", "normalisation", "exafs", "comparison", "series", "paths")
NMR = (
    *("bruker", "lineshape", "powder", "transform", "decay", "relaxation", "time_course"),
    "quantification",
)
PHYSICS = (
    *(f"hexrd/{room}" for room in HEXRD),
    *(f"xas/{room}" for room in XAS),
    *(f"nmr/{room}" for room in NMR),
    "crystal",
    *("uncertain.py", "linalg.py", "statistics.py", "decision.py"),
    *("hexrd/bragg.py", "xas/edge_features.py", "xas/slopes.py"),
)
"""The rooms of physics, and modules of physics outside them: the default."""
NOT_PHYSICS = ("options.py", "__init__.py", "outputs.py")
TIMEOUT = 300
"""Seconds after which a test run counts as having noticed: a fault that hangs is seen."""
NOTHING_COLLECTED = 5
"""Exit code of pytest where no test was asked for."""
LIBRARIES = (
    "numpy",
    "pandas",
    "xarray",
    "h5netcdf",
    "h5py",
    "numba",
    "gemmi",
    "hypothesis",
    "scipy.optimize",
    "scipy.signal",
    "scipy.interpolate",
    "scipy.ndimage",
    "scipy.stats",
    "pydantic",
)
"""Loaded once; forks share them."""
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
}
"""What a comparison of two measured numbers becomes."""
GUARD = 1e-9
"""Numbers up to this, but zero, keep a division from zero or an equality from rounding."""
OF_SOLVERS = ("ftol", "gtol", "xtol", "atol", "rtol", "tol", "maxfev", "max_nfev", "maxiter")
"""Arguments of solvers that a fit which converges does not show."""
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One fault in one module."""

    path: Path
    """Relative to the package."""
    place: int
    """Of the node, in the order of `ast.walk`."""
    line: int
    change: object
    """What the node's operator, comparison or number becomes."""
    what: str

    def text(self, package: Path) -> str:
        """Return the module with the fault in it."""
        tree = ast.parse((package / self.path).read_text(encoding="utf-8"))
        target = next(node for i, node in enumerate(ast.walk(tree)) if i == self.place)
        return ast.unparse(ast.fix_missing_locations(_Change(target, self.change).visit(tree)))


class _Change(ast.NodeTransformer):
    """Puts one fault into a tree."""

    def __init__(self, target: ast.AST, change: object) -> None:
        self.target, self.change = target, change

    def visit(self, node: ast.AST) -> ast.AST:
        if node is not self.target:
            return self.generic_visit(node)
        if isinstance(node, ast.Compare):
            node.ops[0] = self.change()  # type: ignore[operator]
        elif isinstance(node, ast.BinOp | ast.BoolOp):
            node.op = self.change()  # type: ignore[operator]
        elif isinstance(node, ast.Constant):
            node.value = self.change  # type: ignore[assignment]
        elif isinstance(node, ast.UnaryOp):
            return node.operand
        return node


def mutants_of(path: Path, package: Path) -> Iterator[Mutant]:
    """Yield every fault that can be put into a module, one at a time."""
    tree = ast.parse((package / path).read_text(encoding="utf-8"))
    untouched = {id(n) for part in ast.walk(tree) for n in _without_effect(part)}
    for place, node in enumerate(ast.walk(tree)):
        if id(node) not in untouched:
            for change, what in _faults(node):
                yield Mutant(
                    path=path,
                    place=place,
                    line=getattr(node, "lineno", 0),
                    change=change,
                    what=what,
                )


def _without_effect(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what only people or the type checker read (annotations, docstrings, messages), and
    what a solver that converges does not show."""
    if isinstance(node, ast.FunctionDef):
        for argument in (*node.args.args, *node.args.kwonlyargs):
            yield from ast.walk(argument.annotation) if argument.annotation else ()
        yield from ast.walk(node.returns) if node.returns else ()
    if isinstance(node, ast.AnnAssign):
        yield from ast.walk(node.annotation)
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Assert):
        yield from ast.walk(node)
    if isinstance(node, ast.keyword) and node.arg in OF_SOLVERS:
        yield from ast.walk(node)
    if isinstance(node, ast.IfExp) and any(
        isinstance(side, ast.JoinedStr) for side in (node.body, node.orelse)
    ):
        yield from ast.walk(node)
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        yield from ast.walk(node)


def _faults(node: ast.AST) -> Iterator[tuple[object, str]]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        exact = any(_is_whole(side) for side in (node.left, node.comparators[0]))
        kind = type(node.ops[0])
        new = COMPARISONS[kind] if exact or kind not in TURNED else TURNED[kind]
        yield new, f"{type(node.ops[0]).__name__} -> {new.__name__}"
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        if not isinstance(node.left, ast.List | ast.Tuple) and not _is_text(node):
            yield (
                OPERATORS[type(node.op)],
                f"{type(node.op).__name__} -> {OPERATORS[type(node.op)].__name__}",
            )
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield None, f"{type(node.op).__name__} dropped"
    elif isinstance(node, ast.BoolOp):
        yield ast.Or if isinstance(node.op, ast.And) else ast.And, "and <-> or"
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        number = node.value
        if 0 < abs(number) <= GUARD:
            return
        yield (
            number + 1 if isinstance(number, int) else number * 1.25 or 0.25,
            f"{number!r} changed",
        )


def _is_whole(node: ast.expr) -> bool:
    """Return whether a side of a comparison is a whole number: a literal, zero, a size, a length, a
    number of places that are true."""
    if isinstance(node, ast.UnaryOp):
        return _is_whole(node.operand)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int) or node.value == 0
    if isinstance(node, ast.Attribute):
        return node.attr in ("size", "ndim")
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr in ("shape", "sizes")
    if isinstance(node, ast.Call):
        called = node.func
        name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
        return name in ("len", "sum", "count_nonzero")
    return False


def _is_text(node: ast.BinOp) -> bool:
    parts = [n for n in ast.walk(node) if isinstance(n, ast.Constant | ast.JoinedStr)]
    return any(isinstance(p, ast.JoinedStr) or isinstance(p.value, str) for p in parts)


def tests_for(room: str, module: str) -> list[list[str]]:
    """Return what pytest is asked for, one run after the other: the module's own tests, then the
    room's. A module that is its own room is judged by its own tests alone."""
    is_module = room.endswith(".py")
    folder = ROOT / "tests" / (Path(room).parent if is_module else room)
    own = folder / f"test_{module}.py"
    runs = [[own.relative_to(ROOT).as_posix()]] if own.is_file() else []
    if folder.is_dir() and not is_module:
        rest = [
            p.relative_to(ROOT).as_posix() for p in sorted(folder.rglob("test_*.py")) if p != own
        ]
        runs += [rest] if rest else []
    return runs


def prepare_worker(copied: Path) -> None:
    """Make this process one that judges mutants in a copy of the checkout, libraries loaded.

    The package itself is not imported: each fork imports the one with its fault.
    """
    os.chdir(copied)
    sys.path[:0] = [str(copied), str(copied / "tests")]
    os.environ["PYTHONPATH"] = str(copied)
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)


def is_noticed(mutant: Mutant, room: str, copied: Path) -> bool:
    """Return whether a test of the room fails on a mutant, in a copy of the checkout."""
    place = copied / "ssbchar" / mutant.path
    original = place.read_text(encoding="utf-8")
    place.write_text(mutant.text(ROOT / "ssbchar"), encoding="utf-8")
    try:
        return any(_fails(words) for words in tests_for(room, mutant.path.stem))
    finally:
        place.write_text(original, encoding="utf-8")


def _fails(words: Sequence[str]) -> bool:
    """Return whether pytest fails on these files, in a fork; one that hangs has failed."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        code = 1
        try:
            code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *words]))
        finally:
            os._exit(code)
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) not in (0, NOTHING_COLLECTED)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def drawn_mutants(rooms: Sequence[str], count: int, seed: int) -> list[tuple[str, Mutant]]:
    """Return `count` mutants drawn at random from all modules of the rooms, each line as likely as
    the next."""
    package = ROOT / "ssbchar"
    found: list[tuple[str, Mutant]] = []
    for room in rooms:
        place = package / room
        files = [place] if place.suffix == ".py" else sorted(place.rglob("*.py"))
        for path in files:
            if path.name not in NOT_PHYSICS:
                found += [(room, m) for m in mutants_of(path.relative_to(package), package)]
    return random.Random(seed).sample(found, min(count, len(found)))


def judge_all(
    copied: Path,
    mutants: Sequence[tuple[str, Mutant]],
    results: multiprocessing.Queue[tuple[str, Mutant, bool]],
) -> None:
    """Judge mutants one after the other in a copy of the checkout, and report each."""
    prepare_worker(copied)
    for room, mutant in mutants:
        results.put((room, mutant, is_noticed(mutant, room, copied)))


def _copy_checkout(copied: Path) -> None:
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, copied / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, copied / name)


def main() -> int:
    """Run the mutants of the rooms named on the command line; return 1 where fewer than the goal
    are noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "rooms", nargs="*", default=list(PHYSICS), help="folders or modules below ssbchar/"
    )
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--goal", type=float, default=85.0, help="percent")
    given = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    real = os.environ.get("SSBCHAR_REAL_DATA", "../shared/real")
    os.environ["SSBCHAR_REAL_DATA"] = str((ROOT / real).resolve())
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    drawn = drawn_mutants(given.rooms or PHYSICS, given.count, given.seed)
    tally: dict[str, list[bool]] = {}
    with tempfile.TemporaryDirectory() as folder:
        copies = [Path(folder) / str(number) for number in range(given.workers)]
        for copied in copies:
            _copy_checkout(copied)
        context = multiprocessing.get_context("spawn")
        parts = [(copied, drawn[n :: given.workers]) for n, copied in enumerate(copies)]
        results: multiprocessing.Queue[tuple[str, Mutant, bool]] = context.Queue()
        workers = [context.Process(target=judge_all, args=(*part, results)) for part in parts]
        for worker in workers:
            worker.start()
        start = time.monotonic()
        for number in range(1, len(drawn) + 1):
            room, mutant, noticed = results.get()
            tally.setdefault(room, []).append(noticed)
            if number % 10 == 0:
                minutes = (time.monotonic() - start) / 60
                print(f"{number} of {len(drawn)}, {minutes:.1f} min", file=sys.stderr, flush=True)
            if not noticed:
                print(f"survived: ssbchar/{mutant.path}:{mutant.line}: {mutant.what}", flush=True)
        for worker in workers:
            worker.join()
    print("| room | mutants | noticed |")
    print("|---|---|---|")
    for room, seen in sorted(tally.items()):
        print(f"| {room} | {len(seen)} | {sum(seen)} |")
    total = [noticed for seen in tally.values() for noticed in seen]
    share = 100 * sum(total) / max(len(total), 1)
    print(f"| all | {len(total)} | {sum(total)} ({share:.0f} %) |")
    return 0 if share >= given.goal else 1


if __name__ == "__main__":
    sys.exit(main())
