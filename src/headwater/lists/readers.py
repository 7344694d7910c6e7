"""Every reader by the name of its format. Written out, and imported only when it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple, cast

from headwater.errors import UsageError
from headwater.lists.contract import Reader
from headwater.lists.values import HASH_TYPES


class Format(NamedTuple):
    """A format that lists are read from."""

    name: str
    module: str
    reader: str
    """The class in the module."""
    options: tuple[str, ...]
    """What may be chosen, by the names of the reader's arguments."""
    title: str


FORMATS: tuple[Format, ...] = (
    Format("vics", "vics.reader", "VicsReader", (), "VICS 1.1 to 2.0, JSON"),
    Format("icse", "icse", "IcseReader", (), "INTERPOL ICSE, CSV"),
    Format("ncmec", "ncmec", "NcmecReader", (), "NCMEC hash sharing version 2, XML"),
    Format(
        "threatexchange",
        "threatexchange",
        "ThreatExchangeReader",
        (),
        "ThreatExchange and HMA, JSON or text",
    ),
    Format("stopncii", "stopncii", "StopNciiReader", (), "StopNCII, JSON"),
    Format("nsrl2", "nsrl2", "Nsrl2Reader", (), "NSRL version 2, NSRLFile.txt"),
    Format("nsrl3", "nsrl3", "Nsrl3Reader", (), "NSRL version 3, SQLite"),
    Format(
        "csv",
        "csv_list",
        "CsvReader",
        ("columns", "hash_type", "delimiter"),
        "a table with a header, or with named columns",
    ),
    Format("plain", "plain", "PlainReader", ("hash_type",), "bare hashes, one a line"),
)
NAMES: tuple[str, ...] = tuple(each.name for each in FORMATS)


def format_named(name: str) -> Format:
    """Return a format. Raises UsageError for a name that there is none of."""
    for each in FORMATS:
        if each.name == name:
            return each
    raise UsageError(f"there is no list format of that name: choose one of {', '.join(NAMES)}")


def make(name: str, options: Mapping[str, str] | None = None) -> Reader:
    """Return a new reader of a format.

    `options` are as on the command line: `hash_type` is md5, sha1, sha256 or pdq; `columns` are
    names divided by commas, `-` for one to leave out; `delimiter` is `,`, `;` or `tab`. Raises
    UsageError for an option that the format does not have, or a value that it cannot be.
    """
    chosen = format_named(name)
    arguments: dict[str, Any] = {}
    for option, text in (options or {}).items():
        if option not in chosen.options:
            spelled = option.replace("_", "-")
            raise UsageError(f"lists of the format {name} are read without --{spelled}")
        arguments[option] = _OPTIONS[option](text)
    module = import_module(f"headwater.lists.{chosen.module}")
    return cast(Reader, getattr(module, chosen.reader)(**arguments))


def _hash_type(text: str) -> str:
    if text not in HASH_TYPES:
        raise UsageError(f"--hash-type is one of {', '.join(HASH_TYPES)}")
    return text


def _columns(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _delimiter(text: str) -> str:
    named = {"tab": "\t", "\\t": "\t"}.get(text, text)
    if named not in (",", ";", "\t"):
        raise UsageError("--delimiter is a comma, a semicolon or tab")
    return named


_OPTIONS: dict[str, Callable[[str], object]] = {
    "hash_type": _hash_type,
    "columns": _columns,
    "delimiter": _delimiter,
}
