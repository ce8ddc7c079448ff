# Absorption series: every scan normalised, species counted, taken apart along the series.
use rule step as xas_series_normalise with:
    input:
        calibrated=f"{XAS}/calibrated.nc",
    output:
        f"{XAS}/normalised.nc",
    log:
        f"{XAS_LOG}/normalise.log",
    wildcard_constraints:
        measurement=one_of(SERIES),
    params:
        **call_step("xas.series.normalise_series", options=options("xas.normalise")),


use rule step as xas_series_components with:
    input:
        normalised=f"{XAS}/normalised.nc",
    output:
        f"{XAS}/components.nc",
    log:
        f"{XAS_LOG}/components.log",
    wildcard_constraints:
        measurement=one_of(SERIES),
    params:
        **call_step("xas.series.find_components", options=options("xas.series")),


use rule step as xas_series_conclude with:
    input:
        normalised=f"{XAS}/normalised.nc",
        components=f"{XAS}/components.nc",
        mixture=own("mixture.nc", MIXED),
    output:
        f"{XAS}/conclusions.json",
    log:
        f"{XAS_LOG}/conclude.log",
    wildcard_constraints:
        measurement=one_of(SERIES),
    params:
        **call_step("xas.series.conclude_series", options=options("xas.series")),


use rule step as xas_series_figures with:
    input:
        normalised=f"{XAS}/normalised.nc",
        components=f"{XAS}/components.nc",
        mixture=own("mixture.nc", MIXED),
    output:
        directory(f"{XAS}/figures"),
    log:
        f"{XAS_LOG}/figures.log",
    wildcard_constraints:
        measurement=one_of(SERIES),
    params:
        **call_step("results.figures.xas.draw_series"),
