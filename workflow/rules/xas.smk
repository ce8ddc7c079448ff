# Absorption: scans -> one energy axis -> normalised -> EXAFS; pairs compared, mixtures taken apart, conclusions, figures.
rule xas_scans:
    input:
        source=raw("path"),
    output:
        f"{XAS}/scans.nc",
    log:
        f"{XAS_LOG}/scans.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="xas.scans.read_scans",
        inputs=by_name(source="path"),
        options=options("xas.read"),
        labels=labels,
        code=code("xas.scans.read_scans"),
        stamp=stamp("path"),
    shell:
        STEP


rule xas_calibrate:
    input:
        scans=f"{XAS}/scans.nc",
        standard=pristine_of("scans.nc"),
    output:
        f"{XAS}/calibrated.nc",
    log:
        f"{XAS_LOG}/calibrate.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="xas.normalisation.calibrate_energy",
        inputs=by_name(),
        options=options("xas.calibrate"),
        labels=labels,
        code=code("xas.normalisation.calibrate_energy"),
    shell:
        STEP


rule xas_normalise:
    input:
        calibrated=f"{XAS}/calibrated.nc",
    output:
        f"{XAS}/normalised.nc",
    log:
        f"{XAS_LOG}/normalise.log",
    wildcard_constraints:
        measurement=one_of(SINGLE),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="xas.normalisation.normalise_spectra",
        inputs=by_name(),
        options=options("xas.normalise"),
        labels=labels,
        code=code("xas.normalisation.normalise_spectra"),
    shell:
        STEP


rule xas_exafs:
    input:
        normalised=f"{XAS}/normalised.nc",
    output:
        f"{XAS}/exafs.nc",
    log:
        f"{XAS_LOG}/exafs.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="xas.exafs.extract_exafs",
        inputs=by_name(),
        options=options("xas.exafs", shared="xas.window"),
        labels=labels,
        code=code("xas.exafs.extract_exafs"),
    shell:
        STEP


rule xas_compare:
    input:
        pristine=pristine_of("normalised.nc"),
        cycled=f"{XAS}/normalised.nc",
    output:
        f"{XAS}/comparison.nc",
    log:
        f"{XAS_LOG}/compare.log",
    wildcard_constraints:
        measurement=one_of(COMPARED),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="xas.comparison.compare_pair",
        inputs=by_name(),
        options=options("xas.compare", shared="xas.window"),
        labels=labels,
        code=code("xas.comparison.compare_pair"),
    shell:
        STEP


rule xas_mixture:
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
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="xas.series.fit_mixture",
        inputs=by_name(),
        options=options("xas.mixture"),
        labels=labels,
        code=code("xas.series.fit_mixture"),
    shell:
        STEP


rule xas_conclude:
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
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="xas.comparison.conclude_measurement",
        inputs=by_name(),
        options=options("xas.compare"),
        labels=labels,
        code=code("xas.comparison.conclude_measurement"),
    shell:
        STEP


rule xas_figures:
    input:
        normalised=f"{XAS}/normalised.nc",
        exafs=f"{XAS}/exafs.nc",
        pristine=pristine_of("normalised.nc"),
        pristine_exafs=pristine_of("exafs.nc"),
        comparison=own("comparison.nc", COMPARED),
        mixture=own("mixture.nc", MIXED),
        path_fit=own("path_fit.nc", FITTED),
    output:
        directory(f"{XAS}/figures"),
    log:
        f"{XAS_LOG}/figures.log",
    wildcard_constraints:
        measurement=one_of(SINGLE),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="results.figures.xas.draw_measurement",
        inputs=by_name(),
        options="{}",
        labels=labels,
        code=code("results.figures.xas.draw_measurement"),
    shell:
        STEP
