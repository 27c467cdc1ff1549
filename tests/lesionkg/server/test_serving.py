"""The limits of the HTTP server itself, over raw connections."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from small_server import Served
from websockets.exceptions import ConnectionClosed

from lesionkg.server.serving import HEAD_BYTES, MESSAGE_BYTES

HOST = b"Host: 127.0.0.1\r\n"


@contextmanager
def raw(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        yield connection


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server hangs up."""
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return found


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /api/who HTTP/1.1\r\nHo", b"GET /" + b"a" * 1000],
)
def test_a_head_that_does_not_come_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr("lesionkg.server.serving.HEAD_S", 0.2)
    with raw(served(ask_token=False).port) as connection:
        connection.sendall(sent)
        assert rest(connection) == b""


def test_a_second_head_is_not_waited_for_either(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lesionkg.server.serving.HEAD_S", 0.2)
    with raw(served(ask_token=False).port) as connection:
        connection.sendall(b"GET /api/who HTTP/1.1\r\n" + HOST + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /api/who HTTP/1.1\r\nHo")
        assert b"HTTP" not in rest(connection)


def test_a_body_that_does_not_come_is_not_waited_for(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lesionkg.server.bodies._GRACE_S", 0.2)
    with raw(served(ask_token=False).port) as connection:
        connection.sendall(b"POST /api/size HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nabc")
        assert rest(connection).startswith(b"HTTP/1.1 408")


def test_a_head_may_be_so_large_and_no_larger(served: Served) -> None:
    port = served(ask_token=False).port
    for size, status in ((HEAD_BYTES // 2, b"HTTP/1.1 404"), (2 * HEAD_BYTES, b"HTTP/1.1 4")):
        with raw(port) as connection:
            connection.sendall(b"GET /" + b"a" * size + b" HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n")
            assert rest(connection).startswith(status)


def test_two_names_for_the_server_are_refused(served: Served) -> None:
    with raw(served(ask_token=False).port) as connection:
        connection.sendall(b"GET /api/who HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n")
        assert rest(connection).startswith(b"HTTP/1.1 4")


def test_a_message_of_a_web_socket_may_be_so_large_and_no_larger(served: Served) -> None:
    with served(ask_token=False).socket() as connection:
        connection.send("x" * (MESSAGE_BYTES // 2))
        assert len(connection.recv(timeout=20)) == MESSAGE_BYTES // 2
        with pytest.raises(ConnectionClosed):
            connection.send("x" * (2 * MESSAGE_BYTES))
            connection.recv(timeout=20)
