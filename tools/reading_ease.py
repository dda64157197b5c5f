"""`python -m tools.reading_ease [PAGE ...]`: how easily pages read, by Flesch's formula; higher is easier.

It counts words a sentence and syllables a word of what is prose: paragraphs and list items, without headings, code,
output, tables and the targets of links. textstat counts; the syllables are those of the CMU Pronouncing Dictionary.
55 is what this project asks of README and the tutorial.

    python -m tools.reading_ease                     # README and the tutorial
    python -m tools.reading_ease docs/how-to/*.md
"""

from __future__ import annotations

import pathlib
import re
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/tutorial/photos.md", "docs/tutorial/recordings.md")
#: What is no prose, and what stands for it.
LEFT_OUT = (
    (re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL), ""),  # code and output
    (re.compile(r"^\s*\|.*$", re.MULTILINE), ""),  # tables
    (re.compile(r"^#+ .*$", re.MULTILINE), ""),  # headings are no sentences
    (re.compile(r"^ *(!!!|\?\?\?|===).*$", re.MULTILINE), ""),  # titles of boxes
    (re.compile(r"!\[[^\]]*\]\([^)]*\)|<[^>\n]+>"), ""),  # pictures, tags
    (re.compile(r"\[([^\]]*)\]\([^)]*\)"), r"\1"),  # a link's words stay
    (re.compile(r"`[^`]*`"), "command"),  # a name in code is one word of two syllables
    (re.compile(r"(?<=\w)\.(?=\w)|\bet al\."), ""),  # 0.5 and setup.py end no sentence
    (re.compile(r"^(?:> ?)?(?: *(?:[-*]|\d+\.) +)", re.MULTILINE), "\n"),  # every item begins a sentence
    (re.compile(r"[*_>]"), ""),
)


def prose(text: str) -> str:
    """A Markdown page's sentences; every paragraph and item ends one."""
    for pattern, instead in LEFT_OUT:
        text = pattern.sub(instead, text)
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
    return "\n".join(part if part[-1] in ".!?" else f"{part.rstrip(':;,')}." for part in paragraphs if part)


def figures(text: str) -> tuple[float, float, int]:
    """Flesch's reading ease, words a sentence, and words, of a Markdown page."""
    import textstat

    sentences = prose(text)
    words = textstat.lexicon_count(sentences)
    return textstat.flesch_reading_ease(sentences), words / max(textstat.sentence_count(sentences), 1), words


def main(pages: list[str]) -> None:
    """Prints a line for each page."""
    for page in pages or PAGES:
        ease, length, words = figures((REPOSITORY / page).read_text(encoding="utf-8"))
        print(f"{page}: {ease:.1f}, {length:.1f} words a sentence, {words} words")


if __name__ == "__main__":
    main(sys.argv[1:])
