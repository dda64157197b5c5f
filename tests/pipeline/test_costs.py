"""`python -m pipeline.run --costs`, as a user types it: the papers' costs to their digits, and what must be counted."""

import re

import pytest

from components.errors import InputError
from components.training.networks import untrained
from datamix_tf.defences import SignalContentSent
from pipeline.costs import schema_of
from pipeline.datasets import open_dataset
from pipeline.experiments.plan import plan
from pipeline.experiments.rows import Row
from pipeline.options.run_options import parse
from pipeline.run import main

FACES = ["--preset", "datamix", "--dataset", "celeb_a"]
SPEECH = ["--preset", "datamix", "--dataset", "speech_commands"]
SMALL = ["--image_size", "32", "--width", "8", "--hidden_units", "0"]
CELL = re.compile(r"([\d,]+)(?: \(.*\))?")


def costs(capsys, *arguments):
    """Method -> `[params, multiply-adds, bytes up, bytes down]`, from what the command prints."""
    assert main([*arguments, "--costs"]) == 0
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    return {row[0]: [int(CELL.match(cell)[1].replace(",", "")) for cell in row[1:5]] for row in rows[2:]}


@pytest.mark.parametrize(
    ("data", "params", "giga"),
    [
        # DataMix, tables 2 and 4: N_pre = 1, 2, 3, the whole network. 11.2176 and 11.1882 are printed cut off.
        (FACES, ["0.05", "0.12", "0.20", "11.22"], ["0.0926", "0.2751", "0.4575", "1.4985"]),
        (SPEECH, ["0.02", "0.10", "0.17", "11.19"], ["0.0267", "0.1809", "0.3351", "1.2725"]),
    ],
    ids=["faces", "speech"],
)
def test_the_papers_presets_have_the_papers_costs(data, params, giga, capsys, tmp_path):
    asked = ["--methods", "edge,datamix", "--num_pre_blocks", "1,2,3", "--output", str(tmp_path / "run")]
    found = costs(capsys, *data, *asked)
    edge, *mixed = found.values()
    assert [f"{row[0] / 1e6:.2f}" for row in (*mixed, edge)] == params
    assert [f"{row[1] / 1e9:.4f}" for row in (*mixed, edge)] == giga
    assert not (tmp_path / "run").exists()  # nothing is written


def test_two_logits_for_each_attribute_double_the_classifier_and_nothing_else(capsys):
    asked = ["--methods", "datamix,edge_head,edge_half,bottleneck", "--head_units", "0", "--attribute_logits"]
    found, plain = (costs(capsys, *SMALL, *asked, logits) for logits in ("2", "1"))
    more = 16  # the attributes of avatars; behind 8 x 8 features, or 4 x 4 x 8, 2 x 2 x 24 of the edge's
    inputs = {"DataMix": 64, "edge alone": 128, "the bottleneck's": 96, "mixed bottleneck": 64}
    for method, row in found.items():
        features = next(number for start, number in inputs.items() if method.startswith(start))
        assert row[0] - plain[method][0] == more * (features + 1) and row[1] - plain[method][1] == more * features
        assert row[2:] == plain[method][2:]


def test_mixing_counts_with_the_size_of_the_group(capsys):
    """N_pre = 0: 12,288 numbers go up and 512 come back; the network on the edge is the classifier alone."""
    found = {}
    for size in (1, 8, 16):
        flags = ("--methods", "datamix", "--width", "64", "--num_pre_blocks", "0", "--group_size", str(size))
        (row,) = costs(capsys, *flags).values()
        found[size] = row[1]
    assert found[8] - found[1] == 7 * (12_288 + 512) and found[16] - found[8] == 8 * (12_288 + 512)


def test_drawn_covers_and_pairs_count_their_own_way(capsys):
    """Drawn covers are mixed by two products of n rows, and de-mixed by one; pairs of raw inputs count two a value."""
    asked = ["--methods", "bottleneck,mixup", "--bottleneck_units", "12", "--group_size"]
    few, many = (costs(capsys, *SMALL, *asked, size) for size in ("10", "20"))
    (bottleneck,) = (method for method in few if method.startswith("mixed bottleneck") and "S_G=10" in method)
    other = bottleneck.replace("10", "20")
    assert many[other][1] - few[bottleneck][1] == 10 * (2 * 12 + 64)
    assert many["mixup, raw inputs in pairs"][1] == 2 * (32 * 32 * 3 + 16)


def test_what_cannot_be_known_without_data_is_told(capsys):
    assert main(["--dataset", "facescrub", "--target", "identity", "--costs"]) == 2
    assert "classes are known without its data; those of 'identity'" in capsys.readouterr().err
    options, _ = parse(["--backbone", "splitnet", "--target", "glasses"])
    source, within = open_dataset("avatars"), SignalContentSent(3, max_drop=0.01)
    (config,) = (one for one in plan([Row(within)], options, ()).models if one.defence == within)
    with pytest.raises(InputError, match="depends on its training"):
        untrained(config, schema_of(options, source))


def test_table_1_is_printed_and_trains_nothing(capsys, tmp_path):
    assert main(["--experiment", "table1", "--output", str(tmp_path / "run")]) == 0
    text = capsys.readouterr().out
    assert "| computation on the edge | 0.0% | 93.2% | - | 0.6% | 12.5% |" in text
    assert "| transmission size | 0.57 MB | 0.38 MB | 86.49 MB | 12.25 MB | 3.06 MB |" in text
    assert "| transmission time | 0.36 s | 0.26 s | 33.14 s | 6.58 s | 1.68 s |" in text
    assert text.count("*the papers*") == 3 and (tmp_path / "run" / "table1.md").read_text() in text
    assert not (tmp_path / "run" / "artifacts").exists()
