"""From a trained model to files: SavedModel, TFLite halves, bundles."""
