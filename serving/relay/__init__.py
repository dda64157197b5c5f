"""The Oblivious HTTP relay between edge and cloud."""
