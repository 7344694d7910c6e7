"""XMP packets (ISO 16684-1): RDF/XML flattened into property paths, within bounds.

A path is `prefix:name`, with `[n]` for the n-th item of an array (from 1), `[lang]` for an
alternative text, and `/prefix:name` for a field of a structure.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

PACKET_BYTES_MOST = 16 << 20
"""A larger packet is parsed up to here."""
ELEMENTS_MOST = 20_000
DEPTH_MOST = 32
PROPERTIES_MOST = 2000
ATTRIBUTES_MOST = 200_000
"""More `=` than this in a packet, and it is not parsed."""
ALL_VALUES_MOST = 1 << 20
"""Characters of all values of one packet that are kept."""
VALUE_MOST = 1024
"""Characters of one value that are kept."""
_PATH_MOST = 512
_PREFIX_MOST = 32
_OPEN_MOST = 10_000
"""Elements open at one time at which parsing ends: the parser keeps each of them."""
_NAMESPACES_MOST = 200
_URI_MOST = 256

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML = "http://www.w3.org/XML/1998/namespace"
_META = "adobe:ns:meta/"
_ADOBE = "http://ns.adobe.com/"
PREFIXES = {
    RDF: "rdf",
    _XML: "xml",
    _META: "x",
    "http://purl.org/dc/elements/1.1/": "dc",
    f"{_ADOBE}xap/1.0/": "xmp",
    f"{_ADOBE}xap/1.0/mm/": "xmpMM",
    f"{_ADOBE}xap/1.0/rights/": "xmpRights",
    f"{_ADOBE}xap/1.0/bj/": "xmpBJ",
    f"{_ADOBE}xap/1.0/sType/ResourceRef#": "stRef",
    f"{_ADOBE}xap/1.0/sType/ResourceEvent#": "stEvt",
    f"{_ADOBE}xmp/1.0/DynamicMedia/": "xmpDM",
    f"{_ADOBE}xmp/note/": "xmpNote",
    f"{_ADOBE}tiff/1.0/": "tiff",
    f"{_ADOBE}exif/1.0/": "exif",
    f"{_ADOBE}exif/1.0/aux/": "aux",
    "http://cipa.jp/exif/1.0/": "exifEX",
    f"{_ADOBE}photoshop/1.0/": "photoshop",
    f"{_ADOBE}camera-raw-settings/1.0/": "crs",
    f"{_ADOBE}lightroom/1.0/": "lr",
    f"{_ADOBE}pdf/1.3/": "pdf",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://ns.useplus.org/ldf/xmp/1.0/": "plus",
    "http://ns.google.com/photos/1.0/camera/": "GCamera",
    "http://ns.google.com/photos/1.0/container/": "Container",
    "http://ns.google.com/photos/1.0/container/item/": "Item",
    "http://ns.google.com/photos/1.0/panorama/": "GPano",
    "http://ns.google.com/photos/1.0/image/": "GImage",
    "http://ns.google.com/photos/1.0/depthmap/": "GDepth",
    "http://ns.microsoft.com/photo/1.0/": "MicrosoftPhoto",
    "http://www.metadataworkinggroup.com/schemas/regions/": "mwg-rs",
    "http://purl.org/dc/terms/": "dcterms",
    f"{_ADOBE}hdr-gain-map/1.0/": "hdrgm",
    "http://www.dji.com/drone-dji/1.0/": "drone-dji",
}
"""Customary prefixes, used whatever prefix a packet binds to these names."""


@dataclass(slots=True)
class Packet:
    """What one packet says."""

    properties: dict[str, str] = field(default_factory=dict)
    namespaces: dict[str, str] = field(default_factory=dict)
    """By the prefix used in paths."""
    toolkit: str | None = None
    left_out: int = 0
    """Properties beyond the ceiling, and values that were cut."""
    problems: list[str] = field(default_factory=list)


class _Element:
    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[_Element] = []
        self.text: list[str] = []


class _EnoughError(Exception):
    """Raised through the parser to end it once the ceiling is reached."""


class _Builder:
    """The parser's target: a tree of at most 20,000 elements, whatever was read before a fault."""

    def __init__(self) -> None:
        self.root = _Element("", {})
        self.open = [self.root]
        self.depth = 0
        self.elements = 0
        self.too_deep = False
        self.prefixes: dict[str, str] = {}

    def start_ns(self, prefix: str, uri: str) -> None:
        self.prefixes.setdefault(uri, prefix)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEPTH_MOST:
            self.too_deep = True
            if self.depth > _OPEN_MOST:
                raise _EnoughError
            return
        self.elements += 1
        if self.elements > ELEMENTS_MOST:
            raise _EnoughError
        element = _Element(name, attributes)
        self.open[-1].children.append(element)
        self.open.append(element)

    def end(self, _name: str) -> None:
        if self.depth <= DEPTH_MOST:
            self.open.pop()
        self.depth -= 1

    def data(self, text: str) -> None:
        if self.depth <= DEPTH_MOST:
            self.open[-1].text.append(text)

    def close(self) -> None:
        return None


