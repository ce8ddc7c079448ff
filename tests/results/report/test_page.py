"""The page: complete, self-contained, escaped, small, and the same bytes for the same inputs."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import made_report
import pytest

from ssbchar.conclusion import Conclusion
from ssbchar.results.report import page

VOID = {"meta", "link", "img", "input", "br"}


class Outline(HTMLParser):
    """Checks nesting and collects what the tests ask for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.images: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("href", "src"):
                (self.images if tag == "img" else self.links).append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    departures = {"hexrd": {"refine": {"background": 9}}, "report": {"title": "T"}}
    return (
        made_report.small(tmp_path_factory.mktemp("page") / "demo")
        .write(departures=departures)
        .read_text(encoding="utf-8")
    )


def test_the_page_is_well_formed_and_links_only_into_itself(text: str) -> None:
    seen = Outline(text)
    assert seen.open == []
    assert len(set(seen.ids)) == len(seen.ids)
    assert seen.links
    assert not [
        link
        for link in seen.links
        if link.replace("#alone-", "#") not in {f"#{i}" for i in seen.ids} and link != "data:,"
    ]
    assert len(seen.images) == 4
    assert all(
        image.startswith(("data:image/svg+xml;base64,", "data:image/png;base64,"))
        for image in seen.images
    )
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


def test_each_sample_has_a_page_of_its_own(tmp_path: Path) -> None:
    run = made_report.small(tmp_path / "demo")
    whole = run.write().read_text(encoding="utf-8")
    pages = {
        p.name: p.read_text(encoding="utf-8") for p in (tmp_path / "demo/samples").glob("*.html")
    }
    assert set(pages) == {"LAGP+LFP.html", "Li1Si_100_MPa.html", "LAGP+NCM.html"}
    mixture = Outline(pages["LAGP+LFP.html"])
    assert mixture.open == [] and len(mixture.images) == 3
    assert not [
        link
        for link in mixture.links
        if link not in {f"#{i}" for i in mixture.ids} and link != "data:,"
    ]
    assert "Li1Si" not in pages["LAGP+LFP.html"] and "press.dat" not in pages["LAGP+LFP.html"]
    assert "heat.dat" in pages["LAGP+LFP.html"] and "Synthetic data." in pages["LAGP+LFP.html"]
    assert "the file is empty" in pages["LAGP+NCM.html"]
    assert whole.count('<tr class="entry') == sum(
        page.count('<tr class="entry') for page in pages.values()
    )


def test_a_page_of_a_sample_holds_the_raw_files_of_all_measurements_its_rows_rest_on(
    tmp_path: Path,
) -> None:
    run = made_report.Run(tmp_path / "demo")
    both = ";".join(f"results/demo/nmr/{name}/manifest.csv" for name in ("echo", "decay"))
    run.add("echo", "S", "nmr", [replace(c, source=both) for c in made_report.nmr()])
    run.add("decay", "other", "nmr", [])
    run.write()
    text = (tmp_path / "demo/samples/S.html").read_text(encoding="utf-8")
    assert "echo.dat" in text and "decay.dat" in text
    seen = Outline(text)
    assert not [
        link for link in seen.links if link not in {f"#{i}" for i in seen.ids} and link != "data:,"
    ]


def test_samples_of_alike_names_have_files_of_their_own() -> None:
    names = ["a/b", "a b", "A B", "", "..", "Li 1.5 %"]
    files = page.name_pages(names)
    assert list(files) == names
    assert len({f.lower() for f in files.values()}) == len(names)
    assert all(re.fullmatch(r"[\w+-][\w+.-]*\.html", f) for f in files.values())


def test_order_verdicts_figures_numbers_exclusions_provenance(text: str) -> None:
    parts = ['id="verdicts"', "<figure", 'class="numbers"', 'id="exclusions"', 'id="provenance"']
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_an_exclusion_is_listed_once_and_escaped(text: str) -> None:
    excluded = text[text.index('id="exclusions"') : text.index('id="provenance"')]
    assert excluded.count("measure it again") == 1
    assert "data_raw/&lt;b&gt;bad&lt;/b&gt;.xye" in excluded
    assert "<td>bad: no result; ge: the other data were used</td>" in excluded


