# Which raw files a measurement came from, with their sha256.
use rule step as manifest with:
    input:
        source=raw("path"),
        log=raw("log"),
    output:
        f"{OUT}/{{technique}}/{{measurement}}/manifest.csv",
    log:
        f"{OUT}/logs/{{technique}}/{{measurement}}/manifest.log",
    params:
        **call_step(
            "storage.list_raw_files",
            inputs=by_name(source="path", log="log"),
            stamp=stamp("path", "log"),
        ),
