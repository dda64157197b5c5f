"""What an audit says in the end."""

from datamix_tf import audit


def test_what_is_reported_is_the_worst_attack_beside_its_chance():
    def score(threat, value, chance=0.5, n=400):
        error = (value * (1 - value) / n) ** 0.5
        more = {"measure": "accuracy", "standard_error": error, "n": n}
        return {"threat": threat, "name": f"attack {value}", "score": value, "chance": chance, **more}

    scores = [score("linked", 0.7), score("linked", 0.72, chance=0.71), score("single", 0.51), score("linked", 0.6)]
    found = audit.headlines([*scores, {"threat": "pooled", "name": "linker", "skipped": "no groups"}])
    assert list(found) == ["single", "linked"] and found["linked"]["score"] == 0.7
    assert "not protected" in audit.sentence(found["linked"]) and "chance 0.500" in audit.sentence(found["linked"])
    assert "no success was measured" in audit.sentence(found["single"])


def test_an_attack_succeeds_if_all_of_its_interval_is_above_both_kinds_of_guessing():
    """The interval decides where there is one: a mean of columns is less uncertain than one coin."""
    score = {"threat": "single", "name": "attributes", "score": 0.507, "chance": 0.5, "n": 621, "standard_error": 0.003}
    score |= {"measure": "balanced_accuracy", "interval": [0.501, 0.513]}
    assert audit.succeeds(score) and "interval 0.501 to 0.513" in audit.sentence(score)
    assert not audit.succeeds(score | {"interval": [0.499, 0.513]})
    assert not audit.succeeds(score | {"guess": 0.502})
    assert "chance 0.500, a blind guess 0.502" in audit.sentence(score | {"guess": 0.502})
    older = {name: value for name, value in score.items() if name != "interval"}
    assert audit.succeeds(older) and not audit.succeeds(older | {"standard_error": 0.02})
    assert audit.interval_of({"score": 0.5}) is None
