"""Truth against conclusions: of a finished demonstration run, and (slow) pulls over many seeds of
every technique.

The pull of a conclusion is (value - truth) / stderr; over seeds its mean lies within 0.3 of 0 and
its standard deviation in 0.7-1.4 where nothing un-modelled is in the data. With the un-modelled
effects the pull is taken against hypot(stderr, systematic), which may be wider than the scatter,
never narrower. ``SSBCHAR_SEEDS`` sets the number of seeds, ``SSBCHAR_PULLS`` a folder that gets the
figures as JSON, ``SSBCHAR_CHOICES`` a smaller ensemble of processing choices of the paired
absorption spectra.
"""

import inspect
import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hexrd.made_series import chain

from ssbchar.conclusion import Conclusion
from ssbchar.pipeline import step
from ssbchar.runtime import options as opts
from ssbchar.simulate import pulls
from ssbchar.simulate import truth as known
from ssbchar.simulate.effects import IDEAL, Effects
from ssbchar.simulate.hexrd import heating
from ssbchar.simulate.nmr import pressing
from ssbchar.simulate.truth import Truth
from ssbchar.simulate.xas import scans

ROOT = Path(__file__).parents[1]


def call(
    name: str, departures: dict[str, Any] | None = None, about: str = "", **inputs: Any
) -> Any:
    """Run a step in process as the workflow would: options from its dataclass, labels stamped on a
    Dataset."""
    function = step.find_function(name)
    hints = step.read_hints(function)
    arguments = {k: inputs.get(k) for k in inspect.signature(function).parameters}
    if "options" in arguments:
        arguments["options"] = opts.build_options(hints["options"], departures or {})
    label = {"measurement": about, "sample": about, "role": inputs.get("role", "")}
    if "labels" in arguments:
        arguments["labels"] = label
    result = function(**arguments)
    return result.assign_attrs(label) if hasattr(result, "assign_attrs") else result


def nmr(folder: Path, effects: Effects, seed: int) -> tuple[list[Truth], list[Conclusion]]:
    """One stable pressing (in turn) with pure Li's decay."""
    rng = np.random.default_rng(seed)
    powder = [p for p in pressing.POWDERS if p.t2][seed % 4]
    about = {"date": 1.6e9, "title": "synthetic\n"}
    pressing.write_spectrum(folder / "10", powder, effects, rng, li=powder.li, **about)
    for name, which in (("20", powder), ("21", pressing.PURE_LI)):
        pressing.write_decay(folder / name, which, effects, rng, li=(which.li,) * 12, **about)
    lines, decay = {}, None
    for name, axis in (("10", "d6"), ("21", "vd"), ("20", "vd")):
        fid = call("nmr.bruker.read_fid", {"decay_axis": axis}, name, source=folder / name)
        lines[name] = call("nmr.lineshape.fit_lines", None, name, fid=fid)
        if name == "10":
            spectrum = call(
                "nmr.lineshape.integrate_windows", None, name, fid=fid, lines=lines[name]
            )
        else:
            decay = call(
                "nmr.decay.fit_decay", None, name, series=lines[name], reference_decay=decay
            )
    told = call(
        "nmr.quantification.quantify_fractions",
        {"x_nominal": 1.0},
        lines=lines["10"],
        spectrum=spectrum,
        decay=decay,
    )
    return pressing.list_truths(powder), told


def xas(folder: Path, effects: Effects, seed: int) -> tuple[list[Truth], list[Conclusion]]:
    """Ge pristine against cycled or (every other seed) reduced, with the reduced reference."""
    after = ("Ge_cycled", "Ge_reduced")[seed % 2]
    wanted = [s for s in scans.SPECIMENS if s.measurement in ("Ge_pristine", "Ge_reference", after)]
    scans.write_scans(folder, effects, np.random.default_rng(seed), specimens=wanted)
    read = {
        s.measurement: call(
            "xas.scans.read_scans", None, s.measurement, source=folder / s.measurement
        )
        for s in wanted
    }
    norm = {}
    for name, found in read.items():
        standard = read["Ge_pristine"] if name == after else None
        calibrated = call(
            "xas.calibration.calibrate_energy", None, name, scans=found, standard=standard
        )
        norm[name] = call("xas.normalisation.normalise_spectra", None, name, calibrated=calibrated)
    fewer = (
        {"choices": int(os.environ["SSBCHAR_CHOICES"])} if "SSBCHAR_CHOICES" in os.environ else None
    )
    pair = call(
        "xas.comparison.compare_pair",
        fewer,
        after,
        pristine=norm["Ge_pristine"],
        cycled=norm[after],
    )
    components = [norm["Ge_pristine"], norm["Ge_reference"]]
    mixture = call(
        "xas.series.fit_mixture", None, after, normalised=norm[after], references=components
    )
    told = call(
        "xas.comparison.conclude_measurement",
        None,
        after,
        normalised=norm[after],
        comparison=pair,
        mixture=mixture,
    )
    sample = next(s.sample for s in wanted if s.measurement == after)
    return [t for t in scans.list_truths() if t.sample == sample], told


