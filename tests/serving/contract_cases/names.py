"""What the models of the cases are called."""

NAME, VERSION, OLDER, LABEL = "half", 123, 7, "stable"
#: A name and a label of characters that paths must encode; it has two versions.
ODD_NAME, ODD_LABEL = "half!#$%&'()*+,/:;=?@[]", "newest/1:a b"
#: The first one as TensorFlow 1 wrote it: a graph, a session and signatures of tensors.
OLD_NAME = "old"
