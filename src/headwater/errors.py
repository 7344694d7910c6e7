"""Every error Headwater raises on purpose.

* HeadwaterError
  * UsageError          the caller asked for something that cannot be done as asked
  * EvidenceError       a source cannot be opened or kept unaltered
  * CaseError           the case folder cannot be used
    * CaseBusy          another process is writing this case
    * CaseDamaged       what is stored is not what was written
  * CageError           the required cage cannot be made on this machine
  * ContentError        bytes of one item cannot be used; costs that item alone
    * Refused           recognised, and deliberately not opened (encrypted, 12-bit, not on the list)
    * Malformed         the bytes break the rules of their format
    * LimitExceeded     a ceiling of `limits.Limits` was reached

Messages say what happened, why, and what to do next. A `ContentError` never carries bytes of
evidence beyond a short, escaped excerpt.
"""

from __future__ import annotations


class HeadwaterError(Exception):
    """Base of all errors raised on purpose."""


class UsageError(HeadwaterError):
    """The command cannot be carried out as it was asked."""


class EvidenceError(HeadwaterError):
    """A source cannot be opened, or not without altering it."""


class CaseError(HeadwaterError):
    """The case folder cannot be used."""


class CaseBusy(CaseError):
    """Another process is writing this case."""


class CaseDamaged(CaseError):
    """What is stored is not what was written."""


class CageError(HeadwaterError):
    """The cage that untrusted bytes need cannot be made here."""


class ContentError(HeadwaterError):
    """The bytes of one item cannot be used. It costs that item (or that measure) alone."""


class Refused(ContentError):
    """Recognised, and deliberately not opened; the reason says why."""


class Malformed(ContentError):
    """The bytes break the rules of the format they claim."""


class LimitExceeded(ContentError):
    """A ceiling was reached.

    `limit` is the name of a field of `limits.Limits`; `reproducible` is False where the ceiling
    depends on the machine (time), True where it follows from the bytes alone (pixels, counts).
    """

    def __init__(self, limit: str, detail: str, *, reproducible: bool = True) -> None:
        super().__init__(f"limit {limit} reached: {detail}")
        self.limit = limit
        self.detail = detail
        self.reproducible = reproducible
