# Absorption: which files belong to a pair.
XAS = f"{OUT}/xas/{{measurement}}"
XAS_LOG = f"{OUT}/logs/xas/{{measurement}}"
ABSORBERS = rows("xas", "pristine", "cycled")
SERIES = rows("xas", "series")
SINGLE = [m for m in rows("xas") if RUN.row(m).role != "series"]
COMPARED = [m for m in rows("xas") if RUN.row(m).compare_to]


def components(measurement):
    """Measurements a spectrum is taken apart into: its references, and the pristine one it is compared with."""
    row = RUN.row(measurement)
    return [
        n.strip() for n in f"{row.compare_to},{row.reference}".split(",") if n.strip()
    ]


MIXED = [
    m for m in ABSORBERS + SERIES if RUN.row(m).reference and (len(components(m)) > 1)
]

FITTED = [m for m in ABSORBERS if RUN.row(m).phases]
FITTED_SET = frozenset(FITTED)


def owner_of_paths(measurement):
    """The measurement whose paths a fit takes: of those that are compared one after the other, with one phase and one
    set of FEFF's options, the first."""
    taken = [measurement]
    while True:
        row = RUN.row(taken[-1])
        other = row.compare_to
        if other in taken:
            return min(taken)
        if other not in FITTED_SET or RUN.row(other).phases != row.phases:
            return taken[-1]
        if RUN.options("xas.feff", other) != RUN.options("xas.feff", taken[-1]):
            return taken[-1]
        taken.append(other)


CONCLUSIONS += expand(f"{XAS}/conclusions.json", measurement=ABSORBERS + SERIES)
FIGURES += expand(f"{XAS}/figures", measurement=ABSORBERS + SERIES)


def pristine_of(name):
    """A file of the measurement this one is compared with; none where there is none."""

    def path(wildcards):
        return [f"{OUT}/xas/{m}/{name}" for m in linked(wildcards, "compare_to")]

    return path


def own(name, among):
    """A file of the measurement itself, where it is one of these."""
    among = frozenset(among)

    def path(wildcards):
        return (
            f"{OUT}/xas/{wildcards.measurement}/{name}"
            if wildcards.measurement in among
            else []
        )

    return path


def phase_labels(wildcards, output):
    """The row's labels, with the phase whose paths are fitted."""
    about = json.loads(labels(wildcards, output))
    return json.dumps(
        {**about, "phase": RUN.row(wildcards.measurement).phases}, sort_keys=True
    )


def paths_digest(wildcards):
    """Digest of what gives a measurement's paths: the phase's entry with its CIF or its folder of FEFF's files, and
    which FEFF is there."""
    from ssbchar.xas.paths import feff

    found = [feff.name_route()]
    for phase in linked(wildcards, "phases"):
        found += digest_of(phase)
        folder = phases_file.find_feff_folder(
            RUN.config.phases, phase_table().get(phase)
        )
        if folder and os.path.isdir(folder):
            found.append(raw_files.stamp_files(folder))
    return found
