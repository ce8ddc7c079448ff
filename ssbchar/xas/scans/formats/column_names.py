"""Names of the columns of text files, among all that a header says, and what names mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ssbchar.units import Dimension, split_label
from ssbchar.xas.elements import ELEMENTS

NAMES: dict[str, tuple[str, ...]] = {
    "energy": (
        "energy",
        "mono energy",
        "monoenergy",
        "mono energy (alt)",
        "photon energy",
        "e",
        "ev",
        "energy_ev",
        "mono",
        "x",
    ),
    "i0": ("i0", "io", "izero", "i_0", "monitor", "mon", "ion0", "incoming beam"),
    "transmitted": (
        "i1",
        "it",
        "itrans",
        "trans",
        "i_1",
        "itransmission",
        "ion1",
        "absorbed beam",
    ),
    "fluorescence": (
        "if",
        "iff",
        "ifluor",
        "ifl",
        "fluor",
        "fluorescence",
        "ifch*",
        "if[!a-z]*",
        "iff[!a-z]*",
        "ifl*",
        "fluor*",
        "mca*",
        "sca*",
        "dtc*",
        "*[kl][ab]*mca*",
    ),
    "foil": ("iref", "irefer", "i2", "ir", "ref", "ifoil", "refer", "ion2"),
    "angle": ("angle(o)", "angle", "theta", "bragg", "mono angle", "bragg angle", "mono theta"),
    "mu": (
        "xmu",
        "mu",
        "mutrans",
        "mufluor",
        "absorption",
        "mu(e)",
        "mux",
        "mu trans",
        "mu fluo",
        "y",
        "norm",
        "normtrans",
        "normfluor",
        "intensity",
    ),
}
"""Usual names of the columns, in lower case; the first that fits is taken."""
LONGEST_NAME = 4
"""Most words of a name that has a line of its own."""
FIELD_WIDTHS = range(6, 41)
"""Widths of fields in which a header line may give the names of the columns."""
_KNOWN = frozenset(name for names in NAMES.values() for name in names if "*" not in name)
_COUNTERS = frozenset(
    name
    for quantity in ("i0", "transmitted", "foil")
    for name in NAMES[quantity]
    if "*" not in name and len(name) > 1
)
_LAST_WORDS = {
    "i0": frozenset(("i0", "izero", "ion0")),
    "transmitted": frozenset(("i1", "it", "itrans", "ion1")),
    "foil": frozenset(("iref", "i2", "ir", "ifoil", "ion2")),
}
"""Counters that stand behind the name of a place or a device; other words there mean other things
(``ring monitor``)."""
_NO_COUNTER = frozenset("ln log mu dead live background bkg".split())
"""Words that make the name of a counter that of something else."""
_SETTINGS = frozenset(
    "gain bias dark offset vdc sens sensitivity amp amps suppr unit units range scale time pos x y "
    "min max std stdev err error num name norm unc".split()
)
"""Words that make the name of a counter that of one of its settings."""
_UNCOUNTED = frozenset("dead live dt icr ocr tot total bkg background".split())
"""Words that make the name of a line that of something else than its counts."""
_EMISSION_LINE = re.compile(
    r"(?:.*[_.\-:])?(?P<element>[A-Z][a-z]?)[ _-]?(?P<shell>[KL])[ab](?:lpha|eta)?\d?"
    r"(?P<rest>(?:[\s_.\-:].*)?)"
)


def simplify_name(name: str) -> str:
    """Return a column's name in lower case without its unit, and without the number of its counter.

    ``Energy (eV)`` is ``energy``, ``I0 [A]`` is ``i0``, ``It-32`` is ``it``.

    Parameters
    ----------
    name : str
    """
    lower = name.strip().lower()
    if lower in _KNOWN:
        return lower
    plain = split_label(name.strip(), Dimension.ENERGY).name.strip(" *#:").lower()
    plain = re.sub(r"_c\d+$", "", plain)
    spaced = re.sub(r"[\s_]+", " ", plain).strip()
    if plain in _KNOWN or spaced in _KNOWN:
        return plain if plain in _KNOWN else spaced
    stem = re.fullmatch(r"(.*?[a-z0-9_])[-_ ]\d{2,}", plain)
    if stem and stem[1] in _KNOWN:
        return stem[1]
    # I0_EH1, It.xmap: a counter, and where it stands or what reads it.
    first, *more = re.split(r"[\s_.\-:]+", plain)
    return first if more and first in _COUNTERS and not _SETTINGS & set(more) else plain


def is_setting(name: str) -> bool:
    """Return whether a column is named as a setting of a counter, as ``If gain`` is.

    Parameters
    ----------
    name : str
    """
    return bool(_SETTINGS & set(_split_words(name)[1:]))


def ends_in_counter(name: str, quantity: str) -> bool:
    """Return whether the last word of a column's name is a counter of a quantity, and no other word
    makes it something else: ``PreKB-I0``, ``XMAP4:DT Corr I0``, ``ct2:I1``.

    Parameters
    ----------
    name : str
    quantity : str
        ``i0``, ``transmitted`` or ``foil``; of others there are none.
    """
    if "/" in name or quantity not in _LAST_WORDS:
        return False
    *before, last = _split_words(split_label(name.strip(), Dimension.ENERGY).name)
    others = _SETTINGS | _NO_COUNTER | _COUNTERS
    return bool(before) and last in _LAST_WORDS[quantity] and not others & set(before)


def _split_words(name: str) -> list[str]:
    return re.split(r"[\s_.\-:]+", name.lower().strip(" *#:"))


def parse_emission_line(name: str) -> tuple[str, str] | None:
    """Return element and shell of an emission line after which a column is named (``AlKa_sum``,
    ``Fe Ka``, ``Pt_La1``, ``XMAP4:FeKa``), None for other names and for settings of a counter.

    Parameters
    ----------
    name : str
    """
    found = _EMISSION_LINE.fullmatch(name.strip(" *"))
    if found is None or found["element"] not in ELEMENTS:
        return None
    words = set(_split_words(found["rest"]))
    return None if words & (_SETTINGS | _UNCOUNTED) else (found["element"], found["shell"])


def find_kind_of_line(name: str) -> str:
    """Return what follows the emission line in a column's name, without numbers: of one detector
    there may be several (``FeKa``, ``FeKa_corr``).

    Parameters
    ----------
    name : str
        That `parse_emission_line` understands.
    """
    found = _EMISSION_LINE.fullmatch(name.strip(" *"))
    words = _split_words(found["rest"]) if found else []
    return " ".join(word for word in words if not re.fullmatch(r"[a-z]?\d*", word))


def find_column_names(header: Mapping[str, str], head: Sequence[str], n: int) -> list[str]:
    """Return the names of n columns, from a header of text.

    XDI ``Column.N`` fields come first, then the line whose names are best known among those that
    fit the number of columns, of equals the last, which stands next to the numbers: a sentence may
    have as many words as there are columns.

    Parameters
    ----------
    header : mapping of str to str
        Fields, keys in lower case.
    head : sequence of str
        Lines without their comment marks.
    n : int
        Number of columns.
    """
    head = [line for line in head if not re.match(r"column\.\d+\s*:", line.lower())]
    listed = _find_names_line_by_line(head, n)
    given = [header.get(f"column.{i + 1}", "") for i in range(n)]
    if all(given):
        return make_distinct([name.split()[0] for name in given])
    best, most = [f"column {i + 1}" for i in range(n)], -1
    given_names = dict(_find_labels(head))
    head = [" \t".join(_replace(line, given_names)) for line in head] if given_names else head
    if listed and count_known(listed) > 1:
        best, most = make_distinct([_clean_name(name) for name in listed]), count_known(listed)
    for line in reversed(head):
        for names in _split_line(line, n):
            known = count_known(names)
            if known > most:
                best, most = make_distinct([_clean_name(name) for name in names]), known
    return best


def _find_labels(head: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the short name and the label of each column that a header lists: ``D1 = {I0}``."""
    for line in head:
        found = re.match(r"\s*(\w+)\s*=\s*\{([^{}]+)\}", line)
        if found:
            yield found[1], found[2].strip()


