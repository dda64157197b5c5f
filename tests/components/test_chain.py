"""The components from training to pushing, each run alone on what the one before it wrote."""

import dataclasses
import json
import os
import pathlib
import re
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from msgspec.structs import replace

from components.attacker import AttackConfig, Attacker, run_attack
from components.blessing import Thresholds, blessing, refusals
from components.evaluation.answer import Limits
from components.evaluator import Evaluator, measure
from components.export.tflite import run_signature
from components.infra_validator import InfraValidator, validated
from components.packager import TOLERANCE, Packager, answered
from components.pusher import Pusher, push_saved_model
from components.records.metrics import Metrics
from components.records.page import Page
from components.report.figures import trade_offs
from components.report.page import SECTIONS, human
from components.report.strip import INPUTS
from components.reporter import Reporter
from components.storage.artifacts import AttackScores, Blessing, Evaluation, Models, Package, RawExamples, write_json
from components.storage.model_folders import next_version
from components.trainer import Trainer, train_together
from components.training import models as trained
from components.training.data import arrays
from components.training.distribution import Distribution
from components.training.label_splits import known_classes
from components.training.networks import ModelConfig
from datamix_tf.defences import Cloud, DataMix, Edge, Shredder, SignalContentAlone, SignalContentMixed
from serving.edge.edge_only import EdgeOnlyModel
from serving.edge.manifest import Manifest, hash_files
from tests import browser as browsers
from tests import datasets, pages
from tests.components.ingest import ingest, transform