def read_packet(data: bytes) -> Packet:
    """Parse a packet. Faults are noted; what stands before them is kept."""
    packet = Packet()
    builder = _Builder()
    _parse(_text(data, packet), builder, packet)
    names = _Names(builder.prefixes)
    rdf = _find(builder.root, packet)
    if rdf is None:
        packet.problems.append("no rdf:RDF element")
        return packet
    flat = _Flattener(packet, names)
    for description in rdf.children:
        flat.structure(description, "")
    kept = sorted(names.used.items())[:_NAMESPACES_MOST]
    packet.namespaces = {prefix: uri[:_URI_MOST] for prefix, uri in kept}
    packet.properties = dict(sorted(packet.properties.items()))
    return packet


def _text(data: bytes, packet: Packet) -> str:
    if len(data) > PACKET_BYTES_MOST:
        packet.problems.append(f"packet of {len(data)} bytes: read up to {PACKET_BYTES_MOST}")
        data = data[:PACKET_BYTES_MOST]
    encoding = "utf-8-sig"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-32" if data[:4] == b"\xff\xfe\0\0" else "utf-16"
    elif data[:4].count(b"\0") == 2:
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    elif data[:4].count(b"\0") == 3:
        encoding = "utf-32-le" if data[1:2] == b"\0" else "utf-32-be"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        packet.problems.append(f"text is not {encoding.removesuffix('-sig')} at byte {error.start}")
        text = data.decode(encoding, "replace")
    start, end = text.find("<"), text.rfind(">")
    return text[start : end + 1] if 0 <= start < end else ""


def _parse(text: str, builder: _Builder, packet: Packet) -> None:
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415
    from defusedxml.ElementTree import DefusedXMLParser, ParseError  # noqa: PLC0415

    if text.count("=") > ATTRIBUTES_MOST:
        packet.problems.append(f"more than {ATTRIBUTES_MOST} attributes: not parsed")
        return
    parser = DefusedXMLParser(target=builder, forbid_dtd=True)
    try:
        # In one piece: a parser that is fed in parts may read long tokens again and again.
        parser.feed(text)
        parser.close()
    except ParseError as error:
        packet.problems.append(f"XML is broken: {str(error)[:120]}")
    except DefusedXmlException:
        packet.problems.append("XML with a document type: not read any further")
    except (UnicodeEncodeError, ValueError) as error:
        packet.problems.append(f"XML cannot be read: {type(error).__name__}")
    except _EnoughError:
        packet.problems.append("too many elements, or too many in one another: the rest was left")
    if builder.too_deep:
        packet.problems.append(f"elements deeper than {DEPTH_MOST} were left out")


def _find(root: _Element, packet: Packet) -> _Element | None:
    """Return the first rdf:RDF, and note the toolkit of an x:xmpmeta around it."""
    waiting = deque([root])
    while waiting:
        element = waiting.popleft()
        if element.name == f"{{{RDF}}}RDF":
            return element
        if packet.toolkit is None:
            toolkit = element.attributes.get(f"{{{_META}}}xmptk")
            packet.toolkit = toolkit[:VALUE_MOST] if toolkit else None
        waiting += element.children
    return None


class _Names:
    """Gives each namespace one prefix: the customary one, or that of the packet."""

    def __init__(self, declared: dict[str, str]) -> None:
        self.declared = declared
        self.used: dict[str, str] = {}
        self._by_uri: dict[str, str] = {}

    def short(self, name: str) -> str:
        """`prefix:local` for `{uri}local`."""
        uri, _, local = name[1:].rpartition("}") if name.startswith("{") else ("", "", name)
        if not uri:
            return local
        prefix = self._by_uri.get(uri)
        if prefix is None:
            wanted = (PREFIXES.get(uri) or self.declared.get(uri) or "ns")[:_PREFIX_MOST]
            prefix, number = wanted, len(self.used)
            while prefix in self.used:
                number += 1
                prefix = f"{wanted}{number}"
            self._by_uri[uri] = prefix
            self.used[prefix] = uri
        return f"{prefix}:{local}"


