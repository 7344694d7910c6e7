"""A measure that harms its worker when the picture asks for it: a fault that tests can plant."""

from __future__ import annotations

import ctypes
import time

from headwater.measures.contract import CannotMeasure, Measure, Measured
from headwater.media.media import Media
from headwater.model import Record
from tests.engine.planted import doc_of

SEGFAULT, HANG, SPIN, MEMORY = b"ask:segfault", b"ask:hang", b"ask:spin", b"ask:memory"


class Asked(Record, frozen=True, kw_only=True):
    """What the picture asked for: nothing."""

    asked: str


class Saboteur(Measure):
    """Crashes, hangs, spins or eats memory where the picture's bytes say so."""

    NAME = "saboteur"
    VERSION = 1
    KINDS = frozenset({"picture"})
    RECORD = Asked
    LIBRARIES = ()
    COST = "all it can get"
    DOC = doc_of("plant faults")

    def measure(self, media: Media) -> Measured | CannotMeasure:
        tail = media.content.whole(1 << 30)[-64:]
        if SEGFAULT in tail:
            ctypes.string_at(0)
        if HANG in tail:
            time.sleep(3600)
        while SPIN in tail:
            pass
        if MEMORY in tail:
            hoard = bytearray()
            while True:
                hoard += bytes(64 << 20)
        return Measured(Asked(asked="nothing"))
