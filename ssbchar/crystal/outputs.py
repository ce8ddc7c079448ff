"""The variables of the tables of reflections."""

from ssbchar.storage.variables import OutputTable, Variable

_REFLECTION = ("reflection",)
_VARIABLES = {
    "h": Variable(dims=_REFLECTION, unit="1", meaning="first Miller index"),
    "k": Variable(dims=_REFLECTION, unit="1", meaning="second Miller index"),
    "l": Variable(dims=_REFLECTION, unit="1", meaning="third Miller index"),
    "multiplicity": Variable(
        dims=_REFLECTION, unit="1", meaning="number of Laue-equivalent reflections"
    ),
    "d": Variable(dims=_REFLECTION, unit="angstrom", meaning="spacing of the lattice planes"),
    "structure_factor_squared": Variable(
        dims=_REFLECTION,
        unit="electron^2",
        meaning="|F|^2 at the temperature of the cell; NaN for a phase without atoms",
    ),
}

REFLECTIONS = OutputTable(
    file="phases/<phase>.nc",
    steps=("crystal.tabulate_reflections",),
    about="The reflections of one phase of the phases file, from large d to small.",
    variables=_VARIABLES,
    attributes={
        "phase": "its name in the phases file",
        "cell": "a, b, c [angstrom], alpha, beta, gamma [degree]",
        "volume": "of the cell [angstrom^3]",
        "space_group": "Hermann-Mauguin symbol",
        "crystal_system": "crystal system; trigonal groups are `trigonal` or `rhombohedral`",
        "temperature": "of the cell [degC]",
        "laue_operations": "JSON list of the distinct rotations of the space group, 3 x 3 each",
        "refinable": "1 if the atoms are trusted: intensities are calculated from them",
        "elements": "JSON list: of its atoms, or of the entry's formula",
        "cell_mass": "mass of the cell's content [atomic mass unit], for a phase with atoms",
        "source": "where cell and atoms come from",
        "cif": "name of the CIF, of a phase that has one",
        "note": "the entry's note",
        "notes": "JSON list: what was resolved or assumed when the CIF was read",
        "expansion": "JSON, as in the phases file",
    },
)

LIBRARY = OutputTable(
    file="phases.nc",
    steps=("crystal.tabulate_library",),
    about="The reflections of every phase of the phases file, one phase after the other.",
    variables={
        **_VARIABLES,
        "count": Variable(dims=("phase",), meaning="number of reflections of the phase"),
        "phase": Variable(dims=("phase",), meaning="names of the phases", coordinate=True),
    },
    attributes={"about": "JSON list: the attributes of each phase's own table"},
)
