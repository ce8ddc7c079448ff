# Phases: each one's reflections, and those of all for what unexplained peaks are tested against.


rule phase_table:
    input:
        table=ancient(RUN.config.phases),  # the stamp tells of changes, phase by phase
    output:
        f"{OUT}/phases/{{phase}}.nc",
    log:
        f"{OUT}/logs/phases/{{phase}}.log",
    priority: 1
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="crystal.tabulate_reflections",
        inputs=by_name(),
        options=options("hexrd.phases"),
        labels=labels,
        code=code("crystal.tabulate_reflections"),
        stamp=cif_digest,
    shell:
        STEP


rule phase_library:
    input:
        table=ancient(RUN.config.phases),  # the stamp tells of changes, phase by phase
    output:
        f"{OUT}/phases.nc",
    log:
        f"{OUT}/logs/phases.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="crystal.tabulate_library",
        inputs=by_name(),
        options=options("hexrd.phases"),
        labels=labels,
        code=code("crystal.tabulate_library"),
        stamp=library_digests,
    shell:
        STEP
