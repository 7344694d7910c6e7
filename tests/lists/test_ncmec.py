"""NCMEC's hash sharing pages, and hostile XML."""

from __future__ import annotations

import base64
import hashlib
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.lists.contract import ListFault
from headwater.lists.ncmec import NcmecReader
from headwater.lists.xml_pages import DEEPEST, TOKEN_BYTES
from tests.lists.reading import (
    BytesStream,
    EndlessStream,
    check_no_value_shown,
    check_resuming,
    check_truncation,
    gathered,
    read,
    read_well,
)

NAMESPACE = 'xmlns="https://hashsharing.ncmec.org/hashsharing/v2"'
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
PHOTODNA = base64.b64encode(bytes(range(144))).decode()


def md5(number: int) -> str:
    return hashlib.md5(b"%d" % number).hexdigest()


def sha1(number: int) -> str:
    return hashlib.sha1(b"%d" % number).hexdigest()


def image(number: int, more: str = "", fingerprints: str | None = None, kind: str = "image") -> str:
    if fingerprints is None:
        fingerprints = f"<md5>{md5(number)}</md5><sha1>{sha1(number)}</sha1>"
    return (
        f'<{kind}><member id="42">Example &amp; Member</member>'
        f"<timestamp>2017-10-24T15:00:00Z</timestamp><id>image{number}</id>"
        f"<classification>A1</classification>\n <fingerprints>{fingerprints}</fingerprints>"
        f"{more}</{kind}>\n"
    )


def page(images: str, videos: str = "", *, declaration: str = "") -> str:
    return (
        f"{declaration}<queryResult {NAMESPACE}>\n"
        f'<images count="2" maxTimestamp="2017-10-24T15:10:00Z">{images}</images>\n'
        f'<videos count="0">{videos}</videos>'
        "<paging><next>/v2/entries?from=a&amp;to=b&amp;start=2001</next></paging></queryResult>\n"
    )


def feedback(affirmative: tuple[str, ...] = (), negative: tuple[str, ...] = ()) -> str:
    members = '<members timestamp="x"><member id="7">Other</member></members>'
    said = [
        f'<affirmativeFeedback type="{kind}">{members}</affirmativeFeedback>'
        for kind in affirmative
    ]
    said += [
        f'<negativeFeedback type="{kind}"><reasons><reason guid="g" name="n" type="{kind}"/>'
        f"{members}</reasons></negativeFeedback>"
        for kind in negative
    ]
    return f'<feedback lastUpdateTimestamp="x">{"".join(said)}</feedback>'


def test_an_entry_is_kept_with_what_it_says() -> None:
    fingerprints = (
        f"<md5>{md5(1).upper()}</md5><sha1> {sha1(1)} </sha1><pdna>{PHOTODNA}</pdna>"
        f"<pdq>{'ab' * 32}</pdq><netclean>x</netclean>"
    )
    text = page(
        image(1, fingerprints=fingerprints), image(2, kind="video"), declaration=DECLARATION
    )
    outcome = read_well(NcmecReader(), text)
    first, second = outcome.entries
    assert first.md5 == bytes.fromhex(md5(1))
    assert first.sha1 == bytes.fromhex(sha1(1))
    assert first.photodna == bytes(range(144))
    assert first.pdq == b"\xab" * 32
    assert (first.category, first.media, first.status) == ("A1", "picture", "active")
    assert first.labels == (
        ("owner", "Example & Member"),
        ("record_id", "image1"),
        ("updated_at", "2017-10-24T15:00:00.000Z"),
    )
    assert second.media == "video"
    assert outcome.lost == {"fingerprints/netclean": 1, "member/@id": 2}
    assert first.spot.offset_bytes == text.index("<image>")
    assert first.spot.line == 3
    assert second.spot.offset_bytes == text.index("<video>")


def test_negative_feedback_withdraws_the_hash_it_speaks_of() -> None:
    text = page(
        image(1, feedback(affirmative=("Md5",), negative=("Sha1",)))
        + image(2, feedback(affirmative=("Md5",)))
        + image(3, feedback(negative=("MD5", "SHA1")))
        + image(4, feedback(affirmative=("Md5",), negative=("Md5",)))
        + image(5, feedback(negative=("Pdna",)))
    )
    outcome = read_well(NcmecReader(), text)
    told = [(e.md5 is not None, e.sha1 is not None, e.status) for e in outcome.entries]
    assert told == [
        (True, False, "active"),
        (False, True, "withdrawn"),
        (True, True, "active"),
        (True, True, "withdrawn"),
        (True, True, "active"),
        (True, True, "active"),
    ]
    assert [("disputed", "yes") in entry.labels for entry in outcome.entries] == [
        False,
        False,
        False,
        False,
        True,
        False,
    ]
    assert outcome.lost["feedback/negativeFeedback"] == 5


