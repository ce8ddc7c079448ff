# Absorption series: every scan normalised, species counted, taken apart along the series.
rule xas_series_normalise:
    input:
        calibrated=f"{XAS}/calibrated.nc",
    output:
        f"{XAS}/normalised.nc",
    log:
        f"{XAS_LOG}/normalise.log",
    wildcard_constraints:
        measurement=one_of(SERIES),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="xas.series.normalise_series",
        inputs=by_name(),
        options=options("xas.normalise"),
        labels=labels,
        code=code("xas.series.normalise_series"),
    shell:
        STEP


rule xas_series_components:
    input:
        normalised=f"{XAS}/normalised.nc",
    output:
        f"{XAS}/components.nc",
    log:
        f"{XAS_LOG}/components.log",
    wildcard_constraints:
        measurement=one_of(SERIES),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="xas.series.find_components",
        inputs=by_name(),
        options=options("xas.series"),
        labels=labels,
        code=code("xas.series.find_components"),
    shell:
        STEP


rule xas_series_conclude:
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
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="xas.series.conclude_series",
        inputs=by_name(),
        options=options("xas.series"),
        labels=labels,
        code=code("xas.series.conclude_series"),
    shell:
        STEP


rule xas_series_figures:
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
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="results.figures.xas.draw_series",
        inputs=by_name(),
        options="{}",
        labels=labels,
        code=code("results.figures.xas.draw_series"),
    shell:
        STEP
