"""Single points that are no measurement lose their weight and are told; nothing else does."""

from pathlib import Path

import numpy as np
import pytest
from hexrd.made_patterns import X, counts, one, told, xye


def write(
    folder: Path, frame: int, point: int, *, factor: float = 1.0, sigma: float | None = None
) -> None:
    y = counts(frame)
    error = np.sqrt(np.maximum(y, 1))
    if frame == 5:
        y[point] *= factor
        error[point] = sigma or error[point]
    rows = zip(X, y, error, strict=True)
    (folder / f"{frame}.xye").write_text("".join(f"{a:.6f} {b:.6f} {c:.9f}\n" for a, b, c in rows))


@pytest.mark.parametrize(("factor", "sigma"), [(10.0, None), (0.1, None), (1.0, 1e-6)])
@pytest.mark.parametrize("point", [0, 60, 155, 158, 300, 399])
def test_one_point_of_one_frame(
    factor: float, sigma: float | None, point: int, tmp_path: Path
) -> None:
    for n in range(1, 10):
        write(tmp_path, n, point, factor=factor, sigma=sigma)
    ds = one(tmp_path)
    assert set(ds.status.values) == {"ok"}
    assert [entry["where"] for entry in told(ds)] == ["5.xye"]
    assert told(ds)[0]["problem"].startswith("one point ")
    assert f"{X[point]:.4g}" in told(ds)[0]["problem"]
    weight = 1 / ds.intensity_stderr.values[4] ** 2
    assert weight[point] < 1e-7 * np.median(weight)
    true = counts(5)
    assert ds.intensity.values[4, point] == pytest.approx(true[point], rel=0.5)
    others = np.arange(X.size) != point
    np.testing.assert_allclose(ds.intensity.values[4, others], true[others], rtol=1e-6)


def test_one_point_of_a_single_pattern(tmp_path: Path) -> None:
    write(tmp_path, 5, 60, factor=10.0)
    assert [entry["where"] for entry in told(one(tmp_path / "5.xye"))] == ["5.xye"]


def test_noise_lines_and_what_lasts_are_left_alone(tmp_path: Path) -> None:
    for n in range(1, 40):
        y = np.random.default_rng(n).poisson(3 + 2e4 * np.exp(-(((X - 4.1) / 0.018) ** 2)))
        if n > 20:
            # A line of few points appears, and one point is hot from then on.
            y = y + np.round(500 * np.exp(-(((X - 6.01) / 0.015) ** 2)))
            y[100] = 5000
        xye(tmp_path / f"{n}.xye", y=y.astype(float))
    assert not told(one(tmp_path))


def test_many_points_are_no_single_ones(tmp_path: Path) -> None:
    for n in range(1, 10):
        y = counts(n)
        if n == 5:
            y[::7] *= 10
        xye(tmp_path / f"{n}.xye", y=y)
    assert not [entry for entry in told(one(tmp_path)) if "set aside" in entry["problem"]]
