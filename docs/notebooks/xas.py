# %% [markdown]
# # XAS in a notebook
#
# A cycled specimen against its pristine one at the Ge K edge: energy calibrated on the foil, normalised, EXAFS, comparison, share of a reference.
# The scans are **synthetic** (15 % of the Ge is reduced); a forward model writes them here. Everything runs with default options.

# %%
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

import ssbchar as sb
from ssbchar.simulate.effects import Effects
from ssbchar.simulate.xas.scans import SPECIMENS, write_scans

raw = Path(mkdtemp())
names = ("Ge_pristine", "Ge_reduced", "Ge_reference")
specimens = [one for one in SPECIMENS if one.measurement in names]
truth = write_scans(raw, Effects(), np.random.default_rng(1), repeats=2, specimens=specimens)
sorted(path.name for path in (raw / "Ge_pristine").iterdir())

# %% [markdown]
# ## From scans to spectra
# The pristine measurement's foil is the standard of all others: their shifts are then those of the sample.

# %%
scans = {name: sb.call_step("xas.scans.read_scans", source=raw / name) for name in names}
spectra, exafs = {}, {}
for name in names:
    standard = None if name == "Ge_pristine" else scans["Ge_pristine"]
    calibrated = sb.call_step(
        "xas.calibration.calibrate_energy", scans=scans[name], standard=standard
    )
    spectra[name] = sb.call_step("xas.normalisation.normalise_spectra", calibrated=calibrated)
    exafs[name] = sb.call_step("xas.exafs.extract_exafs", normalised=spectra[name])
dict(exafs["Ge_reduced"].sizes)

# %% [markdown]
# ## Compared
# Changes with 95 % limits against bounds: `retained` needs the limits within the bound, `changed` the estimate beyond it and limits that leave no change out.

# %%
pristine, cycled = spectra["Ge_pristine"], spectra["Ge_reduced"]
comparison = sb.call_step("xas.comparison.compare_pair", pristine=pristine, cycled=cycled)
references = [pristine, spectra["Ge_reference"]]
mixture = sb.call_step("xas.series.fit_mixture", normalised=cycled, references=references)
found = sb.call_step(
    "xas.comparison.conclude_measurement",
    normalised=cycled,
    comparison=comparison,
    mixture=mixture,
    exafs=exafs["Ge_reduced"],
)
table = sb.tabulate(found)
wanted = ["edge_shift", "white_line_change", "shell_1_ratio", "structure", "reduced_fraction"]
columns = ["quantity", "value", "lower95", "upper95", "unit", "verdict"]
table[table["quantity"].isin(wanted)][columns].round(2)

# %%
figures = sb.draw(
    "xas",
    normalised=cycled,
    exafs=exafs["Ge_reduced"],
    pristine=pristine,
    pristine_exafs=exafs["Ge_pristine"],
    comparison=comparison,
    mixture=mixture,
    labels={"sample": "LAGP reduced"},
)
figures["mu"]

# %%
figures["chi_r"]

# %% [markdown]
# What the forward model was given:

# %%
for one in truth:
    if one.sample == "LAGP reduced" and one.quantity in wanted and one.value is not None:
        print(f"{one.quantity}: {one.value:.2f} {one.unit}")