def hexrd(
    folder: Path, effects: Effects, seed: int, counts: float = 1.0
) -> tuple[list[Truth], list[Conclusion]]:
    """One of the two heating series (in turn), fewer frames."""
    mixture, frames = ((heating.STABLE, (16, 2, 12, 3)), (heating.REACTING, (40, 2, 8, 3)))[
        seed % 2
    ]
    found = chain(mixture, folder, effects, seed, frames, counts=counts)
    return found.truths, found.conclusions


def hexrd_faint(folder: Path, effects: Effects, seed: int) -> tuple[list[Truth], list[Conclusion]]:
    """The same with a tenth of the counts: three times the noise."""
    return hexrd(folder, effects, seed, 0.1)


def pulled(
    technique: Callable[..., Any], effects: Effects, seeds: range, folder: Path
) -> pd.DataFrame:
    """Return every conclusion that has a truth, over seeds."""
    rows = []
    for seed in seeds:
        where = folder / str(seed)
        where.mkdir(parents=True)
        truths, told = technique(where, effects, seed)
        found = {(c.subject, c.condition, c.quantity): c for c in told}
        for truth in truths:
            if truth.value is None:
                continue
            got = found.get((truth.subject, truth.condition, truth.quantity))
            missing = got is None or got.value is None or not got.stderr
            error = math.nan if missing else got.value - truth.value
            stderr, systematic = (math.nan, 0.0) if missing else (got.stderr, got.systematic or 0.0)
            rows.append(
                {
                    "quantity": truth.quantity,
                    "subject": truth.subject,
                    "condition": truth.condition,
                    "sample": truth.sample,
                    "pull": error / stderr,
                    "whole": error / math.hypot(stderr, systematic),
                }
            )
    return pd.DataFrame(rows)


def figures(table: pd.DataFrame) -> pd.DataFrame:
    """Return mean and standard deviation of the pulls of each quantity, and how many conclusions
    were missing."""
    group = table.groupby("quantity")
    return pd.DataFrame(
        {
            "number": group["pull"].count(),
            "missing": group["pull"].apply(lambda p: int(p.isna().sum())),
            "mean": group["pull"].mean(),
            "sd": group["pull"].std(),
            "mean_whole": group["whole"].mean(),
            "sd_whole": group["whole"].std(),
            "beyond_3_whole": group["whole"].apply(lambda p: float((p.abs() > 3).mean())),
        }
    ).round(3)


CASES = [(nmr, 100), (xas, 60), (hexrd, 24), (hexrd_faint, 24)]


@pytest.mark.slow
@pytest.mark.parametrize("effects", [IDEAL, Effects()], ids=["ideal", "effects"])
@pytest.mark.parametrize("technique,number", CASES, ids=["nmr", "xas", "hexrd", "hexrd_faint"])
def test_pulls_over_seeds(
    technique: Callable[..., Any], number: int, effects: Effects, tmp_path: Path
):
    number = int(os.environ.get("SSBCHAR_SEEDS", number))
    table = pulled(technique, effects, range(number), tmp_path)
    found = figures(table)
    folder = os.environ.get("SSBCHAR_PULLS")
    if folder:
        name = f"{technique.__name__}_{'ideal' if effects == IDEAL else 'effects'}.json"
        Path(folder, name).write_text(found.to_json(orient="index", indent=1))
    print(found.to_string())
    assert not found["missing"].any(), found.to_string()
    if effects == IDEAL:
        wrong = found[(found["mean"].abs() > 0.3) | ~found["sd"].between(0.7, 1.4)]
    else:
        wrong = found[(found["mean_whole"].abs() > 1.0) | (found["sd_whole"] > 1.4)]
    assert wrong.empty, wrong.to_string()