def test_a_deletion_withdraws_where_it_tells_a_hash_and_is_a_fault_where_not() -> None:
    bare = '<deletedImage><member id="43">M</member><id>image4</id></deletedImage>'
    text = page(bare + image(4, kind="deletedImage"), bare.replace("Image>", "Video>"))
    outcome = read_well(NcmecReader(), text)
    assert [entry.status for entry in outcome.entries] == ["withdrawn"]
    assert [fault.field for fault in outcome.faults] == ["deletedImage", "deletedVideo"]
    assert all("no entry can be found by it" in fault.rule for fault in outcome.faults)


@pytest.mark.parametrize("declaration", ["", DECLARATION])
@pytest.mark.parametrize("between", ["", "\n\n", "<!-- next page -->\n", "<?page 2?>"])
def test_pages_may_stand_one_behind_the_other(declaration: str, between: str) -> None:
    pages = [page(image(n) + image(n + 1), declaration=declaration) for n in (1, 3, 5)]
    text = between.join(pages)
    outcome = read_well(NcmecReader(), text)
    assert [entry.md5 for entry in outcome.entries] == [bytes.fromhex(md5(n)) for n in range(1, 7)]
    for entry in outcome.entries:
        assert entry.spot.offset_bytes is not None
        assert text[entry.spot.offset_bytes :].startswith("<image>")
        assert entry.spot.line == text[: entry.spot.offset_bytes].count("\n") + 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "iso-8859-1"])
def test_encodings_and_prefixes_give_the_same(encoding: str) -> None:
    text = page(image(1).replace("Example", "Exämple"))
    text = text.replace("<", "<h:").replace("<h:/", "</h:").replace("xmlns=", "xmlns:h=")
    if encoding == "iso-8859-1":
        text = '<?xml version="1.0" encoding="ISO-8859-1"?>' + text
    (entry,) = read_well(NcmecReader(), text.encode(encoding)).entries
    assert dict(entry.labels)["owner"] == "Exämple & Member"


def big(entries: int, shape: Callable[[str], str] = page) -> str:
    parts = []
    for first in range(0, entries, 1500):
        numbers = range(first, min(first + 1500, entries))
        parts.append(
            shape("".join(image(n, feedback(("Md5",), ("Sha1",) * (n % 2))) for n in numbers))
        )
    return "".join(parts)


def prefixed(images: str) -> str:
    text = page(images, declaration=DECLARATION.replace("UTF-8", "ISO-8859-1"))
    return (
        text.replace("<", "<h:")
        .replace("<h:/", "</h:")
        .replace("<h:?", "<?")
        .replace("xmlns=", "xmlns:h=")
    )


