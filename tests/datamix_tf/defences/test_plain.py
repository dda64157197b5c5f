from datamix_tf.defences import Cloud, Edge


def test_edge_and_cloud_run_one_network():
    assert Edge().trained_as == Cloud() and Cloud().model_name == "plain"
