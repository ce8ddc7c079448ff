# %% [markdown]
# # ⁷Li NMR in a notebook
#
# From two Bruker experiments of one pressed powder (an echo, and echoes at growing delays) to the share of Li metal. The raw files are
# **synthetic**: a forward model writes them here, with known truth. Everything runs with default options.

# %%
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

import ssbchar as sb
from ssbchar.simulate.effects import Effects
from ssbchar.simulate.nmr.pressing import write_powders

raw = Path(mkdtemp())
truth = write_powders(raw, Effects(), np.random.default_rng(1))
sorted(folder.name for folder in raw.iterdir())

# %% [markdown]
# The steps of the workflow, with what each needs (in brackets what may be left out) and the class of its options:

# %%
sb.list_steps("nmr.lineshape")[["step", "inputs", "options"]]

# %% [markdown]
# ## Read
# `decay_axis` says which delay of the pulse program grows; everything else is read from the experiment's folder.

# %%
powder = raw / "Li1Si_100MPa_30s"
echo = sb.call_step("nmr.bruker.read_fid", {"decay_axis": "d6"}, source=powder / "10")
echoes = sb.call_step("nmr.bruker.read_fid", {"decay_axis": "vd"}, source=powder / "20")
pure = sb.call_step("nmr.bruker.read_fid", {"decay_axis": "vd"}, source=raw / "Li_reference/20")
dict(echoes.sizes)

# %% [markdown]
# ## Lines
# Number, positions and widths of the lines are fitted to the decays themselves; window integrals are the classical way beside it.

# %%
lines = sb.call_step("nmr.lineshape.fit_lines", fid=echo)
windows = sb.call_step("nmr.lineshape.integrate_windows", fid=echo, lines=lines)
figures = sb.draw("nmr", lines=lines, spectrum=windows)
figures["fit"]

# %% [markdown]
# ## Decay, and the share back at zero delay
# T2* of each region; that of pure Li says how fast the metal decays.

# %%
series, reference = (sb.call_step("nmr.lineshape.fit_lines", fid=one) for one in (echoes, pure))
of_pure_li = sb.call_step("nmr.decay.fit_decay", series=reference)
decay = sb.call_step("nmr.decay.fit_decay", series=series, reference_decay=of_pure_li)
sb.draw("nmr", lines=series, spectrum=windows, decay=decay)["decay"]

# %%
found = sb.call_step(
    "nmr.quantification.quantify_fractions",
    {"x_nominal": 1.0},
    lines=lines,
    spectrum=windows,
    decay=decay,
)
table = sb.tabulate(found)
shares = table[(table["quantity"] == "li_metal_fraction") & (table["verdict"] == "ok")]
shares[["quantity", "value", "lower95", "upper95", "unit", "condition"]].round(2)

# %% [markdown]
# What the forward model was given:

# %%
for one in truth:
    if one.sample == "Li1Si 100 MPa 30 s" and one.quantity == "li_metal_fraction":
        print(f"{one.quantity}: {one.value:.1f} {one.unit}")
