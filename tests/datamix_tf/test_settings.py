"""Fields with their type, default, help and check."""

import dataclasses

import pytest

from datamix_tf.settings import REQUIRED, above, at_least, check, like, setting, settings_of, share


@dataclasses.dataclass(frozen=True)
class Noise:
    name: str = setting(REQUIRED, "what it is called")
    variance: float = setting(4.0, "variance of the noise", **at_least(0))
    scales: tuple[float, ...] = setting((1.0,), "each is tried", **above(0))
    part: float | None = setting(None, "of the pixels", **share())
    kind: str = setting("gaussian", "how it is drawn", choices=("gaussian", "laplace"))
    sizes: tuple[int, ...] = setting((1,), "sizes", choices=(1, 2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variance": -1.0}, "variance must be at least 0; received -1"),
        ({"variance": float("nan")}, "variance must be at least 0; received nan"),
        ({"scales": (1.0, 0.0)}, "scales must be above 0; received 1,0"),
        ({"part": 1.5}, "part must be from 0 to 1; received 1.5"),
        ({"kind": ""}, "kind must be one of gaussian, laplace; received ''"),
        ({"sizes": (1, 3)}, "sizes must be of 1, 2; received 1,3"),
    ],
)
def test_a_refusal_says_what_was_expected_and_what_came(changes, message):
    with pytest.raises(ValueError) as caught:
        check(Noise("n", **changes))
    assert str(caught.value) == message


def test_what_can_be_used_passes():
    check(Noise("n"))
    check(Noise("n", part=None, kind="laplace", sizes=(2, 1)))


def test_a_field_like_another_differs_where_it_says_so():
    @dataclasses.dataclass(frozen=True)
    class Blur:
        variance: float = like(Noise, "variance", 2.0, help="of the kernel")
        kind: str = like(Noise, "kind")

    assert Blur() == Blur(2.0, "gaussian")
    found = settings_of(Blur)
    assert found["variance"].help == "of the kernel" and found["variance"].expected == "at least 0"
    assert found["kind"] == settings_of(Noise)["kind"]
