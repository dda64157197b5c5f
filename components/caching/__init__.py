"""What is not computed twice: results under a hash of all that can change them."""
