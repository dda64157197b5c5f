import pytest

from components.storage.artifacts import Examples
from components.transform import Transform


def test_components_check_their_parameters_and_inputs(tmp_path):
    with pytest.raises(TypeError, match="Missing: \\['preprocessing'\\]"):
        Transform(max_bad_share=0.1)
    with pytest.raises(TypeError, match="max_bad_share must be"):
        Transform(preprocessing=None, max_bad_share="much")
    with pytest.raises(TypeError, match="input examples must be RawExamples"):
        Transform(preprocessing=None, max_bad_share=0.1).run({"examples": Examples("x")}, str(tmp_path))