def test_it_goes_on_at_every_cursor() -> None:
    check_resuming(NcmecReader, big(4200).encode())
    check_resuming(NcmecReader, big(2100).encode("utf-16"))
    text = big(2100, prefixed).replace("Example", "Exämple")
    check_resuming(NcmecReader, text.encode("iso-8859-1"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_cut_anywhere_it_is_a_fault_with_its_place(encoding: str) -> None:
    text = page(image(1) + image(2), declaration=DECLARATION)
    data = text.rstrip().encode(encoding)
    whole = read_well(NcmecReader(), data).entries
    for size, outcome in enumerate(check_truncation(NcmecReader, data)):
        assert outcome.error is not None, size
        assert outcome.entries == whole[: len(outcome.entries)]
        assert outcome.error.spot is not None
        assert outcome.error.spot.offset_bytes is not None
        assert outcome.error.spot.offset_bytes <= max(size, 4)


def test_a_broken_page_is_a_fault_after_the_entries_before() -> None:
    text = page(image(1) + image(2) + "<image><oops></image>")
    outcome = read(NcmecReader(), text)
    assert len(outcome.entries) == 2
    assert str(outcome.error).startswith("the XML is broken (mismatched tag) at line ")
    rest = read(NcmecReader(), text, outcome.cursors[-1])
    assert (rest.entries, str(rest.error)) == ([], str(outcome.error))


LAUGHS = (
    '<!DOCTYPE queryResult [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {name} "{f"&{below};" * 10}">'
        for below, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)


@pytest.mark.parametrize(
    "head",
    [
        LAUGHS,
        "<!DOCTYPE queryResult>",
        '<!DOCTYPE queryResult SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE q [<!ENTITY % p SYSTEM "http://a.example/x">%p;]>',
    ],
)
def test_a_doctype_is_refused_before_anything_is_expanded(head: str) -> None:
    text = head + page(image(1).replace("Example", "&i;"))
    tracemalloc.start()
    outcome = read(NcmecReader(), text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outcome.entries == []
    assert "DOCTYPE" in str(outcome.error)
    assert "etc" not in str(outcome.error)
    assert peak < 8 << 20


def test_an_entity_that_is_not_xmls_own_is_refused() -> None:
    outcome = read(NcmecReader(), page(image(1) + image(2).replace("&amp;", "&secret;")))
    assert len(outcome.entries) == 1
    assert "an entity" in str(outcome.error)
    assert "secret" not in str(outcome.error)


def test_depth_has_a_ceiling() -> None:
    deep = "<x>" * (DEEPEST - 3) + "</x>" * (DEEPEST - 3)
    assert len(read_well(NcmecReader(), page(image(1, deep))).entries) == 1
    deeper = "<x>" * (DEEPEST - 2) + "</x>" * (DEEPEST - 2)
    assert f"more than {DEEPEST} elements" in str(read(NcmecReader(), page(image(1, deeper))).error)


@pytest.mark.parametrize(
    "opening",
    [
        "<!-- ",
        "<image x='",
        "<image ",
        "<",
        "<?x ",
        "<![CDATA[",
        "<image>",
        "<image><id>",
    ],
)
def test_four_gigabytes_of_anything_cost_bounded_memory(opening: str) -> None:
    first = page(image(1)).split("</images>")[0] + opening
    size = 4 << 30 if opening[-1] not in ">[" else 24 << 20
    stream = EndlessStream(b"a", size, first=first.encode())
    tracemalloc.start()
    outcome = gathered(NcmecReader().read(stream))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(outcome.entries) == 1
    assert outcome.error is not None
    assert peak < 24 * TOKEN_BYTES
    if opening[-1] not in ">[":
        assert stream.taken < 4 * TOKEN_BYTES


def test_hashes_that_cannot_be_read_cost_themselves() -> None:
    text = page(
        image(1, fingerprints=f"<md5>{md5(1)[:-1]}</md5><sha1>{sha1(1)}</sha1>")
        + image(2, fingerprints=f"<md5>{md5(2)}0</md5>")
        + image(3, fingerprints="")
        + image(4, fingerprints=f"<md5>{'a' * 100_000}</md5>")
        + "<image/><image></image>"
        + image(5)
    )
    outcome = read_well(NcmecReader(), text)
    assert len(outcome.entries) == 2
    assert [(fault.field, fault.rule, fault.whole) for fault in outcome.faults] == [
        ("fingerprints/md5", "not 32 hex digits", False),
        ("fingerprints/md5", "not 32 hex digits", True),
        ("image", "no hash", True),
        ("fingerprints/md5", "not 32 hex digits", True),
    ]
    assert outcome.lost["entries with nothing in them"] == 2
    check_no_value_shown(outcome, [md5(1)[:-2], md5(2), sha1(1)])


def test_duplicates_and_contradictions_go_through_as_they_are() -> None:
    text = page(image(1) + image(1) + image(1, kind="deletedImage"))
    statuses = [entry.status for entry in read_well(NcmecReader(), text).entries]
    assert statuses == ["active", "active", "withdrawn"]


@pytest.mark.parametrize(
    "data",
    [
        b"<other/>",
        b"<queryResult/><other/>",
        b"",
        b"   ",
        b"no xml",
        b"\x00\x01\x02\x03",
        b"<?xml version='1.0' encoding='utf-7'?><queryResult/>",
        b"<queryResult></queryResult>trailing",
    ],
)
def test_what_is_no_such_page_is_a_fault(data: bytes) -> None:
    outcome = read(NcmecReader(), data)
    assert outcome.entries == []
    assert outcome.error is not None


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_any_damage_is_a_fault_or_costs_entries_alone(data: st.DataObject) -> None:
    text = bytearray(page(image(1) + image(2) + image(3), declaration=DECLARATION).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(text) - 1))
        text[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=4))
    outcome = gathered(NcmecReader().read(BytesStream(bytes(text), piece_bytes=11)))
    assert len(outcome.entries) <= 4
    if outcome.error is not None:
        assert isinstance(outcome.error, ListFault)
