import io
import tarfile

from apache_beam.testing import test_pipeline as beam_test
from apache_beam.testing.util import assert_that, equal_to

from components.storage.records import RawExample
from pipeline.datasets.tfds_source import TfdsSource
from tests.pipeline.datasets.builders.official_files import jpeg


def write_utkface(folder) -> list[RawExample]:
    """Writes an archive like the official one: labels in the file names, one of which lacks a part."""
    names = ["26_0_1_20170116174525125.jpg.chip.jpg", "100_1_4_20170112213500903.jpg.chip.jpg"]
    pictures = [jpeg(70 + i) for i in range(len(names))]
    with tarfile.open(folder / "UTKFace.tar.gz", "w:gz") as archive:
        for name, content in zip([*names, "61_1_20170109150557335.jpg.chip.jpg"], [*pictures, jpeg(9)], strict=True):
            member = tarfile.TarInfo(f"UTKFace/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    labels = [{"gender": "male", "race": "black"}, {"gender": "female", "race": "others"}]
    return [RawExample(*row, "train") for row in zip(names, pictures, labels, strict=True)]


def test_reads_utkface(tmp_path, manual):
    expected = write_utkface(manual)
    source = TfdsSource("utkface", str(tmp_path))
    with beam_test.TestPipeline() as pipeline:
        assert_that(pipeline | source.read(), equal_to(expected))
    assert (source.kind, source.target, source.hidden) == ("image", ("gender",), ("race",))
