"""The file table of NSRL version 2."""

from __future__ import annotations

import hashlib
import random

from headwater.lists.nsrl2 import Nsrl2Reader
from tests.lists.reading import check_resuming, check_truncation, read, read_well

HEADER = (
    '"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"\r\n'
)


def row(number: int, name: str = "a.dll", special: str = "") -> str:
    data = b"%d" % number
    sha1 = hashlib.sha1(data).hexdigest().upper()
    md5 = hashlib.md5(data).hexdigest().upper()
    return f'"{sha1}","{md5}","{number:08X}","{name}",{number},12,"WIN","{special}"\r\n'


def test_hashes_and_size_are_kept_and_the_rest_is_counted() -> None:
    outcome = read_well(Nsrl2Reader(), HEADER + row(5) + row(6, 'odd, ""name""', "M"))
    first, second = outcome.entries
    assert first.sha1 == hashlib.sha1(b"5").digest()
    assert first.md5 == hashlib.md5(b"5").digest()
    assert (first.size_bytes, first.category, first.labels) == (5, None, ())
    assert second.labels == (("special_code", "M"),)
    assert outcome.lost == {"CRC32": 2, "FileName": 2, "OpSystemCode": 2, "ProductCode": 2}
    assert outcome.faults == []


def test_the_empty_file_is_left_out_and_counted() -> None:
    empty = f'"{hashlib.sha1().hexdigest()}","{hashlib.md5().hexdigest()}","0","e",0,1,"W",""\n'
    outcome = read_well(Nsrl2Reader(), HEADER + empty + row(5) + empty)
    assert len(outcome.entries) == 1
    assert outcome.lost["entries of the empty file"] == 2


def test_names_in_any_encoding_cost_nothing() -> None:
    data = (HEADER + row(1) + row(2, "NAME") + row(3)).encode().replace(b"NAME", b"\xe9t\xe9\xff")
    outcome = read_well(Nsrl2Reader(), data)
    assert [entry.size_bytes for entry in outcome.entries] == [1, 2, 3]
    for entry in outcome.entries:
        assert entry.spot.offset_bytes is not None
        assert data[entry.spot.offset_bytes - 2 : entry.spot.offset_bytes + 1] == b'\r\n"'


def test_another_header_is_a_fault() -> None:
    assert "NSRLFile" in str(read(Nsrl2Reader(), "SHA-1,MD5\n").error)


def test_it_goes_on_at_every_cursor_and_survives_every_cut() -> None:
    chance = random.Random(1)
    text = HEADER + "".join(row(chance.randrange(9**9)) for _ in range(4000))
    check_resuming(Nsrl2Reader, text.encode())
    check_truncation(Nsrl2Reader, (HEADER + row(1) + row(2)).encode())
