from msgspec.structs import replace

from components.report.curves import curves
from tests import pages


def test_training_curves_lie_in_their_picture():
    loss, accuracy = curves(pages.page().trainings)
    assert (loss["title"], accuracy["title"]) == ("training loss", "training accuracy")
    for figure in (loss, accuracy):
        places = [tuple(map(float, p.split(","))) for line in figure["lines"] for p in line["points"].split()]
        assert all(figure["left"] <= x <= figure["width"] and 0 <= y <= figure["height"] for x, y in places)
    assert curves([replace(pages.page().trainings[0], history={"loss": (1.0,)})])[0]["epochs"] == 1
