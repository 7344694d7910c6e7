"""Covered pictures: the bytes are on the page as text, and become a picture only when asked for."""

from __future__ import annotations

import base64

from headwater.case.query import Case
from headwater.errors import CaseDamaged, UsageError
from headwater.report.limits import LeftOut, PageLimits
from headwater.report.markup import Html, element

_JPEG = b"\xff\xd8\xff"
"""Where a blob begins otherwise, a browser would try other decoders on it; none is given."""


class Covers:
    """Makes covers until the bytes of one page are used up."""

    def __init__(self, case: Case, limits: PageLimits, left_out: LeftOut) -> None:
        self._case = case
        self._limits = limits
        self._left_out = left_out
        self._left_bytes = limits.picture_bytes

    def cover(self, sha256_hex: str, label: str, note: str = "") -> Html:
        """Return a button that shows the picture of this digest when pressed, or why not.

        `label` says which picture it is, `note` stands on the cover.
        """
        blob = self._blob(sha256_hex)
        if isinstance(blob, str):
            return no_picture(blob)
        words = element("span", element("span", "Covered", class_="lid"), note or None)
        return element(
            "button",
            words,
            type="button",
            class_="cover",
            aria_pressed="false",
            aria_label=f"Show {label}",
            data_jpeg=base64.b64encode(blob).decode(),
            data_label=label,
        )

    def _blob(self, sha256_hex: str) -> bytes | str:
        try:
            blob = self._case.blob(bytes.fromhex(sha256_hex))
        except (UsageError, ValueError):
            return "The case does not hold this small picture."
        except CaseDamaged:
            self._left_out.note("small picture that the case no longer holds as it was made")
            return "This small picture is damaged in the case; run `headwater verify`."
        if not blob.startswith(_JPEG):
            self._left_out.note("small picture that is no JPEG")
            return "This small picture is no JPEG and is not given to a browser."
        if len(blob) > min(self._left_bytes, self._limits.one_picture_bytes):
            self._left_out.note("small picture beyond the bytes that a page holds")
            return "Left out: the page holds no more pictures."
        self._left_bytes -= len(blob)
        return blob


def no_picture(why: str) -> Html:
    """Return what stands where there is no picture to uncover."""
    return element("div", element("span", why), class_="cover empty")
