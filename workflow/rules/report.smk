# All techniques together: the summary table and the page.
CONCLUSIONS_ALL = sorted(CONCLUSIONS)
MANIFESTS = [f"{OUT}/{r.technique}/{r.measurement}/manifest.csv" for r in RUN.rows]


rule summary:
    input:
        conclusions=CONCLUSIONS_ALL,
    output:
        f"{OUT}/summary.csv",
    params:
        step="results.summary.summary",
        inputs=by_name(),
        options="{}",
        labels=labels,
        code=code("results.summary.summary"),
    log:
        f"{OUT}/logs/summary.log",
    shell:
        STEP


rule page:
    input:
        summary=f"{OUT}/summary.csv",
        conclusions=CONCLUSIONS_ALL,
        figures=sorted(FIGURES),
        manifests=MANIFESTS,
    output:
        f"{OUT}/report.html",
    params:
        step="results.page.page",
        inputs=by_name(),
        options=options("report"),
        labels=labels,
        code=code("results.page.page"),
    log:
        f"{OUT}/logs/page.log",
    shell:
        STEP
