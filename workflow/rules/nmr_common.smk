# NMR: which files belong to a sample.
from ssbchar.nmr.bruker.files import has_spectrum

NMR = f"{OUT}/nmr/{{measurement}}"
NMR_LOG = f"{OUT}/logs/nmr/{{measurement}}"
NMR_ROWS = [r for r in RUN.rows if r.technique == "nmr"]
NMR_OF_SAMPLE = {
    sample: list(found)
    for sample, found in itertools.groupby(
        sorted(NMR_ROWS, key=lambda row: row.sample), key=lambda row: row.sample
    )
}
NMR_SERIES = rows("nmr", "series")
NMR_RELAXATIONS = rows("nmr", "relaxation")
NMR_SINGLE = [r.measurement for r in NMR_ROWS if r.role != "series"]
DECAY_ROLES = ("decay", "reference_decay")
NMR_DECAYS = rows("nmr", *DECAY_ROLES)
NMR_REFERENCES = rows("nmr", "reference")
WITH_SPECTRUM = {r.sample for r in NMR_ROWS if r.role == "spectrum"}
NMR_QUANTIFIED = rows("nmr", "spectrum") + [
    r.measurement
    for r in NMR_ROWS
    if r.role == "decay" and r.sample not in WITH_SPECTRUM
]

NMR_CONCLUDED = NMR_QUANTIFIED + NMR_REFERENCES + NMR_SERIES + NMR_RELAXATIONS
NMR_PROCESSED = [
    m for m in NMR_QUANTIFIED + NMR_REFERENCES if has_spectrum(Path(RUN.row(m).path))
]
"""Measurements that hold TopSpin's own spectrum."""

CONCLUSIONS += expand(f"{NMR}/conclusions.json", measurement=NMR_CONCLUDED)
CONCLUSIONS += expand(f"{NMR}/processed.json", measurement=NMR_PROCESSED)
EXPORTS += expand(f"{NMR}/export", measurement=[r.measurement for r in NMR_ROWS])
FIGURES += expand(f"{NMR}/figures", measurement=NMR_CONCLUDED)


if len(NMR_QUANTIFIED) > 1:
    FIGURES.append(f"{OUT}/nmr/figures")


def same_sample(file, *roles):
    """Files of the measurements of the row's sample with given roles, the row itself left out."""

    def paths(wildcards):
        sample = RUN.row(wildcards.measurement).sample
        return [
            f"{OUT}/nmr/{r.measurement}/{file}"
            for r in NMR_OF_SAMPLE[sample]
            if r.role in roles and r.measurement != wildcards.measurement
        ]

    return paths


def fitted_slices(wildcards):
    """The slices that lines are fitted to: of a relaxation series those in which all signals stand upright."""
    is_relaxation = RUN.row(wildcards.measurement).role == "relaxation"
    return (
        f"{OUT}/nmr/{wildcards.measurement}/{'strong' if is_relaxation else 'fid'}.nc"
    )


def own_course(name, among):
    """A file of the measurement itself, where it is one of these."""

    among = frozenset(among)

    def path(wildcards):
        is_among = wildcards.measurement in among
        return f"{OUT}/nmr/{wildcards.measurement}/{name}" if is_among else []

    return path


def own_decay(wildcards):
    """The decay of the row's sample: of the row itself where it is one; none of a course of its own."""
    role = RUN.row(wildcards.measurement).role
    if role in ("series", "relaxation"):
        return []
    if role in DECAY_ROLES:
        return [f"{OUT}/nmr/{wildcards.measurement}/decay.nc"]
    return same_sample("decay.nc", *DECAY_ROLES)(wildcards)[:1]


def own_series(wildcards):
    """The spectra of the decay of the row's sample, where that is another measurement."""
    role = RUN.row(wildcards.measurement).role
    if role in (*DECAY_ROLES, "series", "relaxation"):
        return []
    return same_sample("spectrum.nc", *DECAY_ROLES)(wildcards)[:1]


def shared_decay(wildcards):
    """The decay of pure Li that a sample's series shares."""
    return [
        f"{OUT}/nmr/{m}/decay.nc"
        for m in linked(wildcards, "reference")
        if RUN.row(m).role == "reference_decay"
    ]
