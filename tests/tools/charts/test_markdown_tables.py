"""Tables are read as they stand, or refused."""

import pytest

from tools.charts.markdown_tables import read_table

PAGE = """# A page

## Table 2: faces

| method | test | balanced |
| --- | --- | --- |
| a | 1.0 | 2.0 |
| b | 3.0 |  |

Words.

| method | bits |
| --- | --- |
| a | 4 |

```
## not a heading
```

## Table 3

| a row | of one line |
| --- | --- |
| 1 |
"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def test_the_table_with_the_columns_is_read(page):
    table = read_table(page, "Table 2", "method", "test")
    assert table.headings == ("method", "test", "balanced") and table.rows == (("a", "1.0", "2.0"), ("b", "3.0", ""))
    assert table.column("bal") == ["2.0", ""] and table.pairs("method", "test") == {"a": "1.0", "b": "3.0"}
    assert read_table(page, "Table 2", "bits").column("bits") == ["4"]


@pytest.mark.parametrize(
    ("heading", "columns", "message"),
    [
        ("Table 4", (), r"one heading of page\.md to begin with 'Table 4'. Received: 0"),
        ("Table", (), "Received: 2"),
        ("Table 2", ("method",), "one table with the columns method"),
        ("Table 2", ("accuracy",), r"one table with the columns accuracy below page\.md, 'Table 2'"),
        ("Table 3", (), "Expected 2 cells in a row of"),
        ("not a heading", (), "Received: 0"),
    ],
)
def test_what_is_not_there_is_named(page, heading, columns, message):
    with pytest.raises(ValueError, match=message):
        read_table(page, heading, *columns)


def test_a_column_that_is_not_there_or_a_row_that_is_there_twice_is_named(page):
    table = read_table(page, "Table 2", "test")
    with pytest.raises(ValueError, match=r"one column 'AUC'.*Received: method, test, balanced"):
        table.column("AUC")
    page.write_text(PAGE.replace("| b | 3.0", "| a | 3.0"), encoding="utf-8")
    with pytest.raises(ValueError, match="its own 'method'"):
        read_table(page, "Table 2", "test").pairs("method", "test")
