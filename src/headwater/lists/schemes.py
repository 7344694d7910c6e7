"""What category codes mean: schemes, one of which is chosen when a list is imported.

The same code means opposite things in different sources (0 and 5 above all), and a file seldom
says which scheme it follows. So a code has no meaning of its own: a scheme gives it one of a few
neutral words, and a title to show. This is the one file that holds words of the field.

Where a meaning is not confirmed by a public source, it is `uncategorised`, and an examiner who
knows better gives a scheme of their own (`from_file`):

* `vics-us`: codes as an open forensic suite lists them for the United States (0 to 5). Other
  sources swap 0 and 5; a list of theirs needs a scheme of its own.
* `vics-uk`: no public source that was seen says what the codes mean; all are `uncategorised`.
* `icse`: `Baseline` is the category that countries agree on. That meaning is remembered, not
  confirmed; an entry without it says nothing.
* `ncmec`: the classes A1, A2, B1, B2 are confirmed as such, and that what is exchanged under them
  is what the exchange is for; how they differ is not, and is not shown.
* `nsrl`: every entry is known software. Known is not good.
* `none`: codes are kept and mean nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from headwater.errors import UsageError
from headwater.lists.ambiguity import Ambiguous

Meaning = Literal["pertinent", "related", "not_pertinent", "uncategorised", "known"]
"""`pertinent`: what is looked for. `related`: belongs to it, and is judged apart. `not_pertinent`:
looked at, and not it. `uncategorised`: nobody has said. `known`: seen before, and nothing else."""

MEANINGS: tuple[Meaning, ...] = (
    "pertinent",
    "related",
    "not_pertinent",
    "uncategorised",
    "known",
)
_FILE_BYTES = 1 << 20


class Category(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one code means."""

    meaning: Meaning
    title: str
    """For a person: neutral, at most 80 characters."""


class Scheme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the codes of a list mean."""

    name: str
    """Lower-case letters, digits and hyphens."""
    title: str
    codes: dict[str, Category]
    """By the code in the spelling of `Entry.category`."""
    without_code: Category = Category("uncategorised", "No category")
    """Of an entry that carries no code."""

    def of(self, code: str | None) -> Category:
        """Return what a code means; a code that the scheme lacks is uncategorised."""
        if code is None:
            return self.without_code
        return self.codes.get(code) or Category("uncategorised", f"Code {code}")


BUILT_IN: tuple[Scheme, ...] = (
    Scheme(
        name="vics-us",
        title="VICS, United States",
        codes={
            "0": Category("uncategorised", "US 0: not categorised"),
            "1": Category("pertinent", "US 1"),
            "2": Category("related", "US 2"),
            "3": Category("related", "US 3"),
            "4": Category("related", "US 4: for comparison"),
            "5": Category("not_pertinent", "US 5: not pertinent"),
        },
    ),
    Scheme(
        name="vics-uk",
        title="VICS, United Kingdom",
        codes={str(code): Category("uncategorised", f"UK {code}") for code in range(6)},
    ),
    Scheme(
        name="icse",
        title="ICSE, the Baseline flag",
        codes={"Baseline": Category("pertinent", "Baseline")},
        without_code=Category("uncategorised", "Not marked Baseline"),
    ),
    Scheme(
        name="ncmec",
        title="NCMEC, classes A1 to B2",
        codes={code: Category("pertinent", f"Class {code}") for code in ("A1", "A2", "B1", "B2")},
    ),
    Scheme(
        name="nsrl",
        title="NSRL, known software",
        codes={},
        without_code=Category("known", "Known software"),
    ),
    Scheme(name="none", title="Codes are kept and mean nothing", codes={}),
)
NAMES: tuple[str, ...] = tuple(scheme.name for scheme in BUILT_IN)

FIXED: dict[str, str] = {
    "icse": "icse",
    "ncmec": "ncmec",
    "nsrl2": "nsrl",
    "nsrl3": "nsrl",
}
"""The scheme that a format brings with it, by the format's name."""
CODELESS = frozenset(("plain", "threatexchange", "stopncii"))
"""Formats whose entries never carry a code."""


def named(name: str) -> Scheme:
    """Return a built-in scheme. Raises UsageError for a name that there is none of."""
    for scheme in BUILT_IN:
        if scheme.name == name:
            return scheme
    choices = ", ".join(NAMES)
    raise UsageError(f"there is no category scheme of that name: choose one of {choices}")


def for_import(list_format: str, chosen: Scheme | None, *, carries_codes: bool) -> Scheme:
    """Return the scheme of a list that is imported.

    `carries_codes` says whether an entry has a category. Raises Ambiguous where one does, the
    format does not fix what it means, and nobody chose.
    """
    if chosen is not None:
        return chosen
    if list_format in FIXED:
        return named(FIXED[list_format])
    if carries_codes and list_format not in CODELESS:
        reason = "the list has category codes, which mean opposite things in different sources"
        raise Ambiguous(reason, "scheme", (*NAMES, "a file of your own"))
    return named("none")


def from_file(path: Path) -> Scheme:
    """Return a scheme of a user's own, from a JSON file.

    `{"name": "our-own", "title": "...", "codes": {"1": {"meaning": "pertinent", "title": "..."}},
    "without_code": {...}}`, the last of these optional. Raises UsageError, with the place in the
    document, where it is no such file.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if len(text) > _FILE_BYTES:
        raise UsageError(f"{path} is larger than 1 MiB, and no category scheme")
    try:
        scheme = msgspec.json.decode(text.removeprefix(b"\xef\xbb\xbf"), type=Scheme)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path} is not a category scheme: {error}") from None
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is not JSON: {error}") from None
    _check(path, scheme)
    return scheme


def _check(path: Path, scheme: Scheme) -> None:
    plain = scheme.name.replace("-", "")
    if not plain or not (
        plain.isascii() and plain.isalnum() and scheme.name == scheme.name.lower()
    ):
        raise UsageError(f"{path}: name has to be of lower-case letters, digits and hyphens")
    if scheme.name in NAMES:
        raise UsageError(f"{path}: {scheme.name} is the name of a built-in scheme: give another")
    if not scheme.codes:
        raise UsageError(f"{path}: codes is empty")
    for code, category in (*scheme.codes.items(), ("without_code", scheme.without_code)):
        if not code or code != code.strip() or len(code) > 64 or not code.isprintable():
            raise UsageError(f"{path}: a code is empty, too long, or has blanks around it")
        if code.isascii() and code.isdigit() and str(int(code)) != code:
            raise UsageError(f"{path}: write the code {code} without leading zeros")
        if not 0 < len(category.title) <= 80 or not category.title.isprintable():
            raise UsageError(f"{path}: the title of {code} has to be 1 to 80 characters")
    if not 0 < len(scheme.title) <= 80 or not scheme.title.isprintable():
        raise UsageError(f"{path}: title has to be 1 to 80 characters")