@pytest.fixture
def finished(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A summary that is right, and its truth."""
    truths = [
        Truth(
            sample="s",
            technique="hexrd",
            subject="LAGP",
            condition="before heating",
            quantity="a",
            value=8.26,
            unit="angstrom",
        ),
        Truth(
            sample="s",
            technique="hexrd",
            subject="LAGP",
            condition="heating",
            quantity="end_temperature",
            value=760.0,
            unit="degC",
        ),
        Truth(
            sample="s",
            technique="hexrd",
            subject="s",
            condition="",
            quantity="phase_stability",
            value=None,
            unit="",
            verdict="reacts",
        ),
    ]
    known.save_truths(truths, tmp_path / "truth.json")
    told = [
        Conclusion(
            "a",
            value=8.2601,
            stderr=1e-4,
            systematic=1e-4,
            unit="angstrom",
            subject="LAGP",
            condition="before heating",
        ),
        Conclusion(
            "end_temperature",
            value=761.0,
            stderr=0.5,
            systematic=1.2,
            unit="degC",
            subject="LAGP",
            condition="heating",
        ),
        Conclusion("phase_stability", verdict="reacts", subject="s"),
        Conclusion("detection_limit", value=0.4, stderr=0.1, unit="percent", subject="s"),
    ]
    rows = [{**vars(c), "sample": "s", "technique": "hexrd"} for c in told]
    pd.DataFrame(rows).to_csv(tmp_path / "summary.csv", index=False)
    yield tmp_path / "summary.csv", tmp_path / "truth.json"


def edited(path: Path, quantity: str, **values: Any) -> Path:
    table = pd.read_csv(path)
    for name, value in values.items():
        table[name] = table[name].astype(object)
        table.loc[table["quantity"] == quantity, name] = value
    table.to_csv(path, index=False)
    return path


def test_a_right_run_has_no_faults(finished: tuple[Path, Path]):
    table = pulls.compare_with_truth(*finished)
    assert pulls.list_faults(table) == []
    assert table.set_index("quantity")["pull"]["a"] == pytest.approx(
        1e-4 / math.hypot(1e-4, 1e-4), rel=1e-3
    )


@pytest.mark.parametrize(
    "quantity,values,said",
    [
        ("a", {"value": 8.27}, "pull +70"),
        ("a", {"value": 8.2605}, "beyond 3"),
        ("a", {"stderr": None, "systematic": None}, "no value"),
        ("end_temperature", {"condition": "cooling"}, "no value"),
        ("phase_stability", {"verdict": "stable"}, "true is 'reacts'"),
    ],
)
def test_a_wrong_run_is_seen(
    finished: tuple[Path, Path], quantity: str, values: dict[str, Any], said: str
):
    summary, truth = finished
    lines = pulls.list_faults(pulls.compare_with_truth(edited(summary, quantity, **values), truth))
    assert any(said in line for line in lines), lines


def test_few_verdicts_may_stay_open(finished: tuple[Path, Path]):
    summary, truth = finished
    one = pulls.compare_with_truth(
        edited(summary, "phase_stability", verdict="inconclusive"), truth
    )
    assert "true is 'reacts'" in pulls.list_faults(one)[0]
    right = pulls.compare_with_truth(edited(summary, "phase_stability", verdict="reacts"), truth)
    many = pd.concat([one, *[right[right["quantity"] == "phase_stability"]] * 4])
    assert pulls.list_faults(many) == []
    assert len(pulls.list_faults(pd.concat([many, one]))) == 2
    # A word against the truth is wrong among any number.
    wrong = many.assign(verdict=many["verdict"].replace("inconclusive", "stable"))
    assert len(pulls.list_faults(wrong)) == 1


def test_two_answers_to_one_question_are_refused(finished: tuple[Path, Path]):
    summary, truth = finished
    table = pd.read_csv(summary)
    pd.concat([table, table.head(1).assign(value=8.3)]).to_csv(summary, index=False)
    with pytest.raises(ValueError, match="told twice"):
        pulls.compare_with_truth(summary, truth)


@pytest.mark.skipif(
    not (ROOT / "results" / "demo" / "summary.csv").is_file(),
    reason="the demonstration has not been run (make run)",
)
def test_finished_demonstration_tells_the_truth():
    table = pulls.compare_with_truth(
        ROOT / "results" / "demo" / "summary.csv", ROOT / "data_raw" / "demo" / "truth.json"
    )
    assert pulls.list_faults(table) == [], "\n".join(pulls.list_faults(table))


def test_truth_file_is_plain_json(finished: tuple[Path, Path]):
    assert {
        "sample",
        "technique",
        "subject",
        "condition",
        "quantity",
        "value",
        "unit",
        "verdict",
    } == set(json.loads(finished[1].read_text())[0])