CONFIG = ModelConfig(
    defence=DataMix(num_pre_blocks=1, group_size=4),
    hidden_units=0,
    width=8,
    epochs=12,
    batch_size=18,
    curriculum=0.5,
    standardize=True,
    learning_rate=3e-3,
    weight_decay=0.01,
    augment=("shift",),
    seed=0,
)
PLAIN = dataclasses.replace(CONFIG, defence=Cloud())
GATEWAY_KEYS = {"fingerprint": "configuration"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("chain")


@pytest.fixture(scope="module")
def examples(folder):
    return transform(ingest(datasets.pictures(folder / "faces", n=400), folder), folder)


@pytest.fixture(scope="module")
def models(folder, examples) -> Models:
    trainer = Trainer(models=[PLAIN, CONFIG], keep=str(folder / "kept"), distribution=Distribution())
    return trainer.run({"examples": examples}, str(folder / "trainer"))["models"]


@pytest.fixture(scope="module")
def scores(folder, examples, models) -> AttackScores:
    attacks = [
        AttackConfig(name, label, epochs=6, batch_size=32, min_examples=8, seed=0)
        for name in (PLAIN.name, CONFIG.name)
        for label in ("target", "identity")
    ]
    attacker = Attacker(attacks=attacks, keep=str(folder / "kept"))
    return attacker.run({"examples": examples, "models": models}, str(folder / "attacker"))["scores"]


@pytest.fixture(scope="module")
def evaluation(folder, examples, models, scores) -> Evaluation:
    methods = [(Edge(), PLAIN.name), (Cloud(), PLAIN.name), (CONFIG.defence, CONFIG.name)]
    inputs = {"examples": examples, "models": models, "scores": scores}
    evaluator = Evaluator(methods=methods, model=CONFIG.name, thresholds=Thresholds(0.5, 1.0), limits=Limits())
    return evaluator.run(inputs, str(folder / "evaluator"))["evaluation"]


@pytest.fixture(scope="module")
def package(folder, examples, models, evaluation):
    (folder / "serving" / "faces" / "2").mkdir(parents=True)
    component = Packager(
        model=CONFIG.name,
        model_name="faces",
        serving_folder=str(folder / "serving"),
        edge_only="",
        gateway_keys=GATEWAY_KEYS,
    )
    inputs = {"examples": examples, "models": models, "evaluation": evaluation}
    return component.run(inputs, str(folder / "packager"))["package"]


def test_trained_models_load_and_carry_the_statistics(examples, models):
    assert trained.names(models) == [PLAIN.name, CONFIG.name]
    model = trained.load(models, CONFIG.name)
    assert model.group_size == 4
    schema = examples.schema()
    normalization = model.pre.get_layer("normalization")
    np.testing.assert_allclose(np.ravel(normalization.mean), schema.mean, rtol=1e-6)
    record = trained.training(models, CONFIG.name)
    assert len(record.history["loss"]) == 12 and record.history["loss"][-1] < record.history["loss"][0]
    assert record.steps == 12 * (schema.splits["train"] // 16)


def test_the_same_seed_trains_the_same_model(folder, examples):
    short = dataclasses.replace(CONFIG, backbone="splitnet", epochs=1)
    twice = [
        Trainer(models=[short], keep=str(folder / f"kept{run}"), distribution=Distribution()).run(
            {"examples": examples}, str(folder / f"again{run}")
        )["models"]
        for run in range(2)
    ]
    losses = [trained.training(models, short.name).history["loss"] for models in twice]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


def test_a_student_learns_from_the_unmixed_model_of_the_same_settings(folder, examples):
    student = dataclasses.replace(CONFIG, backbone="splitnet", epochs=2, distill=0.7)
    assert student.start == dataclasses.replace(PLAIN, backbone="splitnet", epochs=2)
    untaught = dataclasses.replace(student, distill=0.0)
    made = [
        Trainer(models=configs, keep=str(folder / "kept"), distribution=Distribution()).run(
            {"examples": examples}, str(folder / f"student{len(configs)}")
        )["models"]
        for configs in ([student, student.start], [untaught])
    ]
    losses = [trained.training(made[0], name).history["loss"] for name in trained.names(made[0])]
    assert all(len(loss) == 2 and loss[1] < loss[0] for loss in losses)
    taught, alone = (
        trained.load(where, config.name).get_weights() for where, config in zip(made, (student, untaught), strict=True)
    )
    assert any(not np.array_equal(one, other) for one, other in zip(taught, alone, strict=True))


def test_a_network_that_gets_used_to_noise_starts_from_the_plain_one(folder, examples):
    config = dataclasses.replace(CONFIG, defence=Shredder(), epochs=1, fine_tune_epochs=2, people="identity")
    trainer = Trainer(models=[config], keep=str(folder / "kept"), distribution=Distribution())
    made = trainer.run({"examples": examples}, str(folder / "shredder"))["models"]
    assert len(trained.training(made, config.name).history["loss"]) == 2
    noisy, plain = trained.load(made, config.name), kept_model(folder, config.start, examples)
    for name in ("stem_conv", "classifier"):  # all but the noise stayed
        for one, other in zip(noisy.get_layer(name).weights, plain.get_layer(name).weights, strict=True):
            np.testing.assert_array_equal(one, other)
    assert np.abs(noisy.get_layer("noise").location).max() > 0
    # What is attacked learns again: a frozen copy of it would be a weak attacker.
    assert all(layer.trainable for layer in noisy.layers)


def kept_model(folder, config, examples):
    path = train_together(config, examples, str(folder / "kept"))
    return keras.saving.load_model(f"{path}/model.keras", compile=False)


def test_the_metrics_have_the_pinned_form(evaluation):
    metrics = evaluation.read_json("metrics.json")
    assert metrics["schema"] == 1 and set(metrics) >= {"dataset", "rows", "summary"}
    assert [row["method"] for row in metrics["rows"]] == ["edge", "cloud", "datamix"]
    for row in metrics["rows"]:
        for key in ("edge_params", "edge_macs", "bytes_up", "bytes_down"):
            assert isinstance(row[key], int)
        for key in ("valid_accuracy", "test_accuracy", "balanced_accuracy", "auc"):
            assert 0 <= row[key] <= 1
        assert set(row["attacks"]) == {"attributes", "identity"}
        for attack in row["attacks"].values():
            assert 0 <= attack["score"] <= 1 and 0 < attack["chance"] < 1 and attack["n"] > 0
    edge, cloud, datamix = metrics["rows"]
    assert edge["edge_macs"] > datamix["edge_macs"] > cloud["edge_macs"] == 0
    assert (edge["bytes_up"], cloud["bytes_up"], datamix["bytes_up"]) == (0, 32 * 32 * 3, 8 * 8 * 8 * 4)
    assert edge["attacks"]["identity"]["score"] == edge["attacks"]["identity"]["chance"]


@pytest.mark.parametrize(
    "defence",
    [
        pytest.param(SignalContentMixed(group_size=4, signal_rank=4), marks=pytest.mark.slow),
        SignalContentAlone(signal_rank=4),
    ],
)
def test_signal_content_is_cut_out_after_most_of_the_training(defence, folder, examples, evaluation):
    """The composition: coefficients instead of features go up, mixed or not, and everything else works as before."""
    config = dataclasses.replace(CONFIG, defence=defence, epochs=4)
    models = Trainer(models=[config], keep=str(folder / "kept"), distribution=Distribution()).run(
        {"examples": examples}, str(folder / config.name)
    )
    assert len(trained.training(models["models"], config.name).history["loss"]) == 4
    measured = measure(trained.load(models["models"], config.name), config, [defence], examples)["costs"][defence.id]
    # 8 x 8 features of 8 channels, of which strides leave 4 x 4 places.
    assert measured["bytes_up"] == 4 * 4 * 4 * 4
    assert measured["macs"] >= 4 * 4 * 4 * 3 * 3 * 8
    if defence.mixes:
        # The answer is a model that this trainer did not train.
        silent = rewritten(evaluation, folder / "silent", answer=None)
        packager = Packager(
            model=config.name, model_name="faces", serving_folder=str(folder), edge_only="", gateway_keys={}
        )
        inputs = {"examples": examples, **models, "evaluation": silent}
        package = packager.run(inputs, str(folder / "rank"))["package"]
        assert max(value for name, value in package.read_json("agreement.json").items() if "." not in name) < TOLERANCE


def test_a_group_s_mixtures_side_by_side(examples, models):
    """The key of a group is attacked where there is one; other models are told apart, not attacked."""
    score, _ = run_attack(AttackConfig(CONFIG.name, "target", attack="key"), examples, models)
    assert score.name == "key of a group" and score.measure == "key_agreement"
    assert 0 < score.chance < score.score <= 1 and score.threat == "linked"
    reading = AttackConfig(CONFIG.name, "target", attack="separated", epochs=1, batch_size=32)
    score, _ = run_attack(reading, examples, models)
    assert score.name == "attributes, separated group" and score.measure == "matched_balanced_accuracy"
    skipped, _ = run_attack(AttackConfig(PLAIN.name, "target", attack="key"), examples, models)
    assert "nothing is mixed" in skipped.skipped


def test_the_figures_of_the_papers_trade_offs():
    def row(blocks, size, accuracy):
        attacks = {"identity": pages.attack(0.9 / size, chance=0.01)}
        settings = {"num_pre_blocks": blocks, "group_size": size}
        return pages.row("datamix", f"{blocks} {size}", settings, attacks, accuracy=accuracy, macs=10**6 * blocks)

    metrics = pages.metrics([row(1, 1, 0.9), row(1, 8, 0.8), row(3, 8, 0.85)])
    figures = trade_offs(metrics)
    assert set(figures) == {"group-size.png", "edge-macs.png"}
    assert all(png.startswith(b"\x89PNG") and len(png) > 5000 for png in figures.values())
    assert trade_offs(pages.metrics([row(1, 1, 0.9)])) == {}
    assert set(trade_offs(pages.metrics([row(0, 2, 0.9), row(0, 8, 0.8)]))) == {"group-size.png"}  # raw pictures


def test_the_models_learn_and_a_wrong_key_is_chance(evaluation):
    _, cloud, datamix = evaluation.read_json("metrics.json")["rows"]
    assert cloud["test_accuracy"] > 0.9
    # Two balanced attributes, about 80 test pictures: a standard error of 0.04 around 0.5.
    assert datamix["test_accuracy"] > 0.5 + 5 * 0.04
    assert abs(datamix["wrong_key"]["balanced_accuracy"] - 0.5) < 5 * 0.04
    assert datamix["unmixed"]["test_accuracy"] > 0.5 + 5 * 0.04


def test_the_undefended_attacks_work(scores):
    plain = {score["name"]: score for score in scores.read_json("scores.json") if score["model"] == PLAIN.name}
    assert plain["attributes"]["score"] > 0.9
    assert plain["identity"]["score"] > 2 * plain["identity"]["chance"]


def test_a_meaningless_attack_is_skipped_with_the_reason(folder, examples, models):
    attack = AttackConfig(PLAIN.name, "identity", epochs=1, batch_size=32, min_examples=1000, seed=0)
    attacker = Attacker(attacks=[attack], keep=str(folder / "kept"))
    artifact = attacker.run({"examples": examples, "models": models}, str(folder / "skip"))["scores"]
    assert "fewer than 2 values of 'identity' have 1000" in artifact.read_json("scores.json")[0]["skipped"]
    np.testing.assert_array_equal(known_classes(np.array([0, 0, 1, 2, 2]), np.array([0, 1, 2, 5]), 2), [0, 2])


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["multi_processing", "multi_threading"])
def test_two_workers_give_the_same_scores(folder, examples, models, mode):
    from apache_beam.options.pipeline_options import PipelineOptions

    attacks = [AttackConfig(PLAIN.name, "identity", epochs=1), AttackConfig(CONFIG.name, "identity", "set", epochs=1)]
    two = PipelineOptions(["--direct_running_mode", mode, "--direct_num_workers", "2"])
    found = []
    for name, options in (("one", None), (mode, two)):
        attacker = Attacker(attacks=attacks, keep=str(folder / f"kept-{name}"))
        inputs = {"examples": examples, "models": models}
        found.append(attacker.run(inputs, str(folder / name), options)["scores"].read_json("scores.json"))
    assert [score["score"] for score in found[0]] == [score["score"] for score in found[1]]


def test_the_exported_halves_agree_when_chained_by_hand(examples, models, package):
    model = trained.load(models, CONFIG.name)
    x = arrays(examples, "test")[1][:4].astype("float32")
    key = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0].astype("float32")
    expected = model.post(model.demix(model.main(model.mix(model.pre(x), key[None])), key[None]))
    mixtures = run_signature(package.path("edge", "pre.tflite"), "mix", x=x, key=key)
    served = tf.saved_model.load(package.path("serving")).signatures["serving_default"]
    answers = served(features=tf.constant(mixtures))["answers"].numpy()
    outputs = run_signature(package.path("edge", "post.tflite"), "demix", y=answers, key=key)
    assert np.abs(outputs - expected).max() <= 1e-4 * np.abs(expected).max()
    agreement = package.read_json("agreement.json")
    assert max(agreement[name] for name in ("pre", "main", "post", "chained")) <= TOLERANCE
    # Weights in float16 lose 2**-11 of themselves, in int8 0.5 / 127, in each of a few layers.
    assert 0 < agreement["chained.float16"] < 0.01 < 4 * agreement["chained.int8"] < 0.2
    wrong = run_signature(package.path("edge", "post.tflite"), "demix", y=answers, key=key[::-1].copy())
    assert np.abs(wrong - expected).max() > 0.01 * np.abs(expected).max()