def _replace(line: str, labels: Mapping[str, str]) -> list[str]:
    """Return the words of a line, those that are short names of columns by their labels."""
    words = line.split()
    is_names = len(words) > 1 and all(word in labels for word in words)
    return [labels[word] for word in words] if is_names else [line]


def _find_names_line_by_line(head: Sequence[str], n: int) -> list[str]:
    """Return n names that stand in the last lines of a header, one in each."""
    lines = [line.strip() for line in head]
    while lines and not lines[-1]:
        lines.pop()
    names = lines[-n:]
    is_list = len(names) == n and all(
        name and len(name.split()) <= LONGEST_NAME and ":" not in name for name in names
    )
    return names if is_list and not _holds_number(names) else []


def _split_numbered(line: str, n: int) -> list[str]:
    """Return n names that a header line numbers: ``1_Energy (keV) 2_sec 3_mononrg``."""
    found = list(re.finditer(r"(?:(?<=\s)|^)(\d+)[_:.)]\s*(?=[^\s\d])", line))
    if [int(one[1]) for one in found] != [*range(1, n + 1)]:
        return []
    ends = [one.start() for one in found[1:]] + [len(line)]
    return [line[one.end() : end].strip() for one, end in zip(found, ends, strict=True)]


def _clean_name(name: str) -> str:
    """Return a name without marks and quotes, and without the ``$( )`` of EPICS macros."""
    plain = name.strip(" *#\"'")
    macro = re.fullmatch(r"\$\((.*)\)", plain)
    return macro[1] if macro else plain


