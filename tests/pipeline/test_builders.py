"""The tensorflow-datasets builders, run on small files in the official downloads' layouts."""

import functools
import gzip
import hashlib
import http.server
import io
import pickle
import subprocess
import sys
import tarfile
import threading
import wave
import zipfile

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.testing import test_pipeline as beam_test
from apache_beam.testing.util import assert_that, equal_to
from PIL import Image

from components.storage.records import RawExample
from pipeline.datasets.builders import builder_class, prepare
from pipeline.datasets.tfds_source import TfdsSource

IDENTITIES = (2880, 2937, 2880, 8692, 5805, 5805)
PARTITION = (0, 0, 0, 1, 2, 2)
LANDMARKS = ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")
RECORDINGS = (
    "yes/0a7c2a8d_nohash_0.wav",
    "yes/0a7c2a8d_nohash_1.wav",
    "no/0a9f9af7_nohash_0.wav",
    "backward/0165e0e8_nohash_0.wav",
    "zero/c50f55b8_nohash_2.wav",
)
VALIDATION, TESTING = {RECORDINGS[3]}, {RECORDINGS[4]}


def jpeg(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (218, 178, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def wav(seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(-3000, 3000, 16000, np.int16)
    noise[-100:] = 0  # the file ends in zero bytes, which a fixed-width NumPy string would drop
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16000)
        writer.writeframes(noise.tobytes())
    return file.getvalue()


def write_celeb_a(folder) -> list[RawExample]:
    """Writes the five official files and returns what should be read from them."""
    columns = builder_class("celeb_a").TARGET
    names = [f"{i + 1:06d}.jpg" for i in range(len(PARTITION))]
    bits = np.random.default_rng(0).integers(0, 2, (len(names), 40))
    pictures = [jpeg(i) for i in range(len(names))]
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, picture in zip(names, pictures, strict=True):
            archive.writestr(f"img_align_celeba/{name}", picture)
    marks = " ".join(f"{point}_{axis}" for point in LANDMARKS for axis in "xy")
    tables = {
        "list_attr_celeba.txt": [len(names), " ".join(columns) + " "]
        + [f"{n} {' '.join(f'{2 * b - 1:2d}' for b in row)}" for n, row in zip(names, bits, strict=True)],
        "list_landmarks_align_celeba.txt": [len(names), marks] + [f"{n}{'   70' * 10}" for n in names],
        "list_eval_partition.txt": [f"{n} {p}" for n, p in zip(names, PARTITION, strict=True)],
        "identity_CelebA.txt": [f"{n} {p}" for n, p in zip(names, IDENTITIES, strict=True)],
    }
    for name, lines in tables.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    return [
        RawExample(
            names[i],
            pictures[i],
            {**{c: str(b) for c, b in zip(columns, bits[i], strict=True)}, "identity": str(IDENTITIES[i])},
            ("train", "valid", "test")[PARTITION[i]],
        )
        for i in range(len(names))
    ]


def write_speech_commands(folder) -> list[RawExample]:
    """Writes the official archive and returns what should be read from it."""
    files = {name: wav(i) for i, name in enumerate(RECORDINGS)}
    extra = {
        "README.md": b"# Speech Commands Data Set v0.02\n",
        "_background_noise_/running_tap.wav": wav(99),
        "validation_list.txt": "".join(f"{n}\n" for n in VALIDATION).encode(),
        "testing_list.txt": "".join(f"{n}\n" for n in TESTING).encode(),
    }
    with tarfile.open(folder / "speech_commands_v0.02.tar.gz", "w:gz") as archive:
        for name, content in {**files, **extra}.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return [
        RawExample(
            name,
            content,
            {"keyword": name.split("/")[0], "speaker": name.split("/")[1].split("_")[0]},
            "valid" if name in VALIDATION else "test" if name in TESTING else "train",
        )
        for name, content in files.items()
    ]


def write_lfwa(folder, version="7.3", archive="lfw.tgz") -> list[RawExample]:
    """Writes the official files, the MATLAB ones of version 7.3 (as handed out) or 5."""
    import h5py
    import scipy.io

    columns = builder_class("lfwa").TARGET
    people = ("Aaron_Eckhart", "Aaron_Eckhart", "Al_Gore", "Zico")
    names = [f"{person}/{person}_{i + 1:04d}.jpg" for i, person in enumerate(people)]
    train, test = (1, 3), (2, 4)
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


def write_qmnist(folder, digits=(9, 8, 3, 7)) -> None:
    """Writes QMNIST's four files; writer k has digits[k] digits in all."""
    random = np.random.default_rng(0)
    writers = random.permutation(np.repeat(np.arange(len(digits)) + 500, digits))
    labels = np.zeros((len(writers), 8), ">i4")
    labels[:, 0], labels[:, 2] = random.integers(0, 10, len(writers)), writers
    images = random.integers(0, 256, (len(writers), 28, 28), np.uint8)
    half = len(writers) // 2
    for part, rows in (("train", slice(None, half)), ("test", slice(half, None))):
        for name, code, values in (("images-idx3-ubyte", 8, images[rows]), ("labels-idx2-int", 12, labels[rows])):
            header = bytes([0, 0, code, values.ndim]) + np.array(values.shape, ">i4").tobytes()
            with gzip.open(folder / f"qmnist-{part}-{name}.gz", "wb") as file:
                file.write(header + values.tobytes())


WRITERS = {"celeb_a": write_celeb_a, "speech_commands": write_speech_commands}


def accept_files(name: str, folder, monkeypatch) -> None:
    """Puts the checksums of the small files in place of the official ones."""
    from tensorflow_datasets.core.download import checksums

    builder = builder_class(name)
    infos = {u: checksums.compute_url_info(folder / i.filename) for u, i in builder.url_infos.items()}
    monkeypatch.setattr(builder, "url_infos", infos)


@pytest.fixture
def manual(tmp_path):
    folder = tmp_path / "downloads" / "manual"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def no_network(monkeypatch):
    """Sends every request to a port where nobody listens."""
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize("name", WRITERS)
def test_reads_files_fetched_by_hand(name, tmp_path, manual, monkeypatch, no_network):
    expected = WRITERS[name](manual)
    accept_files(name, manual, monkeypatch)
    source = TfdsSource(name, str(tmp_path))
    with beam_test.TestPipeline() as pipeline:
        assert_that(pipeline | source.read(), equal_to(expected))
    assert set(expected[0].labels) == set(source.columns)
    again = pickle.loads(pickle.dumps(source))  # prepared by now: only read back
    assert again.fingerprint == source.fingerprint
    assert f"test={sum(e.split == 'test' for e in expected)}/" in source.fingerprint


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


def test_reads_utkface(tmp_path, manual):
    expected = write_utkface(manual)
    source = TfdsSource("utkface", str(tmp_path))
    with beam_test.TestPipeline() as pipeline:
        assert_that(pipeline | source.read(), equal_to(expected))
    assert (source.kind, source.target, source.hidden) == ("image", ("gender",), ("race",))


def test_reads_facescrub(tmp_path, manual):
    expected = write_facescrub(manual)
    with beam_test.TestPipeline() as pipeline:
        read = pipeline | TfdsSource("facescrub", str(tmp_path)).read()
        assert_that(read | beam.Map(lambda example: example.labels), equal_to(expected))
        sizes = read | beam.Map(lambda example: Image.open(io.BytesIO(example.content)).size)
        assert_that(sizes, equal_to([(100, 110), (60, 60)]), label="Sizes")


def test_reads_the_digits_of_the_most_frequent_writers(tmp_path, manual, monkeypatch):
    from pipeline.datasets.builders import emnist_writers

    write_qmnist(manual)
    with pytest.raises(ValueError, match="Expected 100 writers with 130 digits each; received 4"):
        prepare("emnist_writers", str(tmp_path))
    monkeypatch.setattr(emnist_writers, "WRITERS", 3)
    monkeypatch.setattr(emnist_writers, "DIGITS_EACH", 6)
    monkeypatch.setattr(emnist_writers, "SPLITS", {"train": 12, "validation": 3, "test": 3})
    source = TfdsSource("emnist_writers", str(tmp_path))
    with beam_test.TestPipeline() as pipeline:
        read = pipeline | source.read()
        writers = read | beam.Map(lambda example: example.labels["writer"]) | beam.combiners.Count.PerElement()
        assert_that(writers, equal_to([("500", 6), ("501", 6), ("503", 6)]))
        splits = read | "Splits" >> beam.Map(lambda example: example.split)
        counted = splits | "Count" >> beam.combiners.Count.PerElement()
        assert_that(counted, equal_to([("train", 12), ("valid", 3), ("test", 3)]), label="Counts")
    whole = (manual / "qmnist-test-images-idx3-ubyte.gz").read_bytes()
    with gzip.open(manual / "cut.gz", "wb") as file:
        file.write(gzip.decompress(whole)[:-5])
    with pytest.raises(ValueError, match="cut off"):
        emnist_writers.read_idx(str(manual / "cut.gz"))


def test_columns():
    faces, words = TfdsSource("celeb_a"), TfdsSource("speech_commands")
    assert (faces.kind, len(faces.target), faces.hidden) == ("image", 40, ("identity",))
    assert (words.kind, words.target, words.hidden) == ("audio", ("keyword",), ("speaker",))
    assert len(builder_class("speech_commands")(data_dir="/nowhere").info.features["keyword"].names) == 35


def test_downloads_where_there_is_a_network(tmp_path, monkeypatch):
    from pipeline.datasets.builders import speech_commands

    remote = tmp_path / "remote"
    remote.mkdir()
    expected = write_speech_commands(remote)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(remote))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/speech_commands_v0.02.tar.gz"
        official = speech_commands.Builder.url_infos[speech_commands.URL]
        monkeypatch.setattr(speech_commands, "URL", url)
        monkeypatch.setattr(speech_commands.Builder, "url_infos", {url: official})
        accept_files("speech_commands", remote, monkeypatch)
        builder = prepare("speech_commands", str(tmp_path / "data"))
        server.shutdown()
    assert builder.info.splits.total_num_examples == len(expected)


@pytest.mark.parametrize("name", WRITERS)
def test_no_files_and_no_network(name, tmp_path, no_network):
    with pytest.raises(ValueError, match="Expected a network, or these official files") as error:
        prepare(name, str(tmp_path))
    message = str(error.value)
    assert str(tmp_path / "downloads" / "manual") in message
    assert all(info.filename in message for info in builder_class(name).url_infos.values())
    assert "no answer from http" in message and "\n" not in message


def test_names_the_missing_file(tmp_path, manual, monkeypatch, no_network):
    write_celeb_a(manual)
    accept_files("celeb_a", manual, monkeypatch)
    (manual / "identity_CelebA.txt").unlink()
    with pytest.raises(ValueError, match=r"Missing files: identity_CelebA\.txt\."):
        prepare("celeb_a", str(tmp_path))


def test_truncated_archive(tmp_path, manual, monkeypatch, no_network):
    write_speech_commands(manual)
    accept_files("speech_commands", manual, monkeypatch)
    archive = manual / "speech_commands_v0.02.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"damaged or another file.*speech_commands_v0\.02\.tar\.gz"):
        prepare("speech_commands", str(tmp_path))
    write_speech_commands(manual)
    accept_files("speech_commands", manual, monkeypatch)
    assert prepare("speech_commands", str(tmp_path)).info.splits.total_num_examples == len(
        RECORDINGS
    )  # nothing half-made was left


def test_archive_without_a_list():
    from pipeline.datasets.builders.speech_commands import read_lists

    with pytest.raises(ValueError, match=r"missing: \['testing_list\.txt'\]"):
        read_lists([("validation_list.txt", io.BytesIO(b""))])


def test_unknown_name():
    with pytest.raises(ValueError, match="received: 'mnist'"):
        TfdsSource("mnist")


def test_import_stays_light():
    code = "import sys, pipeline.datasets.tfds_source; sys.exit('tensorflow_datasets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
