"""Absorption figures say what they show, and are drawn for pairs, single scans and scans without
EXAFS."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from xas.campaign import chain, write_pair
from xas.made_series import made

from ssbchar.conclusion import Conclusion
from ssbchar.results.figures import style
from ssbchar.results.figures.xas import all as figures
from ssbchar.results.figures.xas import evidence
from ssbchar.results.figures.xas import series as series_figures
from ssbchar.storage.store import Drawing
from ssbchar.xas.comparison import compare
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.exafs import extract
from ssbchar.xas.exafs.options import Exafs
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.series import components, conclude, linear_combination
from ssbchar.xas.series.normalise import normalise_series
from ssbchar.xas.series.options import Mixture, Series

LABELS = {"measurement": "cycled", "sample": "made"}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Drawing]]:
    folder = tmp_path_factory.mktemp("pair")
    write_pair(folder, 3, loss=0.1, shift=0.0, repeats=2)
    scans, pristine = chain(folder, "pristine")
    _, cycled = chain(folder, "cycled", scans)
    pair = [extract.extract_exafs(d, Exafs()) for d in (pristine, cycled)]
    found = compare.compare_pair(pristine, cycled, Comparison(choices=8))
    parts = linear_combination.fit_mixture(
        cycled,
        [pristine, cycled.assign_attrs(measurement="other")],
        Mixture(choices=0, shift=False),
    )
    short = extract.extract_exafs(cycled.isel(energy=cycled["energy"].values < 7200), Exafs())
    return {
        "pair": figures.draw_measurement(cycled, pair[1], pristine, pair[0], found, parts, LABELS),
        "single": figures.draw_measurement(pristine, pair[0], None, None, None, None, LABELS),
        "short": figures.draw_measurement(cycled, short, None, None, None, None, LABELS),
    }


def test_which_figures_there_are(drawn: dict[str, dict[str, Drawing]]) -> None:
    assert list(drawn["pair"]) == [
        "mu",
        "difference",
        "chi_k",
        "chi_r",
        "ensemble",
        "mixture",
        "background",
        "repeats",
        "alignment",
    ]
    assert list(drawn["single"]) == ["mu", "chi_k", "chi_r", "background", "repeats", "alignment"]
    assert list(drawn["short"]) == ["mu", "repeats", "alignment"]


def test_without_foil_and_repeats_there_is_nothing_to_show_of_them() -> None:
    found = normalise_series(made(6, 1, 1), Normalisation())
    alone = found.isel(spectrum=[-1])
    assert evidence.draw_repeats([(alone, "black", "one")], "made") is None
    assert evidence.draw_alignment([(alone, "black", "one")], "made") is None


def test_what_was_asked_for_beside_is_shown() -> None:
    plain = normalise_series(made(6, 1, 1), Normalisation())
    asked = Normalisation(mback=True, pre_edge_peak=(-20.0, -12.0, -6.0, -3.0))
    found = normalise_series(made(6, 1, 1), asked)
    pair = [(found, "black", "one")]
    assert evidence.draw_pre_edge([(plain, "black", "one")], "made") is None
    assert evidence.draw_mback([(plain, "black", "one")], "made") is None
    bottom = evidence.draw_pre_edge(pair, "made").figure.axes[1]
    above = found["norm"].values[-1] - found["pre_edge_flank"].values[-1]
    assert np.allclose(bottom.get_lines()[0].get_ydata(), 100 * above[np.isfinite(above)])
    difference = evidence.draw_mback(pair, "made").figure.axes[1].get_lines()[0].get_ydata()
    assert np.allclose(difference, 100 * (found["norm_mback"] - found["norm"]).values[-1])


def test_equal_curves_both_show(drawn: dict[str, dict[str, Drawing]]) -> None:
    """What lies below is wider than what lies on it, in every figure of a pair."""
    for name in ("mu", "difference", "chi_k", "chi_r"):
        axes = drawn["pair"][name].figure.axes[0]
        below, above = (
            next(line for line in axes.get_lines() if line.get_label() == label)
            for label in ("pristine", "cycled")
        )
        assert below.get_linewidth() >= 2 * above.get_linewidth()
        assert below.get_zorder() <= above.get_zorder()


def test_the_difference_is_after_less_before(drawn: dict[str, dict[str, Drawing]]) -> None:
    top, bottom = drawn["pair"]["difference"].figure.axes
    before, after = (line.get_ydata() for line in top.get_lines()[:2])
    shown = bottom.get_lines()[0].get_ydata()
    assert np.allclose(shown, 100 * (np.asarray(after) - np.asarray(before)))


def test_repeats_stand_about_their_merge(drawn: dict[str, dict[str, Drawing]]) -> None:
    right = drawn["single"]["repeats"].figure.axes[1]
    scans = np.array([line.get_ydata() for line in right.get_lines()[:2]])
    assert scans.shape[0] == 2 and np.abs(scans.mean(axis=0)).max() < 0.5 * np.abs(scans).max()


@pytest.mark.parametrize(("verdict", "colour"), [("retained", "GREEN"), ("inconclusive", "GREY")])
def test_the_ensemble_shows_limits_and_bounds_of_the_verdict(verdict: str, colour: str) -> None:
    ratio = np.linspace(0.97, 0.99, 20)
    found = xr.Dataset({"ratio": (("choice", "shell"), ratio[:, None])})
    found["ratio_stderr"] = ("shell", [0.01])
    for name, error in (
        ("edge_shift", "edge_shift_stderr"),
        ("white_line_change", "white_line_stderr"),
    ):
        found[name], found[error] = ("choice", 0.01 * ratio), ((), 0.005)
    row = Conclusion(
        "shell_1_ratio",
        value=0.98,
        lower95=0.96,
        upper95=1.01,
        verdict=verdict,
        bound=0.045,
        reference=1.0,
    )
    axes = figures.draw_ensemble(found, "made", [row]).figure.axes[0]
    limits = next(line for line in axes.get_lines() if line.get_linewidth() == 3.0)
    assert limits.get_ydata().tolist() == [96.0, 101.0]
    assert limits.get_color() == getattr(style, colour)
    drawn = [s for c in axes.collections if hasattr(c, "get_segments") for s in c.get_segments()]
    heights = {round(float(s[0][1]), 6) for s in drawn if s[0][1] == s[1][1]}
    assert {95.5, 104.5} <= heights


def test_every_axis_names_its_quantity_and_unit(drawn: dict[str, dict[str, Drawing]]) -> None:
    for drawing in drawn["pair"].values():
        assert drawing.title
        assert drawing.caption.endswith(".")
        for axes in drawing.figure.axes:
            assert axes.get_ylabel()
    labels = [a.get_xlabel() for d in drawn["pair"].values() for a in d.figure.axes]
    assert {"energy (eV)", "k (1/Å)", "R, no phase correction (Å)"} <= set(labels)


def test_both_spectra_of_a_pair_are_named(drawn: dict[str, dict[str, Drawing]]) -> None:
    legend = drawn["pair"]["chi_r"].figure.axes[0].get_legend()
    assert legend is not None
    assert [t.get_text() for t in legend.get_texts()] == ["pristine", "cycled"]


def test_figures_can_be_written(drawn: dict[str, dict[str, Drawing]], tmp_path: Path) -> None:
    for name, drawing in drawn["pair"].items():
        drawing.figure.savefig(tmp_path / f"{name}.svg")
        assert (tmp_path / f"{name}.svg").stat().st_size > 5000


def test_figures_of_a_series(tmp_path: Path) -> None:
    found = normalise_series(made(60, 2, 1), Normalisation())
    parts = components.find_components(found, Series())
    ends = [
        found.isel(spectrum=[i]).assign_attrs(measurement=n, element="Fe", edge="K")
        for i, n in ((0, "A"), (59, "B"))
    ]
    shares = linear_combination.fit_mixture(found, ends, Mixture(choices=0))
    drawn = series_figures.draw_series(found, parts, shares, {"sample": "made"})
    assert list(drawn) == [
        "series_map",
        "series_species",
        "series_isosbestic",
        "series_fractions",
        "series_shares",
    ]
    for name, drawing in drawn.items():
        assert drawing.title
        assert drawing.caption.endswith(".")
        drawing.figure.savefig(tmp_path / f"{name}.png")
    assert "series_shares" not in series_figures.draw_series(found, parts, None, {"sample": "made"})
    timed = found.assign(
        time=("spectrum", np.append(0.5 * np.arange(60), np.nan)),
        channel=("spectrum", np.append(np.linspace(3.0, 4.0, 60), np.nan)),
    )
    redrawn = series_figures.draw_series(timed, parts, shares, {"sample": "made"})
    fractions = redrawn["series_fractions"].figure.axes
    assert fractions[0].get_xlabel() == "time (h)"
    assert fractions[-1].lines[0].get_ydata()[-1] == 4.0
    assert "Grey, right" in redrawn["series_shares"].caption
    assert drawn["series_fractions"].figure.axes[0].get_xlabel() == "scan"
    scree = drawn["series_species"].figure.axes[0]
    assert next(t.get_text() for t in scree.get_legend().get_texts()) == "above noise: 2"
    assert "taken out: 2." in drawn["series_species"].caption
    top = drawn["series_shares"].figure.axes[0]
    assert {t.get_text() for t in top.get_legend().get_texts()} == {"A", "B", "sum"}


def test_circles_and_crosses_follow_the_verdict_of_the_option() -> None:
    found = normalise_series(made(60, 2, 1), Normalisation())
    first = components.find_components(found, Series())["crossing_p"].values
    for p, held, said in (
        (1e-9, first.size, "held"),
        (0.999 * first.size * first.max(), 1, "broken"),
    ):
        options = Series(isosbestic_p=float(p))
        parts = components.find_components(found, options)
        axes = series_figures.draw_isosbestic_points(found, parts, "made").figure.axes[0]
        drawn = {str(line.get_label()): len(line.get_xdata()) for line in axes.lines}  # type: ignore[arg-type]
        assert (drawn["meet"], drawn["cross, do not meet"]) == (held, first.size - held)
        rows = {r.quantity: r for r in conclude.conclude_series(found, parts, None, options)}
        row = rows["isosbestic_points"]
        assert (row.verdict, row.value) == (said, held)
