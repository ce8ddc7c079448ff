"""Files as beamlines write them, with the counters of a known spectrum."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from xas import made_spectra

Array = np.ndarray
D_SI111 = 3.13551


def counters(edge: float = 7120.0) -> dict[str, Array]:
    """Energies [eV] and counts of a scan with a foil, noise of 1e-4."""
    energy = made_spectra.grid(edge, kmax=8.0, fine=0.5)
    random = np.random.default_rng(7)
    mu = made_spectra.mu(energy, made_spectra.Truth(edge=edge))
    i0 = 4e5 * (1 + 0.01 * np.sin(energy / 50))
    i1 = i0 * np.exp(-mu)
    foil = i1 * np.exp(-made_spectra.foil(energy, edge - 8))
    noisy = {"i0": i0, "it": i1, "ir": foil, "if": 0.1 * i0 * mu}
    return {
        "energy": energy,
        **{n: v * (1 + 1e-4 * random.standard_normal(v.size)) for n, v in noisy.items()},
    }


def rows(columns: list[Array], form: str = "{:.6f}", between: str = " ") -> str:
    return "\n".join(
        between.join(form.format(value) for value in row) for row in zip(*columns, strict=True)
    )


def write_ssrl(path: Path) -> None:
    c = counters()
    clock = np.ones(c["energy"].size)
    names = ["Real time clock", "Requested Energy", "Achieved Energy", "I0", "I1", "I2"]
    head = [
        "SSRL   EXAFS Data Collector 1.3",
        "Sun May 21 00:13:57 2006",
        f"PTS:        {clock.size} COLS:          6",
        "2-3 unfocused  0.000 -2 Si(220) 1.920156   100000",
        "4 2000 25 RST 0 0",
        "a sample, with a foil behind it",
        "",
        "Weights:",
        " 1.000  1.000  1.000  1.000  1.000  1.000",
        "Offsets:",
        " 0.000  0.000  0.000  144.200  133.500  238.300",
        "Data:",
        *names,
        "",
    ]
    body = rows([clock, c["energy"] + 2.0, c["energy"], c["i0"], c["it"], c["ir"]])
    path.write_text("\n".join([*head, body, ""]))


def write_photon_factory(path: Path, modes: str = "0 0 1 2") -> None:
    """The word Mode stands in the field of the first column."""
    c = counters()
    angle = np.degrees(np.arcsin(12398.4198 / (2 * D_SI111 * c["energy"])))
    second = c["it"] if modes.endswith("2") else c["if"]
    head = [
        "  9809     KEK-PF   BL9A",
        " Sample          22.05.11 17:26 - 22.05.11 18:33",
        " Ring :   2.5 GeV   425.1 mA -  449.9 mA",
        f" Mono :   Si(111)       D=  {D_SI111} A    Initial angle= 13.93250 deg",
        " BL9A      Transmission( 2)   Repetition=  1     Points= 1426",
        " Block      Init-Eng  Final-Eng      Step/eV     Time/s       Num",
        "     1        6606.20   7061.20         6.50       1.00        70",
        "     2        7061.20   7076.20         1.00       1.00        15",
        " Ortec(-1)     NDCH = 3",
        "  Angle(c)  Angle(o)    time/s         2         3",
        "      Mode  " + "  ".join(modes.split()),
        "    Offset         0         0  7753.700  7157.100",
    ]
    body = rows([angle + 0.001, angle, np.ones(angle.size), c["i0"], second], form="{:.7f}")
    path.write_text("\n".join([*head, body, ""]))


def write_iss(path: Path) -> None:
    """Currents are negative."""
    c = counters()
    head = ["# Facility: NSLS-II", "# Element: Fe", "# Edge: K", "# E0: 7112", "#"]
    head.append("# # energy  i0  ir  it  iff  aux1")
    aux = np.full(c["i0"].size, 5e-5)
    names = ("i0", "ir", "it", "if")
    body = rows([c["energy"], *(-1e-11 * c[n] for n in names), aux], form="{:.8e}")
    path.write_text("\n".join([*head, body, ""]))


def write_qas(path: Path) -> None:
    """Negative currents on an interpolated grid, a header of keys, counters to the right of the
    names' row in wide fields."""
    c = counters()
    keys = {
        "Facility": "NSLS-II",
        "Beamline": "QAS (7-BM)",
        "Scan.type": "fly_energy_scan",
        "Element": "Fe",
        "Edge": "K",
        "E0": "7112",
        "Mono.name": "Si 111",
        "SampleGain.i0": "10^6",
    }
    head = [f"# {key}: {value}" for key, value in keys.items()]
    names = ("energy", "i0", "it", "ir", "iff", "aux1")
    head += ["#", "# " + "".join(f"{name:>18}" for name in names)]
    currents = [-0.01 * c[n] for n in ("i0", "it", "ir", "if")]
    body = rows([c["energy"], *currents, np.full(c["i0"].size, 5e-5)], form="{:18.8e}")
    path.write_text("\n".join([*head, body, ""]))


