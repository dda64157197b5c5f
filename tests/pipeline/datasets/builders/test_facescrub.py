import hashlib
import io
import zipfile

import apache_beam as beam
from apache_beam.testing import test_pipeline as beam_test
from apache_beam.testing.util import assert_that, equal_to
from PIL import Image

from pipeline.datasets.tfds_source import TfdsSource
from tests.pipeline.datasets.builders.official_files import jpeg


def write_facescrub(folder) -> list[dict[str, str]]:
    """Writes the two lists and pictures, one of which has changed on the web; returns the labels to be read."""
    pictures = {name: jpeg(80 + i) for i, name in enumerate(("a.jpg", "b.jpg", "changed.jpg"))}
    with zipfile.ZipFile(folder / "facescrub.zip", "w") as archive:
        for name, content in pictures.items():
            archive.writestr(f"downloaded/{name}", content)
    rows = {
        "facescrub_actors.txt": [("Aaron Eckhart", "a.jpg", "10,20,110,130")],
        "facescrub_actresses.txt": [("Adrienne Barbeau", "b.jpg", "0,0,60,60"), ("Al Gone", "changed.jpg", "0,0,9,9")],
    }
    for name, lines in rows.items():
        text = "name\timage_id\tface_id\turl\tbbox\tsha256\n"
        for person, picture, box in lines:
            content = pictures[picture] if picture != "changed.jpg" else b"what it was"
            text += f"{person}\t1\t1\thttp://host/{picture}\t{box}\t{hashlib.sha256(content).hexdigest()}\n"
        (folder / name).write_text(text)
    return [
        {"gender": "male", "identity": "Aaron Eckhart"},
        {"gender": "female", "identity": "Adrienne Barbeau"},
    ]


def test_reads_facescrub(tmp_path, manual):
    expected = write_facescrub(manual)
    with beam_test.TestPipeline() as pipeline:
        read = pipeline | TfdsSource("facescrub", str(tmp_path)).read()
        assert_that(read | beam.Map(lambda example: example.labels), equal_to(expected))
        sizes = read | beam.Map(lambda example: Image.open(io.BytesIO(example.content)).size)
        assert_that(sizes, equal_to([(100, 110), (60, 60)]), label="Sizes")
