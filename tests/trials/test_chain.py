"""The steps of a case are those of the rules, with the same inputs and options."""

import re
from pathlib import Path

import pytest
import yaml

from ssbchar.campaign.config import read_config
from trials import chain

ROOT = Path(__file__).parents[2]
RULES = ROOT / "workflow" / "rules"
NO_VERDICT = re.compile(
    r"^(results\.|storage\.|.*\.export\.|xas\.xdi\.|hexrd\.images\.|hexrd\.calibration\."
    r"|hexrd\.rietveld\.|xas\.paths\.|xas\.series\.)"
)
"""Steps that draw, export or describe; those of images, paths, series and of structures, which are
refined where a row asks for it: no trial has them."""
KEPT = "xas.series.fit_mixture"
SHEET = """measurement\tsample\ttechnique\trole\tpath\tlog\tphases\tcompare_to\treference
m\tM\thexrd\tseries\t{here}\t{here}/log.csv\tLAGP,LFP\t\t
hp\tHP\thexrd\tpristine\t{here}\t{here}/log.csv\tLAGP\t\t
hc\tHC\thexrd\tcycled\t{here}\t\tLAGP\thp\t
p\tP\txas\tpristine\t{here}\t\t\t\tr
c\tC\txas\tcycled\t{here}\t\t\tp\tr
r\tR\txas\treference\t{here}\t\t\t\t
l\tL\tnmr\treference\t{here}\t\t\t\t
ld\tL\tnmr\treference_decay\t{here}\t\t\t\t
s\tS\tnmr\tspectrum\t{here}\t\t\t\tl
sd\tS\tnmr\tdecay\t{here}\t\t\t\tld
sr\tS\tnmr\trepeat\t{here}\t\t\t\tl
st\tS\tnmr\trelaxation\t{here}\t\t\t\t
ss\tT\tnmr\tseries\t{here}\t\t\t\t
"""


def read_rules() -> dict[str, tuple[set[str], str, str]]:
    """Return input names, stage and shared section of the step of every rule."""
    found = {}
    for path in RULES.glob("*.smk"):
        for rule in re.split(r"^use rule step as ", path.read_text(encoding="utf-8"), flags=re.M)[
            1:
        ]:
            step = re.search(r'call_step\(\s*"([\w.]+)"', rule)
            given = re.search(r"^    input:\n(.*?)^    output:", rule, flags=re.M | re.S)
            if step is None or given is None:
                continue
            names = set(re.findall(r"^        (\w+)=", given.group(1), flags=re.M))
            options = re.search(r'options\("([\w.]+)"(?:, shared="([\w.]+)")?', rule)
            stage, shared = options.groups() if options else ("", "")
            found[step.group(1)] = (names, stage, shared or "")
    return found


@pytest.fixture
def steps(tmp_path: Path) -> list[chain.StepOfCase]:
    """The steps of a sheet with every role that a trial may have."""
    (tmp_path / "pdata" / "1").mkdir(parents=True)
    for name in ("1r", "1i", "procs"):
        (tmp_path / "pdata" / "1" / name).touch()
    sheet = tmp_path / "samples.tsv"
    (tmp_path / "log.csv").touch()
    sheet.write_text(SHEET.format(here=tmp_path), encoding="utf-8")
    config = tmp_path / "config.yaml"
    phases = str(ROOT / "config" / "phases" / "phases.yaml")
    config.write_text(yaml.safe_dump({"run": "x", "samples": str(sheet), "phases": phases}))
    return list(chain.list_steps(read_config(config), tmp_path / "out"))


def test_every_step_of_a_verdict_is_there(steps: list[chain.StepOfCase]) -> None:
    wanted = {name for name in read_rules() if not NO_VERDICT.match(name) or name == KEPT}
    assert {call.name for call in steps} == wanted


def test_inputs_and_options_are_those_of_the_rules(steps: list[chain.StepOfCase]) -> None:
    rules, used = read_rules(), {}
    for call in steps:
        names, stage, shared = rules[call.name]
        assert set(call.inputs) <= names, call.name
        used.setdefault(call.name, set()).update(call.inputs)
        assert (call.stage, call.shared) == (stage, shared), call.name
    # The paths of FEFF are fitted where a phase is named: no trial does.
    missing = {name: rules[name][0] - inputs - {"path_fit"} for name, inputs in used.items()}
    assert not any(missing.values()), missing


def test_each_step_finds_its_inputs_made(steps: list[chain.StepOfCase]) -> None:
    made: set[Path] = set()
    for call in steps:
        for argument, paths in call.inputs.items():
            for path in paths:
                assert path in made or "out" not in path.parts, (call.name, argument, path)
        assert call.output not in made
        made.add(call.output)


def test_pure_li_decays_before_the_samples(steps: list[chain.StepOfCase]) -> None:
    decays = [call for call in steps if call.name == "nmr.decay.fit_decay"]
    assert [call.row.measurement for call in decays] == ["ld", "sd"]
    assert decays[1].inputs["reference_decay"] == [decays[0].output]


def test_rows_of_the_results_file_leave_out_what_is_empty() -> None:
    from ssbchar.conclusion import Conclusion

    rows = chain.describe_rows([Conclusion("a", value=float("nan"), stderr=0.0, method="by hand")])
    assert rows == [{"quantity": "a", "stderr": 0.0}]