def test_provenance_names_files_options_versions_commit(text: str) -> None:
    provenance = text[text.index('id="provenance"') :]
    for word in ("hexrd.refine.background", "numpy", "Python", "commit of ssbchar", "heat.dat"):
        assert word in provenance
    assert len(re.findall(r'class="hash">[0-9a-f]{64}<', provenance)) == 4


def test_synthetic_input_raises_the_banner_and_measured_input_does_not(tmp_path: Path) -> None:
    for synthetic in (True, False):
        run = made_report.Run(tmp_path / str(synthetic))
        run.add("m", "S", "nmr", made_report.nmr(), synthetic)
        text = run.write().read_text(encoding="utf-8")
        assert ('class="banner"' in text) is ('class="synthetic"' in text) is synthetic


def test_values_without_uncertainty_or_verdict_are_folded_away(tmp_path: Path) -> None:
    run = made_report.Run(tmp_path / "demo")
    bare = Conclusion("li_metal_fraction", value=6.17, unit="percent", condition="t = 2TR")
    run.add("m", "S", "nmr", [*made_report.nmr(), bare])
    text = run.write().read_text(encoding="utf-8")
    assert "1 more value under other conventions" in text
    assert (
        text.index("alloyed share</th>")
        < text.index('class="variants"')
        < text.index("li metal fraction</th>")
    )


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    run = made_report.Run(tmp_path / "demo")
    run.add("m", "S", "nmr", made_report.nmr(), drawings={"fid": made_report.drawing(1)})
    assert run.write().read_bytes() == run.write().read_bytes()


def test_a_heavy_vector_figure_goes_in_as_raster_and_a_budget_is_kept(tmp_path: Path) -> None:
    run = made_report.Run(tmp_path / "demo")
    run.add("m", "S", "hexrd", made_report.hexrd(), drawings={"d": made_report.drawing(1, 30_000)})
    assert "image/svg+xml" in run.write({"svg_limit": 10_000}).read_text(encoding="utf-8")
    text = run.write({"svg_limit": 50}).read_text(encoding="utf-8")
    assert "image/svg+xml" not in text
    full = len(next(i for i in Outline(text).images))
    tight = Outline(run.write({"size_limit": 0.02}).read_text(encoding="utf-8")).images[0]
    assert len(tight) < full
    assert base64.b64decode(tight.partition(",")[2]).startswith(b"\x89PNG")


def test_a_run_without_figures_or_verdicts_still_has_its_page(tmp_path: Path) -> None:
    run = made_report.Run(tmp_path / "demo")
    run.add("m", "S", "nmr", [], False)
    text = run.write().read_text(encoding="utf-8")
    assert "No measurement of this run led to a judgement" in text
    assert "None: every raw file named in the sample sheet was used in full." in text


def test_a_hundred_samples_fit_in_one_page(tmp_path: Path) -> None:
    report = made_report.large(tmp_path / "many").write()
    assert report.stat().st_size < 30e6
    page = Outline(report.read_text(encoding="utf-8"))
    assert len(page.images) == 600
    tight = made_report.large(tmp_path / "tight", 4, 6).write({"size_limit": 0.15})
    text = tight.read_text(encoding="utf-8")
    assert tight.stat().st_size < 0.25e6
    assert 0 < len(Outline(text).images) < 24
    assert text.count("Left out of this page because of its size") == 24 - len(Outline(text).images)


def test_exports_are_listed_with_links_from_the_page(tmp_path: Path) -> None:
    run = made_report.Run(tmp_path / "demo")
    run.add("heat", "S", "hexrd", made_report.hexrd())
    assert "Files for other programs" not in run.write().read_text(encoding="utf-8")
    folder = run.root / "hexrd" / "heat" / "export"
    folder.mkdir()
    for name in ("frames.csv", "LAGP_frame0001.cif", ".snakemake_timestamp"):
        (folder / name).write_text("x")
    run.exports.append(folder)
    page = Outline(run.write().read_text(encoding="utf-8"))
    listed = [link for link in page.links if "/export/" in link]
    assert listed == ["hexrd/heat/export/LAGP_frame0001.cif", "hexrd/heat/export/frames.csv"]
    assert all((run.root / link).is_file() for link in listed)
