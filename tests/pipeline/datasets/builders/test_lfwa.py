import io
import tarfile
import zipfile

import numpy as np
import pytest
from apache_beam.testing import test_pipeline as beam_test
from apache_beam.testing.util import assert_that, equal_to

from components.storage.records import RawExample
from pipeline.datasets.builders import builder_class, prepare
from pipeline.datasets.tfds_source import TfdsSource
from tests.pipeline.datasets.builders.official_files import jpeg

PEOPLE = ("Aaron_Eckhart", "Aaron_Eckhart", "Al_Gore", "Zico")


def write_lfwa(folder, version="7.3", archive="lfw.tgz", people=PEOPLE, train=(1, 3), test=(2, 4)) -> list[RawExample]:
    """Writes the official files, the MATLAB ones of version 7.3 (as handed out) or 5."""
    import h5py
    import scipy.io

    columns = builder_class("lfwa").TARGET
    names = [f"{person}/{person}_{i + 1:04d}.jpg" for i, person in enumerate(people)]
    bits = np.random.default_rng(1).integers(0, 2, (len(names), 40))
    windows = [name.replace("/", "\\") for name in names]
    if version == "5":
        cells = {"name": np.array(windows, object)[:, None], "AttrName": np.array(columns, object)[:, None]}
        scipy.io.savemat(folder / "lfw_att_40.mat", {**cells, "label": bits.astype(float)})
        indices = {"indices_img_train": [[i] for i in train], "indices_img_test": [[i] for i in test]}
        scipy.io.savemat(folder / "indices_train_test.mat", indices)
    else:
        with h5py.File(folder / "lfw_att_40.mat", "w", userblock_size=512) as file:
            for key, texts in (("name", windows), ("AttrName", columns)):
                references = [
                    file.create_dataset(f"#refs#/{key}{i}", data=np.array([[ord(c)] for c in text], "u2")).ref
                    for i, text in enumerate(texts)
                ]
                file.create_dataset(key, data=np.array([references], h5py.ref_dtype))
            file["label"] = bits.T.astype(float)
        with h5py.File(folder / "indices_train_test.mat", "w") as file:
            file["indices_img_train"], file["indices_img_test"] = [train], [test]
    pictures = [jpeg(50 + i) for i in range(len(names))]
    if archive.endswith("zip"):
        with zipfile.ZipFile(folder / archive, "w") as file:
            for name, picture in zip(names, pictures, strict=True):
                file.writestr(f"lfw/{name}", picture)
    else:
        with tarfile.open(folder / archive, "w:gz") as file:
            for name, picture in zip(names, pictures, strict=True):
                member = tarfile.TarInfo(f"lfw/{name}")
                member.size = len(picture)
                file.addfile(member, io.BytesIO(picture))
    return [
        RawExample(
            names[i],
            pictures[i],
            {**{c: str(b) for c, b in zip(columns, bits[i], strict=True)}, "identity": people[i]},
            "train" if i + 1 in train else "test",
        )
        for i in range(len(names))
    ]


@pytest.mark.parametrize("version, archive", [("7.3", "lfw.tgz"), ("5", "lfw.zip")])
def test_reads_lfwa(version, archive, tmp_path, manual):
    expected = write_lfwa(manual, version, archive)
    source = TfdsSource("lfwa", str(tmp_path))
    with beam_test.TestPipeline() as pipeline:
        assert_that(pipeline | source.read(), equal_to(expected))
    assert (source.kind, len(source.target), source.hidden) == ("image", 40, ("identity",))
    assert "test=2/" in source.fingerprint and "train=2/" in source.fingerprint


def test_lfwa_names_what_must_be_fetched_by_hand(tmp_path, manual):
    with pytest.raises(ValueError, match=r"Missing: lfw_att_40\.mat, indices_train_test\.mat, lfw\.zip or lfw\.tgz"):
        prepare("lfwa", str(tmp_path))
    write_lfwa(manual)
    (manual / "indices_train_test.mat").unlink()
    with pytest.raises(ValueError, match=r"Missing: indices_train_test\.mat\.$"):
        prepare("lfwa", str(tmp_path))
