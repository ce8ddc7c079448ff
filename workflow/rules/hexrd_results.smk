# Diffraction: what came out of a series: candidates for unexplained lines, conclusions, figures, files for others.


rule hexrd_candidates:
    input:
        tracks=f"{HEXRD}/tracks.nc",
        furnace=f"{HEXRD}/furnace.nc",
        library=f"{OUT}/phases.nc",
    output:
        f"{HEXRD}/candidates.json",
    log:
        f"{HEXRD_LOG}/candidates.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        step="hexrd.unindexed.identify_phases",
        inputs=by_name(),
        options=options("hexrd.candidates"),
        labels=labels,
        code=code("hexrd.unindexed.identify_phases"),
    shell:
        STEP


rule hexrd_conclude:
    input:
        lattice=f"{HEXRD}/lattice.nc",
        furnace=f"{HEXRD}/furnace.nc",
        expansion=f"{HEXRD}/expansion.nc",
        onset=f"{HEXRD}/onset.json",
        peaks=f"{HEXRD}/peaks.nc",
        candidates=f"{HEXRD}/candidates.json",
        phases=candidate_phases,
    output:
        f"{HEXRD}/conclusions.json",
    log:
        f"{HEXRD_LOG}/conclude.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        step="hexrd.verdict.conclude_series",
        inputs=by_name(),
        options=options("hexrd.stability"),
        labels=labels,
        code=code("hexrd.verdict.conclude_series"),
    shell:
        STEP


rule hexrd_figures:
    input:
        patterns=f"{HEXRD}/patterns.nc",
        furnace=f"{HEXRD}/furnace.nc",
        lattice=f"{HEXRD}/lattice.nc",
        expansion=f"{HEXRD}/expansion.nc",
        peaks=f"{HEXRD}/peaks.nc",
        phases=candidate_phases,
    output:
        directory(f"{HEXRD}/figures"),
    log:
        f"{HEXRD_LOG}/figures.log",
    priority: 1
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        step="results.figures.hexrd.draw_series",
        inputs=by_name(),
        options="{}",
        labels=labels,
        code=code("results.figures.hexrd.draw_series"),
    shell:
        STEP


rule hexrd_export:
    input:
        patterns=f"{HEXRD}/patterns.nc",
        furnace=f"{HEXRD}/furnace.nc",
        lattice=f"{HEXRD}/lattice.nc",
        peaks=f"{HEXRD}/peaks.nc",
        table=ancient(RUN.config.phases),  # the stamp tells of changes, phase by phase
    output:
        directory(f"{HEXRD}/export"),
    log:
        f"{HEXRD_LOG}/export.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        step="hexrd.export.export_series",
        inputs=by_name(),
        options=options("hexrd.export"),
        labels=labels,
        code=code("hexrd.export.export_series"),
        stamp=phase_digests,
    shell:
        STEP
