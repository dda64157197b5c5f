import os

import pytest

from components.errors import InputError
from pipeline.orchestration.lock import locked


def test_a_second_run_on_the_same_folder_refuses(tmp_path):
    with locked(str(tmp_path)), pytest.raises(InputError, match=f"process {os.getpid()}"), locked(str(tmp_path)):
        pass
    with locked(str(tmp_path)):
        pass
