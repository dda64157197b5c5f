"""Attacks of a cloud that sees one mixture alone."""
