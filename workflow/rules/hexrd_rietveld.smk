# Diffraction: structures refined in the frames that `hexrd.rietveld.frames` names; none, where it names none.
STRUCTURED = [m for m in REFINED if RUN.options("hexrd.rietveld", m).get("frames")]

CONCLUSIONS += expand(f"{HEXRD}/structures.json", measurement=STRUCTURED)
EXPORTS += expand(f"{HEXRD}/structures", measurement=STRUCTURED)


use rule step as hexrd_structures with:
    input:
        patterns=f"{HEXRD}/patterns.nc",
        furnace=f"{HEXRD}/furnace.nc",
        lattice=f"{HEXRD}/lattice.nc",
        table=ancient(literal(RUN.config.phases)),  # the stamp tells of changes, phase by phase
    output:
        f"{HEXRD}/structures.nc",
    log:
        f"{HEXRD_LOG}/structures.log",
    wildcard_constraints:
        measurement=one_of(STRUCTURED),
    resources:
        mem_mb=memory(BY_BLOCKS),
        runtime=minutes(),
    params:
        **call_step(
            "hexrd.rietveld.refine_structures",
            options=options("hexrd.rietveld"),
            stamp=phase_digests,
        ),


use rule step as hexrd_conclude_structures with:
    input:
        structures=f"{HEXRD}/structures.nc",
    output:
        f"{HEXRD}/structures.json",
    log:
        f"{HEXRD_LOG}/conclude_structures.log",
    wildcard_constraints:
        measurement=one_of(STRUCTURED),
    params:
        **call_step(
            "hexrd.rietveld.conclude_structures", options=options("hexrd.rietveld")
        ),


use rule step as hexrd_export_structures with:
    input:
        structures=f"{HEXRD}/structures.nc",
        furnace=f"{HEXRD}/furnace.nc",
        table=ancient(literal(RUN.config.phases)),
    output:
        directory(f"{HEXRD}/structures"),
    log:
        f"{HEXRD_LOG}/export_structures.log",
    wildcard_constraints:
        measurement=one_of(STRUCTURED),
    params:
        **call_step("hexrd.rietveld.export_structures", stamp=phase_digests),
