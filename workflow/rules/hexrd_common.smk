# What the rules of diffraction ask of the sample sheet and the raw files.
from ssbchar.campaign.row import split_names
from ssbchar.errors import BadInput
from ssbchar.hexrd.options import Refinement

BY_BLOCKS = 1  # what a step holds of its inputs' size: series are read by blocks of frames (docs/scale.md)
MOST_CORES = 16  # of one refinement; more with --set-threads hexrd_refine=N
SPECIMEN_ROLES = ("pristine", "cycled")
PATTERN_BYTES = 8000  # a compressed pattern in a stack; only the number of cores asked for depends on it


def cores_for_chunks(wildcards):
    """Cores a refinement can use: one per chunk of frames, counted by raw files (by size where one holds many)."""
    try:
        found = raw_files.find_files(Path(RUN.row(wildcards.measurement).path))
    except BadInput:
        return 1
    frames = len(found)
    if frames == 1 and found[0].is_file():
        frames = found[0].stat().st_size // PATTERN_BYTES + 1
    chunk = RUN.options("hexrd.refine", wildcards.measurement).get(
        "chunk", Refinement().chunk
    )
    return max(1, min(MOST_CORES, round(frames / chunk)))


def specimens(*, of_images):
    """Specimens ex situ measured as images (those with a calibrant), or as patterns."""
    return [
        m
        for m in rows("hexrd", *SPECIMEN_ROLES)
        if bool(RUN.row(m).calibrant) == of_images
    ]


def pristine_specimen(name):
    """A file of the specimen this one is compared with; none where there is none."""

    def path(wildcards):
        return [f"{OUT}/hexrd/{m}/{name}" for m in linked(wildcards, "compare_to")]

    return path


def figure_labels(wildcards, output):
    """The row's labels, with the phases of the sheet in the order of their colours, as far as the row's last one: rows
    that are added at the end change no colour."""
    order = list(
        dict.fromkeys(
            phase
            for row in RUN.rows
            if row.technique == "hexrd"
            for phase in split_names(row.phases)
        )
    )
    places = [order.index(phase) for phase in linked(wildcards, "phases")]
    about = json.loads(labels(wildcards, output))
    shown = ",".join(order[: max(places, default=-1) + 1])
    return json.dumps({**about, "phase_order": shown}, sort_keys=True)


def product_digests(wildcards):
    """Digests of every expected product."""
    return digest_entries(RUN.config.products)
