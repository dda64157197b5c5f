import numpy as np
import pytest

from datamix_tf.attacks import CandidateAttack, InjectedAttack, ReuseAttack
from datamix_tf.attacks.linked.mixed_groups import rotations
from datamix_tf.attacks.linked.span import coefficients_of, meeting
from tests.datamix_tf.attacks.raw_inputs import attacked, model_of, noise


def test_a_group_s_span_answers_without_a_key():
    rng = np.random.default_rng(0)
    features, key = rng.normal(size=(5, 40)), rotations(rng, 1, 5)[0]
    found, residual = coefficients_of(features[3], key @ features)
    np.testing.assert_allclose(found, key[:, 3], atol=1e-9)
    assert residual < 1e-9 and coefficients_of(rng.normal(size=40), key @ features)[1] > 0.5
    other = np.concatenate([features[:1], rng.normal(size=(4, 40))])
    direction, cosine = meeting(key @ features, rotations(rng, 1, 5)[0] @ other)
    assert cosine > 1 - 1e-9 and abs(np.corrcoef(direction, features[0])[0, 1]) > 1 - 1e-9


def test_candidates_known_inputs_and_reuse_are_read_even_from_white_noise():
    """Where features themselves hide the key, linear algebra still answers: this is what must be said."""
    model = model_of((48,))
    assert attacked(CandidateAttack(model, groups=8), noise).score == 1
    for known in (1, 3, 4):
        score = attacked(InjectedAttack(model, known, groups=8), noise)
        assert score.details["known_columns"] > 0.999 and (score.score > 0.999) == (known >= 3)
    assert attacked(ReuseAttack(model, groups=8), noise).score > 0.999
    with pytest.raises(ValueError, match="from 1 to 4"):
        InjectedAttack(model, 5)
