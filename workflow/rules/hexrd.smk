# Diffraction: patterns or images -> furnace -> peaks, cells -> expansion, onset; tracks of unexplained lines.
HEXRD = f"{OUT}/hexrd/{{measurement}}"
HEXRD_LOG = f"{OUT}/logs/hexrd/{{measurement}}"
IMAGES = rows("hexrd", "images") + specimens(of_images=True)
PATTERNS = rows("hexrd", "series") + specimens(of_images=False)
CALIBRANTS = rows("hexrd", "calibrant")
REFINED = [m for m in IMAGES + PATTERNS if RUN.row(m).phases]
SPECIMENS = [m for m in rows("hexrd", *SPECIMEN_ROLES) if RUN.row(m).phases]
PROGRAMMES = [m for m in REFINED if RUN.row(m).role not in SPECIMEN_ROLES]
COMPARED_SPECIMENS = [m for m in SPECIMENS if RUN.row(m).compare_to]

CONCLUSIONS += expand(f"{HEXRD}/conclusions.json", measurement=REFINED + CALIBRANTS)
FIGURES += expand(f"{HEXRD}/figures", measurement=REFINED + CALIBRANTS)
EXPORTS += expand(f"{HEXRD}/export", measurement=REFINED)


use rule step as hexrd_calibrate with:
    input:
        source=raw("path"),
    output:
        f"{HEXRD}/geometry.nc",
    log:
        f"{HEXRD_LOG}/calibrate.log",
    wildcard_constraints:
        measurement=one_of(CALIBRANTS),
    params:
        **call_step(
            "hexrd.calibration.calibrate_detector",
            inputs=by_name(source="path"),
            options=options("hexrd.geometry"),
            stamp=stamp("path"),
        ),


use rule step as hexrd_calibration_conclude with:
    input:
        geometry=f"{HEXRD}/geometry.nc",
    output:
        f"{HEXRD}/conclusions.json",
    log:
        f"{HEXRD_LOG}/conclude.log",
    wildcard_constraints:
        measurement=one_of(CALIBRANTS),
    params:
        **call_step("hexrd.calibration.conclude_calibration"),


use rule step as hexrd_calibration_figures with:
    input:
        geometry=f"{HEXRD}/geometry.nc",
    output:
        directory(f"{HEXRD}/figures"),
    log:
        f"{HEXRD_LOG}/figures.log",
    wildcard_constraints:
        measurement=one_of(CALIBRANTS),
    params:
        **call_step("results.figures.hexrd.draw_calibration"),


use rule step as hexrd_integrate with:
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
    resources:
        mem_mb=memory(0, floor=3000),
        runtime=minutes(),
    params:
        **call_step(
            "hexrd.images.integrate_images",
            inputs=by_name(source="path"),
            options=options("hexrd.integrate"),
            stamp=stamp("path"),
        ),


use rule step as hexrd_patterns with:
    input:
        source=raw("path"),
    output:
        f"{HEXRD}/patterns.nc",
    log:
        f"{HEXRD_LOG}/patterns.log",
    wildcard_constraints:
        measurement=one_of(PATTERNS),
    priority: 1
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        **call_step(
            "hexrd.patterns.read_patterns",
            inputs=by_name(source="path"),
            options=options("hexrd.read"),
            stamp=stamp("path"),
        ),


use rule step as hexrd_furnace with:
    input:
        patterns=f"{HEXRD}/patterns.nc",
        log=raw("log"),
    output:
        f"{HEXRD}/furnace.nc",
    log:
        f"{HEXRD_LOG}/furnace.log",
    priority: 1
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        **call_step(
            "hexrd.furnace.join_temperatures",
            inputs=by_name(log="log"),
            options=options("hexrd.furnace"),
            stamp=stamp("log"),
        ),


use rule step as hexrd_known_lines with:
    input:
        patterns=f"{HEXRD}/patterns.nc",
        furnace=f"{HEXRD}/furnace.nc",
        phases=candidate_phases,
    output:
        f"{HEXRD}/peaks.nc",
    log:
        f"{HEXRD_LOG}/known_lines.log",
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        **call_step("hexrd.peaks.fit_known_lines", options=options("hexrd.track")),


use rule step as hexrd_refine with:
    input:
        patterns=f"{HEXRD}/patterns.nc",
        furnace=f"{HEXRD}/furnace.nc",
        phases=candidate_phases,
    output:
        f"{HEXRD}/lattice.nc",
    log:
        f"{HEXRD_LOG}/refine.log",
    threads: cores_for_chunks
    resources:
        mem_mb=memory(BY_BLOCKS, per_core=200),
        runtime=minutes(),
    params:
        **call_step("hexrd.refinement.refine_series", options=options("hexrd.refine")),


use rule step as hexrd_expansion with:
    input:
        lattice=f"{HEXRD}/lattice.nc",
        furnace=f"{HEXRD}/furnace.nc",
    output:
        f"{HEXRD}/expansion.nc",
    log:
        f"{HEXRD_LOG}/expansion.log",
    priority: 1
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        **call_step("hexrd.expansion.fit_expansion", options=options("hexrd.expansion")),


use rule step as hexrd_onset with:
    input:
        lattice=f"{HEXRD}/lattice.nc",
        furnace=f"{HEXRD}/furnace.nc",
    output:
        f"{HEXRD}/onset.json",
    log:
        f"{HEXRD_LOG}/onset.log",
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        **call_step("hexrd.onset.find_onsets", options=options("hexrd.onset")),


use rule step as hexrd_unindexed_lines with:
    input:
        patterns=f"{HEXRD}/patterns.nc",
        lattice=f"{HEXRD}/lattice.nc",
        furnace=f"{HEXRD}/furnace.nc",
    output:
        f"{HEXRD}/tracks.nc",
    log:
        f"{HEXRD_LOG}/unindexed_lines.log",
    priority: 1
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        **call_step("hexrd.unindexed.follow_lines", options=options("hexrd.candidates")),
