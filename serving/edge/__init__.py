"""The client: preprocesses, mixes, asks the cloud and de-mixes, without TensorFlow."""
