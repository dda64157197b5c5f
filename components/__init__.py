"""The pipeline's steps. Workers that a quiet command starts import them before TensorFlow."""

from serving.protocol import quiet

quiet.inherited()
