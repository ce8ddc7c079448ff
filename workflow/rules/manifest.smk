# Which raw files a measurement came from, with their sha256.
rule manifest:
    input:
        source=raw("path"),
        log=raw("log"),
    output:
        f"{OUT}/{{technique}}/{{measurement}}/manifest.csv",
    log:
        f"{OUT}/logs/{{technique}}/{{measurement}}/manifest.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="storage.list_raw_files",
        inputs=by_name(source="path", log="log"),
        options="{}",
        labels=labels,
        code=code("storage.list_raw_files"),
        stamp=stamp("path", "log"),
    shell:
        STEP
