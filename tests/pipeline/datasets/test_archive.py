"""Names as people and their programs write them: the file is found, or the reason is told with the remedy."""

import os
import shutil
import unicodedata
import zipfile

import pytest

from components.errors import InputError
from pipeline.datasets import open_dataset
from pipeline.datasets.folder import Folder
from tests import datasets
from tests.pipeline.datasets.layouts import read


@pytest.fixture
def faces(tmp_path):
    return datasets.pictures(tmp_path / "faces", n=6)


def archive(folder, rename, extra=()):
    """A zip of a folder whose entries are renamed; `extra` are entries more."""
    path = folder.parent / "made.zip"
    with zipfile.ZipFile(path, "w") as made:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                made.writestr(rename(file.relative_to(folder).as_posix()), file.read_bytes())
        for name, content in extra:
            made.writestr(name, content)
    return path


def relabelled(folder, rename):
    """Renames the files in the rows of labels.csv."""
    header, *rows = (folder / "labels.csv").read_text().splitlines()
    rows = [",".join([rename(row.partition(",")[0]), row.partition(",")[2]]) for row in rows]
    (folder / "labels.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


FINDER = [
    ("__MACOSX/faces/._labels.csv", b"\0\5"),
    ("__MACOSX/faces/images/._0000.png", b"\0"),
    ("faces/.DS_Store", b"\0"),
]
ARCHIVES = {
    "Finder's": (lambda name: f"faces/{name}", FINDER),
    "two folders around": (lambda name: f"download/faces/{name}", ()),
    "backslashes": (lambda name: name.replace("/", "\\"), ()),
    "a folder and backslashes": (lambda name: f"faces\\{name}".replace("/", "\\"), [("faces\\Thumbs.db", b"x")]),
    "dots": (lambda name: f"./{name}", ()),
    "Images": (lambda name: name.replace("images/", "Images/"), ()),
    "Labels.CSV": (lambda name: name.replace("labels.csv", "Labels.CSV"), ()),
    "images twice": (lambda name: name.replace("images/", "images/images/"), ()),
    "pictures at the top": (lambda name: name.replace("images/", ""), ()),
    "extensions in capitals": (lambda name: name.replace(".png", ".PNG"), ()),
}


@pytest.mark.parametrize(("rename", "extra"), ARCHIVES.values(), ids=ARCHIVES)
def test_archives_of_many_programs(faces, rename, extra):
    source, good, bad = read(archive(faces, rename, extra))
    assert (source.target, source.hidden, bad) == (("red", "bright"), ("identity",), {})
    assert {record.content for record in good.values()} == {path.read_bytes() for path in faces.glob("images/*")}
    assert len(good) == 6


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: f"images/{name}",
        lambda name: f"./{name}",
        lambda name: f"images\\{name}",
        lambda name: f"Images/{name.upper()}",
        lambda name: f"faces/images/{name}",
        lambda name: f"a/../{name}",
    ],
)
def test_rows_in_many_spellings(faces, rename):
    relabelled(faces, rename)
    if rename("x").startswith("faces"):
        shutil.move(faces, faces.parent / "inner")
        faces.mkdir()
        shutil.move(faces.parent / "inner", faces / "faces")
        (faces / "readme.txt").write_text("two lines about it")
    _, good, bad = read(faces)
    assert (len(good), bad) == (6, {})


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("rows", ["NFC", "NFD"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_accents_in_either_form(faces, form, rows, as_zip):
    for path in (faces / "images").iterdir():
        path.rename(path.with_name(unicodedata.normalize(form, f"Zoë {path.name}")))
    relabelled(faces, lambda name: unicodedata.normalize(rows, f"Zoë {name}"))
    _, good, bad = read(datasets.zipped(faces) if as_zip else faces)
    assert (len(good), bad) == (6, {}) and min(good) == "images/Zoë 0000.png"


def test_names_in_utf8_without_the_flag(faces):
    relabelled(faces, lambda name: f"Ünï_{name}")
    path = archive(faces, lambda name: name.replace("images/", "images/Ünï_"))
    # The flag is bit 11 of two bytes, in each entry and in the directory.
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(mark)
        while place >= 0:
            content[place + offset + 1] &= ~0x08
            place = content.find(mark, place + 1)
    path.write_bytes(content)
    with zipfile.ZipFile(path) as made:
        assert not any("Ü" in name for name in made.namelist())
    _, good, bad = read(path)
    assert (len(good), bad) == (6, {}) and "images/Ünï_0003.png" in good


def test_a_file_that_is_not_there_or_there_twice_is_told(faces):
    relabelled(faces, lambda name: name.replace("0000", "none").replace("0001", "x/0001"))
    for folder in ("a", "b"):
        (faces / folder / "x").mkdir(parents=True)
        shutil.copy(faces / "images" / "0001.png", faces / folder / "x" / "0001.png")
    _, good, bad = read(faces)
    assert len(good) == 4
    assert "there is no such file; there are a/x/0001.png" in bad["images/none.png"]
    assert "there are a/x/0001.png and b/x/0001.png; write which" in bad["images/x/0001.png"]


def test_linked_pictures_inside_are_in_the_fingerprint(faces):
    shutil.move(faces / "images", faces / "store")
    (faces / "images").symlink_to("store", target_is_directory=True)
    (faces / "store" / "loop").symlink_to(faces, target_is_directory=True)
    (faces / "other").mkdir()
    (faces / "other" / "loop").symlink_to(faces / "store", target_is_directory=True)
    (faces / "store" / "other").symlink_to(faces / "other", target_is_directory=True)
    source, good, bad = read(faces)
    assert (len(good), bad) == (6, {})
    picture = faces / "store" / "0002.png"
    picture.write_bytes(picture.read_bytes() + b"!")
    assert Folder(str(faces)).fingerprint != source.fingerprint


@pytest.mark.parametrize("row", ["evil.png", "link/secret.png", "link/../secret.png", "sub/../../../secret.png"])
def test_nothing_outside_is_read_through_links(tmp_path, faces, row):
    outside = tmp_path / "outside"
    (outside / "inner").mkdir(parents=True)
    shutil.copy(faces / "images" / "0000.png", outside / "secret.png")
    shutil.copy(faces / "images" / "0000.png", outside / "inner" / "secret.png")
    (faces / "images" / "sub").mkdir()
    (faces / "images" / "evil.png").symlink_to(outside / "secret.png")
    (faces / "images" / "link").symlink_to(outside / "inner", target_is_directory=True)
    with open(faces / "labels.csv", "a") as file:
        file.write(f"{row},0,0,1\n")
    _, good, bad = read(faces)
    assert len(good) == 6 and len(bad) == 1
    assert any(text in next(iter(bad.values())) for text in ("outside of the data set", "no such file"))


def test_what_is_no_file_is_not_waited_for(faces):
    os.mkfifo(faces / "images" / "pipe.png")
    (faces / "images" / "zero.png").symlink_to("/dev/zero")
    os.mkfifo(faces / "labels.tsv")
    with open(faces / "labels.csv", "a") as file:
        file.write("pipe.png,0,0,1\nzero.png,0,0,1\n")
    _, good, bad = read(faces)
    assert len(good) == 6 and "no such file" in bad["images/pipe.png"]
    assert "outside of the data set" in bad["images/zero.png"]


@pytest.mark.parametrize("name", ["labels.csv", "dataset.json"])
def test_what_describes_the_data_set_lies_in_it(tmp_path, faces, name):
    shutil.move(faces / name, tmp_path / name)
    (faces / name).symlink_to(tmp_path / name)
    with pytest.raises(InputError, match=f"{name} cannot be read .*outside of the data set"):
        open_dataset(f"folder:{faces}")


def test_the_data_set_itself_may_be_a_link(tmp_path, faces):
    (tmp_path / "link").symlink_to(faces, target_is_directory=True)
    assert len(read(tmp_path / "link")[1]) == 6


def test_a_link_to_nothing_is_a_bad_record(faces):
    (faces / "images" / "0001.png").unlink()
    (faces / "images" / "0001.png").symlink_to("gone.png")
    _, good, bad = read(faces)
    assert len(good) == 5 and bad == {"images/0001.png": "the file cannot be read: No such file or directory"}


def test_what_systems_put_beside_files_changes_nothing(faces):
    before = Folder(str(faces)).fingerprint
    (faces / ".DS_Store").write_bytes(b"x")
    (faces / "images" / "._0000.png").write_bytes(b"x")
    (faces / "images" / "Thumbs.db").write_bytes(b"x")
    assert Folder(str(faces)).fingerprint == before


@pytest.mark.parametrize("as_zip", [False, True])
def test_recordings_beside_which_systems_put_files_have_no_ghost_classes(tmp_path, as_zip):
    words = datasets.recordings(tmp_path / "words", n=4)
    for name in (
        "_background_noise_/noise.wav",
        "high/._speaker1_nohash_1.wav",
        "__MACOSX/low/._a.wav",
        ".trash/b.wav",
    ):
        (words / name).parent.mkdir(parents=True, exist_ok=True)
        (words / name).write_bytes(b"x")
    path = archive(words, lambda name: f"words/{name}") if as_zip else words
    source, good, bad = read(path)
    assert {record.labels["keyword"] for record in good.values()} == {"low", "high"}
    assert (len(good), bad, source.target) == (4, {}, ("keyword",))


def test_a_linked_folder_that_leads_out_is_named(tmp_path):
    words = datasets.recordings(tmp_path / "words", n=4)
    shutil.move(words / "high", tmp_path / "high")
    os.symlink(tmp_path / "high", words / "high")
    _, good, bad = read(words)
    assert len(good) == 2 and len(bad) == 2
    assert all("outside of the data set" in reason for reason in bad.values())


def test_an_empty_archive_is_explained(tmp_path):
    zipfile.ZipFile(tmp_path / "none.zip", "w").close()
    with pytest.raises(InputError, match="it has nothing"):
        open_dataset(f"folder:{tmp_path / 'none.zip'}")
