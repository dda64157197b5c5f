"""The table and what is told of it agree."""

from tests.conftest import REPOSITORY
from tests.serving.contract_cases import KINDS
from tools.serving_cases import counts


def test_what_differs_is_told_in_the_documentation():
    pages = [REPOSITORY / "docs" / "reference" / name for name in ("rest.md", "serving-flags.md")]
    page = " ".join(" ".join(path.read_text(encoding="utf-8") for path in pages).split())
    reasons = {case.why for table in KINDS.values() for case in table if case.why}
    assert not [reason for reason in sorted(reasons) if reason not in page]
    same, differs, missing = counts([case for table in KINDS.values() for case in table])
    assert f"{same} are the same here, {differs} differ, {missing} ask for what is not offered" in page


def test_tests_that_hold_cases_are_there():
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests" / "serving").rglob("test_*.py")
    )
    names = {case.held for table in KINDS.values() for case in table if case.held}
    assert not [name for name in sorted(names) if f"def {name}(" not in sources]
