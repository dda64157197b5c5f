"""Metrics as text. `given` is what is counted: the name of the metric here and the value; the answer its lines."""

from tests.serving.contract_cases.case import Case, not_offered

FILES = "prometheus_exporter"
FIXED = "Names of metrics and labels are fixed, and need no cleaning"
COUNT, LATENCY = ":tensorflow:serving:request_count", ":tensorflow:serving:request_latency"
QUEUED = "datamix_queued_rows"
_LABELS = 'API="predict",entrypoint="REST"'

CASES = [
    Case(
        FILES,
        "a counter",
        ("requests", ("m", "OK"), 2),
        [f"# TYPE {COUNT} counter", f'{COUNT}{{model_name="m",status="OK"}} 2'],
    ),
    Case(
        FILES,
        "a counter beyond a million",
        ("requests", ("m", "OK"), 12345678),
        [f'{COUNT}{{model_name="m",status="OK"}} 12345678'],
    ),
    Case(FILES, "a gauge", ("queued_rows", (), 5), [f"# TYPE {QUEUED} gauge", f"{QUEUED} 5"]),
    Case(
        FILES,
        "a histogram",
        ("latency", ("m", "predict", "REST"), 30.5),
        [
            f"# TYPE {LATENCY} histogram",
            *(
                f'{LATENCY}_bucket{{{_LABELS},le="{bound}",model_name="m"}} {count}'
                for bound, count in (("10", 0), ("18", 0), ("32.4", 1), ("58.32", 1), ("1.27482e+06", 1), ("+Inf", 1))
            ),
            f'{LATENCY}_count{{{_LABELS},model_name="m"}} 1',
            f'{LATENCY}_sum{{{_LABELS},model_name="m"}} 30.5',
        ],
    ),
    Case(
        FILES,
        "quotes and backslashes in a label",
        ("requests", ('"m\\"', "OK"), 2),
        [f'{COUNT}{{model_name="\\"m\\\\\\"",status="OK"}} 2'],
    ),
    not_offered(FILES, "characters that a label's name may not have", FIXED),
    not_offered(FILES, "characters that a metric's name may not have", FIXED),
]
