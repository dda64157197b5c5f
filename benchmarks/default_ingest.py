"""The step that reads a source as a run with default flags does."""

from __future__ import annotations


def example_gen(source):
    """An `ExampleGen` of a source with its own target and hidden columns."""
    from components.example_gen import ExampleGen

    return ExampleGen(
        source=source,
        target=source.target,
        hidden=source.hidden,
        valid_share=0.15,
        test_share=0.2,
        official_split=False,
        max_bad_share=0.05,
    )
