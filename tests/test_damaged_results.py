"""A result that is damaged or gone is noticed and made anew by the next run; raw paths with braces
are taken as they are."""

import subprocess
import sys

import pytest
from campaign import SURROUNDINGS, Campaign

MEASUREMENT = "results/minimal/nmr/Li_reference"


def run(campaign: Campaign, *words: str) -> str:
    command = [sys.executable, "-m", "ssbchar", "run", "--cores", "2", "config/config.yaml", *words]
    done = subprocess.run(
        command, cwd=campaign.folder, env=SURROUNDINGS, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def verify(campaign: Campaign) -> tuple[int, str]:
    command = [sys.executable, "-m", "ssbchar", "verify", str(campaign.out)]
    done = subprocess.run(command, cwd=campaign.folder, env=SURROUNDINGS, capture_output=True)
    return done.returncode, done.stdout.decode()


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """A finished run, with braces in the paths of raw data, sheet and phases and in an option."""
    made = Campaign(tmp_path_factory.mktemp("braces"), ("Li_reference",))
    raw = made.raw / "nmr/Li_reference"
    raw.rename(raw.with_name("Li {x} {y:03d} {{z}} {"))
    (made.folder / "config/phases").rename(made.folder / "config/ph{a}ses")
    made.configure(
        phases="config/ph{a}ses/phases.yaml",
        samples="config/sam{b}ples.tsv",
        report={"title": "of {run} and {3}"},
    )
    sheet = made.folder / "config/samples.tsv"
    text = sheet.read_text(encoding="utf-8").replace(
        "nmr/Li_reference", "nmr/Li {x} {y:03d} {{z}} {"
    )
    sheet.unlink()
    (made.folder / "config/sam{b}ples.tsv").write_text(text, encoding="utf-8")
    run(made)
    return made


def test_paths_with_braces_are_taken_as_they_are(campaign: Campaign) -> None:
    content = (campaign.folder / MEASUREMENT / "conclusions.json").read_text(encoding="utf-8")
    assert "set_aside" not in content and "{{z}} {" in (
        campaign.folder / MEASUREMENT / "manifest.csv"
    ).read_text(encoding="utf-8")
    assert "of {run} and {3}" in (campaign.out / "report.html").read_text(encoding="utf-8")
    assert verify(campaign)[0] == 0


def test_damaged_and_lost_results_are_made_anew(campaign: Campaign) -> None:
    before = campaign.results()
    spectrum = sorted((campaign.folder / MEASUREMENT).glob("*.nc"))[0]
    content = spectrum.read_bytes()
    middle = len(content) // 2
    spectrum.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    name = spectrum.relative_to(campaign.folder).as_posix()
    code, said = verify(campaign)
    assert code == 1 and f"{name}: changed since" in said
    said = run(campaign)
    assert f"{name}: changed since its step wrote it; it is made anew" in said
    assert campaign.results() == before

    spectrum.unlink()
    figure = next((campaign.folder / MEASUREMENT / "figures").glob("*.svg"))
    figure.write_bytes(figure.read_bytes()[:100])
    said = run(campaign)
    assert f"{name}: gone; it is made anew" in said
    assert f"{figure.relative_to(campaign.folder).as_posix()}: changed" in said
    assert campaign.results() == before

    # What rows of an earlier sheet made is not asked for.
    ledger = next((campaign.out / "logs").glob("written.*.jsonl"))
    lost = '{"output": "results/minimal/nmr/old/fit.nc", "files": {"": [1, 1, "0"]}}\n'
    ledger.write_bytes(ledger.read_bytes() + lost.encode())
    said = run(campaign, "--check")
    assert "old" not in said and "nothing to do" in said
    code, said = verify(campaign)
    assert code == 0, said
