"""Files that the pusher writes for a server."""

import shutil

from serving.cloud import deployment
from serving.cloud.model_config import read_batching, read_config
from tests.serving.cloud.configs import NAME, write


def test_what_the_pusher_leaves_is_what_the_server_reads(tmp_path, base):
    shutil.copytree(base, tmp_path / "serving")
    for name, text in deployment.server_files([NAME]).items():
        write(tmp_path / "serving" / name, text)
    # The paths in it are the container's; the server finds the models beside the file.
    (model,) = read_config(str(tmp_path / "serving" / deployment.MODELS_CONFIG))
    assert (model.name, sorted(model.wanted())) == (NAME, [2])
    assert read_batching(str(tmp_path / "serving" / deployment.BATCHING)).max_batch_size == 64
    compose = (tmp_path / "serving" / deployment.COMPOSE).read_text()
    assert all(name in compose for name in (deployment.MODELS_CONFIG, deployment.BATCHING, deployment.MONITORING))
