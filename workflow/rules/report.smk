# All techniques together: the summary table and the page.
from ssbchar.campaign.row import split_names
from ssbchar.runtime.options import find_departures

CONCLUSIONS_ALL = sorted(CONCLUSIONS)
MANIFESTS = [f"{OUT}/{r.technique}/{r.measurement}/manifest.csv" for r in RUN.rows]
DEPARTURES = {
    **find_departures(RUN.config),
    **{f"sample sheet, {r.measurement}": r.options for r in RUN.rows if r.options},
}


NAMED = {
    "samples": RUN.config.samples,
    "phases": RUN.config.phases if any(row.phases for row in RUN.rows) else "",
}
WORKFLOW = str(Path(str(workflow.current_basedir)).parent)
source_digest.set_workflow_folder(WORKFLOW)
EXPORTS += expand(f"{XAS}/export", measurement=SINGLE)


# Seconds of work on small files: not worth a job of a cluster.
localrules:
    sheets,
    summary,


# The merged spectrum as XDI; a series has none, its sample changes.
use rule step as xas_export with:
    input:
        normalised=f"{XAS}/normalised.nc",
    output:
        directory(f"{XAS}/export"),
    log:
        f"{XAS_LOG}/export.log",
    wildcard_constraints:
        measurement=one_of(SINGLE),
    params:
        **call_step("xas.xdi.export_xdi"),


use rule step as summary with:
    input:
        conclusions=CONCLUSIONS_ALL,
    output:
        report(
            f"{OUT}/summary.csv", caption="../report/summary.rst", category="Results"
        ),
    log:
        f"{OUT}/logs/summary.log",
    params:
        **call_step("results.joint.summarise"),


# What the page says of how each measurement was made and fitted.
EVIDENCE = [
    *expand(
        f"{HEXRD}/{{table}}.nc",
        measurement=REFINED,
        table=["patterns", "furnace", "lattice"],
    ),
    *expand(f"{HEXRD}/geometry.nc", measurement=CALIBRANTS),
    *expand(
        f"{XAS}/{{table}}.nc",
        measurement=SINGLE,
        table=["scans", "normalised"],
    ),
    *expand(f"{XAS}/exafs.nc", measurement=ABSORBERS),
    *expand(f"{XAS}/path_fit.nc", measurement=FITTED),
    *expand(f"{NMR}/{{table}}.nc", measurement=rows("nmr"), table=["fid", "lines"]),
    *(
        f"{OUT}/phases/{phase}.nc"
        for phase in sorted(
            {name for m in REFINED for name in split_names(RUN.row(m).phases)}
        )
    ),
]


use rule step as page with:
    input:
        summary=f"{OUT}/summary.csv",
        conclusions=CONCLUSIONS_ALL,
        figures=sorted(FIGURES),
        manifests=MANIFESTS,
        exports=sorted(EXPORTS),
        evidence=EVIDENCE,
    output:
        report(f"{OUT}/report.html", caption="../report/page.rst", category="Results"),
        directory(f"{OUT}/samples"),
    log:
        f"{OUT}/logs/page.log",
    resources:
        # Of the tables it reads the small variables alone.
        mem_mb=memory(0, floor=3000),
        runtime=minutes(),
    params:
        **call_step(
            "results.report.render_report",
            options=options("report"),
            labels=json.dumps({"run": RUN.config.run, "departures": DEPARTURES}),
        ),


# What was run: the workflow's own text, the config, the sheet and the phases.
rule sheets:
    input:
        samples=literal(RUN.config.samples),
        phases=literal(NAMED["phases"]) if NAMED["phases"] else [],
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
        **call_step(
            "results.provenance.copy_workflow",
            inputs=by_name(NAMED),
            labels=json.dumps({"config": RUN.raw}, sort_keys=True),
            stamp=[
                raw_files.hash_file(p)
                for p in raw_files.find_files(f"{WORKFLOW}/rules")
            ],
        ),
    shell:
        STEP.replace("{params.inputs}", '{params.inputs} home="$SSBCHAR_WORKFLOW"')
