"""The error for what a list file does not say and nobody may guess."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.errors import UsageError


class Ambiguous(UsageError):
    """A list can be read in more than one way, and the file does not say which is meant.

    `option` is the name of the reader's option (or of the import's) that settles it: `hash_type`,
    `columns`, `format`, `scheme`; `choices` are the values it may be given. No value of the list
    is in the message.
    """

    def __init__(self, reason: str, option: str, choices: Sequence[str]) -> None:
        spelled = option.replace("_", "-")
        super().__init__(f"{reason}: choose one with --{spelled} ({', '.join(choices)})")
        self.reason = reason
        self.option = option
        self.choices = tuple(choices)
