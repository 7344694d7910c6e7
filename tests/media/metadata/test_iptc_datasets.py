"""IPTC-IIM datasets and Photoshop's resources, written by the letter and damaged."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.media.metadata.iptc_datasets import DATASETS_MOST, NAMES, read_datasets
from headwater.media.metadata.photoshop import read_resources

TEXT_KEYS = [key for key in NAMES if key[0] == 2 and key != (2, 0)]
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def dataset(key: tuple[int, int], value: bytes, *, extended: bool = False) -> bytes:
    if extended:
        return bytes([0x1C, *key]) + struct.pack(">HI", 0x8004, len(value)) + value
    return bytes([0x1C, *key]) + struct.pack(">H", len(value)) + value


@given(st.lists(st.tuples(st.sampled_from(TEXT_KEYS), TEXTS, st.booleans()), max_size=20))
def test_round_trip(entries: list[tuple[tuple[int, int], str, bool]]) -> None:
    data = dataset((1, 90), b"\x1b%G")
    expected: dict[str, list[str]] = {}
    for key, text, extended in entries:
        data += dataset(key, text.encode(), extended=extended)
        expected.setdefault(NAMES[key], []).append(text)
    read = read_datasets(data)
    assert read.charset == "utf-8"
    assert read.problems == []
    assert {n: v for n, v in read.values.items() if n != "CodedCharacterSet"} == expected


@pytest.mark.parametrize(
    ("declared", "raw", "text"),
    [
        (None, "Zürich".encode(), "Zürich"),
        (None, "Zürich".encode("latin-1"), "Zürich"),
        (b"\x1b%G", "Zürich".encode(), "Zürich"),
        (b"\x1b.A", "Zürich".encode("latin-1"), "Zürich"),
        (b"\x1b.A", "Zürich".encode(), "ZÃ¼rich"),
    ],
)
def test_character_sets(declared: bytes | None, raw: bytes, text: str) -> None:
    head = dataset((1, 90), declared) if declared else b""
    assert read_datasets(head + dataset((2, 90), raw)).values["City"] == [text]


def test_wrongly_declared_text_is_told() -> None:
    read = read_datasets(dataset((1, 90), b"\x1b%G") + dataset((2, 90), b"Z\xfcrich"))
    assert read.values["City"] == ["Zürich"]
    assert read.problems == ["dataset 2:90 is not UTF-8 as 1:90 says"]


def test_numbers_and_unknown_datasets() -> None:
    read = read_datasets(
        dataset((2, 0), b"\0\x04") + dataset((2, 200), b"x") + dataset((7, 1), b"\1")
    )
    assert read.values == {"ApplicationRecordVersion": ["4"], "2:200": ["x"], "7:1": ["01"]}


def test_faults_are_named() -> None:
    assert "runs past the end" in read_datasets(b"\x1c\x02\x05\x00\x09abc").problems[0]
    assert "no dataset" in read_datasets(dataset((2, 5), b"x") + b"garbage").problems[0]
    assert "length of" in read_datasets(b"\x1c\x02\x05\xff\xff").problems[0]
    assert read_datasets(dataset((2, 5), b"x") + b"\0\0").problems == []
    many = read_datasets(dataset((2, 25), b"k") * (DATASETS_MOST + 5))
    assert len(many.values["Keywords"]) == DATASETS_MOST
    assert many.problems


@given(st.binary(max_size=300))
def test_noise_never_raises(noise: bytes) -> None:
    read_datasets(noise)
    read_datasets(b"\x1c\x02" + noise)
    read_resources(noise)
    read_resources(b"8BIM" + noise)


@given(st.lists(st.tuples(st.integers(0, 65535), st.binary(max_size=9), st.binary(max_size=50))))
def test_resources_round_trip(entries: list[tuple[int, bytes, bytes]]) -> None:
    data = b""
    for number, name, payload in entries:
        text = bytes([len(name)]) + name + b"\0" * ((len(name) + 1) & 1)
        data += b"8BIM" + struct.pack(">H", number) + text + struct.pack(">I", len(payload))
        data += payload + b"\0" * (len(payload) & 1)
    found, problem = read_resources(data)
    assert problem is None
    assert [(entry.number, entry.name) for entry in found] == [
        (number, name.decode("latin-1")) for number, name, _ in entries
    ]
    for entry, (_, _, payload) in zip(found, entries, strict=True):
        assert data[entry.offset_bytes : entry.offset_bytes + entry.size_bytes] == payload


def test_a_resource_that_is_cut_off_is_told() -> None:
    found, problem = read_resources(b"8BIM\x04\x04\0\0\0\0\0\x09abc")
    assert found == []
    assert problem is not None
    assert "0x0404 runs past the end" in problem
