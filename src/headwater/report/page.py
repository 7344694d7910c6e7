"""`headwater report`: a case as one page that works offline."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from headwater.case.query import Case
from headwater.errors import CaseError, UsageError
from headwater.report.days import days
from headwater.report.devices import devices
from headwater.report.earth import DECIMALS, earth
from headwater.report.faults import faults
from headwater.report.frame import after, before
from headwater.report.head import LINKS, head
from headwater.report.holdings import holdings
from headwater.report.items import items
from headwater.report.known_lists import known_lists
from headwater.report.limits import LeftOut, PageLimits
from headwater.report.listing import choose
from headwater.report.markup import Html, close_tag, element, open_tag, spoken
from headwater.report.methods import methods
from headwater.report.opening import opening
from headwater.report.unread import unread
from headwater.report.words import number, table

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def write_page(case: Case, target: Path, limits: PageLimits | None = None) -> None:
    """Write the report of a case to `target`, which appears whole or not at all.

    One case gives one page, byte for byte, wherever and whenever it is written. Raises CaseError
    where the case grows meanwhile or is damaged, UsageError where the page cannot be written.
    """
    making = target.with_name(f"{target.name}.making")
    try:
        with os.fdopen(os.open(making, _FLAGS, 0o600), "wb", buffering=1 << 20) as page:
            for chunk in page_of(case, limits or PageLimits()):
                page.write(chunk.encode())
            page.flush()
            os.fsync(page.fileno())
        os.replace(making, target)
    except BaseException as error:
        with suppress(OSError):
            making.unlink()
        if isinstance(error, OSError):
            raise UsageError(f"cannot write {target}: {error.strerror}") from error
        raise


def page_of(case: Case, limits: PageLimits) -> Iterator[Html]:
    """Yield the page piece by piece; no piece is longer than one item or table needs."""
    counts = case.counts()
    checkpoint = case.latest_checkpoint()
    runs = case.runs()
    listing = choose(case, limits.items)
    left_out = LeftOut()
    listed = listing.sha256s
    sections = {
        "opening": lambda: opening(case, runs, limits, left_out),
        "holdings": lambda: holdings(counts),
        "lists": lambda: known_lists(case, limits, left_out),
        "problems": lambda: faults(case, counts, listed, limits, left_out),
        "unread": lambda: unread(case, counts, listed, limits, left_out),
        "days": lambda: days(case.days(), limits, left_out),
        "positions": lambda: earth(case.locations(DECIMALS), limits, left_out),
        "devices": lambda: devices(case, limits, left_out),
        "items": lambda: items(case, counts, listing, limits, left_out),
        "methods": lambda: methods(case, counts),
        "left-out": lambda: _left_out(left_out),
    }
    yield before(f"{spoken(case.info.name)}: report of a case")
    yield element("a", "To the items", href="#items", class_="skip")
    yield open_tag("main")
    yield from head(case, counts, runs, checkpoint)
    for name, title in LINKS:
        yield open_tag("section", aria_labelledby=name)
        yield element("h2", title, id=name)
        yield from sections[name]()
        yield close_tag("section")
    yield close_tag("main")
    yield after()
    if case.counts().leaves != counts.leaves:
        raise CaseError("the case grew while its report was written; wait for the run to end")


def _left_out(left_out: LeftOut) -> Iterator[Html]:
    """Yield what was too much for one page. It comes last, when all of it is known."""
    rows = [(what, number(count)) for what, count in left_out.listed()]
    if not rows:
        yield element("p", "Nothing: the page shows everything that its sections speak of.")
        return
    yield element(
        "p",
        "A page has room for so much. This was counted and left out; all of it is in the case, and "
        "can be read with ",
        element("code", "headwater show"),
        " and ",
        element("code", "headwater export"),
        ".",
    )
    yield table(("What", "How many"), rows, "counts")