def count_known(names: Sequence[str]) -> int:
    """Return how many different quantities names stand for."""
    plain = {simplify_name(name) for name in names}
    return sum(not plain.isdisjoint(known) for known in NAMES.values())


def _split_line(line: str, n: int) -> Iterator[list[str]]:
    """Yield each way to part a header line into n names."""
    stripped = line.strip()
    quoted = re.findall(r'"([^"]*)"', stripped)
    joined = re.sub(r"\s*/\s*(?=\w)|\s+(?=[(\[])", lambda m: "/" if "/" in m[0] else "\0", stripped)
    ways = [
        stripped.split(),
        re.split(r"\s{2,}|\t", stripped),
        [name.replace("\0", " ") for name in joined.split()],
        *([name.strip() for name in stripped.split(mark)] for mark in ",;\t|"),
        quoted,
        _split_fixed_width(line, n),
        _split_numbered(line, n),
    ]
    for names in ways:
        if len(names) == n and all(name.strip() for name in names) and not _holds_number(names):
            yield names


def _holds_number(names: Sequence[str]) -> bool:
    return any(re.fullmatch(r"[-+]?[\d.,]+(?:[eEdD][-+]?\d+)?", name.strip()) for name in names)


def _split_fixed_width(line: str, n: int) -> list[str]:
    """Return n names standing in fields of one width, each starting its field.

    Names as long as their field run into the next one: then most must end in a blank, and one must
    be known.
    """
    for width in FIELD_WIDTHS:
        if -(-len(line.rstrip()) // width) != n:
            continue
        fields = [line[i * width : (i + 1) * width] for i in range(n)]
        breaks = [line[i * width - 1 : i * width] for i in range(1, n)]
        if not all(field[:1].strip() for field in fields):
            continue
        ends = sum(gap == " " for gap in breaks)
        if ends == len(breaks) or (2 * ends >= len(breaks) and count_known(fields) > 1):
            return fields
    return []


def make_distinct(names: Sequence[str]) -> list[str]:
    """Return names with the place added to one that stands before."""
    return [f"{name} ({i + 1})" if name in names[:i] else name for i, name in enumerate(names)]
