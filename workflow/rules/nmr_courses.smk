# NMR: shares against the time of day, and T1 or T1rho, of rows with the roles series and relaxation.
use rule step as nmr_series_fid with:
    input:
        source=raw("path"),
    output:
        f"{NMR}/fid.nc",
    log:
        f"{NMR_LOG}/fid.log",
    wildcard_constraints:
        measurement=one_of(NMR_SERIES),
    params:
        **call_step(
            "nmr.bruker.read_time_series",
            inputs=by_name(source="path"),
            options=options("nmr.read"),
            stamp=stamp("path"),
        ),


use rule step as nmr_time_course with:
    input:
        fid=f"{NMR}/fid.nc",
        lines=f"{NMR}/lines.nc",
        spectrum=f"{NMR}/spectrum.nc",
    output:
        f"{NMR}/time_course.nc",
    log:
        f"{NMR_LOG}/time_course.log",
    wildcard_constraints:
        measurement=one_of(NMR_SERIES),
    params:
        **call_step("nmr.time_course.follow_shares", options=options("nmr.time_course")),


use rule step as nmr_time_course_conclude with:
    input:
        time_course=f"{NMR}/time_course.nc",
    output:
        f"{NMR}/conclusions.json",
    log:
        f"{NMR_LOG}/conclude.log",
    wildcard_constraints:
        measurement=one_of(NMR_SERIES),
    params:
        **call_step(
            "nmr.time_course.conclude_time_course", options=options("nmr.time_course")
        ),


use rule step as nmr_strong_slices with:
    input:
        fid=f"{NMR}/fid.nc",
    output:
        f"{NMR}/strong.nc",
    log:
        f"{NMR_LOG}/strong.log",
    wildcard_constraints:
        measurement=one_of(NMR_RELAXATIONS),
    params:
        **call_step("nmr.relaxation.select_strong_slices"),


use rule step as nmr_relaxation with:
    input:
        fid=f"{NMR}/fid.nc",
        lines=f"{NMR}/lines.nc",
    output:
        f"{NMR}/relaxation.nc",
    log:
        f"{NMR_LOG}/relaxation.log",
    wildcard_constraints:
        measurement=one_of(NMR_RELAXATIONS),
    params:
        **call_step(
            "nmr.relaxation.fit_relaxation",
            options=options("nmr.relaxation", shared="nmr.regions"),
        ),


use rule step as nmr_relaxation_conclude with:
    input:
        relaxation=f"{NMR}/relaxation.nc",
    output:
        f"{NMR}/conclusions.json",
    log:
        f"{NMR_LOG}/conclude.log",
    wildcard_constraints:
        measurement=one_of(NMR_RELAXATIONS),
    params:
        **call_step("nmr.relaxation.conclude_relaxation"),
