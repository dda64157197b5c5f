"""What the command tells of recorded executions."""

import json

from pipeline.lineage import main
from tests.pipeline.number_nodes import nodes


def test_the_command_explains_what_was_made_of_what(run, tmp_path, capsys):
    run(nodes(value=7))
    run(nodes(value=8))
    assert main([str(tmp_path), "--node", "again"]) == 0
    text = capsys.readouterr().out
    assert text.index("again") < text.index("double") < text.index("constant") and "value: 8" in text
    assert "value: 7" not in text and "from double.number" in text and "versions: python" in text
    assert main([str(tmp_path), "--all"]) == 0
    assert capsys.readouterr().out.count("complete") == 6
    assert main([str(tmp_path), "--node", "again", "--format", "dot"]) == 0
    assert capsys.readouterr().out.count("->") == 5  # three made, two taken
    assert main([str(tmp_path), "--format", "json", "--all"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 6
    assert main([str(tmp_path)]) == 2 and "finished ones: constant, double, again" in capsys.readouterr().err
    assert main([str(tmp_path / "artifacts")]) == 2 and "has no lineage.db" in capsys.readouterr().err