def write_12bm(path: Path) -> None:
    """Energies in keV, names with their numbers."""
    c = counters()
    head = [
        "#D Tue Jul 09 14:44:45 2019",
        "#S Scan 29; exafsscan",
        "#C exafs_edge_energy 7.112",
        "#C exafs_region -200 -20 36 1 0 0 0",
        "#C 1_Energy (keV) 2_sec 3_mononrg 4_i0 5_i1 6_i2 7_fla01",
    ]
    e = c["energy"] / 1000
    one = np.ones(e.size)
    path.write_text(
        "\n".join([*head, rows([e, one, e, c["i0"], c["it"], c["ir"], one * 0], "{:.9g}"), ""])
    )


def write_lisa(path: Path) -> None:
    c = counters()
    mu = np.log(c["i0"] / c["it"])
    foil = np.log(c["it"] / c["ir"])
    head = "#eBraggEnergy I0_EH1 I1_EH1 mu I1_EH2 IR_EH2 mu_ref"
    body = rows([c["energy"], c["i0"], c["it"], mu, c["it"], c["ir"], foil])
    path.write_text(f"{head}\n{body}\n")


def write_13id(path: Path) -> None:
    """Several channels, one of them dead, beside their clocks and factors."""
    c = counters()
    zero = np.zeros(c["energy"].size)
    channels = {
        "Fe_Ka_mca1": zero,
        "Fe_Ka_mca2": c["if"],
        "Fe_Ka_mca3": 0.9 * c["if"],
        "Fe_Ka_mca4": 1.1 * c["if"],
        "OutputCounts_mca1": c["if"] * 20,
        "Clock_mca1": zero + 8e7,
        "DTFactor_mca1": zero + 1.1,
    }
    names = ["Energy", "TSCALER", "I0", *channels]
    head = ["#XDI/1.1    Epics StepScan File / 2.0"]
    head += [f"# Column.{i}: {n} counts  ||  13X:{n}.VAL" for i, n in enumerate(names, 1)]
    head[1] = "# Column.1: Energy eV  ||  13IDE:En:Energy.VAL"
    head += ["# ScanParameters.element: Fe", "# ScanParameters.edge: K", "# ///", "#----"]
    head.append("# " + "\t".join(names))
    body = rows([c["energy"], zero + 5e7, c["i0"], *channels.values()], between="   ")
    path.write_text("\n".join([*head, body, ""]))


def write_13bm(path: Path) -> None:
    """Short names, and what they stand for."""
    c = counters()
    one = np.ones(c["energy"].size)
    head = [
        "; Epics Scan 1 dimensional scan",
        "; FOE Mono angle readback (13BMA:m17.RBV)\t = 12.0005",
        ";   E0 =       7112.00",
        ";     -150.00    -10.000     5.0000     29.000     1.0000   0",
        ";=====================================================",
        "; column labels:",
        "; P1 = {Energy} --> 13BMA:E:Energy.VAL",
        "; P2 = {Scaler Count Time} --> 13BMD:scaler1.TP",
        "; D1 = {I0}  --> 13BMD:scaler1_calc2.VAL",
        "; D2 = {I1}  --> 13BMD:scaler1_calc3.VAL",
        ";--------------------------------------------",
        ";  P1 P2 D1 D2",
    ]
    body = rows([c["energy"], one, c["i0"], c["it"]])
    path.write_text("\n".join([*head, body, ""]))


