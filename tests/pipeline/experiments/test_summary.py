from pipeline.experiments.summary import table
from tests import pages


def test_what_was_skipped_is_named_with_its_reason():
    lines = table(pages.page().metrics).splitlines()
    assert lines[-1] == "age was skipped: too few. (DataMix, N_pre=1, S_G=4)"
