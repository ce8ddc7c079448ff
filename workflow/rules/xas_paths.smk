# Absorption: FEFF's paths of a sample's phase, fitted to the first shells of pristine and cycled together. FEFF runs
# once for a phase and an edge: a cycled sample takes the paths of the pristine one.
use rule step as xas_feff with:
    input:
        table=literal(RUN.config.phases),
        normalised=f"{XAS}/normalised.nc",
    output:
        f"{XAS}/paths.nc",
    log:
        f"{XAS_LOG}/feff.log",
    wildcard_constraints:
        measurement=one_of([m for m in FITTED if owner_of_paths(m) == m]),
    priority: 1
    conda:
        "../envs/feff.yaml"
    params:
        **call_step(
            "xas.paths.calculate_paths",
            options=options("xas.feff"),
            labels=phase_labels,
            stamp=paths_digest,
        ),


use rule step as xas_path_fit with:
    input:
        paths=lambda wildcards: f"{OUT}/xas/{owner_of_paths(wildcards.measurement)}/paths.nc",
        exafs=f"{XAS}/exafs.nc",
        pristine=pristine_of("exafs.nc"),
    output:
        f"{XAS}/path_fit.nc",
    log:
        f"{XAS_LOG}/path_fit.log",
    wildcard_constraints:
        measurement=one_of(FITTED),
    params:
        **call_step(
            "xas.paths.fit_paths",
            options=options("xas.path_fit", shared="xas.window"),
        ),
