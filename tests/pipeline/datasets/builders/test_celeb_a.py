import pytest

from pipeline.datasets.builders import prepare
from tests.pipeline.datasets.builders.official_files import accept_files, write_celeb_a


def test_names_the_missing_file(tmp_path, manual, monkeypatch, no_network):
    write_celeb_a(manual)
    accept_files("celeb_a", manual, monkeypatch)
    (manual / "identity_CelebA.txt").unlink()
    with pytest.raises(ValueError, match=r"Missing files: identity_CelebA\.txt\."):
        prepare("celeb_a", str(tmp_path))
