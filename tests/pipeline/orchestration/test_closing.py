"""What a command says at its end."""

from pipeline.orchestration.closing import closing


def test_what_is_there_is_named_with_its_use_and_then_what_to_type(tmp_path):
    (tmp_path / "report.html").touch()
    made = [(str(tmp_path / "report.html"), "the page to look at"), (str(tmp_path / "edge"), "the edge's part")]
    text = closing(made, [("python -m pipeline.demo run", "try it"), ("short", "measure it")])
    assert text.splitlines() == [
        f"{tmp_path}/report.html: the page to look at",
        "next: python -m pipeline.demo run  try it",
        "      short                        measure it",
    ]
