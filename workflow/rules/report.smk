# All techniques together: the summary table and the page.
from ssbchar.runtime.options import find_departures

CONCLUSIONS_ALL = sorted(CONCLUSIONS)
MANIFESTS = [f"{OUT}/{r.technique}/{r.measurement}/manifest.csv" for r in RUN.rows]
DEPARTURES = {
    **find_departures(RUN.config),
    **{f"sample sheet, {r.measurement}": r.options for r in RUN.rows if r.options},
}


WORKFLOW = str(Path(str(workflow.current_basedir)).parent)
source_digest.set_workflow_folder(WORKFLOW)
EXPORTS += expand(f"{XAS}/export", measurement=SINGLE)


# Seconds of work on small files: not worth a job of a cluster.
localrules:
    sheets,
    summary,


# The merged spectrum as XDI; a series has none, its sample changes.
rule xas_export:
    input:
        normalised=f"{XAS}/normalised.nc",
    output:
        directory(f"{XAS}/export"),
    log:
        f"{XAS_LOG}/export.log",
    wildcard_constraints:
        measurement=one_of(SINGLE),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="xas.xdi.export_xdi",
        inputs=by_name(),
        options="{}",
        labels=labels,
        code=code("xas.xdi.export_xdi"),
    shell:
        STEP


rule summary:
    input:
        conclusions=CONCLUSIONS_ALL,
    output:
        report(
            f"{OUT}/summary.csv", caption="../report/summary.rst", category="Results"
        ),
    log:
        f"{OUT}/logs/summary.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="results.joint.summarise",
        inputs=by_name(),
        options="{}",
        labels=labels,
        code=code("results.joint.summarise"),
    shell:
        STEP


rule page:
    input:
        summary=f"{OUT}/summary.csv",
        conclusions=CONCLUSIONS_ALL,
        figures=sorted(FIGURES),
        manifests=MANIFESTS,
        exports=sorted(EXPORTS),
    output:
        report(f"{OUT}/report.html", caption="../report/page.rst", category="Results"),
        directory(f"{OUT}/samples"),
    log:
        f"{OUT}/logs/page.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="results.report.render_report",
        inputs=by_name(),
        options=options("report"),
        labels=json.dumps({"run": RUN.config.run, "departures": DEPARTURES}),
        code=code("results.report.render_report"),
    shell:
        STEP


# What was run: the workflow's own text, the config, the sheet and the phases.
rule sheets:
    input:
        samples=RUN.config.samples,
        phases=([RUN.config.phases] if any(row.phases for row in RUN.rows) else []),
    output:
        directory(f"{OUT}/workflow"),
    log:
        f"{OUT}/logs/workflow.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(),
        runtime=minutes(),
    params:
        step="results.provenance.copy_workflow",
        inputs=by_name(),
        options="{}",
        labels=json.dumps({"config": RUN.raw}, sort_keys=True),
        code=code("results.provenance.copy_workflow"),
        stamp=[raw_files.hash_file(p) for p in raw_files.find_files(f"{WORKFLOW}/rules")],
    shell:
        STEP.replace("{params.inputs}", '{params.inputs} home="$SSBCHAR_WORKFLOW"')
