# Absorption: FEFF's paths of a sample's phase, fitted to the first shells of pristine and cycled together.
rule xas_feff:
    input:
        table=RUN.config.phases,
        normalised=f"{XAS}/normalised.nc",
    output:
        f"{XAS}/paths.nc",
    log:
        f"{XAS_LOG}/feff.log",
    wildcard_constraints:
        measurement=one_of(FITTED),
    conda:
        "../envs/feff.yaml"
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="xas.paths.calculate_paths",
        inputs=by_name(),
        options=options("xas.feff"),
        labels=phase_labels,
        code=code("xas.paths.calculate_paths"),
        stamp=paths_digest,
    shell:
        STEP


rule xas_path_fit:
    input:
        paths=f"{XAS}/paths.nc",
        exafs=f"{XAS}/exafs.nc",
        pristine=pristine_of("exafs.nc"),
    output:
        f"{XAS}/path_fit.nc",
    log:
        f"{XAS_LOG}/path_fit.log",
    wildcard_constraints:
        measurement=one_of(FITTED),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="xas.paths.fit_paths",
        inputs=by_name(),
        options=options("xas.path_fit", shared="xas.window"),
        labels=labels,
        code=code("xas.paths.fit_paths"),
    shell:
        STEP
