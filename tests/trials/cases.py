"""The cases of a campaign: which scenario with which seed, and how its files are made.

The generators of `SSBCHAR_TRIALS` are run as they are, beside the project; the project's own
forward models (``ssbchar.simulate``) write the same three files: sheet, config and truth.json.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ssbchar.simulate.effects import Effects
from ssbchar.simulate.hexrd import heating
from ssbchar.simulate.hexrd.programme import FrameCounts
from ssbchar.simulate.nmr import pressing
from ssbchar.simulate.truth import Truth
from ssbchar.simulate.xas import scans

ROOT = Path(__file__).parents[2]
GENERATOR_SECONDS = 300
"""Within which a generator has written a case."""
OWN = "own_"
"""Begin of the name of a scenario of the project's own forward models."""
HEATING_ALONE = "_heating"
"""End of the name of a heating series without what follows the hold."""
SERIES = ("clean", "nothing", "creep", "irreversible", "reaction", "amorphous")
PELLETS = ("pristine", "same", "cycled25", "cycled80")
PAIR = "_pair"
"""End of the name of a pellet that is compared with the pristine one."""
PAIRS = tuple(f"{name}{PAIR}" for name in PELLETS[1:])
OWN_FRAMES = {
    "own_stable": (heating.STABLE, FrameCounts(heating=44, hold=5, cooling=22, rest=4)),
    "own_reacting": (heating.REACTING, FrameCounts(heating=62, hold=5, cooling=14, rest=4)),
}
"""The heating series of the demonstration, with its numbers of frames."""
NO_TRACE = "harm"
"""Keyword of the pairs of which one is measured with harmonics: the generators' README says that
they leave no trace in the data."""
OWN_PAIRS = ("Ge_cycled", "Ge_reduced", "Fe_cycled")
"""Measurements of the demonstration that are compared."""


class NoTrials(Exception):
    """The generators are not where they are looked for."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case of a campaign."""

    technique: str
    scenario: str
    seed: int

    @property
    def name(self) -> str:
        """The case in one word."""
        return f"{self.technique}:{self.scenario}:{self.seed}"


def find_trials() -> Path:
    """Return the folder of the generators.

    Raises
    ------
    NoTrials
        It is not there.
    """
    given = Path(os.environ.get("SSBCHAR_TRIALS", "../shared/tools/trials"))
    folder = given if given.is_absolute() else ROOT / given
    if not (folder / "README.md").is_file():
        raise NoTrials(f"the trial generators are not at {given} (set SSBCHAR_TRIALS)")
    return folder.resolve()