def test_a_model_that_needs_no_cloud_is_exported_whole_if_it_is_the_answer(
    folder, examples, models, evaluation, package
):
    answer = evaluation.read("metrics.json", Metrics).answer
    assert answer.defence == Edge() and answer.models == (PLAIN.name,)
    assert package.read_json("agreement.json")["edge_only"] <= TOLERANCE
    model, x = EdgeOnlyModel(package.path("edge_only")), arrays(examples, "test")[1][:5]
    logits = np.asarray(trained.load(models, PLAIN.name)(x.astype("float32")))
    np.testing.assert_allclose(model.predict(x), 1 / (1 + np.exp(-logits)), atol=1e-4)
    split = rewritten(evaluation, folder / "split", answer=replace(answer, method="cloud"))
    assert answered(evaluation) == PLAIN.name and answered(split) == ""


def rewritten(evaluation, folder, **changes):
    """An evaluation with other metrics."""
    folder.mkdir(exist_ok=True)
    metrics = evaluation.read("metrics.json", Metrics)
    write_json(str(folder / "metrics.json"), replace(metrics, **changes))
    return Evaluation(str(folder))


def test_the_cloud_model_takes_any_number_of_rows(package):
    served = tf.saved_model.load(package.path("serving")).signatures["serving_default"]
    for rows in (1, 5):
        assert served(features=tf.zeros((rows, 8, 8, 8)))["answers"].shape[0] == rows


