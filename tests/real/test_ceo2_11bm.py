"""CeO2 of certified cell (SRM 674b) measured at 11-BM: the cell within 50 ppm, with an error that
covers it."""

from pathlib import Path

import numpy as np
import xarray as xr

from ssbchar.crystal import reflections
from ssbchar.hexrd.refinement import refine
from ssbchar.hexrd.refinement.options import Refinement

TABLE = Path(__file__).parent.parent.parent / "config/phases/phases.yaml"
CERTIFIED = 5.41165
"""a [angstrom] as the CIF beside the pattern gives it."""


def pattern(path: Path, wavelength: float) -> tuple[xr.Dataset, xr.Dataset]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    rows = [
        line.split()
        for line in lines
        if len(line.split()) == 3 and line.split()[0].replace(".", "").isdigit()
    ]
    x, y, sigma = np.array(rows, float).T
    patterns = xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), y[None]),
            "intensity_stderr": (("frame", "two_theta"), sigma[None]),
            "status": ("frame", np.array(["ok"], object)),
            "wavelength": ((), wavelength),
        },
        coords={"frame": [1], "two_theta": x},
    )
    furnace = xr.Dataset(
        {"temperature": ("frame", [22.0]), "segment": ("frame", np.array(["none"], object))},
        coords={"frame": [1]},
    )
    return patterns, furnace


def test_certified_cell_within_50_ppm(real_data: Path) -> None:
    patterns, furnace = pattern(real_data / "hexrd/aps11bm_ceo2/CeO2_674b.xy", 0.413671)
    ceo2 = reflections.tabulate_reflections(
        TABLE, reflections.ReflectionListing(d_min=0.6), {"phase": "CeO2"}
    )
    options = Refinement(two_theta_min=6.0, two_theta_max=36.0, reach=20.0)
    ds = refine.refine_series(patterns, furnace, [ceo2], options)
    a, stderr = float(ds["cell"][0, 0, 0]), float(ds["cell_stderr"][0, 0, 0])
    print(
        f"a = {a:.6f}({stderr:.6f}), {1e6 * (a / CERTIFIED - 1):.1f} ppm, Rwp "
        f"{float(ds['rwp'][0]):.2f}"
    )
    assert ds["verdict"].values[0, 0] == "ok"
    assert abs(a / CERTIFIED - 1) < 50e-6
    assert abs(a - CERTIFIED) < 3 * stderr
    assert stderr < 1e-3
