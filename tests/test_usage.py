"""The workflow as a module of another one, and the package as a library: the same numbers either
way."""

import re
import shutil
from pathlib import Path

import pytest
import xarray as xr
import yaml
from campaign import ROOT, Campaign

OUTER = f"""
configfile: "config/config.yaml"

module characterization:
    snakefile: "{ROOT}/workflow/Snakefile"
    config: config

use rule * from characterization as characterization_*

rule count:
    input: rules.characterization_summary.output
    output: "rows.txt"
    shell: "wc -l < {{input}} > {{output}}"
"""


@pytest.fixture(scope="module")
def outer(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """Another workflow in a folder of its own that takes all rules and adds one."""
    campaign = Campaign(tmp_path_factory.mktemp("outer"), ("Li_reference",))
    (campaign.folder / "Snakefile").write_text(OUTER, encoding="utf-8")
    campaign.home = campaign.folder
    return campaign


def test_another_workflow_uses_it_as_a_module(outer: Campaign) -> None:
    said = outer.snakemake("rows.txt", "characterization_all", "-n", "--cores", "1")
    assert {"characterization_nmr_fid", "characterization_crate", "count"} <= set(
        re.findall(r"rule (\w+):", said)
    )
    outer.snakemake("rows.txt", "--cores", "2")
    assert int((outer.folder / "rows.txt").read_text()) >= 2


def test_functions_in_a_notebook_give_the_numbers_of_the_workflow(outer: Campaign) -> None:
    page = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    cells = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    assert cells
    measured = outer.raw / "nmr/Li_reference/10"
    place: dict[str, object] = {}
    for cell in cells:
        exec(cell.replace("data_raw/minimal/nmr/Li_reference/10", str(measured)), place)
    made = xr.load_dataset(outer.out / "nmr/Li_reference/lines.nc", engine="h5netcdf")
    lines = place["lines"]
    assert isinstance(lines, xr.Dataset)
    xr.testing.assert_equal(lines, made[list(lines.variables)])


def test_what_the_catalog_asks_for_is_there() -> None:
    about = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))
    usage = about["usage"]
    assert set(usage) <= {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert usage["software-stack-deployment"]["conda"] is True
    for needed in (
        "workflow/Snakefile",
        "config/README.md",
        "config/config.yaml",
        "README.md",
        "LICENSE",
    ):
        assert (ROOT / needed).is_file()
    assert list((ROOT / "workflow/schemas").glob("*.json"))
    assert shutil.which("snakemake") or (Path(ROOT) / ".venv/bin/snakemake").exists()
