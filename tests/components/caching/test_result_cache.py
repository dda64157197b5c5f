"""Results that are kept: made once, whole, and anew when anything changes that they depend on."""

import concurrent.futures
import os
import threading
import time

import pytest

from components import attacker
from components.caching.result_cache import cached, link_tree
from components.records.attacks import AttackResult
from components.storage.artifacts import Examples, Models, atomic_folder, remove_temporaries, write_json
from components.storage.temporaries import RUN_VARIABLE

MODULE = "components.trainer"


@pytest.fixture
def examples(tmp_path):
    (tmp_path / "examples").mkdir()
    write_json(str(tmp_path / "examples" / "schema.json"), {"fingerprint": "a"})
    return Examples(str(tmp_path / "examples"))


@pytest.fixture
def make():
    """Writes a file; counts how often."""

    def write(folder):
        write.calls += 1
        with open(os.path.join(folder, "result"), "w", encoding="utf-8") as file:
            file.write(str(write.calls))

    write.calls = 0
    return write


def test_threads_make_one_result_at_a_time_and_none_twice(tmp_path, examples):
    """Prism and the direct runner's multi_threading give a worker several elements at once."""
    at_work, most = [], []

    def make(folder):
        at_work.append(folder)
        most.append(len(at_work))
        time.sleep(0.05)
        at_work.remove(folder)

    together = threading.Barrier(4)

    def ask(number):
        together.wait()
        return cached(str(tmp_path / "kept"), {"epochs": number % 2}, examples, make, MODULE)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert most == [1, 1] and len(set(found)) == 2


def test_it_is_made_once(tmp_path, examples, make):
    folder = str(tmp_path / "kept")
    assert cached(folder, {"epochs": 1}, examples, make, MODULE) == cached(
        folder, {"epochs": 1}, examples, make, MODULE
    )
    assert make.calls == 1


def test_other_settings_or_examples_make_another(tmp_path, examples, make):
    folder = str(tmp_path / "kept")
    paths = {cached(folder, {"epochs": epochs}, examples, make, MODULE) for epochs in (1, 2)}
    write_json(examples.path("schema.json"), {"fingerprint": "b"})
    paths.add(cached(folder, {"epochs": 1}, examples, make, MODULE))
    assert len(paths) == make.calls == 3


def test_what_fails_half_way_leaves_nothing(tmp_path, examples, make):
    def fail(folder):
        make(folder)
        raise RuntimeError("no memory")

    folder = str(tmp_path / "kept")
    with pytest.raises(RuntimeError):
        cached(folder, {}, examples, fail, MODULE)
    assert os.listdir(folder) == []
    assert make.calls == 1 and cached(folder, {}, examples, make, MODULE) and make.calls == 2


def test_linking_leaves_the_kept_files_where_they_are(tmp_path, examples, make):
    path = cached(str(tmp_path / "kept"), {}, examples, make, MODULE)
    link_tree(path, str(tmp_path / "artifact"))
    assert (tmp_path / "artifact" / "result").read_text() == "1" and os.path.exists(os.path.join(path, "result"))


def test_a_run_that_stops_leaves_the_temporaries_of_others(tmp_path, monkeypatch):
    for run in ("one", "two"):
        monkeypatch.setenv(RUN_VARIABLE, run)
        with pytest.raises(RuntimeError), atomic_folder(str(tmp_path / run)) as working:
            os.rename(working, working + "-left")  # as a killed process leaves it
            raise RuntimeError
    remove_temporaries(str(tmp_path), "one")
    (left,) = os.listdir(tmp_path)
    assert left.startswith(".tmp-two-")
    remove_temporaries(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_a_model_that_was_trained_anew_is_attacked_anew(tmp_path, examples, monkeypatch):
    """Its settings may be the same although the code that trained it is not."""
    models = Models(str(tmp_path / "models"))
    attacked = []

    def attack(config, examples, models, callbacks):
        attacked.append(config.model)
        return AttackResult(score=len(attacked), chance=0.0, n=1, measure="accuracy"), None

    monkeypatch.setattr(attacker, "run_attack", attack)

    def score(weights):
        os.makedirs(models.path("plain"), exist_ok=True)
        with open(models.path("plain", "model.keras"), "wb") as file:
            file.write(weights)
        config = attacker.AttackConfig("plain", "target")
        return attacker._cached_attack(config, examples, models, str(tmp_path / "kept"), str(tmp_path))[0].score

    assert [score(weights) for weights in (b"a", b"a", b"b", b"a")] == [1, 1, 2, 1]