def test_the_manifest_describes_the_files(package):
    with open(package.path("edge", "manifest.json")) as file:
        manifest = Manifest.from_json(file.read())
    assert (manifest.model_name, manifest.model_version, manifest.group_size) == ("faces", 3, 4)
    assert manifest.labels == ("red", "bright") and manifest.input_shape == (32, 32, 3)
    hashes = hash_files(package.path("edge"))
    assert {name: digest for name, digest in hashes.items() if name != "manifest.json"} == manifest.files
    assert {name for pair in manifest.halves.values() for name in pair} == set(manifest.files)
    assert manifest.gateway_keys == GATEWAY_KEYS
    assert sorted(manifest.halves) == ["float16", "float32", "int8"]
    told = {attack.threat: attack for attack in manifest.attacks}
    assert set(told) == {"linked", "single"} and told["linked"].measure == "key_agreement"
    assert all(0 < attack.chance < 1 and attack.n > 0 for attack in manifest.attacks)
    assert hash_files(package.path("serving")) == manifest.cloud_files
    with pytest.raises(ValueError, match="schema"):
        Manifest.from_json(json.dumps({"schema": 99}))


def test_pushing_moves_the_graph_in_last(package, tmp_path, monkeypatch):
    order, rename = [], os.rename
    monkeypatch.setattr(os, "rename", lambda old, new: (order.append(os.path.basename(new)), rename(old, new)))
    push_saved_model(package.path("serving"), str(tmp_path / "serving" / "faces" / "3"))
    assert order[-1] == "saved_model.pb"
    assert os.listdir(tmp_path / "serving") == ["faces"]
    with pytest.raises(FileExistsError, match="push another version"):
        push_saved_model(package.path("serving"), str(tmp_path / "serving" / "faces" / "3"))
    os.remove(tmp_path / "serving" / "faces" / "3" / "saved_model.pb")  # as a killed push leaves it
    push_saved_model(package.path("serving"), str(tmp_path / "serving" / "faces" / "3"))
    assert hash_files(str(tmp_path / "serving" / "faces" / "3")) == hash_files(package.path("serving"))


