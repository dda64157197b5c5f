import pytest

from components.report.health import health, shortened
from tests import pages


def test_data_health_counts_splits_labels_and_bad_records():
    found = health(pages.page(bad=["a", "b"]))
    assert [part["count"] for part in found["splits"]] == [60, 20, 40] and found["reasons"] == [("damaged", 2)]
    labels, identity = found["columns"]
    assert [bar["share"] for bar in labels["bars"]] == [0.75, pytest.approx(1 / 120)]
    assert identity["many"] == {"classes": 60, "fewest": 1, "median": 30, "most": 60}
    assert shortened([*"abcdefghij"]) == "a, b, c, d, e, f and 4 more" and shortened(["a", "b"]) == "a, b"
