"""The options of `python -m pipeline.run`: what they are if nothing is said, and what is refused."""

import dataclasses

import pytest

from components.errors import InputError
from pipeline.options import parse
from pipeline.options.run_options import command
from pipeline.run import main

#: Written out, so that no default changes unnoticed: runs that say nothing else must stay the same.
DEFAULTS = {
    "memory": None,
    "dtype": "float32",
    "jit_compile": False,
    "dataset": "avatars",
    "output": "runs/latest",
    "keep": None,
    "verbose": False,
    "lineage": None,
    "mlflow": None,
    "replicas": 1,
    "train_workers": (),
    "from_node": None,
    "to_node": None,
    "no_cache": False,
    "experiment": None,
    "costs": False,
    "preset": None,
    "group_size": 8,
    "num_pre_blocks": (1,),
    "epochs": 16,
    "seed": 0,
    "repeats": 1,
    "methods": ("edge", "cloud", "datamix", "linear_cloud", "edge_head"),
    "linear_path": True,
    "head_units": (0, 256),
    "quick_audit": True,
    "max_edge_macs": 1e12,
    "max_accuracy_drop": 0.02,
    "plugin": (),
    "noise": (4.0, 8.0),
    "blur": (16, 8),
    "anonymizer": (64,),
    "signal_rank": (32,),
    "bottleneck_units": (64,),
    "bottleneck_bits": (90.0,),
    "bottleneck_cloud": ("network", "linear"),
    "head_distill": (0.0,),
    "pruned_channels": (16,),
    "adversary_weight": (1.0,),
    "divergence_weight": (0.1,),
    "noise_weight": (0.1,),
    "noise_multiplier": (0.1,),
    "backbone": "resnet18",
    "schedule": "cosine",
    "fine_tune_epochs": 5,
    "target": None,
    "hidden": None,
    "examples": None,
    "data_dir": None,
    "split": "hash",
    "valid_share": 0.15,
    "test_share": 0.2,
    "max_bad_share": 0.05,
    "image_size": (64, 64),
    "spectrogram": "mel64",
    "model": None,
    "model_weights": "imagenet",
    "model_inputs": "raw",
    "split_after": (),
    "split_before": None,
    "hidden_units": 256,
    "attribute_logits": 1,
    "width": 32,
    "batch_size": 64,
    "curriculum": 0.6,
    "standardize": True,
    "optimizer": "adamw",
    "learning_rate": 0.003,
    "weight_decay": 0.05,
    "decay": "decoupled",
    "warmup_epochs": 2,
    "distill": 0.0,
    "augment": ("shift",),
    "attacks": ("label",),
    "attack_epochs": 6,
    "identity_split": "auto",
    "attack_patience": 0,
    "attack_learning_rates": (0.001,),
    "attack_starts": ("trained",),
    "attack_optimizer": "adamw",
    "attack_schedule": "cosine",
    "crop": None,
    "reconstruction_epochs": 20,
    "reconstruction_width": 64,
    "min_examples": 8,
    "min_balanced_accuracy": 0.0,
    "max_leakage": 1.0,
    "max_bytes_up": 1e12,
    "model_name": "datamix",
    "gateway_keys": None,
    "package": None,
}


def test_defaults():
    options, left = parse([])
    assert dataclasses.asdict(options) == DEFAULTS and left == []
    assert command().options() == options