def blessings(folder, evaluator=True, infra=True):
    """Inputs of a pusher."""
    found = {}
    for name, blessed in (("blessing", evaluator), ("infra_blessing", infra)):
        check = {"check": f"{name} >= 1", "found": str(int(blessed)), "passed": blessed}
        (folder / name).mkdir(parents=True)
        (folder / name / "blessing.json").write_text(json.dumps({"blessed": blessed, "checks": [check]}))
        found[name] = Blessing(str(folder / name))
    return found


def test_the_package_is_served_and_asked_before_it_is_pushed(package, examples, tmp_path):
    infra = InfraValidator().run({"package": package, "examples": examples}, str(tmp_path))["blessing"]
    assert infra.read_json("blessing.json")["blessed"]
    broken = tmp_path / "broken"
    shutil.copytree(package.uri, broken)
    (broken / "serving" / "saved_model.pb").write_bytes(b"no graph")
    found = validated(Package(str(broken)), examples, ready_seconds=3)
    assert not found["blessed"] and "not ready within 3 s" in found["checks"][0]["found"]


def test_thresholds_bless_or_say_what_was_missed(evaluation):
    rows = evaluation.read("metrics.json", Metrics).rows
    assert Blessing(os.path.join(os.path.dirname(evaluation.uri), "blessing")).read_json("blessing.json")["blessed"]
    found = blessing(rows, CONFIG.name, Thresholds(min_balanced_accuracy=1.1, max_leakage=0.0))
    refused = refusals([found])
    assert not found["blessed"] and any(text.startswith("balanced accuracy >= 1.1: ") for text in refused)
    attacks = rows[-1].attacks
    leaking = {name for name, attack in attacks.items() if attack.score > attack.chance}
    assert {text.split(" <= ")[0].removeprefix("gain of the attack ") for text in refused[1:]} == leaking


