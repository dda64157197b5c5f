"""How much memory a JSON document takes once it is Python objects, bounded before it is read."""

from __future__ import annotations

from serving.protocol.errors import ServingError

#: Memory that a document may take, for each byte that the largest body may have. Of numbers with two decimals or more a
#: body of any size passes (`0.25,` takes 21 bytes for each of its own); where it is nothing but digits, empty lists
#: (`[],` takes 55) or objects, only a smaller one does.
FACTOR = 24
# Upper bounds: orjson's own document, for each byte; then CPython's objects, with the pointers to them.
_PARSER, _LIST, _OBJECT, _STRING, _NUMBER = 13, 88, 240, 64, 40
#: And an example's protocol buffer, with its serialized form.
_MESSAGE = 240


def check_cost(body: bytes, max_body_bytes: int, messages: bool = False) -> None:
    """Refuses a document that would take more than `FACTOR` times what a body may have.

    Args:
        body: The document.
        max_body_bytes: What a body may have.
        messages: Whether its objects become protocol buffers, too.

    Raises:
        ServingError: 413.
    """
    most = FACTOR * max_body_bytes
    cost = _PARSER * len(body) + _LIST * body.count(b"[") + (_OBJECT + messages * _MESSAGE) * body.count(b"{")
    cost += _STRING * (body.count(b'"') // 2) + _NUMBER * (body.count(b",") + 1)
    if cost > most:
        raise ServingError(
            413,
            f"the JSON document has too many lists, objects or texts: it would take {cost} bytes, at most {most} are "
            "allowed; send fewer rows at a time",
        )