def write_mrcat(path: Path) -> None:
    c = counters()
    head = [
        "MRCAT_XAFS V0.4 Datafile",
        '"sample.002" created at APS 10BM on Tue Jul  9 15:35:15 2019 CDT',
        "Ring energy= 7.00 GeV",
        "E0= 7112.00",
        "Offsets= 11317.00 11302.00 26173.00 14775.00 0.00",
        "a sample on tape",
        "3000 x 806",
        "4 layers",
        "-" * 60,
        "   energy       Io       It     Iref       If",
    ]
    body = rows([c[n] for n in ("energy", "i0", "it", "ir")] + [0 * c["i0"]])
    path.write_text("\n".join([*head, body, ""]))


def write_bmm(path: Path) -> None:
    """No light behind the sample; channels corrected for dead time."""
    c = counters()
    random = np.random.default_rng(2)
    dark = 1e-4 * random.standard_normal((2, c["energy"].size))
    channels = [c["if"] * share for share in (0.3, 0.4, 0.2, 0.1)]
    names = ["energy", "requested_energy", "xmu", "I0", "It", "Ir", "DTC1", "DTC2", "DTC3", "DTC4"]
    head = ["# XDI/1.0 BlueSky/1.5.0", "# Element.symbol: Fe", "# Element.edge: K"]
    head += [f"# Column.{i}: {name} " for i, name in enumerate(names, 1)]
    head += ["# ///////////", "# a comment of 3 words", "# -----------", "# " + "  ".join(names)]
    columns = [c["energy"], c["energy"], c["if"] / c["i0"], c["i0"], *dark, *channels]
    path.write_text("\n".join([*head, rows(columns), ""]))


def write_20id(path: Path, *, corrected: bool = False) -> None:
    """Headings in wide fields, counters named after where they stand, no light behind the
    sample."""
    c = counters()
    random = np.random.default_rng(4)
    one = np.ones(c["energy"].size)
    columns = {
        "Mono Energy (alt) *": c["energy"],
        "Scaler preset time *": one,
        "ID Gap *": 12 * one,
        "Preslit": 1.2 * c["i0"],
        "PreKB-I0": c["i0"],
        "IT": 2 * random.standard_normal(one.size),
        **({"XMAP4:DT Corr I0": 0.99 * c["i0"]} if corrected else {}),
        "XMAP4:FeKa_Sum": c["if"],
        "XMAP4:NiKa_Sum": 30 * one,
        "XMAP4:Total_Sum": 3 * c["if"] + 1e4,
    }
    head = [
        "# 1-D Scan File created by LabVIEW Control Panel",
        "# Preslit: 50 nA/V  PreKB-I0: 1 nA/V  IT: 5 nA/V",
        "# Column Headings:",
        "#" + "".join(f"{name:<21}" for name in columns),
    ]
    path.write_text("\n".join([*head, rows([*columns.values()], "{:20.8f}"), ""]))


def write_bliss(path: Path, scans: int = 2) -> None:
    c = counters()
    random = np.random.default_rng(3)
    with h5py.File(path, "w") as file:
        file.attrs["creator"] = "Bliss"
        for number in range(1, scans + 1):
            entry = file.create_group(f"{number}.1")
            entry.attrs["NX_class"] = "NXentry"
            entry["title"] = "contscan.EnergyCont mono 7.0 7.4"
            group = entry.create_group("measurement")
            group["energy_enc"] = c["energy"] / 1000
            group["energy_enc"].attrs["units"] = "keV"
            for name, mine in (("I0", "i0"), ("I1", "it"), ("I2", "ir")):
                group[name] = c[mine] * (1 + 1e-4 * random.standard_normal(c[mine].size))
            group["elapsed_time"] = np.arange(c["energy"].size, dtype=float)
            group["mca"] = np.ones((c["energy"].size, 32))
            entry["instrument/positioners/mono"] = 7.2
            slow = file.create_group(f"{number}.2")
            slow.create_group("measurement")["elapsed_time"] = np.arange(5.0)


def write_nexus(path: Path) -> None:
    c = counters()
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["definition"] = "NXxas"
        for place, values in (
            ("instrument/monochromator/energy", c["energy"]),
            ("instrument/incoming_beam/data", c["i0"]),
            ("instrument/absorbed_beam/data", c["it"]),
        ):
            entry[place] = values
        entry["instrument/monochromator/energy"].attrs["units"] = "eV"


