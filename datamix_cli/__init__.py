"""The console command `datamix`: `datamix run` is `python -m pipeline.run`, and so on.

It stands above all other packages and imports of them only what a command line asks for, so that `datamix --help`
answers at once and `datamix predict` needs no more than the edge client.
"""
