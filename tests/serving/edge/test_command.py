"""`python -m serving.edge predict` on files."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.conftest import REPOSITORY


@pytest.fixture
def pictures(tmp_path):
    random = np.random.default_rng(0)
    for name in ("a.png", "b.jpg", "c.png", "covers/1.png", "covers/2.png", "covers/3.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    (tmp_path / "covers" / "notes.txt").write_text("not a picture")
    (tmp_path / "covers" / "._1.png").write_bytes(b"what Finder puts beside pictures")
    (tmp_path / "covers" / "more").symlink_to(tmp_path / "covers", target_is_directory=True)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    return tmp_path


@pytest.fixture
def predict(deployed, server):
    def run(*arguments, url=server.rest_url):
        return subprocess.run(
            [sys.executable, "-m", "serving.edge", "predict", "--bundle", deployed.edge, "--url", url, *arguments],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_files_with_covers(predict, pictures):
    result = predict(str(pictures / "a.png"), str(pictures / "b.jpg"), "--covers", str(pictures / "covers"))
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [str(pictures / "a.png"), str(pictures / "b.jpg")]
    assert all(word in lines[0] for word in ("round", "red", "large")) and "sent " in result.stderr


def test_options_may_stand_before_and_behind_the_files(predict, pictures):
    """As README writes it: covers, then the file."""
    one = predict("--covers", str(pictures / "covers"), str(pictures / "a.png"))
    two = predict(str(pictures / "a.png"), "--covers", str(pictures / "covers"))
    several = [part for number in (1, 2, 3) for part in ("--covers", str(pictures / "covers" / f"{number}.png"))]
    three = predict(*several, str(pictures / "a.png"))
    for result in (one, two, three):
        assert result.returncode == 0 and result.stdout.startswith(str(pictures / "a.png")), result.stderr


def test_a_second_path_behind_covers_is_no_file_to_classify(predict, pictures):
    result = predict(str(pictures / "a.png"), "--covers", str(pictures / "b.jpg"), str(pictures / "c.png"))
    assert result.returncode == 2 and result.stdout == ""
    assert "--covers takes one PATH; repeat it for each" in result.stderr
    result = predict(str(pictures / "a.png"), "--cover", str(pictures / "covers"), "--nonsense")
    assert result.returncode == 2 and "unrecognized arguments: --nonsense" in result.stderr


def test_json(predict, pictures):
    result = predict(str(pictures / "a.png"), "--json", "--covers", str(pictures / "covers"), "--wire", "int8")
    answer = json.loads(result.stdout)
    assert set(answer["predictions"][0]["probabilities"]) == {"round", "red", "large"}
    assert answer["traffic"]["rows"] == 4 and answer["traffic"]["bytes_up"] > 0


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["a.png"], "3 cover(s)"),
        (["none.png"], "cannot read"),
        (["broken.png"], "not a readable picture"),
        (["a.png", "--covers", "empty"], "has no files that end in"),
        (["a.png", "--token_file", "none"], "cannot read"),
    ],
)
def test_what_cannot_work_is_one_line(predict, pictures, arguments, text):
    (pictures / "empty").mkdir()
    result = predict(*(argument if argument.startswith("--") else str(pictures / argument) for argument in arguments))
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert result.returncode == 1 and len(errors) == 1 and text in errors[0] and "Traceback" not in result.stderr


def test_an_unreachable_cloud(predict, pictures):
    result = predict(str(pictures / "covers"), str(pictures / "a.png"), "--deadline", "0.5", url="http://127.0.0.1:9")
    assert result.returncode == 1 and "no complete answer from http://127.0.0.1:9 within 0.5 s" in result.stderr