@pytest.mark.parametrize("refusing", ["evaluator", "infra"])
def test_what_is_not_blessed_is_not_pushed(package, tmp_path, refusing):
    parameters = {"serving_folder": str(tmp_path / "serving"), "edge_folder": str(tmp_path / "edge")}
    parameters["edge_only_folder"] = str(tmp_path / "edge_only")
    inputs = {"package": package, **blessings(tmp_path / "blessings", **{refusing: False})}
    pushed = Pusher(**parameters).run(inputs, str(tmp_path / "artifacts"))["deployment"].read_json("deployment.json")
    assert pushed["pushed"] is False and len(pushed["refusals"]) == 1
    assert not os.path.exists(tmp_path / "serving") and not os.path.exists(tmp_path / "edge")
    assert Pusher(**parameters).still_there(str(tmp_path / "artifacts"))


def test_the_pusher_leaves_model_and_bundle(package, tmp_path):
    parameters = {"serving_folder": str(tmp_path / "serving"), "edge_folder": str(tmp_path / "edge")}
    parameters["edge_only_folder"] = str(tmp_path / "edge_only")
    inputs = {"package": package, **blessings(tmp_path / "blessings")}
    Pusher(**parameters).run(inputs, str(tmp_path / "artifacts"))
    assert hash_files(str(tmp_path / "serving" / "faces" / "3")) == hash_files(package.path("serving"))
    for bundle in ("edge", "edge_only"):
        assert hash_files(str(tmp_path / bundle)) == hash_files(package.path(bundle))
    beside = ["batching_parameters.config", "docker-compose.yml", "faces", "models.config", "monitoring.config"]
    assert sorted(os.listdir(tmp_path / "serving")) == beside
    assert 'name: "faces"' in (tmp_path / "serving" / "models.config").read_text()
    pusher = Pusher(**parameters)
    assert pusher.still_there(str(tmp_path / "artifacts"))
    for name in ("edge/post.tflite", "edge_only/manifest.json", "serving/faces/3/saved_model.pb"):
        content = (tmp_path / name).read_bytes()
        for damaged in (b"", content[:-9]):
            (tmp_path / name).write_bytes(damaged)
            assert not pusher.still_there(str(tmp_path / "artifacts"))
        (tmp_path / name).write_bytes(content)
    moved = {name: path.replace(str(tmp_path), f"{tmp_path}/moved") for name, path in parameters.items()}
    shutil.copytree(tmp_path, tmp_path / "moved", ignore=shutil.ignore_patterns("moved"))
    assert Pusher(**moved).still_there(str(tmp_path / "moved" / "artifacts"))
    shutil.rmtree(tmp_path / "moved" / "edge")
    assert not Pusher(**moved).still_there(str(tmp_path / "moved" / "artifacts"))
    pusher.run(inputs, str(tmp_path / "artifacts"))  # as after a stop just before the end
    assert next_version(str(tmp_path / "serving"), "faces") == 4
    shutil.rmtree(tmp_path / "edge_only")
    assert not pusher.still_there(str(tmp_path / "artifacts"))
    (tmp_path / "edge_only").mkdir()  # as an earlier run left it, before one that has none
    without = shutil.copytree(package.uri, tmp_path / "without", ignore=shutil.ignore_patterns("edge_only"))
    pusher.run({**inputs, "package": Package(str(without))}, str(tmp_path / "artifacts"))
    assert not os.path.exists(tmp_path / "edge_only") and pusher.still_there(str(tmp_path / "artifacts"))
    os.remove(tmp_path / "serving" / "faces" / "3" / "saved_model.pb")
    assert not pusher.still_there(str(tmp_path / "artifacts"))
    assert next_version(str(tmp_path / "serving"), "other") == 1


