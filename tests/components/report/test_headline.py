import pytest

from components.report.headline import headline
from tests import pages


def test_the_headline_is_the_worst_attack_whoever_ran_it():
    page = pages.page(leaking=0.75)
    assert headline(page, None).attack.name == "key by FastICA on gradients"
    told_of = headline(page, pages.audit(0.9))
    assert told_of.attack.name == "membership by the group's span" and told_of.attack.chance == 0.5
    assert told_of.attack.gain == pytest.approx(0.8) and told_of.attack.n == 50
    assert told_of.untried == ["pooled", "injected", "reuse", "output"]
    assert told_of.edge_share == 0.25 and told_of.plain.method in ("edge", "cloud")
