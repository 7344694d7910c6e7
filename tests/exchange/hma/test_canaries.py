"""Planted values of lists appear in no byte that the server sends, prints or keeps."""

from __future__ import annotations

import base64
from pathlib import Path
from random import Random

from tests.exchange.hma.serving import Client, Server, flipped, form, import_rows, make_case

CANARIES = 100
LOOKUPS = 3_000
KINDS = {"md5": 16, "sha1": 20, "sha256": 32, "pdq": 32}


def planted(random: Random) -> list[dict[str, bytes]]:
    """Return entries, each with a value of every kind."""
    return [
        {kind: random.randbytes(size) for kind, size in KINDS.items()}
        for _ in range(CANARIES // len(KINDS))
    ]


def spellings(value: bytes) -> list[bytes]:
    """Return how a value could be written, in part too: a third of it is enough to find it by."""
    third = value[: len(value) // 3 + 2]
    number = str(int.from_bytes(value)).encode()
    return [
        third, third.hex().encode(), third.hex().upper().encode(), value[::-1], number,
        base64.b64encode(value).rstrip(b"=")[:16], base64.urlsafe_b64encode(value)[:16],
        repr(third)[2:-1].encode(),
    ]  # fmt: skip


def ask_of(client: Client, random: Random, entry: dict[str, bytes]) -> None:
    """Ask something that concerns an entry: equal, near, far, misplaced or malformed."""
    kind = random.choice(list(KINDS))
    value = entry[kind]
    name = "video_md5" if kind == "md5" and random.random() < 0.5 else kind
    path = random.choice(["/m/lookup", "/m/raw_lookup"])
    hexed = value.hex()
    way = random.randrange(14)
    if way < 4:
        client.get(path, signal_type=name, signal=hexed, include_distance=random.random() < 0.5)
    elif way < 7:
        near = flipped(entry["pdq"], random.sample(range(256), random.randrange(1, 45)))
        client.get(path, signal_type="pdq", signal=near.hex(), include_distance=True)
    elif way == 7:
        client.get(path, signal_type=hexed, signal=hexed, banks=hexed, seed=hexed)
    elif way == 8:
        client.get(path, signal_type=name, signal=hexed + random.choice(["0", "zz", " x", "\x00"]))
    elif way == 9:
        client.ask(random.choice(["GET", "POST", "DELETE"]), f"/{hexed}/{hexed}", {"signal": hexed})
    elif way == 10:
        client.compare({name: [hexed, hexed[:-1]], hexed: [hexed, hexed]})
        client.ask("POST", "/m/compare", None, hexed.encode())
    elif way == 11:
        body, content = form((hexed, f"{hexed}.jpg", value))
        client.ask("POST", path, None, body, {"Content-Type": content})
        client.ask("POST", "/h/hash", {"types": hexed}, body + value, {"Content-Type": hexed})
    elif way == 12:
        client.upload("/m/lookup", random.choice(["photo", "video"]), value, f"{hexed}.jpg")
    else:
        headers = {"Authorization": f"Bearer {hexed}", "X-Signal": hexed}
        client.ask("GET", path, {"signal_type": name, "signal": hexed}, None, headers)


def test_no_byte_of_an_answer_a_log_or_a_file_holds_a_listed_value(tmp_path: Path) -> None:
    random = Random(2026)
    entries = planted(random)
    make_case(tmp_path)
    for name, held in (("harbour", entries[:15]), ("quay", entries[15:])):
        rows = [[entry[kind].hex() for kind in KINDS] for entry in held]
        import_rows(tmp_path, name, ",".join(KINDS), rows)
    options = ("--rate", "1000000", "--burst", "100000", "--workers", "1", "--alarm-at", "10")
    with Server(tmp_path, *options) as server:
        client = Client(server)
        for _ in range(LOOKUPS):
            ask_of(client, random, random.choice(entries))
        # The look-ups were real ones: every planted value matches.
        for entry in entries:
            for kind in KINDS:
                query = {"signal_type": kind, "signal": entry[kind].hex()}
                found = client.get("/m/lookup", **query).said
                assert len(found) == 1
        client.close()
    assert any(line["event"].startswith("ALARM") for line in server.events())
    places = {"answers": bytes(client.received), "out": bytes(server.out)}
    places["errors"] = bytes(server.errors)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            places[str(path)] = path.read_bytes()
    assert len(places["answers"]) > 100 * LOOKUPS
    for entry in entries:
        for kind, value in entry.items():
            for spelt in spellings(value):
                held_by = [name for name, data in places.items() if spelt in data]
                assert not held_by, (kind, held_by)


def test_the_search_finds_what_it_looks_for() -> None:
    value = Random(1).randbytes(32)
    for written in (value, value.hex().encode(), base64.b64encode(value), repr(value).encode()):
        assert any(spelt in written for spelt in spellings(value))
