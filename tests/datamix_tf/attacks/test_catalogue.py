"""Our attacks: every one runs from its id alone."""

import json
import re

from datamix_tf import audit
from datamix_tf.attacks import AttackTraining, SeparatorTraining, separators
from datamix_tf.attacks.catalogue import OURS, SEPARATIONS
from datamix_tf.attacks.registry import Subject
from datamix_tf.attacks.threat_models import THREATS
from tests.conftest import REPOSITORY
from tests.datamix_tf.attacks.raw_inputs import data, model_of, spots


def test_every_attack_runs_on_a_mixing_model_and_says_its_figures():
    model, (train, valid, test) = model_of((8, 8, 2)), data(spots)
    subject = Subject(
        model,
        3,
        training=AttackTraining(epochs=1, batch_size=32),
        separation=SeparatorTraining(steps=2, groups=2, restarts=1, ascent_steps=2),
        groups=3,
    )
    assert {spec.threat for spec in OURS} == set(THREATS)
    for spec in OURS:
        if spec.needs_map:  # its network halves 32 rows and columns: single/test_reconstruction.py
            continue
        attack = spec.make(subject)
        attack.fit(train, valid)
        score = {"threat": spec.threat, "name": spec.title("shape"), **attack.score(test).to_dict()}
        json.dumps(score, allow_nan=False)
        assert -1 <= score["score"] <= 1 + 1e-6 and score["n"] > 0
        assert spec.title("shape") in audit.sentence(score)


def test_ids_are_words_of_their_own():
    ids = [spec.id for spec in OURS]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-z_]+", id) for id in ids)


def test_names_that_are_told_before_keras_is_there_are_those_of_the_separators():
    assert list(SEPARATIONS.values()) == [separator.name for separator in separators()]


def test_the_documentation_lists_every_id():
    text = (REPOSITORY / "docs" / "reference" / "attacks.md").read_text(encoding="utf-8")
    assert not [spec.id for spec in OURS if f"`{spec.id}`" not in text]
