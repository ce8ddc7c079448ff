# Diffraction: patterns or images -> furnace -> peaks, cells -> expansion, onset; tracks of unexplained lines.
HEXRD = f"{OUT}/hexrd/{{measurement}}"
HEXRD_LOG = f"{OUT}/logs/hexrd/{{measurement}}"
IMAGES = rows("hexrd", "images")
PATTERNS = rows("hexrd", "series")
CALIBRANTS = rows("hexrd", "calibrant")
REFINED = [m for m in IMAGES + PATTERNS if RUN.row(m).phases]

CONCLUSIONS += expand(f"{HEXRD}/conclusions.json", measurement=REFINED)
FIGURES += expand(f"{HEXRD}/figures", measurement=REFINED)
EXPORTS += expand(f"{HEXRD}/export", measurement=REFINED)


rule hexrd_calibrate:
    input:
        source=raw("path"),
    output:
        f"{HEXRD}/geometry.nc",
    log:
        f"{HEXRD_LOG}/calibrate.log",
    wildcard_constraints:
        measurement=one_of(CALIBRANTS),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="hexrd.images.calibrate_detector",
        inputs=by_name(source="path"),
        options=options("hexrd.geometry"),
        labels=labels,
        code=code("hexrd.images.calibrate_detector"),
        stamp=stamp("path"),
    shell:
        STEP


rule hexrd_integrate:
    input:
        source=raw("path"),
        geometry=geometry_of,
    output:
        f"{HEXRD}/patterns.nc",
    log:
        f"{HEXRD_LOG}/integrate.log",
    wildcard_constraints:
        measurement=one_of(IMAGES),
    priority: 1
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(0, floor=3000),
        runtime=minutes(),
    params:
        step="hexrd.images.integrate_images",
        inputs=by_name(source="path"),
        options=options("hexrd.integrate"),
        labels=labels,
        code=code("hexrd.images.integrate_images"),
        stamp=stamp("path"),
    shell:
        STEP


rule hexrd_patterns:
    input:
        source=raw("path"),
    output:
        f"{HEXRD}/patterns.nc",
    log:
        f"{HEXRD_LOG}/patterns.log",
    wildcard_constraints:
        measurement=one_of(PATTERNS),
    priority: 1
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        step="hexrd.patterns.read_patterns",
        inputs=by_name(source="path"),
        options=options("hexrd.read"),
        labels=labels,
        code=code("hexrd.patterns.read_patterns"),
        stamp=stamp("path"),
    shell:
        STEP


rule hexrd_furnace:
    input:
        patterns=f"{HEXRD}/patterns.nc",
        log=raw("log"),
    output:
        f"{HEXRD}/furnace.nc",
    log:
        f"{HEXRD_LOG}/furnace.log",
    priority: 1
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        step="hexrd.furnace.join_temperatures",
        inputs=by_name(log="log"),
        options=options("hexrd.furnace"),
        labels=labels,
        code=code("hexrd.furnace.join_temperatures"),
        stamp=stamp("log"),
    shell:
        STEP


rule hexrd_track:
    input:
        patterns=f"{HEXRD}/patterns.nc",
        furnace=f"{HEXRD}/furnace.nc",
        phases=candidate_phases,
    output:
        f"{HEXRD}/peaks.nc",
    log:
        f"{HEXRD_LOG}/track.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        step="hexrd.peaks.fit_known_lines",
        inputs=by_name(),
        options=options("hexrd.track"),
        labels=labels,
        code=code("hexrd.peaks.fit_known_lines"),
    shell:
        STEP


rule hexrd_refine:
    input:
        patterns=f"{HEXRD}/patterns.nc",
        furnace=f"{HEXRD}/furnace.nc",
        phases=candidate_phases,
    output:
        f"{HEXRD}/lattice.nc",
    log:
        f"{HEXRD_LOG}/refine.log",
    conda:
        ENVIRONMENT
    threads: cores_for_chunks
    resources:
        mem_mb=memory(BY_BLOCKS, per_core=200),
        runtime=minutes(),
    params:
        step="hexrd.refinement.refine_series",
        inputs=by_name(),
        options=options("hexrd.refine"),
        labels=labels,
        code=code("hexrd.refinement.refine_series"),
    shell:
        STEP


rule hexrd_expansion:
    input:
        lattice=f"{HEXRD}/lattice.nc",
        furnace=f"{HEXRD}/furnace.nc",
    output:
        f"{HEXRD}/expansion.nc",
    log:
        f"{HEXRD_LOG}/expansion.log",
    priority: 1
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        step="hexrd.expansion.fit_expansion",
        inputs=by_name(),
        options=options("hexrd.expansion"),
        labels=labels,
        code=code("hexrd.expansion.fit_expansion"),
    shell:
        STEP


rule hexrd_onset:
    input:
        lattice=f"{HEXRD}/lattice.nc",
        furnace=f"{HEXRD}/furnace.nc",
    output:
        f"{HEXRD}/onset.json",
    log:
        f"{HEXRD_LOG}/onset.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        step="hexrd.onset.find_onsets",
        inputs=by_name(),
        options=options("hexrd.onset"),
        labels=labels,
        code=code("hexrd.onset.find_onsets"),
    shell:
        STEP


rule hexrd_tracks:
    input:
        patterns=f"{HEXRD}/patterns.nc",
        lattice=f"{HEXRD}/lattice.nc",
        furnace=f"{HEXRD}/furnace.nc",
    output:
        f"{HEXRD}/tracks.nc",
    log:
        f"{HEXRD_LOG}/tracks.log",
    priority: 1
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        step="hexrd.unindexed.follow_lines",
        inputs=by_name(),
        options=options("hexrd.candidates"),
        labels=labels,
        code=code("hexrd.unindexed.follow_lines"),
    shell:
        STEP
