"""The console command hands its words to the commands that there are."""

import importlib
import importlib.util
import os
import subprocess
import sys
import time

import pytest

from datamix_cli.console import COMMANDS, completed_parser, main
from serving.protocol.command_names import CONSOLE, called, typed
from serving.version import __version__
from tests.conftest import REPOSITORY


def test_help_names_every_command_at_once_and_needs_nothing_but_python(tmp_path):
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import sys; from datamix_cli.console import main; main(['--help']); "
         "print({'numpy', 'tensorflow', 'argparse'} & set(sys.modules) - {'argparse'})"],
        capture_output=True, text=True, cwd=REPOSITORY, check=True,
    )  # fmt: skip
    assert time.monotonic() - started < 5 and done.stderr == ""
    assert all(f"  {name} " in done.stdout for name in COMMANDS) and done.stdout.endswith("set()\n")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("run", ()),
        ("lineage", ("runs/mine",)),
        ("serve", ("--version",)),
        ("predict", ("a.png",)),
        ("relay", ("--gateway_url", "https://h", "--ssl_certificate", "c", "--quiet")),
    ],
)
def test_a_command_without_its_packages_says_in_one_line_what_to_install(name, arguments):
    done = subprocess.run(
        [sys.executable, "-S", "-m", "datamix_cli", name, *arguments],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )
    assert done.returncode in (1, 2) and done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("error: ") and f"pip install 'datamix-tf[{COMMANDS[name].extra}]'" in done.stderr


def test_every_command_is_the_module_that_python_m_runs():
    assert [*COMMANDS] == ["run", "demo", "audit", "compare", "lineage", "obfuscation", "serve", "predict", "relay"]
    assert {*CONSOLE.values()} == {*COMMANDS}
    for module, name in CONSOLE.items():
        command = COMMANDS[name]
        assert command.module.removesuffix(".__main__") == module.split()[0]
        assert list(command.before) == module.split()[1:]
        assert importlib.util.find_spec(command.module)


def test_words_go_to_the_command_and_its_status_comes_back(capsys):
    assert main(["lineage", "nowhere"]) == 2
    assert "has no lineage.db" in capsys.readouterr().err
    assert main(["predict", "--bundle", "nowhere", "a.png"]) == 1
    assert "error: " in capsys.readouterr().err


def test_a_word_that_is_no_command_is_one_line(capsys):
    assert main(["runn"]) == 2
    assert capsys.readouterr().err.startswith("error: expected a command, one of run, demo, ")
    assert main([]) == main(["--help"]) == 0
    assert main(["--version"]) == 0 and f"datamix-tf {__version__}\n" in capsys.readouterr().out


def test_usage_and_hints_name_what_the_user_has_typed(monkeypatch, capsys):
    assert called("serving.edge predict") == "python -m serving.edge predict"
    monkeypatch.setattr(sys, "argv", ["/usr/bin/datamix", "predict"])
    assert typed("pipeline.audit", "a run") == "datamix audit 'a run'"
    assert called("pipeline.train_worker") == "python -m pipeline.train_worker"
    for name in ("lineage", "predict", "serve", "relay"):
        with pytest.raises(SystemExit):
            main([name, "--help"])
        assert capsys.readouterr().out.startswith(f"usage: datamix {name} [-h] ")


def test_commands_and_their_flags_are_completed(tmp_path):
    def completed(line):
        answer = tmp_path / "answer"
        environment = {
            **os.environ,
            "_ARGCOMPLETE": "1",
            "_ARGCOMPLETE_IFS": "\n",
            "COMP_LINE": line,
            "COMP_POINT": str(len(line)),
            "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        }
        subprocess.run([sys.executable, "-m", "datamix_cli"], env=environment, cwd=REPOSITORY, check=True)
        return [word.strip() for word in answer.read_text().split("\n")]

    assert completed("datamix l") == ["lineage"]
    assert {"--wire", "--verbose"} <= set(completed("datamix predict --"))
    assert completed("datamix predict --wire fl") == ["float32", "float16"]


def test_flags_of_every_command_can_be_completed():
    for name in COMMANDS:
        parser = completed_parser(f"datamix {name} --")
        (action,) = (
            action for action in parser._actions if getattr(action, "choices", None) and name in action.choices
        )
        assert {"--verbose", "-h"} <= set(action.choices[name]._option_string_actions), name


def test_the_shell_gets_its_script(capsys):
    assert main(["completion", "bash"]) == 0
    assert "complete " in capsys.readouterr().out
    assert main(["completion", "tcsh"]) == 2
