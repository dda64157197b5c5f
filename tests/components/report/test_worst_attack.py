from msgspec.structs import replace

from components.report.worst_attack import attacks_on, worst_attack
from tests import pages


def test_attacks_that_were_skipped_or_are_of_other_models_do_not_count():
    page = pages.page()
    entry = next(entry for entry in page.metrics.summary if entry.method == "datamix")
    audit = pages.audit(1.0)
    other = replace(audit, scores=tuple(replace(score, model="another") for score in audit.scores))
    assert {attack.name for attack in attacks_on(entry, page, other)} == {"identity", "key by FastICA on gradients"}
    assert worst_attack([]) is None
