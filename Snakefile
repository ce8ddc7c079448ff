# The workflow lives in workflow/ (the workflow catalog's place); an include passes no default target on, so it is named here.
include: "workflow/Snakefile"


rule everything:
    default_target: True
    input:
        rules.crate.output,
