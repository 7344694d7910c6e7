"""A real server, asked in HMA's own request forms."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from headwater.exchange.hma.answers import ROUTES
from tests.exchange.hma.serving import (
    OTHER,
    TOKEN,
    Client,
    Server,
    flipped,
    form,
    import_rows,
    make_case,
    run_in,
)
from tests.pictures import jpeg

PICTURE = jpeg(5, 640, 480)
VIDEO = b"this stands for a film" * 100
CODES = [Random(number).randbytes(32) for number in range(60)]
MD5 = hashlib.md5(VIDEO).hexdigest()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serving")
    make_case(folder)
    rows = [(Random(n).randbytes(16).hex(), code.hex()) for n, code in enumerate(CODES[:40])]
    import_rows(folder, "Harbour 2026/1", "md5,pdq", [*rows, (MD5, CODES[40].hex())])
    import_rows(folder, "quay", "sha256,pdq", [("ab" * 32, CODES[41].hex())])
    import_rows(folder, "false matches", "pdq", [(CODES[39].hex(),)], role="negative")
    import_rows(folder, "programs", "md5", [("cd" * 16,)], role="known")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with Server(folder, "--rate", "100000", "--burst", "10000", "--workers", "2") as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    client = Client(server)
    yield client
    client.close()


def signal_of(code: bytes) -> dict[str, str]:
    return {"signal_type": "pdq", "signal": code.hex()}


def test_status_is_hmas(client: Client) -> None:
    client.token = None
    answer = client.get("/status")
    assert (answer.status, answer.body) == (200, b"I-AM-ALIVE")
    assert client.get("/livez").status == client.get("/readyz").status == 200
    home = client.get("/")
    assert (home.status, home.headers["location"]) == (302, "/status")


def test_site_map_lists_the_routes_and_beside_it_what_is_left_out(client: Client) -> None:
    assert client.get("/site-map").said == sorted(ROUTES)
    left_out = client.get("/site-map/left-out").said
    for begin in ("/c/", "/ui", "/dev/", "/openapi"):
        assert left_out[begin]
        answer = client.get(f"{begin}anything")
        assert answer.status == 404
        assert "left out" in answer.message
    nowhere = client.get("/nowhere")
    assert nowhere.status == 404
    assert "/site-map" in nowhere.message
    assert client.ask("POST", "/m/raw_lookup").status == 405


def test_raw_lookup_gives_ids_and_withholds_distances(client: Client) -> None:
    near = flipped(CODES[3], [1, 77, 200])
    plain = client.get("/m/raw_lookup", **signal_of(near))
    assert plain.status == 200
    assert plain.headers["cache-control"] == "no-store"
    ids = plain.said["matches"]
    assert len(ids) == 1
    assert isinstance(ids[0], int)
    for true in (True, "true", "1"):
        asked = client.get("/m/raw_lookup", **signal_of(near), include_distance=true)
        assert asked.said == {"matches": [{"bank_content_id": ids[0], "distance": "-"}]}
    assert client.get("/m/raw_lookup", **signal_of(near), include_distance="false").said == {
        "matches": ids
    }
    assert client.get("/m/raw_lookup", **signal_of(near), include_distance="maybe").status == 400
    far = flipped(CODES[3], range(32))
    assert client.get("/m/raw_lookup", **signal_of(far)).said == {"matches": []}


def test_lookup_gives_banks(client: Client) -> None:
    near = flipped(CODES[3], range(31))
    answer = client.get("/m/lookup", **signal_of(near), bypass_coinflip="true", seed="77")
    ids = client.get("/m/raw_lookup", **signal_of(CODES[3])).said["matches"]
    assert answer.said == {"HARBOUR_2026_1": [{"bank_content_id": ids[0], "distance": "-"}]}
    assert client.get("/m/lookup", **signal_of(flipped(CODES[3], range(32)))).said == {}
    assert client.get("/m/lookup", **signal_of(near), banks="QUAY").said == {}
    assert client.get("/m/lookup", **signal_of(near), banks="QUAY,HARBOUR_2026_1").said
    assert client.get("/m/lookup", **signal_of(CODES[41])).said.keys() == {"QUAY"}


def test_digests_are_looked_up_too(client: Client) -> None:
    for name in ("video_md5", "md5"):
        assert client.get("/m/lookup", signal_type=name, signal=MD5).said.keys() == {
            "HARBOUR_2026_1"
        }
    assert client.get("/m/lookup", signal_type="sha256", signal="AB" * 32).said.keys() == {"QUAY"}
    # What is merely known matches nothing.
    assert client.get("/m/lookup", signal_type="md5", signal="cd" * 16).said == {}
    assert client.get("/m/lookup", signal_type="sha1", signal="cd" * 20).said == {}


def test_negative_lists_suppress(client: Client) -> None:
    assert client.get("/m/lookup", **signal_of(CODES[39])).said == {}
    assert client.get("/m/raw_lookup", **signal_of(CODES[39])).said == {"matches": []}
    assert client.get("/m/lookup", **signal_of(flipped(CODES[39], [7]))).said


def test_uploads_are_hashed_as_hma_does(client: Client) -> None:
    made = client.upload("/h/hash", "photo", PICTURE)
    assert made.said.keys() == {"pdq"}
    assert len(bytes.fromhex(made.said["pdq"])) == 32
    assert client.upload("/h/hash", "video", VIDEO, "film.mp4").said == {"video_md5": MD5}
    both = client.upload("/h/hash", "photo", PICTURE, types="pdq,sha1")
    sha1 = hashlib.sha1(PICTURE).hexdigest()
    assert both.said == {"pdq": made.said["pdq"], "sha1": sha1}
    md5 = hashlib.md5(b"any bytes").hexdigest()
    assert client.upload("/h/hash", "photo", b"any bytes", types="md5").said == {"md5": md5}


def test_uploads_are_looked_up(client: Client) -> None:
    found = client.upload("/m/lookup", "video", VIDEO, bypass_coinflip="true").said
    ids = client.get("/m/raw_lookup", signal_type="md5", signal=MD5).said["matches"]
    match = {"bank_content_id": ids[0], "distance": "-"}
    assert found == {"video_md5": {"HARBOUR_2026_1": [match]}}
    assert client.upload("/m/lookup", "video", VIDEO, banks="QUAY").said == {"video_md5": {}}
    assert client.upload("/m/lookup", "photo", PICTURE).said == {"pdq": {}}


def test_wrong_uploads_cost_themselves(client: Client) -> None:
    for path in ("/h/hash", "/m/lookup"):
        for data in (b"", b"no picture", PICTURE[:300], VIDEO):
            answer = client.upload(path, "photo", data)
            assert answer.status == 400
            assert "cannot be hashed" in answer.message
        body, kind = form(("photo", "a.jpg", PICTURE), ("photo", "b.jpg", PICTURE))
        answer = client.ask("POST", path, None, body, {"Content-Type": kind})
        assert (answer.status, answer.message) == (400, "Only one file allowed per request")
        assert client.upload(path, "file", PICTURE).status == 400
        assert client.upload(path, "photo", PICTURE, types="vpdq").status == 400
        assert client.ask("POST", path, None, b"x", {}).status == 400
    assert client.upload("/h/hash", "photo", PICTURE).status == 200


def test_many_upload_at_one_time(server: Server) -> None:
    pictures = {seed: jpeg(seed, 200 + seed, 150) for seed in range(12)}
    made: dict[int, str] = {}

    def upload(seed: int) -> None:
        client = Client(server)
        made[seed] = client.upload("/h/hash", "photo", pictures[seed]).said["pdq"]
        client.close()

    threads = [threading.Thread(target=upload, args=(seed,)) for seed in pictures]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client = Client(server)
    for seed, data in pictures.items():
        assert client.upload("/h/hash", "photo", data).said["pdq"] == made[seed]
    client.close()
    assert len(set(made.values())) == len(pictures)


def test_a_refusal_reaches_who_is_still_sending(server: Server) -> None:
    body, kind = form(("photo", "a.jpg", bytes(20 << 20)))
    for token, path, status in (
        (None, "/m/lookup", 401),
        (TOKEN, "/c/banks", 404),
        (TOKEN, "/m/lookup?url=x", 403),
        (TOKEN, "/m/compare", 413),
    ):
        client = Client(server, token)
        for _ in range(3):
            answer = client.ask("POST", path, None, body, {"Content-Type": kind})
            assert answer.status == status
        client.close()


def test_an_upload_that_breaks_off_is_nothing_to_others(server: Server, client: Client) -> None:
    body, kind = form(("photo", "a.jpg", PICTURE))
    for cut in (10, 200, len(body) - 5):
        torn = Client(server)
        torn.received.clear()
        connection = torn._connection
        connection.putrequest("POST", "/m/lookup")
        for name, value in (
            ("Authorization", f"Bearer {TOKEN}"),
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
        ):
            connection.putheader(name, value)
        connection.endheaders(body[:cut])
        torn.close()
    assert client.upload("/m/lookup", "photo", PICTURE).status == 200


def test_compare_says_what_hma_says(client: Client) -> None:
    left, right = CODES[0].hex(), flipped(CODES[0], range(9)).hex()
    answer = client.compare({"pdq": [left, right], "video_md5": [MD5, MD5]})
    assert answer.said == {"pdq": [True, {"distance": 9}], "video_md5": [True, {"distance": "-"}]}
    wrong: Any
    for wrong in (
        ["banana"],
        {"pdq": "banana"},
        {"pdq": []},
        {"pdq": ["banana", "banana"]},
        {"pdq": [left, right, left]},
        {"vpdq": [left, right]},
        {"pdq": [1, 2]},
        "banana",
    ):
        answer = client.compare(wrong)
        assert answer.status == 400
        assert answer.message
    assert client.ask("POST", "/m/compare", None, b"{" * 50_000).status == 400
    assert client.ask("POST", "/m/compare", None, b"[" * 70_000).status == 413
    assert client.ask("POST", "/m/compare", None, b"\xff\xfe").status == 400


def test_index_status_counts_watch_lists(client: Client) -> None:
    said = client.get("/m/index/status").said
    assert {name: one["size"] for name, one in said.items()} == {
        "pdq": 42, "video_md5": 41, "md5": 41, "sha1": 0, "sha256": 1,
    }  # fmt: skip
    assert said["sha1"] == {"present": False, "built_to": -1, "size": 0}
    assert said["pdq"]["present"]
    assert said["pdq"]["built_to"] > 1_700_000_000
    assert client.get("/m/index/status", signal_type="pdq").said == {"pdq": said["pdq"]}
    assert client.get("/m/index/status", signal_type="vpdq").status == 400


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"signal_type": "pdq"},
        {"signal": "ab" * 32},
        {"signal_type": "vpdq", "signal": "ab" * 32},
        {"signal_type": "pdq", "signal": "ab" * 31},
        {"signal_type": "pdq", "signal": "xy" * 32},
        {"signal_type": "video_md5", "signal": "ab" * 32},
    ],
)
def test_wrong_signals_are_refused_in_hmas_shape(client: Client, query: dict[str, str]) -> None:
    for path in ("/m/lookup", "/m/raw_lookup"):
        answer = client.get(path, **query)
        assert answer.status == 400
        assert answer.said.keys() == {"message"}
        assert "abab" not in answer.message


def test_url_is_refused_on_every_route(client: Client) -> None:
    url = "https://example.org/picture.jpg"
    answers = [
        client.get("/h/hash", url=url),
        client.get("/m/lookup", url=url),
        client.get("/m/lookup", url=url, **signal_of(CODES[0])),
        client.get("/m/raw_lookup", url=url, **signal_of(CODES[0])),
        client.get("/m/index/status", url=url),
        client.upload("/h/hash", "photo", PICTURE, url=url),
        client.upload("/m/lookup", "photo", PICTURE, url=url),
        client.ask("POST", "/m/compare", {"url": url}, b"{}"),
        client.ask("POST", "/c/bank/HARBOUR/content", {"url": url}, b"{}"),
    ]
    body, kind = form(("url", None, url.encode()))
    answers += [
        client.ask("POST", path, None, body, {"Content-Type": kind})
        for path in ("/h/hash", "/m/lookup")
    ]
    for answer in answers:
        assert answer.status == 403
        assert answer.message.startswith("url is refused")
    missing = client.get("/h/hash")
    assert (missing.status, missing.said.keys()) == (400, {"message"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer " + TOKEN[:-1]},
        {"Authorization": "Bearer " + TOKEN + "x"},
        {"Authorization": "Bearer"},
        {"Authorization": TOKEN},
        {"Authorization": "Basic " + TOKEN},
        {"Authorization": "Basic " + base64.b64encode(TOKEN.encode()).decode()},
        {"Authorization": "Bearer \xff\xfe"},
        {"X-API-Key": "nobody" * 8},
    ],
)
def test_without_a_token_nothing_is_answered(server: Server, headers: dict[str, str]) -> None:
    client = Client(server, token=None)
    for path in (*ROUTES, "/nowhere", "/c/banks"):
        if path in ("/", "/status", "/livez", "/readyz"):
            continue
        answer = client.ask("GET", path, signal_of(CODES[0]), None, headers)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    # A token in an address would be written into logs, so there it is none.
    for name in ("token", "access_token", "api_key"):
        assert client.get("/m/lookup", **signal_of(CODES[0]), **{name: TOKEN}).status == 401
    client.close()


def test_a_token_may_come_in_three_headers(server: Server) -> None:
    client = Client(server, token=None)
    basic = base64.b64encode(f"any:{TOKEN}".encode()).decode()
    for headers in (
        {"Authorization": f"bearer {OTHER}"},
        {"X-API-Key": TOKEN},
        {"Authorization": f"Basic {basic}"},
    ):
        assert client.ask("GET", "/m/lookup", signal_of(CODES[0]), None, headers).status == 200
    client.close()


def test_lines_name_token_and_route_and_nothing_that_was_asked(
    server: Server, client: Client
) -> None:
    client.get("/m/lookup", **signal_of(CODES[0]))
    client.get(f"/{CODES[1].hex()}", **signal_of(CODES[0]))
    client.ask("GET", "/status")
    lines = [line for line in server.events() if line["event"] == "request"]
    asked = [line for line in lines if line["token"] == "first"]
    assert {"/m/lookup", "other"} <= {line["route"] for line in asked}
    for line in lines:
        assert line.keys() == {
            "at", "event", "token", "method", "route", "status", "milliseconds",
        }  # fmt: skip
    for written in (bytes(server.errors), bytes(server.out), server.record.read_bytes()):
        assert CODES[0].hex().encode() not in written
        assert CODES[1].hex().encode() not in written
        assert TOKEN.encode() not in written


def test_the_record_is_the_owners_alone(server: Server) -> None:
    assert stat.S_IMODE(server.record.stat().st_mode) == 0o600
    began = json.loads(server.record.read_bytes().splitlines()[0])
    assert began["event"] == "began"
    assert began["tokens"] == ["first", "other"]
    assert began["banks"] == ["HARBOUR_2026_1", "QUAY"]
    assert began["distances"] is False


def test_distances_limits_and_alarms(tmp_path: Path) -> None:
    make_case(tmp_path)
    import_rows(tmp_path, "harbour", "pdq", [(code.hex(),) for code in CODES[:5]])
    options = ("--distances", "--no-uploads", "--alarm-at", "20", "--rate", "1", "--burst", "30")
    with Server(tmp_path, *options) as server:
        client, other = Client(server), Client(server, OTHER)
        for bit in range(25):
            near = flipped(CODES[0], [bit, 100])
            found = client.get("/m/lookup", **signal_of(near)).said
            assert found["HARBOUR"][0]["distance"] == "2"
        exact = client.get("/m/raw_lookup", **signal_of(CODES[1]), include_distance=True).said
        assert exact["matches"][0]["distance"] == "0"
        assert client.upload("/m/lookup", "photo", PICTURE).status == 403
        statuses = [client.get("/m/lookup", **signal_of(CODES[1])).status for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        slow = client.get("/m/lookup", **signal_of(CODES[1]))
        assert 1 <= int(slow.headers["retry-after"]) <= 60
        assert slow.said.keys() == {"message"}
        assert client.get("/status").status == 200
        assert other.get("/m/lookup", **signal_of(CODES[1])).status == 200
        client.close()
        other.close()
    kept = [json.loads(line) for line in server.record.read_bytes().splitlines()]
    alarms = [line for line in kept if line["event"].startswith("ALARM")]
    assert [(line["token"], line["near_signals"]) for line in alarms] == [("first", 20)]
    assert alarms[0]["near_signals_that_matched"] == 20
    assert [line for line in server.events() if line["event"].startswith("ALARM")] == alarms
    assert [line["event"] for line in kept] == ["began", alarms[0]["event"], "ended"]
    # One that was asked by a refused upload is no look-up, nor is one beyond the limit.
    assert kept[-1]["lookups"] == 25 + 1 + 3 + 1
    assert kept[-1]["alarms"] == 1
    assert all(code.hex() not in server.record.read_text() for code in CODES[:5])


def test_lists_come_and_go_while_it_serves(tmp_path: Path) -> None:
    case = make_case(tmp_path)
    import_rows(tmp_path, "harbour", "pdq", [(CODES[0].hex(),)])
    with Server(tmp_path, "--no-uploads", "--rate", "100000", "--burst", "1000") as server:
        client = Client(server)

        def found(code: bytes) -> set[str]:
            return set(client.get("/m/lookup", **signal_of(code)).said)

        first = client.get("/m/raw_lookup", **signal_of(CODES[0])).said
        import_rows(tmp_path, "quay", "pdq", [(CODES[1].hex(),)])
        server.banks_become("HARBOUR", "QUAY")
        assert found(CODES[1]) == {"QUAY"}
        # The same version gives the same ids, another one others.
        assert client.get("/m/raw_lookup", **signal_of(CODES[0])).said == first
        import_rows(tmp_path, "harbour", "pdq", [(CODES[2].hex(),), (CODES[0].hex(),)])
        lines = server.record.read_bytes().count(b"\n")
        while not found(CODES[2]):
            assert found(CODES[0]) == {"HARBOUR"}
        assert server.record.read_bytes().count(b"\n") <= lines + 1
        assert client.get("/m/raw_lookup", **signal_of(CODES[0])).said != first
        import_rows(tmp_path, "false", "pdq", [(CODES[2].hex(),)], role="negative")
        while found(CODES[2]):
            assert found(CODES[0]) == {"HARBOUR"}
        run_in(tmp_path, "lists", "remove", "harbour", "--case", case)
        server.banks_become("QUAY")
        assert found(CODES[0]) == set()
        run_in(tmp_path, "lists", "remove", "false", "--case", case)
        run_in(tmp_path, "lists", "remove", "quay", "--case", case)
        server.banks_become()
        assert found(CODES[1]) == set()
        assert client.get("/status").status == 200
        client.close()
    assert not [line for line in server.events() if line["event"] == "library"]
