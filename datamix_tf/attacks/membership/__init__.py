"""Is this photo or recording among the inputs? Asked of one mixture, of a group, and of a shuffled pool."""
