import pytest

from components.errors import InputError
from datamix_tf.defences import all_defences
from pipeline import experiments
from pipeline.experiments.plan import plan
from pipeline.experiments.rows import HIDDEN, TARGET, rows_of
from pipeline.options.run_options import parse


@pytest.mark.parametrize("name", [name for name in experiments.EXPERIMENTS if experiments.load(name).rows])
def test_tables_are_well_formed(name):
    experiment = experiments.load(name)
    headings = {"params", "MACs", *experiment.columns}
    for row in experiment.rows:
        assert row.defence.id in all_defences() and set(row.paper) <= headings
        assert {attack.label for attack in row.attacks} <= {HIDDEN, TARGET}
    options, _ = parse(["--experiment", name])
    assert options.preset == experiment.preset
    work = plan(list(experiment.rows), options, ("identity",))
    assert len({model.name for model in work.models}) == len(work.models)
    packaged = {
        "composition": "datamix-pre3-group8-seed0",
        "figure4": "datamix-pre0-group2-seed0",
        "figure7": "datamix-pre1-group2-seed0",
    }
    assert work.packaged == packaged.get(name, "datamix-pre1-group8-seed0")


def test_figure_4_mixes_raw_pictures():
    rows = experiments.load("figure4").rows
    assert [(row.defence.num_pre_blocks, row.defence.group_size) for row in rows[1:]] == [(0, n) for n in (2, 4, 8, 16)]
    assert [row.paper.get("identity") for row in rows] == [85.5, "41.8 to 48.1", None, None, None]


def test_more_coefficients_than_the_cloud_s_first_layers_have_are_refused_at_once():
    options, _ = parse(["--experiment", "composition", "--width", "8"])
    with pytest.raises(InputError, match="at most 3 x --width = 24; received 64"):
        plan(list(experiments.load("composition").rows), options, ("identity",))


@pytest.mark.parametrize(
    ("package", "packaged", "edge_only"),
    [
        (None, "datamix-pre1-group8-linear-seed0", ""),
        ("linear_cloud", "linear_cloud-pre1-group8-seed0", ""),
        ("edge", "datamix-pre1-group8-linear-seed0", "plain-seed0"),
        ("edge_head", "datamix-pre1-group8-linear-seed0", "edge_head-pre1-units0-seed0"),
    ],
)
def test_which_models_are_packaged(package, packaged, edge_only):
    options, _ = parse(["--repeats", "2", *(["--package", package] if package else [])])
    work = plan(rows_of(options), options, ())
    assert (work.packaged, work.edge_only) == (packaged, edge_only)
