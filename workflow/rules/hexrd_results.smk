# Diffraction: what came out of a series: candidates for unexplained lines, conclusions, figures, files for others.


use rule step as hexrd_candidates with:
    input:
        tracks=f"{HEXRD}/tracks.nc",
        furnace=f"{HEXRD}/furnace.nc",
        library=f"{OUT}/phases.nc",
    output:
        f"{HEXRD}/candidates.json",
    log:
        f"{HEXRD_LOG}/candidates.log",
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        **call_step(
            "hexrd.unindexed.identify_phases", options=options("hexrd.candidates")
        ),


use rule step as hexrd_time_course with:
    input:
        lattice=f"{HEXRD}/lattice.nc",
        furnace=f"{HEXRD}/furnace.nc",
        peaks=f"{HEXRD}/peaks.nc",
    output:
        f"{HEXRD}/time_course.nc",
    log:
        f"{HEXRD_LOG}/time_course.log",
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        **call_step(
            "hexrd.time_course.fit_time_course", options=options("hexrd.time_course")
        ),


use rule step as hexrd_conclude with:
    input:
        lattice=f"{HEXRD}/lattice.nc",
        furnace=f"{HEXRD}/furnace.nc",
        expansion=f"{HEXRD}/expansion.nc",
        onset=f"{HEXRD}/onset.json",
        peaks=f"{HEXRD}/peaks.nc",
        candidates=f"{HEXRD}/candidates.json",
        tracks=f"{HEXRD}/tracks.nc",
        patterns=f"{HEXRD}/patterns.nc",
        time_course=f"{HEXRD}/time_course.nc",
        library=f"{OUT}/phases.nc",
        phases=candidate_phases,
    output:
        f"{HEXRD}/conclusions.json",
    log:
        f"{HEXRD_LOG}/conclude.log",
    wildcard_constraints:
        measurement=one_of(PROGRAMMES),
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        **call_step("hexrd.verdict.conclude_series", options=options("hexrd.stability")),


use rule step as hexrd_figures with:
    input:
        patterns=f"{HEXRD}/patterns.nc",
        furnace=f"{HEXRD}/furnace.nc",
        lattice=f"{HEXRD}/lattice.nc",
        expansion=f"{HEXRD}/expansion.nc",
        peaks=f"{HEXRD}/peaks.nc",
        time_course=f"{HEXRD}/time_course.nc",
        phases=candidate_phases,
    output:
        directory(f"{HEXRD}/figures"),
    log:
        f"{HEXRD_LOG}/figures.log",
    wildcard_constraints:
        measurement=one_of(PROGRAMMES),
    priority: 1
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        **call_step("results.figures.hexrd.draw_series", labels=figure_labels),


use rule step as hexrd_export with:
    input:
        patterns=f"{HEXRD}/patterns.nc",
        furnace=f"{HEXRD}/furnace.nc",
        lattice=f"{HEXRD}/lattice.nc",
        peaks=f"{HEXRD}/peaks.nc",
        table=ancient(literal(RUN.config.phases)),  # the stamp tells of changes, phase by phase
    output:
        directory(f"{HEXRD}/export"),
    log:
        f"{HEXRD_LOG}/export.log",
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        **call_step(
            "hexrd.export.export_series",
            options=options("hexrd.export"),
            stamp=phase_digests,
        ),
