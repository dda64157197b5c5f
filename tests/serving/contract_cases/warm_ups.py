"""Warm-up requests of a version. `given` is the records' kinds, or raw bytes of the file; the answer how many ran."""

from tests.serving.contract_cases.case import Case, Refused, not_offered

UTIL, RUN = "saved_model_warmup_util", "saved_model_warmup"
ONCE = "warm-up requests are sent once"
KINDS = ("predict_log", "classify_log", "regress_log", "multi_inference_log")

CASES = [
    Case(UTIL, "no file", None, 0),
    Case(UTIL, "a file without records", (), 0),
    Case(
        UTIL,
        "a file of another format",
        b"twelve bytes and some more that are no record",
        Refused(None, "in TFRecord format"),
    ),
    Case(
        UTIL,
        "one record more than 1,000",
        ("predict_log",) * 1001,
        Refused(None, "Number of warmup records exceeds the maximum"),
    ),
    Case(UTIL, "a record that is no log", ("malformed",), Refused(None, "Failed to parse warmup record")),
    Case(f"{UTIL} {RUN}", "records of all kinds", KINDS * 2, 10),
    Case(UTIL, "a request that fails", ("refused",), Refused(None, "input size does not match signature")),
    Case(RUN, "a record of a session's run", ("session_run_log",), Refused(None, "Unsupported log_type for warmup")),
    Case(
        RUN,
        "a record of streamed predictions",
        ("predict_streamed_log",),
        Refused(None, "Unsupported log_type for warmup"),
    ),
    not_offered(
        UTIL,
        "a model that is being warmed up is known as such, with one thread and with several",
        "Warming up is no state of its own",
    ),
    not_offered(RUN, "records of all kinds, each sent twice", ONCE),
]
