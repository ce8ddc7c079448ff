# What the rules of all steps share; this one makes nothing and is never run itself.
rule step:
    log:
        f"{OUT}/logs/step.log",
    group:
        measurement_of
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    shell:
        STEP
