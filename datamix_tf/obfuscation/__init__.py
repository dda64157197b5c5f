"""Sending only what the server's first layers see (Samragh et al., 2021)."""
