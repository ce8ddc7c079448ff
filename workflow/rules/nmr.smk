# NMR: Bruker folder -> decay signal -> both routes (lines, spectrum) -> T2* -> conclusions, figures.
use rule step as nmr_fid with:
    input:
        source=raw("path"),
    output:
        f"{NMR}/fid.nc",
    log:
        f"{NMR_LOG}/fid.log",
    wildcard_constraints:
        measurement=one_of(NMR_SINGLE),
    params:
        **call_step(
            "nmr.bruker.read_fid",
            inputs=by_name(source="path"),
            options=options("nmr.read"),
            stamp=stamp("path"),
        ),


use rule step as nmr_lines with:
    input:
        fid=fitted_slices,
    output:
        f"{NMR}/lines.nc",
    log:
        f"{NMR_LOG}/lines.log",
    params:
        **call_step(
            "nmr.lineshape.fit_lines",
            options=options("nmr.lines", shared="nmr.regions"),
        ),


use rule step as nmr_spectrum with:
    input:
        fid=fitted_slices,
        lines=f"{NMR}/lines.nc",
    output:
        f"{NMR}/spectrum.nc",
    log:
        f"{NMR_LOG}/spectrum.log",
    params:
        **call_step(
            "nmr.lineshape.integrate_windows",
            options=options("nmr.spectrum", shared="nmr.regions"),
        ),


use rule step as nmr_decay with:
    input:
        series=f"{NMR}/lines.nc",
        reference_decay=shared_decay,
    output:
        f"{NMR}/decay.nc",
    log:
        f"{NMR_LOG}/decay.log",
    wildcard_constraints:
        measurement=one_of(NMR_DECAYS),
    params:
        **call_step("nmr.decay.fit_decay", options=options("nmr.decay")),


use rule step as nmr_quantify with:
    input:
        lines=f"{NMR}/lines.nc",
        spectrum=f"{NMR}/spectrum.nc",
        decay=own_decay,
        repeats=same_sample("lines.nc", "repeat"),
        relaxations=same_sample("relaxation.nc", "relaxation"),
    output:
        f"{NMR}/conclusions.json",
    log:
        f"{NMR_LOG}/quantify.log",
    wildcard_constraints:
        measurement=one_of(NMR_QUANTIFIED),
    params:
        **call_step(
            "nmr.quantification.quantify_fractions",
            options=options("nmr.quantify", shared="nmr.regions"),
        ),


use rule step as nmr_leak with:
    input:
        lines=f"{NMR}/lines.nc",
    output:
        f"{NMR}/conclusions.json",
    log:
        f"{NMR_LOG}/leak.log",
    wildcard_constraints:
        measurement=one_of(NMR_REFERENCES),
    params:
        **call_step("nmr.quantification.measure_leakage"),


use rule step as nmr_processed with:
    input:
        source=raw("path"),
        fid=f"{NMR}/fid.nc",
    output:
        f"{NMR}/processed.json",
    log:
        f"{NMR_LOG}/processed.log",
    wildcard_constraints:
        measurement=one_of(NMR_PROCESSED),
    params:
        **call_step(
            "nmr.topspin_check.compare_with_topspin",
            inputs=by_name(source="path"),
            options=options("nmr.processed", shared="nmr.regions"),
            stamp=stamp("path"),
        ),


use rule step as nmr_export with:
    input:
        fid=fitted_slices,
        spectrum=f"{NMR}/spectrum.nc",
    output:
        directory(f"{NMR}/export"),
    log:
        f"{NMR_LOG}/export.log",
    params:
        **call_step("nmr.export.export_spectra"),


use rule step as nmr_figures with:
    input:
        lines=f"{NMR}/lines.nc",
        spectrum=f"{NMR}/spectrum.nc",
        decay=own_decay,
        series=own_series,
        time_course=own_course("time_course.nc", NMR_SERIES),
        relaxation=own_course("relaxation.nc", NMR_RELAXATIONS),
    output:
        directory(f"{NMR}/figures"),
    log:
        f"{NMR_LOG}/figures.log",
    params:
        **call_step("results.figures.nmr.draw_measurement"),


use rule step as nmr_compare with:
    input:
        conclusions=expand(f"{NMR}/conclusions.json", measurement=NMR_QUANTIFIED),
        spectra=expand(f"{NMR}/spectrum.nc", measurement=NMR_QUANTIFIED),
    output:
        directory(f"{OUT}/nmr/figures"),
    log:
        f"{OUT}/logs/nmr/compare.log",
    params:
        **call_step(
            "results.figures.nmr.draw_comparison",
            labels=json.dumps(
                {"run": RUN.config.run, "sample": "7Li NMR, all samples"}
            ),
        ),
