# Absorption: scans -> one energy axis -> normalised -> EXAFS; pairs compared, mixtures taken apart, conclusions, figures.
use rule step as xas_scans with:
    input:
        source=raw("path"),
    output:
        f"{XAS}/scans.nc",
    log:
        f"{XAS_LOG}/scans.log",
    params:
        **call_step(
            "xas.scans.read_scans",
            inputs=by_name(source="path"),
            options=options("xas.read"),
            stamp=stamp("path"),
        ),


use rule step as xas_calibrate with:
    input:
        scans=f"{XAS}/scans.nc",
        standard=pristine_of("scans.nc"),
    output:
        f"{XAS}/calibrated.nc",
    log:
        f"{XAS_LOG}/calibrate.log",
    params:
        **call_step(
            "xas.calibration.calibrate_energy", options=options("xas.calibrate")
        ),


use rule step as xas_normalise with:
    input:
        calibrated=f"{XAS}/calibrated.nc",
    output:
        f"{XAS}/normalised.nc",
    log:
        f"{XAS_LOG}/normalise.log",
    wildcard_constraints:
        measurement=one_of(SINGLE),
    params:
        **call_step(
            "xas.normalisation.normalise_spectra", options=options("xas.normalise")
        ),


use rule step as xas_exafs with:
    input:
        normalised=f"{XAS}/normalised.nc",
    output:
        f"{XAS}/exafs.nc",
    log:
        f"{XAS_LOG}/exafs.log",
    params:
        **call_step(
            "xas.exafs.extract_exafs",
            options=options("xas.exafs", shared="xas.window"),
        ),


use rule step as xas_compare with:
    input:
        pristine=pristine_of("normalised.nc"),
        cycled=f"{XAS}/normalised.nc",
    output:
        f"{XAS}/comparison.nc",
    log:
        f"{XAS_LOG}/compare.log",
    wildcard_constraints:
        measurement=one_of(COMPARED),
    params:
        **call_step(
            "xas.comparison.compare_pair",
            options=options("xas.compare", shared="xas.window"),
        ),


use rule step as xas_mixture with:
    input:
        normalised=f"{XAS}/normalised.nc",
        references=lambda wildcards: expand(
            f"{OUT}/xas/{{m}}/normalised.nc", m=components(wildcards.measurement)
        ),
    output:
        f"{XAS}/mixture.nc",
    log:
        f"{XAS_LOG}/mixture.log",
    wildcard_constraints:
        measurement=one_of(MIXED),
    params:
        **call_step("xas.series.fit_mixture", options=options("xas.mixture")),


use rule step as xas_conclude with:
    input:
        normalised=f"{XAS}/normalised.nc",
        comparison=own("comparison.nc", COMPARED),
        mixture=own("mixture.nc", MIXED),
        exafs=f"{XAS}/exafs.nc",
        path_fit=own("path_fit.nc", FITTED),
    output:
        f"{XAS}/conclusions.json",
    log:
        f"{XAS_LOG}/conclude.log",
    wildcard_constraints:
        measurement=one_of(SINGLE),
    params:
        **call_step(
            "xas.comparison.conclude_measurement", options=options("xas.compare")
        ),


use rule step as xas_figures with:
    input:
        normalised=f"{XAS}/normalised.nc",
        exafs=f"{XAS}/exafs.nc",
        pristine=pristine_of("normalised.nc"),
        pristine_exafs=pristine_of("exafs.nc"),
        comparison=own("comparison.nc", COMPARED),
        mixture=own("mixture.nc", MIXED),
        path_fit=own("path_fit.nc", FITTED),
        conclusions=f"{XAS}/conclusions.json",
    output:
        directory(f"{XAS}/figures"),
    log:
        f"{XAS_LOG}/figures.log",
    wildcard_constraints:
        measurement=one_of(SINGLE),
    params:
        **call_step("results.figures.xas.draw_measurement"),
