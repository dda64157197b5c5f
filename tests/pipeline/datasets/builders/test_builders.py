import pytest

from pipeline.datasets.builders import builder_class, prepare
from tests.pipeline.datasets.builders.official_files import WRITERS


@pytest.mark.parametrize("name", WRITERS)
def test_no_files_and_no_network(name, tmp_path, no_network):
    with pytest.raises(ValueError, match="Expected a network, or these official files") as error:
        prepare(name, str(tmp_path))
    message = str(error.value)
    assert str(tmp_path / "downloads" / "manual") in message
    assert all(info.filename in message for info in builder_class(name).url_infos.values())
    assert "no answer from http" in message and "\n" not in message