def test_defaults_are_what_a_user_would_type():
    flags = [f"--{name}={value}" for name, value in DEFAULTS.items() if isinstance(value, int | float | str)]
    flags = [flag for flag in flags if not flag.endswith(("=True", "=False"))]
    assert len(flags) > 25 and dataclasses.asdict(parse(flags)[0]) == DEFAULTS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--epochs x", "--epochs must be a whole number, at least 1; received x"),
        ("--epochs ²", "--epochs must be a whole number, at least 1; received ²"),
        ("--epochs 0", "--epochs must be at least 1; received 0"),
        ("--image_size 0x0", "--image_size must be HEIGHTxWIDTH from 8x8 to 16384x16384; received 0x0"),
        ("--image_size 32x", "--image_size must be HEIGHTxWIDTH from 8x8 to 16384x16384; received 32x"),
        ("--learning_rate -1", "--learning_rate must be above 0; received -1"),
        ("--learning_rate nan", "--learning_rate must be a number, above 0; received nan"),
        ("--weight_decay -1", "--weight_decay must be at least 0; received -1"),
        ("--decay l2", "--decay l2 is for --optimizer adam or sgd, as adamw is Adam without it; received adamw"),
        ("--max_bad_share 2", "--max_bad_share must be from 0 to 1; received 2"),
        ("--width 0", "--width must be at least 1; received 0"),
        ("--keep=", "--keep must be a folder or a URL; received ''"),
        ("--lineage=", "--lineage must be a SQLAlchemy URL; received ''"),
        ("--data_dir=", "--data_dir must be a folder; received ''"),
        ("--seed 4294967296", "--seed must be from 0 to 2147483647; received 4294967296"),
        ("--examples 0", "--examples must be at least 1; received 0"),
        ("--min_examples 0", "--min_examples must be at least 1; received 0"),
        ("--reconstruction_epochs 0", "--reconstruction_epochs must be at least 1; received 0"),
        ("--hidden_units -1", "--hidden_units must be at least 0; received -1"),
        ("--attack_learning_rates 0.1,0", "--attack_learning_rates must be above 0; received 0.1,0"),
        ("--attack_starts=", "--attack_starts must be of trained, fresh; received ''"),
        ("--curriculum 1", "--curriculum must be at least 0 and below 1; received 1"),
        ("--augment flip,turn", "--augment must be of flip, shift, mask, randaugment; received flip,turn"),
        ("--optimizer adagrad", "--optimizer must be one of adamw, adam, sgd; received adagrad"),
        ("--num_pre_blocks 1,4", "--num_pre_blocks must be of 0, 1, 2, 3; received 1,4"),
        (
            "--methods=",
            "--methods must include one that mixes and is packaged (datamix, linear_cloud, obfuscated_datamix, ",
        ),
        (
            "--package edge_half",
            "--package must be a method of --methods that mixes or sends nothing (edge, datamix, linear_cloud, "
            "edge_head); received edge_half",
        ),
        ("--package cloud", "--package must be a method of --methods that mixes"),
        ("--package edge --methods datamix", "--package must be a method of --methods that mixes"),
        ("--package fog", "--package must be one of edge, cloud, "),
        (
            "--valid_share 0.6 --test_share 0.5",
            "--valid_share and --test_share must sum below 1; received 0.6 and 0.5",
        ),
        ("--valid_share 0", "--valid_share must be above 0; received 0"),
        ("--train_workers a", "--train_workers must be two or more of HOST:PORT, with commas; received a"),
        ("--train_workers a:1", "--train_workers must be two or more of HOST:PORT, with commas; received a:1"),
        ("--replicas 2 --train_workers a:1,b:1", "--train_workers has one replica on each machine; leave --replicas"),
    ],
)
def test_what_cannot_be_used_is_told(arguments, message):
    with pytest.raises(InputError) as caught:
        parse(arguments.split())
    assert str(caught.value).startswith(message)


def test_a_value_that_cannot_be_read_is_one_line_and_exit_code_2(tmp_path, capsys):
    assert main(["--epochs", "x", "--output", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error == "error: --epochs must be a whole number, at least 1; received x\n"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("512M", 512 * 2**20), ("1.5g", 1536 * 2**20), ("7", 7)])
def test_memory_is_given_in_bytes_or_units_of_1024(text, value):
    assert parse(["--memory", text])[0].memory == value


@pytest.mark.parametrize("text", ["6GB", "-1", "inf", "G", ""])
def test_memory_that_is_no_number_of_bytes(text):
    with pytest.raises(InputError, match="--memory must be bytes, such as 6G, 512M or 0; received"):
        parse([f"--memory={text}"])
