# Diffraction ex situ: a cycled specimen against the pristine one, each with its own refinement.


use rule step as hexrd_products with:
    input:
        table=ancient(literal(RUN.config.products)),  # the stamp tells of changes, phase by phase
    output:
        f"{OUT}/products.nc",
    log:
        f"{OUT}/logs/products.log",
    params:
        **call_step(
            "crystal.tabulate_library",
            inputs=by_name({"table": RUN.config.products}),
            options=options("hexrd.phases"),
            stamp=product_digests,
        ),


use rule step as hexrd_new_lines with:
    input:
        pristine_patterns=pristine_specimen("patterns.nc"),
        pristine_lattice=pristine_specimen("lattice.nc"),
        pristine_furnace=pristine_specimen("furnace.nc"),
        patterns=f"{HEXRD}/patterns.nc",
        lattice=f"{HEXRD}/lattice.nc",
        furnace=f"{HEXRD}/furnace.nc",
    output:
        f"{HEXRD}/new_lines.nc",
    log:
        f"{HEXRD_LOG}/new_lines.log",
    wildcard_constraints:
        measurement=one_of(COMPARED_SPECIMENS),
    params:
        **call_step("hexrd.pairs.find_new_lines", options=options("hexrd.candidates")),


use rule step as hexrd_name_new_lines with:
    input:
        new_lines=f"{HEXRD}/new_lines.nc",
        library=f"{OUT}/phases.nc",
        products=f"{OUT}/products.nc",
    output:
        f"{HEXRD}/new_lines.json",
    log:
        f"{HEXRD_LOG}/name_new_lines.log",
    wildcard_constraints:
        measurement=one_of(COMPARED_SPECIMENS),
    params:
        **call_step("hexrd.pairs.name_new_lines", options=options("hexrd.candidates")),


use rule step as hexrd_conclude_specimen with:
    input:
        lattice=f"{HEXRD}/lattice.nc",
        furnace=f"{HEXRD}/furnace.nc",
        peaks=f"{HEXRD}/peaks.nc",
        patterns=f"{HEXRD}/patterns.nc",
        phases=candidate_phases,
        pristine_lattice=pristine_specimen("lattice.nc"),
        pristine_furnace=pristine_specimen("furnace.nc"),
        pristine_peaks=pristine_specimen("peaks.nc"),
        pristine_patterns=pristine_specimen("patterns.nc"),
        new_lines=lambda wildcards: (
            f"{OUT}/hexrd/{wildcards.measurement}/new_lines.json"
            if RUN.row(wildcards.measurement).compare_to
            else []
        ),
    output:
        f"{HEXRD}/conclusions.json",
    log:
        f"{HEXRD_LOG}/conclude.log",
    wildcard_constraints:
        measurement=one_of(SPECIMENS),
    params:
        **call_step(
            "hexrd.pairs.conclude_measurement",
            options=options("hexrd.stability", shared="hexrd.pair"),
        ),


use rule step as hexrd_specimen_figures with:
    input:
        patterns=f"{HEXRD}/patterns.nc",
        furnace=f"{HEXRD}/furnace.nc",
        lattice=f"{HEXRD}/lattice.nc",
        phases=candidate_phases,
        pristine_patterns=pristine_specimen("patterns.nc"),
        pristine_furnace=pristine_specimen("furnace.nc"),
        pristine_lattice=pristine_specimen("lattice.nc"),
        new_lines=lambda wildcards: (
            f"{OUT}/hexrd/{wildcards.measurement}/new_lines.nc"
            if RUN.row(wildcards.measurement).compare_to
            else []
        ),
    output:
        directory(f"{HEXRD}/figures"),
    log:
        f"{HEXRD_LOG}/figures.log",
    wildcard_constraints:
        measurement=one_of(SPECIMENS),
    params:
        **call_step("results.figures.hexrd.draw_specimen", labels=figure_labels),
