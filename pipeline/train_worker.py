"""`python -m pipeline.train_worker`: one of several machines that train a run's models together."""

from __future__ import annotations

from components.training.train_worker import main

if __name__ == "__main__":
    main()