def load_generator(folder: Path, name: str) -> ModuleType:
    """Return a generator as a module, for its forward models and its list of scenarios.

    Parameters
    ----------
    folder : Path
        Of the generators.
    name : str
        ``technique/module``.
    """
    path = folder / f"{name}.py"
    # Generators import their neighbours by name.
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location(f"trial_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise NoTrials(f"{path} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def list_scenarios(technique: str, folder: Path) -> list[str]:
    """Return the scenarios of a technique: those of the generators, then our own.

    Parameters
    ----------
    technique : str
        ``hexrd``, ``xas`` or ``nmr``.
    folder : Path
        Of the generators.
    """
    match technique:
        case "hexrd":
            alone = [f"{name}{HEATING_ALONE}" for name in ("nothing", "amorphous")]
            return [*SERIES, *alone, *OWN_FRAMES, *PELLETS, *PAIRS]
        case "xas":
            own = [f"{OWN}{name}" for name in OWN_PAIRS]
            return [*load_generator(folder, "xas/pairs").SC, *own]
        case "nmr":
            listed = dict.fromkeys(load_generator(folder, "nmr/cases").CATS)
            own = [f"{OWN}{powder.name}" for powder in pressing.POWDERS]
            return [*listed, "quadlow", "dead", *own]
    raise ValueError(f"technique '{technique}': hexrd, xas or nmr")


def draw_cases(technique: str, scenarios: Sequence[str], count: int, first_seed: int) -> list[Case]:
    """Return the cases of a campaign: the scenarios in turn, each case with a seed of its own.

    Parameters
    ----------
    technique : str
    scenarios : sequence of str
    count : int
        Number of cases.
    first_seed : int
        Of the first case; each following has the next.
    """
    return [
        Case(technique=technique, scenario=scenarios[k % len(scenarios)], seed=first_seed + k)
        for k in range(count)
    ]


def split_scenarios(text: str, known: Collection[str]) -> list[str]:
    """Return the scenarios that a text names, separated by commas; a name may hold commas itself.

    Raises
    ------
    ValueError
        A name is not known.
    """
    parts, found = [part for part in text.split(",") if part], []
    while parts:
        # The longest name first: "none,thin/thick" is one scenario, "none" another.
        for length in range(len(parts), 0, -1):
            name = ",".join(parts[:length])
            if name in known:
                break
        else:
            raise ValueError(f"scenario '{parts[0]}' is none of {', '.join(known)}")
        found.append(name)
        parts = parts[length:]
    return found


def select_pellets(scenarios: Collection[str], *, pellets: bool) -> list[str]:
    """Return the single patterns and pairs, or else the series, of the scenarios of diffraction."""
    return [name for name in scenarios if (name in PELLETS + PAIRS) == pellets]


def write_case(case: Case, out: Path, folder: Path) -> dict[str, Any]:
    """Write the files of a case; return what is true of it.

    Parameters
    ----------
    case : Case
    out : Path
        Gets raw files, ``samples.tsv`` and ``config.yaml``.
    folder : Path
        Of the generators.

    Returns
    -------
    dict
        The generator's own statement (its truth.json), or ``{"own": [...]}``, the rows of ours.
    """
    out.mkdir(parents=True, exist_ok=True)
    if case.scenario.startswith(OWN):
        return {"own": [asdict(row) for row in _WRITE_OWN[case.technique](case, out)]}
    return _WRITE[case.technique](case, out, folder)


def _run_generator(folder: Path, script: str, *words: object) -> None:
    command = [sys.executable, str(folder / script), *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=GENERATOR_SECONDS, cwd=folder
    )
    if done.returncode:
        raise RuntimeError(f"{script} {' '.join(map(str, words))}: {done.stderr[-500:]}")


def _read_truth(out: Path) -> Any:
    return json.loads((out / "truth.json").read_text(encoding="utf-8"))


def _write_hexrd(case: Case, out: Path, folder: Path) -> dict[str, Any]:
    if case.scenario in PAIRS:
        cycled = case.scenario.removesuffix(PAIR)
        _run_generator(folder, "hexrd/ex_situ.py", out, case.seed)
        _write_pair_sheet(out, cycled)
        truth = _read_truth(out)
        return {"pristine": truth["pristine"], "cycled": truth[cycled]}
    if case.scenario in PELLETS:
        _run_generator(folder, "hexrd/ex_situ.py", out, case.seed)
        _keep_rows(out / "samples.tsv", {case.scenario})
        return dict(_read_truth(out)[case.scenario])
    alone = case.scenario.endswith(HEATING_ALONE)
    _run_generator(
        folder, "hexrd/scenarios.py", case.scenario.removesuffix(HEATING_ALONE), out, case.seed
    )
    truth = dict(_read_truth(out))
    return _leave_out_cooling(truth, out) if alone else truth


def _leave_out_cooling(truth: dict[str, Any], out: Path) -> dict[str, Any]:
    """Remove the frames after the hold; return what is true of the rest."""
    temperature = np.array(truth["temperature"])
    kept = int(np.flatnonzero(temperature == temperature.max())[-1]) + 1
    for frame in sorted((out / "frames").iterdir())[kept:]:
        frame.unlink()
    cut = {
        key: {phase: values[:kept] for phase, values in truth[key].items()}
        for key in ("cells", "amounts")
    }
    # What stays on cooling is a change for good; the cut series does not show it.
    permanent = {
        phase: (np.array(cells[-1]) / np.array(cells[0]) - 1).tolist()
        for phase, cells in truth["cells"].items()
    }
    kept_temperatures = truth["temperature"][:kept]
    return {**truth, **cut, "temperature": kept_temperatures, "permanent": permanent}


def _write_pair_sheet(out: Path, cycled: str) -> None:
    """Write the sheet of two pellets: the pristine one, and one that is compared with it."""
    lines = ["measurement\tsample\ttechnique\trole\tpath\tphases\tcompare_to"]
    for name, role, other in (("pristine", "pristine", ""), (cycled, "cycled", "pristine")):
        lines.append(f"{name}\t{name}\thexrd\t{role}\t{out.resolve() / name}\tLAGP\t{other}")
    (out / "samples.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _keep_rows(sheet: Path, measurements: Collection[str]) -> None:
    """Leave the rows of other measurements out of a sheet."""
    header, *lines = sheet.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.split("\t")[0] in measurements]
    sheet.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")


def _write_xas(case: Case, out: Path, folder: Path) -> dict[str, Any]:
    _run_generator(folder, "xas/pairs.py", case.scenario, out, case.seed)
    changes = load_generator(folder, "xas/pairs").SC[case.scenario]
    return {**_read_truth(out), "no_trace": NO_TRACE in changes}


def _write_nmr(case: Case, out: Path, folder: Path) -> dict[str, Any]:
    _run_generator(folder, "nmr/cases.py", out, case.seed, case.scenario)
    return dict(_read_truth(out)[0])


def _write_own_series(case: Case, out: Path) -> list[Truth]:
    mixture, frames = OWN_FRAMES[case.scenario]
    rng = np.random.default_rng(case.seed)
    truths = heating.write_series(mixture, out / "hexrd", Effects(), rng, frames)
    clock = {"furnace": {"clock_offset_stderr": 10.0, "thermocouple_stderr": 0.3}}
    _write_own_sheet(out, {mixture.measurement}, {"hexrd": clock})
    return truths


def _write_own_pair(case: Case, out: Path) -> list[Truth]:
    after = case.scenario.removeprefix(OWN)
    element = after.partition("_")[0]
    names = {f"{element}_pristine", f"{element}_reference", after}
    specimens = [s for s in scans.SPECIMENS if s.measurement in names]
    rng = np.random.default_rng(case.seed)
    truths = scans.write_scans(out / "xas", Effects(), rng, specimens=specimens)
    _write_own_sheet(out, names, {})
    sample = next(s.sample for s in specimens if s.measurement == after)
    return [truth for truth in truths if truth.sample == sample]


def _write_own_powder(case: Case, out: Path) -> list[Truth]:
    name = case.scenario.removeprefix(OWN)
    truths = pressing.write_powders(out / "nmr", Effects(), np.random.default_rng(case.seed))
    parts = {name, f"{name}_decay", f"{name}_after", "Li_reference", "Li_reference_decay"}
    _write_own_sheet(out, parts, {})
    sample = next(powder.sample for powder in pressing.POWDERS if powder.name == name)
    return [truth for truth in truths if truth.sample == sample]


def _write_own_sheet(out: Path, names: Collection[str], options: Mapping[str, object]) -> None:
    """Write sheet and config: the rows of the demonstration's sheet, with the paths of `out`."""
    text = (ROOT / "config" / "samples.tsv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    header, *rows = csv.reader(lines, delimiter="\t")
    kept = [row for row in rows if row[0] in names]
    # Path fits are tried elsewhere: FEFF would take as long as all other steps of a pair.
    place = header.index("phases")
    for row in kept:
        if row[2] == "xas":
            row[place] = ""
    moved = [[c.replace("data_raw/demo", str(out.resolve())) for c in row] for row in kept]
    sheet = "\n".join("\t".join(row) for row in [header, *moved])
    (out / "samples.tsv").write_text(sheet + "\n", encoding="utf-8")
    # JSON is YAML.
    config = {"run": "own", "samples": str(out.resolve() / "samples.tsv"), **options}
    (out / "config.yaml").write_text(json.dumps(config), encoding="utf-8")


_WRITE: Mapping[str, Callable[[Case, Path, Path], dict[str, Any]]] = {
    "hexrd": _write_hexrd,
    "xas": _write_xas,
    "nmr": _write_nmr,
}
_WRITE_OWN: Mapping[str, Callable[[Case, Path], list[Truth]]] = {
    "hexrd": _write_own_series,
    "xas": _write_own_pair,
    "nmr": _write_own_powder,
}
