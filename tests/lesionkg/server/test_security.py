"""Who gets past the gate, who does not, and what every answer says about itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from small_server import Served, SmallWorkplace
from websockets.exceptions import ConnectionClosed, InvalidStatus

from lesionkg.server.audit import Action, Filter
from lesionkg.server.bodies import SMALL_BYTES
from lesionkg.server.people import Role, User

ADMIN = User("boss", Role.ADMIN)
OPEN = {"ask_token": False}


# Host and origin ------------------------------------------------------------------------------------------------


def test_only_names_of_this_server_are_answered(served: Served) -> None:
    hosts = {
        "127.0.0.1:8080": 200,
        "localhost:8080": 200,
        "LOCALHOST": 200,
        "localhost.": 200,
        "[::1]:8080": 200,
        "graph.clinic.example:8080": 200,
        "evil.example:8080": 421,
        "127.0.0.1.evil.example": 421,
        "localhost@evil.example": 421,
        "evil.example, localhost": 421,
        "localhost:8080:8080": 421,
        "[::1": 421,
        "192.168.0.7": 421,
        "": 421,
    }
    client = served(**OPEN, hosts=("graph.clinic.example",))
    answers = {host: client.get("/api/who", headers={"Host": host}) for host in hosts}
    assert {host: answer.status_code for host, answer in answers.items()} == hosts
    assert all(set(one.json()) == {"error", "message"} for one in answers.values() if one.status_code == 421)


def test_pages_of_other_sites_change_nothing_here(served: Served) -> None:
    client = served(**OPEN)
    own = f"http://127.0.0.1:{client.port}"
    asked: list[tuple[dict[str, str], int]] = [
        ({}, 200),
        ({"Origin": own, "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Origin": f"http://evil.example@127.0.0.1:{client.port}"}, 403),
        ({"Origin": own.replace("http", "file")}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 403),
    ]
    for headers, status in asked:
        assert client.post("/api/size", content=b"abc", headers=headers).status_code == status, headers
        assert client.get("/api/who", headers=headers).status_code == status, headers
        if status == 403:
            with pytest.raises(InvalidStatus), client.socket(headers):
                pass
        else:
            with client.socket(headers) as socket:
                socket.send("hello")
                assert socket.recv(timeout=20) == "hello"


def test_links_of_other_sites_may_lead_to_a_page_but_not_into_a_frame(served: Served) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert served(**OPEN).get("/page", headers=link).status_code == 200
    assert served(**OPEN).get("/page", headers={**link, "Sec-Fetch-Dest": "iframe"}).status_code == 403


def test_with_tls_a_page_without_it_is_another_site(served: Served, certificate: tuple[Path, Path]) -> None:
    client = served(**OPEN, certificate=certificate[0], key=certificate[1])
    assert client.post("/api/size", headers={"Origin": f"https://127.0.0.1:{client.port}"}).status_code == 200
    assert client.post("/api/size", headers={"Origin": f"http://127.0.0.1:{client.port}"}).status_code == 403


# Tokens ---------------------------------------------------------------------------------------------------------


def test_on_loopback_whoever_works_here_is_admin_and_elsewhere_nobody_is(served: Served) -> None:
    assert served(**OPEN).get("/api/who").json()["role"] == "admin"
    for client in (served(), served(**OPEN, host="192.168.0.7")):
        answer = client.get("/api/who")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert set(answer.json()) == {"error", "message"}


def test_a_token_is_its_user_and_stored_nowhere(served: Served, workplace: SmallWorkplace, tmp_path: Path) -> None:
    token = workplace.users.add("anna", Role.READER, ADMIN)
    client = served()
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/who", headers=headers).json() == {"name": "anna", "role": "reader"}
    workplace.users.change_role("anna", Role.CURATOR, ADMIN)
    assert client.get("/api/who", headers=headers).json() == {"name": "anna", "role": "curator"}
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("curation.sqlite*"))
    assert b"anna" in stored
    assert token.encode() not in stored
    fresh = workplace.users.renew("anna", ADMIN)
    assert client.get("/api/who", headers=headers).status_code == 401
    assert client.get("/api/who", headers={"Authorization": f"Bearer {fresh}"}).status_code == 200
    workplace.users.remove("anna", ADMIN)
    assert client.get("/api/who", headers={"Authorization": f"Bearer {fresh}"}).status_code == 401


def test_a_wrong_token_is_nobody_even_on_open_loopback(served: Served, workplace: SmallWorkplace) -> None:
    headers = {"Authorization": "Bearer wrong"}
    assert served(**OPEN).get("/api/who", headers=headers).status_code == 401
    (entry,) = workplace.audit.entries(Filter(action=Action.REFUSED))
    assert (entry.person, entry.subject) == ("nobody", "wrong token")


def test_wrong_tokens_are_counted_and_a_right_one_still_counts(served: Served, workplace: SmallWorkplace) -> None:
    token = workplace.users.add("anna", Role.READER, ADMIN)
    client = served()
    found = [client.get("/api/who", headers={"Authorization": "Bearer wrong"}).status_code for _ in range(9)]
    assert found == [401] * 5 + [429] * 4
    assert len(workplace.audit.entries(Filter(action=Action.REFUSED))) == 5, "a flood does not fill the log"
    assert client.get("/api/who", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_pages_lead_to_the_sign_in_page_and_back(served: Served, workplace: SmallWorkplace) -> None:
    token = workplace.users.add("anna", Role.READER, ADMIN)
    client = served()
    answer = client.get("/page?label=LKG:1&x=%3Cb%3E")
    assert answer.status_code == 303
    shown = client.get(answer.headers["location"])
    assert shown.status_code == 200
    (following,) = re.findall('name="next" value="([^"]*)"', shown.text)
    assert following == "/page?label=LKG:1&amp;x=%3Cb%3E"
    assert client.post("/sign-in", data={"token": "wrong", "next": following}).status_code == 401
    following = following.replace("&amp;", "&")
    answer = client.post("/sign-in", data={"token": token, "next": following})
    assert (answer.status_code, answer.headers["location"]) == (303, following)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert token not in cookie
    assert client.get("/page").status_code == 200
    assert client.get("/api/who").json()["name"] == "anna"
    assert client.post("/sign-out").status_code == 303
    client.cookies.set("lesionkg-session", cookie.split("=", 1)[1].split(";")[0])
    assert client.get("/api/who").status_code == 401, "the session ended, not only its cookie"
    done = [entry.action for entry in workplace.audit.entries(Filter(person="anna"))]
    assert done == [Action.SIGN_OUT, Action.SIGN_IN]


def test_with_tls_the_cookie_is_of_this_host_only(
    served: Served, workplace: SmallWorkplace, certificate: tuple[Path, Path]
) -> None:
    token = workplace.users.add("anna", Role.READER, ADMIN)
    client = served(certificate=certificate[0], key=certificate[1])
    cookie = client.post("/sign-in", data={"token": token}).headers["set-cookie"]
    assert cookie.startswith("__Host-lesionkg=")
    assert "Secure" in cookie
    assert client.get("/api/who").json()["name"] == "anna"


def test_signing_in_leads_nowhere_else(served: Served, workplace: SmallWorkplace) -> None:
    token = workplace.users.add("anna", Role.READER, ADMIN)
    client = served()
    elsewhere = ["//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "evil", ""]
    elsewhere += ["javascript:alert(1)", "/\t/evil.example", "/sign-out", "/page\r\nSet-Cookie: a=b"]
    for place in elsewhere:
        answer = client.post("/sign-in", data={"token": token, "next": place})
        assert answer.headers["location"] == "/", place


def test_a_session_ends_with_its_time(
    served: Served, workplace: SmallWorkplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lesionkg.server.users.SESSION_HOURS", 0)
    token = workplace.users.add("anna", Role.READER, ADMIN)
    client = served()
    client.post("/sign-in", data={"token": token})
    assert client.get("/api/who").status_code == 401


@pytest.mark.parametrize("end", ["remove", "renew", "sign out"])
def test_an_open_web_socket_ends_with_its_session(served: Served, workplace: SmallWorkplace, end: str) -> None:
    token = workplace.users.add("anna", Role.READER, ADMIN)
    client = served()
    client.post("/sign-in", data={"token": token})
    with pytest.raises(ConnectionClosed), client.socket() as socket:
        socket.send("hello")
        assert socket.recv(timeout=20) == "hello"
        if end == "remove":
            workplace.users.remove("anna", ADMIN)
        elif end == "renew":
            workplace.users.renew("anna", ADMIN)
        else:
            client.post("/sign-out")
        socket.send("still here")
        socket.recv(timeout=20)


def test_a_web_socket_needs_a_session_too(served: Served) -> None:
    with pytest.raises(InvalidStatus), served().socket():
        pass


def test_a_new_role_reaches_pages_that_are_open(served: Served, workplace: SmallWorkplace) -> None:
    token = workplace.users.add("anna", Role.CURATOR, ADMIN)
    client = served()
    client.post("/sign-in", data={"token": token})
    with client.socket() as socket:
        workplace.users.change_role("anna", Role.READER, ADMIN)
        socket.send("hello")
        assert socket.recv(timeout=20) == "hello"
        assert workplace.users.latest(User("anna", Role.CURATOR)).role is Role.READER


# Bodies and failures --------------------------------------------------------------------------------------------


def test_bodies_are_capped_whether_they_tell_their_size_or_not(served: Served) -> None:
    client = served(**OPEN, upload_bytes=2 * SMALL_BYTES)
    piece = b"x" * (1 << 20)
    assert client.post("/api/size", content=piece).json() == {"bytes": 1 << 20}
    for body in (piece * 9, (piece for _ in range(9))):
        answer = client.post("/api/size", content=body)
        assert answer.status_code == 413
        assert answer.json()["error"] == "TooLargeError"
    assert client.post("/api/runs", content=(piece for _ in range(9))).json() == {"bytes": 9 << 20}
    assert client.post("/api/runs", content=(piece for _ in range(17))).status_code == 413


def test_a_failure_tells_neither_its_message_nor_its_values(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    answer = served(**OPEN).get("/api/fail")
    assert answer.status_code == 500
    assert set(answer.json()) == {"error", "message"}
    assert "report text" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text
    assert "x-content-type-options" in answer.headers


# Headers --------------------------------------------------------------------------------------------------------


def test_every_answer_says_what_may_be_done_with_it(served: Served) -> None:
    client = served(**OPEN)
    answers = [client.get(path) for path in ("/page", "/api/who", "/nowhere", "/api/fail")]
    answers.append(client.get("/page", headers={"Host": "evil.example"}))
    answers.append(served().get("/sign-in"))
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
    nonces = {re.search("'nonce-([^']+)'", client.get("/page").headers["content-security-policy"])[1] for _ in "ab"}
    assert len(nonces) == 2, "each answer has its own"
    assert "unsafe-inline" not in client.get("/page").headers["content-security-policy"].split("style-src")[0]
    assert "script" not in client.get("/api/who").headers["content-security-policy"]
