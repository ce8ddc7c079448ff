# The workflow lives in workflow/; this file stands where the workflow catalog looks.
include: "workflow/Snakefile"
