"""Which format a list is in, by its structure.

The name of a file decides nothing by itself: only that a table without a header is one.
"""

from __future__ import annotations

import re

from headwater.lists import icse, nsrl2, nsrl3, threatexchange, values
from headwater.lists.ambiguity import Ambiguous
from headwater.lists.contract import ListFault, Spot
from headwater.lists.csv_list import names_hash
from headwater.lists.header import Header, first_row_of
from headwater.lists.ncmec import ROOT
from headwater.lists.readers import NAMES
from headwater.lists.rows import DELIMITERS
from headwater.lists.text_encoding import text_of

HEAD_BYTES = 1 << 16
"""How much of a file's beginning tells its format."""

_TABLE_NAMES = (".csv", ".tsv", ".tab")
_JSON_FORMATS = ("vics", "threatexchange", "stopncii")
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*+)"(\s*:)?|[{}\[\]]')
_DEEPEST_KEY = 4
_MISC = re.compile(r"\s*(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\])?\s*>)", re.DOTALL)
_ROOT = re.compile(r"\s*<(?:[\w.-]+:)?([\w.-]+)")
_VICS_ELEMENT = frozenset(("media", "mediaid", "md5", "photodna", "caseid"))


def sniff(head: bytes, name: str) -> str:
    """Return the name of the format of a list, by the first HEAD_BYTES of its file.

    A shorter head is the whole file. Raises Ambiguous, with the choices, where that does not
    tell, and ListFault where the file is empty or not text.
    """
    if head.startswith(nsrl3.MAGIC):
        return "nsrl3"
    whole = len(head) < HEAD_BYTES
    text = text_of(head, whole=whole).lstrip("\ufeff \t\r\n")
    if not text:
        raise ListFault("the file is empty", Spot(offset_bytes=0))
    if text.startswith("<"):
        return _of_xml(text)
    if text.startswith(("{", "[")):
        return _of_json(text)
    return _of_lines(head, name, whole=whole)


def _of_xml(text: str) -> str:
    place = 0
    while found := _MISC.match(text, place):
        place = found.end()
    root = _ROOT.match(text, place)
    if root is not None and root[1] == ROOT:
        return "ncmec"
    raise Ambiguous("the XML is not a page of NCMEC's hash sharing", "format", NAMES)


def _of_json(text: str) -> str:
    keys = _keys(text)
    every = {key for _, key in keys}
    top = {key for depth, key in keys if depth == 1}
    if "hashrecords" in every or {"hashvalue", "signaltype"} <= every:
        return "stopncii"
    if "value" in top and every & _VICS_ELEMENT:
        return "vics"
    if {"odata.metadata", "@odata.context"} & top:
        return "vics"
    if every & {"indicator", "descriptors", "signals", "signal_type", "raw_indicator"}:
        return "threatexchange"
    if any(threatexchange.signal_named(key) for key in every):
        return "threatexchange"
    raise Ambiguous("the JSON is of no format that is recognised", "format", _JSON_FORMATS)


def _keys(text: str) -> set[tuple[int, str]]:
    """Return the keys of the outermost objects in lower case, and how deep each lies."""
    keys: set[tuple[int, str]] = set()
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[2] is not None:
            if depth <= _DEEPEST_KEY:
                keys.add((depth, token[1].lower()))
        elif token[1] is None:
            depth += 1 if token[0] in "{[" else -1
    return keys


def _of_lines(head: bytes, name: str, *, whole: bool) -> str:
    header = first_row_of(head, whole=whole, comments=True)
    if header is None:
        raise Ambiguous("the file holds comments alone", "format", NAMES)
    splits = [header.cells(delimiter) for delimiter in header.delimiters]
    if any(icse.is_header(cells) for cells in splits):
        return "icse"
    if nsrl2.is_header(header.cells(",")):
        return "nsrl2"
    bare = header.text.strip('"')
    if values.type_named(bare) or values.types_of_length(bare):
        return "plain"
    if _is_signal(header):
        return "threatexchange"
    if any(_is_table(cells) for cells in splits):
        return "csv"
    if name.lower().endswith(_TABLE_NAMES) and any(each in header.text for each in DELIMITERS):
        return "csv"
    raise Ambiguous("the file is of no format that is recognised", "format", NAMES)


def _is_table(cells: list[str]) -> bool:
    """Whether a row names a column of hashes, or holds a hash beside something else."""
    if any(names_hash(cell) for cell in cells):
        return True
    return len(cells) > 1 and any(values.types_of_length(cell) for cell in cells)


def _is_signal(header: Header) -> bool:
    _, _, rest = header.text.partition(" ")
    if not threatexchange.is_signal_line(header.text):
        return False
    named = threatexchange.signal_named(header.text.partition(" ")[0])
    return named is None or named.hash_type in values.types_of_length(rest)
