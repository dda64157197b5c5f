"""The phone has no TensorFlow, and answers as the model does."""

import subprocess
import sys

import pytest

from examples import phone_client

TOLD = {
    "importable": [],
    "memory_limit_mb": 512,
    "priority": 10,
    "import_s": 0.1,
    "load_s": 0.1,
    "peak_memory_mb": 70,
    "first_query_ms": 1.0,
    "median_query_ms": 1.0,
    "queries": 8,
    "bytes_up": 1,
    "bytes_down": 1,
    "spread": 0.3,
}


def test_a_phone_in_a_process_of_its_own_answers_as_the_model(capsys):
    assert phone_client.main(["--here", "--queries", "4", "--image_size", "32", "--group_size", "4"]) == 0
    rows = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines() if "  " in line)
    assert rows["TensorFlow, Keras"].strip() == "cannot be imported"
    assert float(rows["standard deviation of the probabilities"]) > 0.1
    # Rounded weights are seen, hence the phone did use the int8 halves; server and wire change less.
    rounding, wire = (
        float(rows[f"largest difference to the {name}"].split()[0]) for name in ("Keras model", "same halves here")
    )
    assert 0 < wire < rounding < phone_client.OF_ROUNDING


def test_no_two_phones_have_the_same_covers():
    one, two = (phone_client.secret_noise(3, (4, 4, 1)) for _ in range(2))
    assert one.shape == (3, 4, 4, 1) and one.min() >= 0 and one.max() <= 255 and not (one == two).all()


def test_a_barred_module_cannot_be_imported(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys, json; print(json.dumps(sys.argv[1:]))")
    barring = [[sys.executable, "-c", phone_client.WITHOUT, str(script), name] for name in ("tensorflow,keras", "json")]
    free, barred = (subprocess.run([*command, "--flag"], capture_output=True, text=True) for command in barring)
    assert (free.returncode, free.stdout.strip()) == (0, '["--flag"]')
    assert barred.returncode == 1 and "ModuleNotFoundError" in barred.stderr


@pytest.mark.parametrize(
    "changes, rounding, wire, message",
    [
        ({"importable": ["keras"]}, 0.0, 0.0, "imports .'keras'"),
        ({}, 2 * phone_client.OF_ROUNDING, 0.0, "too far"),
        ({}, 0.0, 2 * phone_client.OF_WIRE, "too far"),
    ],
)
def test_what_is_not_as_promised_is_an_error(changes, rounding, wire, message):
    phone_client.show(TOLD, 0.0, 0.0)
    with pytest.raises(RuntimeError, match=message):
        phone_client.show({**TOLD, **changes}, rounding, wire)


def test_a_server_that_is_not_there_is_told_in_one_line(tmp_path):
    command = [sys.executable, phone_client.__file__, "--bundle", str(tmp_path), "--url", "http://127.0.0.1:9"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": "."})
    assert done.returncode == 1 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
