"""XMP in all the forms of RDF that it allows, damaged, and hostile."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.media.metadata.xmp_packet import (
    ELEMENTS_MOST,
    PROPERTIES_MOST,
    array_fields,
    read_packet,
    xmp_angle,
)

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
TEXTS = st.text(
    st.characters(blacklist_categories=["Cs", "Cc", "Cn"], blacklist_characters="\ufffe\uffff"),
    max_size=20,
).map(str.strip)


def packet(inside: str, attributes: str = "") -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Quill Core 9"><rdf:RDF xmlns:rdf="{RDF}">'
        f'<rdf:Description rdf:about="" xmlns:q="urn:quill" xmlns:s="urn:step" {attributes}>'
        f'{inside}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


@given(st.dictionaries(st.sampled_from("abcdefgh"), TEXTS), st.data())
def test_round_trip(values: dict[str, str], data: st.DataObject) -> None:
    """Each value written as an attribute, an element, an array item or a field comes back."""
    attributes, elements = "", ""
    expected = {}
    for name, value in values.items():
        form = data.draw(st.sampled_from(["attribute", "element", "array", "alternative", "field"]))
        text = escape(value)
        if form == "attribute":
            attributes += f" q:{name}={quoteattr(value)}"
            expected[f"q:{name}"] = value
        elif form == "element":
            elements += f"<q:{name}>{text}</q:{name}>"
            expected[f"q:{name}"] = value
        elif form == "array":
            items = f"<rdf:li>{text}</rdf:li><rdf:li>2</rdf:li>"
            elements += f"<q:{name}><rdf:Seq>{items}</rdf:Seq></q:{name}>"
            expected |= {f"q:{name}[1]": value, f"q:{name}[2]": "2"}
        elif form == "alternative":
            item = f'<rdf:li xml:lang="de-AT">{text}</rdf:li>'
            elements += f"<q:{name}><rdf:Alt>{item}</rdf:Alt></q:{name}>"
            expected[f"q:{name}[de-AT]"] = value
        else:
            inner = f"<s:f>{text}</s:f>"
            elements += f'<q:{name} rdf:parseType="Resource">{inner}</q:{name}>'
            expected[f"q:{name}/s:f"] = value
    read = read_packet(packet(elements, attributes))
    assert read.problems == []
    normal = {path: " ".join(value.split()) for path, value in expected.items()}
    assert {path: " ".join(value.split()) for path, value in read.properties.items()} == normal
    assert read.toolkit == "Quill Core 9"


STRUCTURES = (
    '<q:a rdf:parseType="Resource"><s:b>1</s:b><s:c>2</s:c></q:a>',
    "<q:a><rdf:Description><s:b>1</s:b><s:c>2</s:c></rdf:Description></q:a>",
    '<q:a><rdf:Description s:b="1" s:c="2"/></q:a>',
    '<q:a s:b="1" s:c="2"/>',
)


@pytest.mark.parametrize("form", STRUCTURES)
def test_structures_are_the_same_in_every_form(form: str) -> None:
    assert read_packet(packet(form)).properties == {"q:a/s:b": "1", "q:a/s:c": "2"}


def test_arrays_of_structures_keep_their_order() -> None:
    items = "".join(f'<rdf:li s:n="{n}" s:word="w{n}"/>' for n in range(1, 13))
    read = read_packet(packet(f"<q:a><rdf:Seq>{items}</rdf:Seq></q:a>"))
    fields = array_fields(read.properties, "q:a")
    assert [entry["s:n"] for entry in fields] == [str(n) for n in range(1, 13)]


def test_resources_and_qualified_values() -> None:
    inside = '<q:a rdf:resource="urn:x"/><q:b><rdf:Description><rdf:value>7</rdf:value>'
    inside += "<s:unit>mm</s:unit></rdf:Description></q:b>"
    expected = {"q:a": "urn:x", "q:b": "7", "q:b/s:unit": "mm"}
    assert read_packet(packet(inside)).properties == expected


def test_customary_prefixes_replace_those_of_the_packet() -> None:
    uri = "http://ns.adobe.com/xap/1.0/"
    read = read_packet(packet("", f'xmlns:odd="{uri}" odd:CreatorTool="Quill"'))
    assert read.properties == {"xmp:CreatorTool": "Quill"}
    assert read.namespaces == {"xmp": uri}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_encodings(encoding: str) -> None:
    text = packet("<q:a>Zürich</q:a>").decode()
    start = text.index("<x:")
    assert read_packet(text[start:].encode(encoding)).properties == {"q:a": "Zürich"}


def test_what_stands_before_a_fault_is_kept() -> None:
    whole = packet("<q:a>1</q:a><q:b>2</q:b><q:c>3</q:c>")
    read = read_packet(whole.replace(b"<q:c>", b"<q:c <"))
    assert read.properties == {"q:a": "1", "q:b": "2"}
    assert "XML is broken" in read.problems[0]


def test_document_types_are_not_read() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "cccccccc">]>' + packet("<q:a>&b;</q:a>")
    read = read_packet(bomb)
    assert read.properties == {}
    assert "document type" in read.problems[0]


def test_ceilings_hold() -> None:
    many = "".join(f"<q:n{n}>x</q:n{n}>" for n in range(PROPERTIES_MOST + 50))
    read = read_packet(packet(many))
    assert len(read.properties) == PROPERTIES_MOST
    assert read.left_out == 50
    more = "<q:a/>" * (ELEMENTS_MOST + 10)
    assert "too many elements" in " ".join(read_packet(packet(more)).problems)
    deep = "<q:a>" * 500 + "x" + "</q:a>" * 500
    assert "deeper" in " ".join(read_packet(packet(deep)).problems)
    long = read_packet(packet(f"<q:a>{'x' * 5000}</q:a>"))
    assert len(long.properties["q:a"]) == 1024
    assert long.left_out == 1


@given(st.binary(max_size=400), st.integers(0, 600))
def test_noise_never_raises(noise: bytes, at: int) -> None:
    whole = packet("<q:a><rdf:Bag><rdf:li>1</rdf:li></rdf:Bag></q:a>")
    read_packet(noise)
    read_packet(whole[:at] + noise + whole[at:])


@pytest.mark.parametrize(
    ("text", "letters", "degrees"),
    [
        ("47,30.5N", "NS", 47.5083333),
        ("47,30,30S", "NS", -47.5083333),
        ("122,0.06W", "EW", -122.001),
        ("95,0.0N", "NS", None),
        ("47,30.5E", "NS", None),
        ("47.5", "NS", None),
        (None, "NS", None),
    ],
)
def test_angles(text: str | None, letters: str, degrees: float | None) -> None:
    assert xmp_angle(text, letters) == degrees
