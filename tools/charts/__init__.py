"""Charts of the pages on results, drawn from the figures that are kept there: `python -m tools.charts`, `make figures`.

A module for each chart; `CHARTS` names them. None holds a number of its own.
"""
