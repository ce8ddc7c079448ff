"""Run every benchmark on one core, a process per module; write ``benchmarks/results.json`` and
``docs/benchmarks.md``.

``python -m benchmarks`` runs all; ``python -m benchmarks NAME ...`` runs some and only prints
them.
"""

import importlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import KEYS

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGE = HERE.parent / "docs" / "benchmarks.md"
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
INNER = "--in-this-process"
APART = {"scale", "idle", "oracle_paths"}
"""Run by themselves: no times beside a peer."""


def main(words: Sequence[str]) -> int:
    """Run the benchmarks named, or all; return how many modules failed."""
    if words and words[0] == INNER:
        print(
            json.dumps(
                [
                    _complete(case)
                    for case in importlib.import_module(f"benchmarks.{words[1]}").cases()
                ]
            )
        )
        return 0
    known = sorted(
        path.stem
        for path in HERE.glob("*.py")
        if not path.stem.startswith("_") and path.stem not in APART
    )
    unknown = set(words) - set(known)
    if unknown:
        print(
            f"no benchmark {', '.join(sorted(unknown))}; known are {', '.join(known)}",
            file=sys.stderr,
        )
        return 1
    results: list[dict[str, Any]] = []
    failed = []
    for name in words or known:
        print(f"{name} ...", file=sys.stderr, flush=True)
        found = _run(name)
        failed += [name] if found is None else []
        results += found or []
    print(table(results))
    if not words:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page(results), encoding="utf-8")
        print(
            f"{len(results)} cases: {RESULTS.relative_to(HERE.parent)}, "
            f"{PAGE.relative_to(HERE.parent)}"
        )
    if failed:
        print(f"failed: {', '.join(failed)} (their messages are above)", file=sys.stderr)
    return len(failed)


def _run(name: str) -> list[dict[str, Any]] | None:
    """Return the cases of one module run in its own process on one core; None where it failed."""
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    words = [sys.executable, "-m", "benchmarks", INNER, name]
    done = subprocess.run(
        words, env=environment, stdout=subprocess.PIPE, text=True, preexec_fn=_one_core, check=False
    )
    if done.returncode:
        return None
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def _one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _complete(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return a case with its ratio, keys in order."""
    if set(case) - set(KEYS) or (set(KEYS) - {"ratio"}) - set(case):
        raise KeyError(
            f"a benchmark case has the keys {', '.join(KEYS)}, ratio optional; given: "
            f"{', '.join(case)}"
        )
    ours, peer = case["ours_s"], case["peer_s"]
    return {key: case.get(key) for key in KEYS} | {"ratio": peer / ours if peer and ours else None}


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the cases as a Markdown table."""
    lines = [
        "| case | ours | peer | peer's time | times faster | agreement |",
        "|---|---|---|---|---|---|",
    ]
    for case in results:
        peer = f"{case['peer']} {case['peer_version']}".strip() + (
            "" if case["peer_s"] else " (not installed)"
        )
        ratio = f"{case['ratio']:.3g}" if case["ratio"] else ""
        cells = (
            case["case"],
            _seconds(case["ours_s"]),
            peer,
            _seconds(case["peer_s"]),
            ratio,
            case["agreement"],
        )
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def _seconds(seconds: float | None) -> str:
    if not seconds:
        return ""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.1e} s"


def page(results: Sequence[Mapping[str, Any]]) -> str:
    """Return ``docs/benchmarks.md``."""
    return "\n".join(
        [
            "# Benchmarks",
            "",
            (
                "Written by `make bench`: ours and the peers on the same input, one after the "
                "other, one core, one run of"
            ),
            (
                "the program; the shortest of repeated wall times unless a case says otherwise. "
                "*Times faster* is the"
            ),
            (
                f"peer's time divided by ours. Python {platform.python_version()}, "
                f"{platform.machine()}."
            ),
            "",
            table(results),
            "",
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
