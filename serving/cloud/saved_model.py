"""M_main as a SavedModel with TensorFlow Serving's signatures."""

from __future__ import annotations

SERVING_DEFAULT = "serving_default"
INPUT, OUTPUT = "features", "answers"


def export_main(main, folder: str) -> None:
    """Writes M_main to `folder` as a SavedModel.

    Its signature `serving_default` takes `features`, float32 `[batch, ...]`, and gives `answers`, float32
    `[batch, ...]`; the batch size is free. The cloud needs no group size: it sees rows.

    Args:
        main: The Keras model.
        folder: Where to write; must not exist or be empty.
    """
    import tensorflow as tf
    from keras.export import ExportArchive

    archive = ExportArchive()
    archive.track(main)
    signature = tf.TensorSpec((None, *main.input_shape[1:]), tf.float32, name=INPUT)
    # Keyword arguments become the input names of the signature, so the wrapper's must be INPUT.
    archive.add_endpoint(
        SERVING_DEFAULT,
        lambda features: {OUTPUT: main(features, training=False)},
        input_signature=[signature],
    )
    archive.write_out(folder, verbose=False)
