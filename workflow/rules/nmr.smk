# NMR: Bruker folder -> decay signal -> both routes (lines, spectrum) -> T2* -> conclusions, figures.
rule nmr_fid:
    input:
        source=raw("path"),
    output:
        f"{NMR}/fid.nc",
    log:
        f"{NMR_LOG}/fid.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="nmr.bruker.read_fid",
        inputs=by_name(source="path"),
        options=options("nmr.read"),
        labels=labels,
        code=code("nmr.bruker.read_fid"),
        stamp=stamp("path"),
    shell:
        STEP


rule nmr_lines:
    input:
        fid=f"{NMR}/fid.nc",
    output:
        f"{NMR}/lines.nc",
    log:
        f"{NMR_LOG}/lines.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="nmr.lineshape.fit_lines",
        inputs=by_name(),
        options=options("nmr.lines", shared="nmr.regions"),
        labels=labels,
        code=code("nmr.lineshape.fit_lines"),
    shell:
        STEP


rule nmr_spectrum:
    input:
        fid=f"{NMR}/fid.nc",
        lines=f"{NMR}/lines.nc",
    output:
        f"{NMR}/spectrum.nc",
    log:
        f"{NMR_LOG}/spectrum.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="nmr.lineshape.integrate_windows",
        inputs=by_name(),
        options=options("nmr.spectrum", shared="nmr.regions"),
        labels=labels,
        code=code("nmr.lineshape.integrate_windows"),
    shell:
        STEP


rule nmr_decay:
    input:
        series=f"{NMR}/lines.nc",
        reference_decay=shared_decay,
    output:
        f"{NMR}/decay.nc",
    log:
        f"{NMR_LOG}/decay.log",
    wildcard_constraints:
        measurement=one_of(NMR_DECAYS),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="nmr.decay.fit_decay",
        inputs=by_name(),
        options=options("nmr.decay"),
        labels=labels,
        code=code("nmr.decay.fit_decay"),
    shell:
        STEP


rule nmr_quantify:
    input:
        lines=f"{NMR}/lines.nc",
        spectrum=f"{NMR}/spectrum.nc",
        decay=own_decay,
        repeats=same_sample("lines.nc", "repeat"),
    output:
        f"{NMR}/conclusions.json",
    log:
        f"{NMR_LOG}/quantify.log",
    wildcard_constraints:
        measurement=one_of(NMR_QUANTIFIED),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="nmr.quantification.quantify_fractions",
        inputs=by_name(),
        options=options("nmr.quantify", shared="nmr.regions"),
        labels=labels,
        code=code("nmr.quantification.quantify_fractions"),
    shell:
        STEP


rule nmr_leak:
    input:
        lines=f"{NMR}/lines.nc",
    output:
        f"{NMR}/conclusions.json",
    log:
        f"{NMR_LOG}/leak.log",
    wildcard_constraints:
        measurement=one_of(NMR_REFERENCES),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="nmr.quantification.measure_leakage",
        inputs=by_name(),
        options="{}",
        labels=labels,
        code=code("nmr.quantification.measure_leakage"),
    shell:
        STEP


rule nmr_processed:
    input:
        source=raw("path"),
        fid=f"{NMR}/fid.nc",
    output:
        f"{NMR}/processed.json",
    log:
        f"{NMR_LOG}/processed.log",
    wildcard_constraints:
        measurement=one_of(NMR_PROCESSED),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="nmr.topspin_check.compare_with_topspin",
        inputs=by_name(source="path"),
        options=options("nmr.processed", shared="nmr.regions"),
        labels=labels,
        code=code("nmr.topspin_check.compare_with_topspin"),
        stamp=stamp("path"),
    shell:
        STEP


rule nmr_export:
    input:
        fid=f"{NMR}/fid.nc",
        spectrum=f"{NMR}/spectrum.nc",
    output:
        directory(f"{NMR}/export"),
    log:
        f"{NMR_LOG}/export.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="nmr.export.export_spectra",
        inputs=by_name(),
        options="{}",
        labels=labels,
        code=code("nmr.export.export_spectra"),
    shell:
        STEP


rule nmr_figures:
    input:
        lines=f"{NMR}/lines.nc",
        spectrum=f"{NMR}/spectrum.nc",
        decay=own_decay,
        series=own_series,
    output:
        directory(f"{NMR}/figures"),
    log:
        f"{NMR_LOG}/figures.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="results.figures.nmr.draw_measurement",
        inputs=by_name(),
        options="{}",
        labels=labels,
        code=code("results.figures.nmr.draw_measurement"),
    shell:
        STEP


rule nmr_compare:
    input:
        conclusions=expand(f"{NMR}/conclusions.json", measurement=NMR_QUANTIFIED),
        spectra=expand(f"{NMR}/spectrum.nc", measurement=NMR_QUANTIFIED),
    output:
        directory(f"{OUT}/nmr/figures"),
    log:
        f"{OUT}/logs/nmr/compare.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="results.figures.nmr.draw_comparison",
        inputs=by_name(),
        options="{}",
        labels=json.dumps({"run": RUN.config.run, "sample": "7Li NMR, all samples"}),
        code=code("results.figures.nmr.draw_comparison"),
    shell:
        STEP
