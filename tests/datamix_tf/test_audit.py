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
