# %% [markdown]
# # HEXRD in a notebook
#
# A heated and cooled mixture of LAGP and LFP: patterns read, temperatures joined, cells refined in every frame, thermal expansion, verdict.
# The patterns are **synthetic** and few (24); a forward model writes them here. Everything runs with default options.

# %%
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

import ssbchar as sb
from ssbchar.runtime.shipped_files import find_shipped
from ssbchar.simulate.effects import Effects
from ssbchar.simulate.hexrd.heating import STABLE, write_series
from ssbchar.simulate.hexrd.programme import FrameCounts

raw = Path(mkdtemp())
frames = FrameCounts(heating=12, hold=2, cooling=6, rest=2)
truth = write_series(STABLE, raw, Effects(), np.random.default_rng(1), frames)
sorted(path.name for path in raw.iterdir())

# %% [markdown]
# ## Patterns, temperatures, phases
# Wavelength and times come from the patterns' headers, the furnace's log is joined by time, phases are named in the phases file.

# %%
patterns = sb.call_step("hexrd.patterns.read_patterns", source=raw / "heating_LAGP_LFP")
log = raw / "heating_LAGP_LFP_furnace.csv"
furnace = sb.call_step("hexrd.furnace.join_temperatures", patterns=patterns, log=log)
library = find_shipped("config/phases/phases.yaml")
phases = [
    sb.call_step("crystal.tabulate_reflections", table=library, labels={"phase": name})
    for name in ("LAGP", "LFP")
]
print(f"{patterns.sizes['frame']} frames of {patterns.sizes['two_theta']} points")

# %% [markdown]
# ## Cells and expansion

# %%
series = {"patterns": patterns, "furnace": furnace}
lattice = sb.call_step("hexrd.refinement.refine_series", **series, phases=phases)
expansion = sb.call_step("hexrd.expansion.fit_expansion", lattice=lattice, furnace=furnace)
peaks = sb.call_step("hexrd.peaks.fit_known_lines", **series, phases=phases)
figures = sb.draw(
    "hexrd",
    **series,
    lattice=lattice,
    expansion=expansion,
    peaks=peaks,
    phases=phases,
    labels={"sample": "LAGP + LFP"},
)
figures["lattice"]

# %%
figures["refinement"]

# %% [markdown]
# ## Verdict

# %%
onset = sb.call_step("hexrd.onset.find_onsets", lattice=lattice, furnace=furnace)
found = sb.call_step(
    "hexrd.verdict.conclude_series",
    lattice=lattice,
    furnace=furnace,
    expansion=expansion,
    onset=onset,
    peaks=peaks,
    candidates=[],
    phases=phases,
    labels={"sample": "LAGP + LFP"},
)
for row in sb.tabulate(found).itertuples():
    if row.quantity == "mean_volume_expansion" and row.verdict == "ok":
        limits = f"{1e6 * row.lower95:.1f} to {1e6 * row.upper95:.1f}"
        print(f"{row.subject} {row.condition}: {1e6 * row.value:.1f} ({limits}) 1e-6/K")
    elif row.quantity == "phase_stability":
        print(f"phase stability: {row.verdict}")

# %% [markdown]
# What the forward model was given:

# %%
for one in truth:
    if one.quantity == "mean_volume_expansion":
        print(f"{one.subject} {one.condition}: {1e6 * one.value:.1f} 1e-6/K")