@pytest.fixture(scope="module")
def report(folder, examples, models, scores, evaluation, package):
    reporter = Reporter(model=CONFIG.name)
    inputs = {"examples": examples, "models": models, "scores": scores, "evaluation": evaluation, "package": package}
    inputs["raw"] = RawExamples(str(folder / "examples"))
    return reporter.run(inputs, str(folder / "reporter"))["report"]


def test_the_report_is_one_whole_page(report):
    with open(report.path("report.html"), encoding="utf-8") as file:
        page = file.read()
    for section, heading in SECTIONS.items():
        assert f'<section id="{section.removesuffix(".html")}"' in page and f">{heading}</h2>" in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    # The strip: a raw input, and of each of the four other columns features and what is rebuilt from them; and of what
    # the cloud receives: raw inputs and mixtures.
    assert page.count("data:image/png;base64,") == INPUTS * (1 + 4 * 2) + 2
    with open(report.path("model_card.md"), encoding="utf-8") as file:
        assert file.read().startswith('---\nlicense: "unknown"\n')


def test_the_page_tells_what_was_measured(report, evaluation):
    page, metrics = report.read("page.json", Page), evaluation.read("metrics.json", Metrics)
    assert page.metrics == metrics and page.model == CONFIG.name
    shares = page.edge_shares
    assert shares["all on the edge"] == 1 and shares["all in the cloud"] == 0
    macs = {row.method: row.edge_macs for row in metrics.rows}
    # The linear path is 4 x 4 x 8 numbers (pooled) to 64 answers, beside the network that the edge would run alone.
    mixing = 4 * (8 * 8 * 8 + 64)
    whole = macs["edge"] + 4 * 4 * 8 * 64 + mixing
    assert shares["DataMix with a linear path, N_pre=1, S_G=4"] == pytest.approx(macs["datamix"] / whole, rel=0.01)
    score = page.separation[CONFIG.name]
    assert list(page.separation) == [CONFIG.name] and score.threat == "linked"
    assert score.chance < score.score <= 1 and score.n == 8
    found = {column.key: column.correlation for column in page.strip.columns}
    assert found["right"] > 0.5 and abs(found["wrong"]) < found["right"] and page.strip.n == 8 * 4


def test_the_report_of_a_run_in_a_browser(report):
    if reason := browsers.missing():
        pytest.skip(reason)
    with browsers.opened() as browser:
        browser.visit(pathlib.Path(report.path("report.html")), 390)
        assert browser.complaints() == [] and len(browser.requests()) == 1
        assert len(browser.find("#plot .point")) == 3 and len(browser.find("#strip tbody tr")) == INPUTS + 1
        assert browser.run("return document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (999, "999"), (1234, "1.23k"), (92.5e6, "92.50M"), (1.5e9, "1.50G")]
)
def test_human_numbers(count, text):
    assert human(count) == text


def test_nothing_exported_holds_a_key(models, package):
    for path in [package.path("edge", "pre.tflite"), package.path("serving", "saved_model.pb")]:
        with open(path, "rb") as file:
            content = file.read()
        assert b"seed_generator" not in content and b"orthogonal_keys" not in content
    model = trained.load(models, CONFIG.name)
    assert "seed" not in json.dumps(keras.saving.serialize_keras_object(model.keys)["config"])
