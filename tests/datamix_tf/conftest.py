"""Imports Keras before the library.

A module that imports Keras before it is whole itself (`import datamix_tf.layers` in a fresh process) meets itself again
in `datamix_tf.registration`, and the import fails. Test files used to import Keras in front, each for itself.
"""

import keras  # noqa: F401
