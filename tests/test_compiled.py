"""Compiled loops: kept on disk and found again, safe where processes compile at once, and loaded
only where they are needed."""

import ast
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hexrd.made_frame import make_parameters, make_pattern, make_prior, make_series
from hypothesis import given, settings
from hypothesis import strategies as st

import ssbchar
from ssbchar.compiled import compile_loops, exp_from_polynomial
from ssbchar.hexrd.refinement.frame.refine import Convergence, refine_frame

PACKAGE = Path(ssbchar.__file__).parent
COMPILED = {
    path: {
        node.name: node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(d) == "compile_loops" for d in node.decorator_list)
    }
    for path in sorted(PACKAGE.rglob("*.py"))
    if "@compile_loops" in path.read_text(encoding="utf-8")
}
"""Compiled functions by module and name."""
SMALL = """
import numpy as np
from ssbchar.hexrd.refinement.frame.residuals import sum_correlated_products as kernel
print(kernel(np.arange(4.0), 0.5), sum(kernel.stats.cache_hits.values()))
"""


def run(code: str, **changes: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), **changes}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def name_module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def collect_foreign_names(path: Path) -> set[str]:
    """Return what a module takes from modules of other folders, but for what all share; tuples of
    arrays are data."""
    own = name_module(path).rpartition(".")[0]
    return {
        name.asname or name.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("ssbchar")
        and (node.module or "").rpartition(".")[0] != own
        and node.module != "ssbchar.compiled"
        for name in node.names
        if not name.name[0].isupper() or name.name.isupper()
    }


@pytest.mark.parametrize("path", COMPILED, ids=name_module)
def test_compiled_functions_use_nothing_of_another_folder(path: Path) -> None:
    """The code kept of a function is made anew when a file of its folder changes, and only then."""
    foreign = collect_foreign_names(path)
    for function in COMPILED[path].values():
        used = {n.id for part in function.body for n in ast.walk(part) if isinstance(n, ast.Name)}
        assert not used & foreign, f"{function.name} uses {used & foreign}"


def test_a_loop_is_compiled_once_for_all_frames() -> None:
    """An array of another kind than usual would be compiled for anew, for a second each time."""
    series, truth = make_series(), make_parameters()
    for amount in (truth.amount, np.full(2, np.nan)):
        refine_frame(
            series,
            make_pattern(series, noise=1.0),
            (0, 1),
            start=make_parameters(amount=amount),
            prior=make_prior(),
            convergence=Convergence(iterations=3, tolerance=0.1),
        )
    used = 0
    for path, functions in COMPILED.items():
        if "refinement" not in path.parts:
            continue
        module = importlib.import_module(name_module(path))
        for name in functions:
            kinds = getattr(module, name).signatures
            used += bool(kinds)
            assert len({str(kind) for kind in kinds}) <= 1, f"{name}: {kinds}"
    # Those that Python calls: what these call in turn is in their kept code.
    assert used >= 8


def test_a_second_process_finds_what_the_first_compiled(tmp_path: Path) -> None:
    # The first process loads what its fork has compiled: code just compiled may sum otherwise.
    assert run(SMALL, NUMBA_CACHE_DIR=str(tmp_path)) == "4.75 1"
    assert run(SMALL, NUMBA_CACHE_DIR=str(tmp_path)) == "4.75 1"


def test_a_changed_file_is_compiled_anew(tmp_path: Path) -> None:
    for factor in (2, 3):
        (tmp_path / "own.py").write_text(
            "from ssbchar.compiled import compile_loops\n"
            f"@compile_loops\ndef scale(x):\n    return {factor} * x\n"
        )
        os.utime(tmp_path / "own.py", (factor, factor))
        found = run(
            f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import own; print(own.scale(1.0))"
        )
        assert float(found) == factor


def test_code_is_made_anew_when_what_it_calls_changes(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "caller.py").write_text(
        "from ssbchar.compiled import compile_loops\nfrom called import scale\n"
        "@compile_loops\ndef scale_twice(x):\n    return 2 * scale(x)\n"
    )
    for factor in (2, 3):
        (tmp_path / "called.py").write_text(
            "from ssbchar.compiled import compile_loops\n"
            f"@compile_loops\ndef scale(x):\n    return {factor} * x\n"
        )
        os.utime(tmp_path / "called.py", (factor, factor))
        found = run(
            f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import caller;"
            " print(caller.scale_twice(1.0))"
        )
        assert float(found) == 2 * factor


@pytest.mark.skipif(os.name != "posix", reason="permissions of folders are POSIX's")
def test_a_package_that_cannot_be_written_to_is_compiled_in_the_users_cache(tmp_path: Path) -> None:
    package, home = tmp_path / "site" / "ssbchar", tmp_path / "home"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    home.mkdir()
    code = f"import os, sys; sys.dont_write_bytecode = True\n{SMALL}"
    if os.geteuid() == 0:  # nothing is closed to root: a file stands where the folder would
        for folder in package.rglob("*"):
            if folder.is_dir():
                (folder / "__pycache__").write_text("")
    else:
        for folder in [package, *package.rglob("*")]:
            folder.chmod(0o555 if folder.is_dir() else 0o444)
    where = {"PYTHONPATH": str(package.parent), "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    try:
        assert run(code, **where) == "4.75 1"
        assert list(home.rglob("*.nbi"))
    finally:
        for folder in [package, *package.rglob("*")]:
            folder.chmod(0o755)


def test_processes_that_compile_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(PACKAGE.parent),
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    together = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", SMALL], env=environment, stdout=subprocess.PIPE
        )
        for _ in range(3)
    ]
    assert {process.communicate()[0].split()[0] for process in together} == {b"4.75"}
    assert run(SMALL, NUMBA_CACHE_DIR=str(tmp_path)) == "4.75 1"


@pytest.mark.parametrize(
    "module", ["ssbchar.cli", "ssbchar.hexrd.refinement", "ssbchar.hexrd.refinement.options"]
)
def test_numba_is_loaded_by_the_steps_that_need_it(module: str) -> None:
    assert run(f"import sys, {module}; print('numba' in sys.modules)") == "False"


@compile_loops
def divide(values: np.ndarray, by: float) -> np.ndarray:
    """A quotient, and a sum in which infinities meet."""
    out = np.empty(values.size + 1)
    total = 0.0
    for i in range(values.size):
        out[i] = values[i] / by
        total += values[i]
    out[-1] = total
    return out


def test_nan_and_infinity_are_those_of_numpy() -> None:
    values = np.array([1.0, -1.0, 0.0, np.nan] * 5)
    np.testing.assert_array_equal(divide(values, 0.0)[:4], [np.inf, -np.inf, np.nan, np.nan])
    assert np.isnan(divide(values, 1.0)[-1])
    assert np.isnan(divide(np.array([np.inf, 1.0, -np.inf] * 5), 1.0)[-1])
    assert divide(np.array([np.inf, 1.0, 2.0] * 5), 1.0)[-1] == np.inf


@given(st.floats(-700.0, 0.0) | st.floats(-40.0, 0.0))
@settings(max_examples=200, deadline=None)
def test_the_polynomial_is_the_exponential(x: float) -> None:
    assert exp_from_polynomial(x) == pytest.approx(np.exp(x), rel=1e-12, abs=0)
    assert exp_from_polynomial(x - 700) == pytest.approx(np.exp(-700.0), rel=1e-12, abs=0)
