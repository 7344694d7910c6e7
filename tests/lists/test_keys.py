"""The key of known lists: made once, found again, and missed with a clear word."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from headwater.errors import CaseError
from headwater.lists.keys import ListKey, derived, key_path, list_key

CASE = "ab" * 16


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    case = tmp_path / "case"
    case.mkdir()
    return tmp_path / "keys", case


def test_it_is_made_on_first_use_and_found_again(places: tuple[Path, Path]) -> None:
    folder, case = places
    made = list_key(folder, CASE, case, make=True)
    assert list_key(folder, CASE, case, make=False) == made
    assert list_key(folder, CASE, case, make=True) == made
    assert os.listdir(folder) == [f"lists-{CASE}.key"]
    assert stat.S_IMODE(key_path(folder, CASE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_each_case_has_another_and_each_purpose_too(places: tuple[Path, Path]) -> None:
    folder, case = places
    one = list_key(folder, CASE, case, make=True)
    other = list_key(folder, "cd" * 16, case, make=True)
    parts = [one.sealing, one.digests, one.check, other.sealing, other.digests, other.check]
    assert len({part[:16] for part in parts}) == 6


def test_hkdf_is_the_one_of_the_rfc() -> None:
    # HKDF-SHA256 written out with hmac (RFC 5869, sections 2.2 and 2.3).
    import hmac

    secret = bytes(range(32))
    extracted = hmac.digest(bytes(32), secret, "sha256")
    expanded = hmac.digest(extracted, b"headwater lists: sealing\x01", "sha256")
    assert derived(secret).sealing == expanded


def test_secrets_are_not_shown() -> None:
    key = derived(b"\x11" * 32)
    assert key.sealing.hex() not in repr(key)
    assert repr(key.sealing) not in repr(key)
    assert repr(key.digests) not in repr(key)
    assert repr(key) == f"ListKey(check={key.check!r})"


def test_a_lost_key_says_what_to_do_and_none_is_made(places: tuple[Path, Path]) -> None:
    folder, case = places
    with pytest.raises(CaseError, match=r"not there; restore it.*HEADWATER_KEY_DIR"):
        list_key(folder, CASE, case, make=False)
    assert not folder.exists()


def test_it_may_not_lie_in_the_case_nor_be_readable_by_others(places: tuple[Path, Path]) -> None:
    folder, case = places
    with pytest.raises(CaseError, match="may not lie inside the case"):
        list_key(case / "keys", CASE, case, make=True)
    list_key(folder, CASE, case, make=True)
    key_path(folder, CASE).chmod(0o640)
    with pytest.raises(CaseError, match="chmod 600"):
        list_key(folder, CASE, case, make=False)


def test_every_changed_byte_shows(places: tuple[Path, Path]) -> None:
    folder, case = places
    list_key(folder, CASE, case, make=True)
    path = key_path(folder, CASE)
    good = path.read_bytes()
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(CaseError, match="restore it from a copy"):
            list_key(folder, CASE, case, make=False)
    for data in (b"", good[:-1], good + b"\0"):
        path.write_bytes(data)
        with pytest.raises(CaseError, match="restore it from a copy"):
            list_key(folder, CASE, case, make=False)


def test_the_key_of_another_case_is_refused(places: tuple[Path, Path]) -> None:
    folder, case = places
    list_key(folder, CASE, case, make=True)
    os.rename(key_path(folder, CASE), key_path(folder, "cd" * 16))
    with pytest.raises(CaseError, match="of another case"):
        list_key(folder, "cd" * 16, case, make=False)


def test_many_at_once_make_one(places: tuple[Path, Path]) -> None:
    folder, case = places
    found: list[ListKey] = []
    barrier = threading.Barrier(2)

    def make() -> None:
        barrier.wait()
        found.append(list_key(folder, CASE, case, make=True))

    child = os.fork()
    if child == 0:
        list_key(folder, CASE, case, make=True)
        os._exit(0)
    made = list_key(folder, CASE, case, make=True)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list_key(folder, CASE, case, make=True) == made
    assert os.listdir(folder) == [f"lists-{CASE}.key"]
