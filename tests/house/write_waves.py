"""Write the demonstration's scattering waves: FEFF10's paths of this package's LAGP and LFP.

``python tests/house/write_waves.py`` (extra ``paths``) writes ``ssbchar/simulate/xas/waves.csv``.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from ssbchar.xas.paths import feff
from ssbchar.xas.paths.options import Feff

HOME = Path(__file__).parents[2]
WANTED = {
    ("LAGP", "Ge"): (("O", 1.8649), ("P", 3.1757), ("P", 3.3087), ("O", 4.1503)),
    ("LFP", "Fe"): (
        ("O", 2.0639),
        ("O", 2.1077),
        ("O", 2.2034),
        ("O", 2.2506),
        ("P", 2.842),
        ("P", 3.269),
        ("Fe", 3.87),
    ),
}
"""Scatterer and distance [angstrom] of the paths that are kept."""


def main() -> None:
    columns = {}
    for (phase, element), wanted in WANTED.items():
        normalised = xr.Dataset(attrs={"element": element, "edge": "K"})
        ds = feff.calculate_paths(
            HOME / "config/phases/phases.yaml", normalised, Feff(), {"phase": phase}
        )
        columns["k"] = ds["k"].values
        for name in ("momentum", "free_path"):
            columns[f"{phase} {name}"] = ds[name].values[0]
        for scatterer, distance in wanted:
            found = (ds["scatterer"] == scatterer) & (abs(ds["reff"] - distance) < 1e-4)
            i = int(np.flatnonzero((found & (ds["legs"] == 2)).values)[0])
            for name in ("amplitude", "phase"):
                columns[f"{phase} {scatterer} {distance:.4f} {name}"] = ds[name].values[i]
    target = HOME / "ssbchar/simulate/xas/waves.csv"
    pd.DataFrame(columns).to_csv(target, index=False, float_format="%.5g", lineterminator="\n")


if __name__ == "__main__":
    main()
