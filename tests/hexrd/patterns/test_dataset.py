"""The table of patterns: one builder for files and images."""

import numpy as np
import pytest

from ssbchar.hexrd import bragg
from ssbchar.hexrd.patterns.dataset import PATTERNS, FrameRecords, Wavelength, build_dataset
from ssbchar.hexrd.patterns.frame_status import FrameStatus

X = np.array([2.0, 3.0, 4.0])


def made(common: float | None, **more: object):
    return build_dataset(
        two_theta=X,
        intensity=np.ones((2, 3)),
        stderr=np.ones((2, 3)),
        wavelength=Wavelength(value=0.25, stderr=1e-5, common=common, source="config"),
        frames=FrameRecords(
            names=["a", "b"],
            numbers=np.array([3, 4]),
            status=np.array([FrameStatus.OK, FrameStatus.NAN]),
            time=[0, 1],
            temperature=[25, 30],
            monitor=[1, 2],
        ),
        noise="file",
        more=more,
    )


def test_axes_at_both_wavelengths() -> None:
    ds = made(0.5)
    np.testing.assert_allclose(ds["q"], bragg.q_from_two_theta(X, 0.25))
    np.testing.assert_allclose(
        bragg.d_from_two_theta(ds["two_theta_common"], 0.5), bragg.d_from_two_theta(X, 0.25)
    )
    assert float(ds["common_wavelength"]) == 0.5
    assert float(made(None)["common_wavelength"]) == 0.25
    np.testing.assert_allclose(made(None)["two_theta_common"], X)


def test_what_is_stored() -> None:
    ds = made(None, rebinned=np.array([0, 1], np.int8))
    assert ds.attrs == {"noise": "file", "wavelength_source": "config"}
    assert [type(word) for word in ds["status"].values] == [str, str]
    assert ds["frame"].values.tolist() == [3, 4] and ds["rebinned"].values.tolist() == [0, 1]
    for name, variable in ds.variables.items():
        assert variable.dims == PATTERNS.variables[str(name)].dims
        if variable.dtype.kind == "f":
            assert variable.attrs["units"]


def test_what_the_table_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="not in its table"):
        made(None, colour=np.zeros(2))
