"""What work tells of its progress, wherever it runs: `journal.py`, and what counts examples and epochs for it.

Nothing is shown here. A command that wants to show progress reads the journal (`pipeline/orchestration/run_bar.py`);
where none does, nothing is written.
"""
