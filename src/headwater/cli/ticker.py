"""One line of progress on stderr, for work that is not a bar's."""

from __future__ import annotations

import sys
import time

from headwater.exchange.text import escaped

_PLAIN_SECONDS = 15.0
_TERMINAL_SECONDS = 0.2


class Ticker:
    """Shows the latest line: in place on a terminal, else one every quarter of a minute."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._is_terminal = sys.stderr.isatty()
        self._shown_at = time.monotonic() if not self._is_terminal else 0.0

    def show(self, text: str) -> None:
        """Show how far the work is, if it is time to."""
        now = time.monotonic()
        pause = _TERMINAL_SECONDS if self._is_terminal else _PLAIN_SECONDS
        if self._quiet or now - self._shown_at < pause:
            return
        self._shown_at = now
        line = escaped(text)
        sys.stderr.write(f"\r\x1b[K{line}\r" if self._is_terminal else f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Clear the line."""
        if self._is_terminal and not self._quiet:
            sys.stderr.write("\r\x1b[K")
