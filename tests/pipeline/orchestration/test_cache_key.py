import dataclasses

import pytest

from pipeline.orchestration.cache_key import plain


def test_parameters_become_plain_data():
    @dataclasses.dataclass
    class Setting:
        sizes: tuple

    described, nothing = plain([Setting((1, 2)), {"a": None}])
    code = described.pop("code")  # it is not the project's: its own code counts
    assert described == {"type": Setting.__qualname__, "sizes": [1, 2]} and len(code) == 64 and nothing == {"a": None}
    with pytest.raises(TypeError, match="plain data"):
        plain(object())
