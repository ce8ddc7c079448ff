# Phases: each one's reflections, and those of all for what unexplained peaks are tested against.


# Seconds of work on small files: not worth a job of a cluster.
localrules:
    phase_table,
    phase_library,


use rule step as phase_table with:
    input:
        table=ancient(literal(RUN.config.phases)),  # the stamp tells of changes, phase by phase
    output:
        f"{OUT}/phases/{{phase}}.nc",
    log:
        f"{OUT}/logs/phases/{{phase}}.log",
    priority: 1
    params:
        **call_step(
            "crystal.tabulate_reflections",
            options=options("hexrd.phases"),
            stamp=cif_digest,
        ),


use rule step as phase_library with:
    input:
        table=ancient(literal(RUN.config.phases)),  # the stamp tells of changes, phase by phase
    output:
        f"{OUT}/phases.nc",
    log:
        f"{OUT}/logs/phases.log",
    params:
        **call_step(
            "crystal.tabulate_library",
            options=options("hexrd.phases"),
            stamp=library_digests,
        ),
