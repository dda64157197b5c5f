"""Attacks of a cloud that sees the mixtures of many groups, shuffled."""
