# Diffraction: patterns or images -> furnace -> peaks, cells -> expansion, onset -> conclusions, figures.
HEXRD = OUT + "/hexrd/{measurement}/"
HEXRD_LOG = OUT + "/logs/hexrd/{measurement}/"
IMAGES = rows("hexrd", "images")
PATTERNS = rows("hexrd", "series")
CALIBRANTS = rows("hexrd", "calibrant")
SERIES = [m for m in IMAGES + PATTERNS if RUN.row(m).phases]

CONCLUSIONS += expand(HEXRD + "conclusions.json", measurement=SERIES)
FIGURES += expand(HEXRD + "figures", measurement=SERIES)


def candidate_phases(wildcards):
    return [f"{OUT}/phases/{phase}.nc" for phase in linked(wildcards, "phases")]


rule phase_table:
    input:
        table=RUN.config.phases,
    output:
        OUT + "/phases/{phase}.nc",
    params:
        step="phases.reflections",
        inputs=by_name(),
        options=options("hexrd.phases"),
        labels=labels,
        code=code("phases.reflections"),
    log:
        OUT + "/logs/phases/{phase}.log",
    shell:
        STEP


rule hexrd_calibrate:
    input:
        source=raw("path"),
    output:
        HEXRD + "geometry.nc",
    params:
        step="hexrd.detector.calibrate",
        inputs=by_name(source="path"),
        options=options("hexrd.geometry"),
        labels=labels,
        code=code("hexrd.detector.calibrate"),
        stamp=stamp("path"),
    wildcard_constraints:
        measurement=one_of(CALIBRANTS),
    log:
        HEXRD_LOG + "calibrate.log",
    shell:
        STEP


rule hexrd_integrate:
    input:
        source=raw("path"),
        geometry=lambda wildcards: f"{OUT}/hexrd/{linked(wildcards, 'calibrant')[0]}/geometry.nc",
    output:
        HEXRD + "patterns.nc",
    params:
        step="hexrd.detector.integrate",
        inputs=by_name(source="path"),
        options=options("hexrd.integrate"),
        labels=labels,
        code=code("hexrd.detector.integrate"),
        stamp=stamp("path"),
    wildcard_constraints:
        measurement=one_of(IMAGES),
    log:
        HEXRD_LOG + "integrate.log",
    shell:
        STEP


rule hexrd_patterns:
    input:
        source=raw("path"),
    output:
        HEXRD + "patterns.nc",
    params:
        step="hexrd.read.patterns",
        inputs=by_name(source="path"),
        options=options("hexrd.read"),
        labels=labels,
        code=code("hexrd.read.patterns"),
        stamp=stamp("path"),
    wildcard_constraints:
        measurement=one_of(PATTERNS),
    log:
        HEXRD_LOG + "patterns.log",
    shell:
        STEP


rule hexrd_furnace:
    input:
        patterns=HEXRD + "patterns.nc",
        log=raw("log"),
    output:
        HEXRD + "furnace.nc",
    params:
        step="hexrd.furnace.join",
        inputs=by_name(log="log"),
        options=options("hexrd.furnace"),
        labels=labels,
        code=code("hexrd.furnace.join"),
        stamp=stamp("log"),
    log:
        HEXRD_LOG + "furnace.log",
    shell:
        STEP


rule hexrd_track:
    input:
        patterns=HEXRD + "patterns.nc",
        furnace=HEXRD + "furnace.nc",
        phases=candidate_phases,
    output:
        HEXRD + "peaks.nc",
    params:
        step="hexrd.peaks.track",
        inputs=by_name(),
        options=options("hexrd.track"),
        labels=labels,
        code=code("hexrd.peaks.track"),
    log:
        HEXRD_LOG + "track.log",
    shell:
        STEP


rule hexrd_refine:
    input:
        patterns=HEXRD + "patterns.nc",
        furnace=HEXRD + "furnace.nc",
        phases=candidate_phases,
    output:
        HEXRD + "lattice.nc",
    params:
        step="hexrd.refine.refine",
        inputs=by_name(),
        options=options("hexrd.refine"),
        labels=labels,
        code=code("hexrd.refine.refine"),
    log:
        HEXRD_LOG + "refine.log",
    shell:
        STEP


rule hexrd_expansion:
    input:
        lattice=HEXRD + "lattice.nc",
        furnace=HEXRD + "furnace.nc",
    output:
        HEXRD + "expansion.nc",
    params:
        step="hexrd.expansion.expansion",
        inputs=by_name(),
        options=options("hexrd.expansion"),
        labels=labels,
        code=code("hexrd.expansion.expansion"),
    log:
        HEXRD_LOG + "expansion.log",
    shell:
        STEP


rule hexrd_onset:
    input:
        lattice=HEXRD + "lattice.nc",
        furnace=HEXRD + "furnace.nc",
    output:
        HEXRD + "onset.json",
    params:
        step="hexrd.onset.onset",
        inputs=by_name(),
        options=options("hexrd.onset"),
        labels=labels,
        code=code("hexrd.onset.onset"),
    log:
        HEXRD_LOG + "onset.log",
    shell:
        STEP


rule hexrd_conclude:
    input:
        lattice=HEXRD + "lattice.nc",
        furnace=HEXRD + "furnace.nc",
        expansion=HEXRD + "expansion.nc",
        onset=HEXRD + "onset.json",
        peaks=HEXRD + "peaks.nc",
    output:
        HEXRD + "conclusions.json",
    params:
        step="hexrd.conclude.conclude",
        inputs=by_name(),
        options=options("hexrd.stability"),
        labels=labels,
        code=code("hexrd.conclude.conclude"),
    log:
        HEXRD_LOG + "conclude.log",
    shell:
        STEP


rule hexrd_figures:
    input:
        patterns=HEXRD + "patterns.nc",
        furnace=HEXRD + "furnace.nc",
        lattice=HEXRD + "lattice.nc",
        expansion=HEXRD + "expansion.nc",
        peaks=HEXRD + "peaks.nc",
    output:
        directory(HEXRD + "figures"),
    params:
        step="results.figures.hexrd.draw",
        inputs=by_name(),
        options="{}",
        labels=labels,
        code=code("results.figures.hexrd.draw"),
    log:
        HEXRD_LOG + "figures.log",
    shell:
        STEP