def write_soleil(path: Path) -> None:
    """Arrays are numbered; their names are labels."""
    c = counters()
    with h5py.File(path, "w") as file:
        entry = file.create_group("scan_12")
        entry.attrs["NX_class"] = "NXentry"
        labels = {
            "actuator_1_1": ("lucia/op/mono/energy", c["energy"]),
            "data_01": ("lucia/ex/cpt/I0", c["i0"]),
            "data_02": ("lucia/ex/cpt/I1", c["it"]),
            "data_03": ("lucia/ex/cpt/clock", np.ones(c["i0"].size)),
        }
        for name, (label, values) in labels.items():
            entry[f"scan_data/{name}"] = values
            entry[f"scan_data/{name}"].attrs["long_name"] = label


def write_rock(path: Path) -> None:
    c = counters()
    mu = np.log(c["i0"] / c["it"])
    head = "# ROCK quick-EXAFS, average of 100 spectra\n#Energy\tmux\tstd"
    body = rows([c["energy"], mu, 1e-4 * np.ones(mu.size)], between="\t")
    path.write_text(f"{head}\n{body}\n")


def make_project(edge_shift: str = "0") -> dict[str, object]:
    """Two groups and their reference channels, of which one is damaged."""
    c = counters()
    mu = np.log(c["i0"] / c["it"])
    foil = np.log(c["it"] / c["ir"])
    groups: dict[str, object] = {}
    for name, label in (("aa", "first; one (a);"), ("cc", "second")):
        args = {"label": label, "bkg_eshift": edge_shift, "bkg_z": "Fe", "fft_edge": "K"}
        groups[name] = {
            "args": {"merge_weights": ["1", "2"], **args, "referencegroup": f"r{name}"},
            "x": c["energy"].tolist(),
            "y": mu.tolist(),
        }
        groups[f"r{name}"] = {
            "args": {**args, "label": f"  Ref {label}", "referencegroup": name},
            "x": c["energy"].tolist(),
            "y": foil.tolist(),
        }
    groups["zz"] = {"args": {"label": "broken", "bkg_z": "Fe"}, "x": [1, 2], "y": ["a", "b"]}
    return groups


def write_json_project(path: Path) -> None:
    groups = make_project("-1.5")
    head = {"_____emacs_mode": "-*- mode: json; truncate-lines: t -*-"}
    head["_____header1"] = "# Athena project file -- Demeter version 0.9.26"
    path.write_text(json.dumps({**head, **groups, "_____order": [*groups]}))


def write_perl_project(path: Path) -> None:
    def literal(value: object) -> str:
        if isinstance(value, list):
            return "[" + ",".join(map(literal, value)) + "]"
        text = str(value).replace("\\", "\\\\").replace("'", "\\'")
        return f"'{text}'"

    lines = ["# Athena project file -- Demeter version 0.9.25", ""]
    for name, group in make_project("-1.5").items():
        assert isinstance(group, dict)
        pairs = [literal(one) for pair in group["args"].items() for one in pair]
        lines += [f"$old_group = '{name}';", f"@args = ({','.join(pairs)});"]
        for key in ("x", "y"):
            lines.append(f"@{key} = ({','.join(literal(v) for v in group[key])});")
        lines.append("[record]")
    path.write_text("\n".join([*lines, ""]))


WRITERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "SSRL": ("a.dat", write_ssrl),
    "PF 9809": ("a.dat", write_photon_factory),
    "NSLS-II ISS": ("a.dat", write_iss),
    "NSLS-II QAS": ("a.dat", write_qas),
    "APS 12-BM": ("a.dat", write_12bm),
    "APS 13-BM": ("a.dat", write_13bm),
    "APS 10-BM": ("a.dat", write_mrcat),
    "ESRF LISA": ("a.dat", write_lisa),
    "ESRF BLISS": ("a.h5", write_bliss),
    "NeXus": ("a.nxs", write_nexus),
    "SOLEIL LUCIA": ("a.nxs", write_soleil),
    "SOLEIL ROCK": ("a.txt", write_rock),
    "Athena JSON": ("a.prj", write_json_project),
    "Athena Perl": ("a.prj", write_perl_project),
}
"""Formats that hold a transmission, and who writes them."""
