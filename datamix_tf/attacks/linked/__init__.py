"""Attacks of a cloud that knows which mixtures belong to one group."""
