"""What is counted are a page's sentences; the tutorial is held to 55."""

import pytest

from tests.conftest import REPOSITORY
from tools.reading_ease import PAGES, figures, prose

PAGE = """# A heading

It costs 0.5 points, with [a link](../results/page.md) to `a.command --flag`:

```
not prose. at all.
```

| a | table |
| --- | --- |

- One item
- Another, [linked](x.md).
"""


def test_prose_is_what_a_reader_reads_as_sentences():
    assert prose(PAGE).splitlines() == [
        "It costs 05 points, with a link to command.",
        "One item.",
        "Another, linked.",
    ]


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/tutorial")])
def test_the_tutorial_reads_easily(page):
    ease, length, words = figures((REPOSITORY / page).read_text(encoding="utf-8"))
    assert ease >= 55 and length <= 15 and words > 100


def test_long_words_and_sentences_are_noticed():
    assert figures("The cat sat on the mat.")[0] > 100
    assert figures("Unsupervised obfuscation generalises representational regularisation considerably.")[0] < 0
