"""tensorflow_model_server's flags: each is taken, ignored with a line, or refused by name."""

import logging

import pytest

from serving.cloud import flags
from serving.cloud.__main__ import make_server, read_arguments
from tests.conftest import REPOSITORY
from tests.serving.cloud.configs import write

BASE = ["--model_base_path", "."]


def test_every_flag_of_tensorflow_serving_is_known_and_documented():
    names = [*flags.TAKEN, *flags.IGNORED, *flags.REFUSED]
    assert len(names) == len(set(names)) == 48
    page = (REPOSITORY / "docs" / "reference" / "serving-flags.md").read_text(encoding="utf-8")
    assert not [name for name in names if f"`--{name}`" not in page]
    known = vars(read_arguments(BASE))
    assert not [name for name in names if name not in known]


@pytest.mark.parametrize("name", flags.IGNORED)
def test_what_changes_no_answer_is_ignored_with_a_line(name, caplog):
    caplog.set_level(logging.INFO)
    read_arguments([*BASE, f"--{name}=1"])
    assert f"--{name} is ignored: {flags.IGNORED[name]}" in caplog.text


@pytest.mark.parametrize("name", flags.REFUSED)
def test_what_would_change_something_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"--{name} is not offered: "):
        read_arguments([*BASE, f"--{name}=true"])
    for harmless in flags.REFUSED[name][0]:
        read_arguments([*BASE, f"--{name}={harmless}"])


@pytest.mark.parametrize(
    ("given", "value"), [("", True), ("=true", True), ("=1", True), ("=false", False), ("=0", False), ("=False", False)]
)
def test_switches_are_written_as_there(given, value):
    assert read_arguments([*BASE, f"--enable_batching{given}"]).enable_batching is value


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (["--grpc_channel_arguments=a"], "--grpc_channel_arguments must be NAME=VALUE"),
        (["--file_system_poll_wait_seconds=-1"], "--file_system_poll_wait_seconds must be at least 0; received -1"),
        (["--model_config_file_poll_wait_seconds=-1"], "must be at least 0"),
        (["--enable_batching=false", "--batching_parameters_file=x"], "needs --enable_batching"),
        (["--tensorflow_session_parallelism=1", "--tensorflow_intra_op_parallelism=1"], "give either"),
        (["--tensorflow_inter_op_parallelism=-1"], "must be at least 0"),
    ],
)
def test_flags_that_cannot_be_used(given, text):
    with pytest.raises(ValueError, match=text):
        read_arguments([*BASE, *given])


def test_a_switch_that_is_neither_on_nor_off(capsys):
    with pytest.raises(SystemExit):
        read_arguments([*BASE, "--enable_batching=perhaps"])
    assert "expected true or false, received 'perhaps'" in capsys.readouterr().err


def test_flags_reach_the_server(tmp_path):
    monitoring = write(tmp_path / "m", 'prometheus_config { enable: true path: "/figures" }')
    given = ["--enable_batching=false", "--rest_api_enable_cors_support", f"--monitoring_config_file={monitoring}"]
    given += ["--grpc_channel_arguments=grpc.max_connection_age_ms=2000,grpc.lb_policy_name=grpclb", "--host=::1"]
    given += ["--enable_signature_method_name_check", "--enable_serialization_as_tensor_content"]
    server = make_server(
        read_arguments([*BASE, *given, "--rest_api_port=0", f"--grpc_socket_path={tmp_path}/s", "--port=0"])
    )
    options = server.options
    assert options.batching is None and options.cors and options.check_methods and options.as_content
    assert options.monitoring_path == "/figures" and options.poll_seconds == 1.0
    assert options.grpc_arguments == {"grpc.max_connection_age_ms": 2000, "grpc.lb_policy_name": "grpclb"}
