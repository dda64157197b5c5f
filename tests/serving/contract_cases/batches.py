"""Batching. `given` is the parameters and the requests, each a list of rows; the answer the sizes that ran and rows."""

from tests.serving.contract_cases.case import Case, Refused, held, not_offered

FILES = "batching_session"
PADDING = "`pad_variable_length_inputs` and `enable_large_batch_splitting { value: false }` are ignored with a line"
WHOLE = "Inputs of different numbers of rows are the graph's to refuse"
LATE = "A request whose time is over in the queue is 504; there it is RESOURCE_EXHAUSTED"
UNLIKE = "Requests whose rows have other shapes run in batches of their own"
CPP = "Sessions, their costs and their threads are interfaces of C++"
_TEXT = "max_batch_size { value: 4 } allowed_batch_sizes: %s"


def _case(what, parameters, requests, theirs, ours=None, why=""):
    return Case(FILES, what, (parameters, requests), theirs, ours, why)


_SHAPES = Refused(None, "Tensors with name 'x' from different tasks have different shapes")
_SMALL, _LARGE = [[[1, 2], [3, 4]]], [[[1, 2, 3]] * 3]
_OWN = {"max_batch_size": 2, "num_batch_threads": 1}

CASES = [
    held(FILES, "two requests fill a batch", "test_requests_that_wait_run_together_and_get_their_own_rows"),
    _case("one request alone", {"batch_timeout_micros": 0}, [[4, 6]], {"sizes": [2], "rows": [[4, 5]]}),
    _case(
        "three rows, and two may run together",
        {"max_batch_size": 3, "max_execution_batch_size": 2},
        [[4, 6, 8]],
        {"sizes": [2, 1], "rows": [[4, 5, 6]]},
    ),
    _case(
        "two rows, and one may run alone",
        {"max_batch_size": 2, "max_execution_batch_size": 1},
        [[4, 6]],
        {"sizes": [1, 1], "rows": [[4, 5]]},
    ),
    _case(
        "four rows for batches of three that are not split",
        {"max_batch_size": 3},
        [[4, 6, 8, 10]],
        Refused(None, "Task size 4 is larger than maximum input batch size 3"),
        {"sizes": [3, 1], "rows": [[4, 5, 6, 7]]},
        PADDING,
    ),
    _case(
        "rows of different shapes, to be filled up with zeros",
        _OWN,
        [_SMALL, _LARGE],
        {"sizes": [2], "rows": [[[[2.5, 3, 2], [3.5, 4, 2], [2, 2, 2]]], [[[2.5, 3, 3.5]] * 3]]},
        {"sizes": [1, 1], "rows": [[[[2.5, 3], [3.5, 4]]], [[[2.5, 3, 3.5]] * 3]]},
        PADDING,
    ),
    _case(
        "rows of different shapes, not to be filled up",
        _OWN,
        [_SMALL, _LARGE],
        _SHAPES,
        {"sizes": [1, 1], "rows": [[[[2.5, 3], [3.5, 4]]], [[[2.5, 3, 3.5]] * 3]]},
        UNLIKE,
    ),
    _case(
        "rows of different shapes in a request that is split",
        {**_OWN, "max_execution_batch_size": 1},
        [_SMALL * 2, _LARGE],
        _SHAPES,
        {"sizes": [1, 1, 1], "rows": [[[[2.5, 3], [3.5, 4]]] * 2, [[[2.5, 3, 3.5]] * 3]]},
        UNLIKE,
    ),
    _case(
        "an allowed size",
        {"max_batch_size": 4, "allowed_batch_sizes": (2, 4)},
        [[4, 6]],
        {"sizes": [2], "rows": [[4, 5]]},
    ),
    _case(
        "a size that is filled up",
        {"max_batch_size": 4, "allowed_batch_sizes": (1, 3, 4)},
        [[4, 6]],
        {"sizes": [3], "rows": [[4, 5]]},
    ),
    Case(FILES, "allowed sizes out of order", _TEXT % "[4, 2]", Refused(None)),
    Case(FILES, "a largest allowed size that is not the batch's", _TEXT % "[2, 8]", Refused(None, "max_batch_size")),
    Case(
        FILES,
        "the same, where fewer may run",
        _TEXT % "[2, 8] max_execution_batch_size { value: 3 }",
        Refused(None, "max_execution_batch_size"),
    ),
    Case(FILES, "inputs of different numbers of rows", held="test_inputs_of_different_numbers_of_rows", why=WHOLE),
    held(FILES, "two signatures have batches of their own", "test_signatures_have_batches_of_their_own"),
    Case(FILES, "a request whose time is over in the queue", held="test_a_deadline_that_passes_in_the_queue", why=LATE),
    not_offered(FILES, "the names of a signature's tensors", CPP),
    not_offered(FILES, "the names of two signatures' tensors", CPP),
    not_offered(FILES, "a request that fits no signature", CPP),
    not_offered(FILES, "outputs in another order", CPP),
    not_offered(FILES, "the costs of a request", CPP),
    not_offered(FILES, "the costs of a request that is filled up", CPP),
    not_offered(FILES, "threads of the caller's", CPP),
    not_offered(FILES, "some of the outputs", CPP),
]
