# NMR: Bruker folder -> decay signal -> both routes (lines, spectrum) -> T2* -> conclusions, figures.
NMR = OUT + "/nmr/{measurement}/"
NMR_LOG = OUT + "/logs/nmr/{measurement}/"
NMR_ROWS = [r for r in RUN.rows if r.technique == "nmr"]
NMR_DECAYS = rows("nmr", "decay", "reference_decay")
NMR_REFERENCES = rows("nmr", "reference")
WITH_SPECTRUM = {r.sample for r in NMR_ROWS if r.role == "spectrum"}
NMR_QUANTIFIED = rows("nmr", "spectrum") + [
    r.measurement
    for r in NMR_ROWS
    if r.role == "decay" and r.sample not in WITH_SPECTRUM
]

CONCLUSIONS += expand(
    NMR + "conclusions.json", measurement=NMR_QUANTIFIED + NMR_REFERENCES
)
FIGURES += expand(NMR + "figures", measurement=NMR_QUANTIFIED + NMR_REFERENCES)


if len(NMR_QUANTIFIED) > 1:
    FIGURES.append(OUT + "/nmr/figures")


def same_sample(file, *roles):
    """Files of the measurements of the row's sample with given roles, the row itself left out."""

    def paths(wildcards):
        sample = RUN.row(wildcards.measurement).sample
        return [
            f"{OUT}/nmr/{r.measurement}/{file}"
            for r in NMR_ROWS
            if r.sample == sample
            and r.role in roles
            and r.measurement != wildcards.measurement
        ]

    return paths


def own_decay(wildcards):
    """The decay of the row's sample: of the row itself where it is a series."""
    if wildcards.measurement in NMR_DECAYS:
        return [NMR.format(measurement=wildcards.measurement) + "decay.nc"]
    return same_sample("decay.nc", "decay", "reference_decay")(wildcards)[:1]


def shared_decay(wildcards):
    """The decay of pure Li that a sample's series shares."""
    return [
        f"{OUT}/nmr/{m}/decay.nc"
        for m in linked(wildcards, "reference")
        if RUN.row(m).role == "reference_decay"
    ]


rule nmr_fid:
    input:
        source=raw("path"),
    output:
        NMR + "fid.nc",
    log:
        NMR_LOG + "fid.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="nmr.read.fid",
        inputs=by_name(source="path"),
        options=options("nmr.read"),
        labels=labels,
        code=code("nmr.read.fid"),
        stamp=stamp("path"),
    shell:
        STEP


rule nmr_lines:
    input:
        fid=NMR + "fid.nc",
    output:
        NMR + "lines.nc",
    log:
        NMR_LOG + "lines.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="nmr.lines.fit",
        inputs=by_name(),
        options=options("nmr.lines"),
        labels=labels,
        code=code("nmr.lines.fit"),
    shell:
        STEP


rule nmr_spectrum:
    input:
        fid=NMR + "fid.nc",
        lines=NMR + "lines.nc",
    output:
        NMR + "spectrum.nc",
    log:
        NMR_LOG + "spectrum.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="nmr.spectrum.spectrum",
        inputs=by_name(),
        options=options("nmr.spectrum"),
        labels=labels,
        code=code("nmr.spectrum.spectrum"),
    shell:
        STEP


rule nmr_decay:
    input:
        series=NMR + "lines.nc",
        reference_decay=shared_decay,
    output:
        NMR + "decay.nc",
    log:
        NMR_LOG + "decay.log",
    wildcard_constraints:
        measurement=one_of(NMR_DECAYS),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="nmr.decay.fit",
        inputs=by_name(),
        options=options("nmr.decay"),
        labels=labels,
        code=code("nmr.decay.fit"),
    shell:
        STEP


rule nmr_quantify:
    input:
        lines=NMR + "lines.nc",
        spectrum=NMR + "spectrum.nc",
        decay=own_decay,
        repeats=same_sample("lines.nc", "repeat"),
    output:
        NMR + "conclusions.json",
    log:
        NMR_LOG + "quantify.log",
    wildcard_constraints:
        measurement=one_of(NMR_QUANTIFIED),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="nmr.quantify.fractions",
        inputs=by_name(),
        options=options("nmr.quantify"),
        labels=labels,
        code=code("nmr.quantify.fractions"),
    shell:
        STEP


rule nmr_leak:
    input:
        lines=NMR + "lines.nc",
    output:
        NMR + "conclusions.json",
    log:
        NMR_LOG + "leak.log",
    wildcard_constraints:
        measurement=one_of(NMR_REFERENCES),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="nmr.quantify.leak",
        inputs=by_name(),
        options="{}",
        labels=labels,
        code=code("nmr.quantify.leak"),
    shell:
        STEP


rule nmr_figures:
    input:
        lines=NMR + "lines.nc",
        spectrum=NMR + "spectrum.nc",
        decay=own_decay,
    output:
        directory(NMR + "figures"),
    log:
        NMR_LOG + "figures.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="results.figures.nmr.draw",
        inputs=by_name(),
        options="{}",
        labels=labels,
        code=code("results.figures.nmr.draw"),
    shell:
        STEP


rule nmr_compare:
    input:
        conclusions=expand(NMR + "conclusions.json", measurement=NMR_QUANTIFIED),
    output:
        directory(OUT + "/nmr/figures"),
    log:
        OUT + "/logs/nmr/compare.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="results.figures.nmr.compare",
        inputs=by_name(),
        options="{}",
        labels=json.dumps({"run": RUN.config.run, "sample": "7Li NMR, all samples"}),
        code=code("results.figures.nmr.compare"),
    shell:
        STEP
