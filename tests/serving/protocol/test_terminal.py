"""Text of others on a terminal."""

import pytest

from components.errors import InputError
from serving.edge.errors import BundleError, CloudError
from serving.protocol.terminal import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße, 写真.png", "Grüße, 写真.png"),
        ("\x1b[2J\x1b]0;x\x07", "\\x1b[2J\\x1b]0;x\\x07"),
        ("a\r\nerror: b\t", "a\\r\\nerror: b\\t"),
        ("\u202egnp.exe\u2066\x9b31m\x7f", "\\u202egnp.exe\\u2066\\x9b31m\\x7f"),
        ("\udc80\U000e0001", "\\udc80\\U000e0001"),
        ("", ""),
    ],
)
def test_what_steers_a_terminal_is_written_out(text, shown):
    assert printable(text) == shown and printable(shown) == shown
    for error in (InputError, BundleError, CloudError):
        assert str(error(text)) == shown