_CONTAINERS = {f"{{{RDF}}}{kind}" for kind in ("Seq", "Bag", "Alt")}
_DESCRIPTION = f"{{{RDF}}}Description"
_RESOURCE, _PARSE_TYPE, _LANG = f"{{{RDF}}}resource", f"{{{RDF}}}parseType", f"{{{_XML}}}lang"
_VALUE = f"{{{RDF}}}value"


class _Flattener:
    def __init__(self, packet: Packet, names: _Names) -> None:
        self.packet = packet
        self.names = names
        self.characters = 0

    def structure(self, element: _Element, path: str) -> None:
        """The attributes and child elements of a description, as fields of `path`."""
        for name, value in element.attributes.items():
            if not name.startswith((f"{{{RDF}}}", f"{{{_XML}}}")) and name.startswith("{"):
                self._put(self._join(path, name), value)
        for child in element.children:
            self.property(child, self._join(path, child.name))

    def property(self, element: _Element, path: str) -> None:
        """One property element: text, a resource, an array or a structure."""
        if len(path) > _PATH_MOST:
            self.packet.left_out += 1
            return
        inner = element.children
        array = next((child for child in inner if child.name in _CONTAINERS), None)
        description = next((child for child in inner if child.name == _DESCRIPTION), None)
        if array is not None:
            self._array(array, path)
        elif description is not None:
            self._described(description, path)
        elif _RESOURCE in element.attributes:
            self._put(path, element.attributes[_RESOURCE])
        elif inner or self._has_fields(element):
            self._described(element, path)
        else:
            self._put(path, "".join(element.text))

    def _described(self, element: _Element, path: str) -> None:
        """A structure; one with an rdf:value is that value with qualifiers beside it."""
        for child in element.children:
            if child.name == _VALUE:
                self._put(path, "".join(child.text))
        kept = [child for child in element.children if child.name != _VALUE]
        rest = _Element(element.name, element.attributes)
        rest.children = kept
        self.structure(rest, path)

    def _has_fields(self, element: _Element) -> bool:
        return any(
            name.startswith("{") and not name.startswith((f"{{{RDF}}}", f"{{{_XML}}}"))
            for name in element.attributes
        )

    def _array(self, array: _Element, path: str) -> None:
        seen: set[str] = set()
        for number, item in enumerate(array.children, 1):
            language = item.attributes.get(_LANG, "")[:32]
            mark = language if array.name.endswith("}Alt") and language not in seen else ""
            seen.add(language)
            self.property(item, f"{path}[{mark or number}]")

    def _join(self, path: str, name: str) -> str:
        short = self.names.short(name)
        return f"{path}/{short}" if path else short

    def _put(self, path: str, value: str) -> None:
        value = value.strip()
        known = self.packet.properties.get(path)
        if known is not None:
            if known != value[:VALUE_MOST] and len(self.packet.problems) < 32:
                self.packet.problems.append(f"{path[:80]} stands twice, with different values")
            return
        full = len(self.packet.properties) >= PROPERTIES_MOST or self.characters > ALL_VALUES_MOST
        if full or len(path) > _PATH_MOST:
            self.packet.left_out += 1
            return
        if len(value) > VALUE_MOST:
            self.packet.left_out += 1
        self.characters += min(len(value), VALUE_MOST)
        self.packet.properties[path] = value[:VALUE_MOST]


_ARRAY_FIELD = re.compile(r"\[(\d{1,5})\]/(.+)")


def array_fields(properties: dict[str, str], path: str) -> list[dict[str, str]]:
    """Return the structures of an array such as `xmpMM:History`, in order, field by field."""
    items: dict[int, dict[str, str]] = {}
    for key, value in properties.items():
        if key.startswith(f"{path}["):
            match = _ARRAY_FIELD.fullmatch(key[len(path) :])
            if match:
                items.setdefault(int(match.group(1)), {})[match.group(2)] = value
    return [items[number] for number in sorted(items)]


_ANGLE = re.compile(r"(\d{1,3}),(\d{1,2})(?:,(\d{1,2}(?:\.\d+)?)|(\.\d+))?([NSEW])")


def xmp_angle(text: str | None, letters: str) -> float | None:
    """Signed degrees from XMP's `DDD,MM,SSk` or `DDD,MM.mmk`; None for anything else."""
    match = _ANGLE.fullmatch((text or "").strip())
    if match is None or match.group(5) not in letters:
        return None
    degrees, minutes, seconds, fraction, letter = match.groups()
    value = int(degrees) + (int(minutes) + float(fraction or 0)) / 60 + float(seconds or 0) / 3600
    if value > (90 if "N" in letters else 180):
        return None
    return round(-value if letter == letters[1] else value, 7) + 0.0
