"""What lists say stays secret: no command, file, error or crash shows a value of a list.

10,000 canary values lie in lists of five formats. 100 of them match items of a case: of these, an
item's own digest is shown, and nothing else of the entry. Everything the commands leave behind or
print is searched, their failures included.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from headwater.case.query import Case
from headwater.lists.keys import list_key
from tests.cli.canaries import Known, Lists, Watch, busy_picture, make_lists
from tests.program import HEADWATER

PICTURES = 104


class Desk:
    """Runs commands, and keeps all that they print; what they write lies below one folder."""

    def __init__(self, folder: Path) -> None:
        self.given = folder / "given"
        """Evidence and lists: the only place where values may be."""
        self.below = folder / "below"
        self.case, self.keys = self.below / "case", self.below / "keys"
        self.home, self.out = self.below / "home", self.below / "out"
        for made in (self.given, self.home, self.out):
            made.mkdir(parents=True)
        self.printed: list[tuple[str, bytes]] = []
        self.environment = {
            **os.environ,
            "HEADWATER_KEY_DIR": str(self.keys),
            **dict.fromkeys(("HOME", "TMPDIR"), str(self.home)),
        }
        # Compiled kernels stay where they are: to compile them anew would take minutes.
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        self.environment["XDG_CACHE_HOME"] = cache

    def start(
        self,
        *arguments: str | Path,
        keys: Path | None = None,
        limits: Mapping[int, int] | None = None,
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*HEADWATER, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.home,
            env={**self.environment, **({"HEADWATER_KEY_DIR": str(keys)} if keys else {})},
        )
        for limit, most in (limits or {}).items():
            resource.prlimit(process.pid, limit, (most, most))
        return process

    def ended(self, process: subprocess.Popen[bytes], what: str) -> tuple[int, bytes, bytes]:
        out, errors = process.communicate(timeout=120)
        self.printed += [(f"{what}: out", out), (f"{what}: errors", errors)]
        return process.returncode, out, errors

    def run(self, *arguments: str | Path) -> bytes:
        """Run a command that succeeds, and return what it printed."""
        code, out, errors = self.ended(self.start(*arguments), str(arguments[:2]))
        assert code == 0, errors.decode(errors="replace")[-2000:]
        return out

    def fails(
        self,
        *arguments: str | Path,
        keys: Path | None = None,
        limits: Mapping[int, int] | None = None,
    ) -> str:
        """Run a command that fails, and return what it said."""
        process = self.start(*arguments, keys=keys, limits=limits)
        code, _out, errors = self.ended(process, f"failing {arguments[:2]}")
        assert code not in (0, 1), arguments
        return errors.decode()

    def import_(self, name: str, file: Path | str, *more: str) -> list[str | Path]:
        named = ("--case", self.case, "--name", name, "--by", "A. Examiner")
        return ["lists", "import", file, *named, *more]


SCHEMES = {"vics": "vics-us", "table": "vics-us", "ncmec": "ncmec"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    made = Desk(tmp_path_factory.mktemp("secrets"))
    source = made.given / "evidence"
    source.mkdir()
    for number in range(PICTURES):
        busy_picture(number).save(source / f"{number:03}.jpg", quality=85)
    made.run("examine", source, "--case", made.case, "--quiet", "--json")
    return made


@pytest.fixture(scope="module")
def lists(desk: Desk) -> Lists:
    """The lists, imported and matched: by `match`, and by `examine` of what is new."""
    known = [_known(one) for one in _exported(desk)]
    made = make_lists(desk.given, known)
    for name, file in made.files.items():
        more = ["--scheme", SCHEMES[name]] if name in SCHEMES else []
        if name == "plain":
            more += ["--hash-type", "md5"]
        desk.run(*desk.import_(name, file, *more))
    return made


@pytest.fixture(scope="module")
def watch(lists: Lists) -> Watch:
    return Watch(lists.values)


def _exported(desk: Desk) -> list[dict[str, Any]]:
    out = desk.run("export", "--case", desk.case)
    return [json.loads(line) for line in out.splitlines()]


def _known(said: dict[str, Any]) -> Known:
    pdq = said["measurements"]["pdq"]
    assert pdq["quality"] >= 50
    item = said["item"]
    return Known(item["sha256"], item["sha1"], item["md5"], pdq["pdq"])


def test_the_watch_sees_each_form(watch: Watch, lists: Lists) -> None:
    for value in (lists.values[0], lists.values[2], lists.values[-1], lists.values[5_000]):
        for form in (
            value,
            value[3:11],
            value.hex().encode(),
            value.hex().upper().encode(),
            value[5:13].hex().encode(),
            base64.b64encode(value),
            base64.b64encode(b"x" + value),
            base64.urlsafe_b64encode(b"xy" + value),
        ):
            assert watch.found(b"before " + form + b" after")
    assert not watch.found(Random(1).randbytes(3_000_000))
    assert not watch.found(base64.b64encode(Random(2).randbytes(3_000_000)))


def test_no_value_appears_anywhere(desk: Desk, lists: Lists, watch: Watch) -> None:
    assert all(watch.found(file.read_bytes()) for file in lists.files.values())
    desk.run("match", "--case", desk.case)
    _examine_more(desk)
    _provoke(desk, lists)
    _crash(desk, lists)
    shown = _ask_everything(desk)

    assert _matched(shown) == lists.expected
    for what, said in desk.printed:
        assert not watch.found(said), what
    written = [path for path in desk.below.rglob("*") if path.is_file()]
    assert {"case.sqlite", "manifest.json", "page.html", "all.csv"} <= {one.name for one in written}
    for path in written:
        assert not path.name.startswith("core"), path
        assert not watch.found(path.read_bytes()), path
        assert not watch.found(os.fsencode(path)), path
    # An item's own digest is shown, so the search does look where it would be.
    own = Watch(lists.own)
    assert own.found((desk.out / "all.csv").read_bytes())


def _examine_more(desk: Desk) -> None:
    """Examine the same source with one more file: matching is a part of that."""
    busy_picture(1_000).save(desk.given / "evidence" / "more.jpg", quality=85)
    source = desk.given / "evidence"
    desk.run("examine", source, "--case", desk.case, "--json")


def _provoke(desk: Desk, lists: Lists) -> None:
    """Make errors of many kinds; what is in the case stays as it was."""
    vics, table = lists.files["vics"], lists.files["table"]
    cut = desk.given / "cut.json"
    cut.write_bytes(vics.read_bytes()[:200_001])
    assert "byte" in desk.fails(*desk.import_("cut", cut, "--scheme", "vics-us"))
    # Digits are missing at the end of all values: every entry is broken.
    broken = desk.given / "broken.json"
    broken.write_text(vics.read_text().replace('", "', 'x", "'))
    assert "broken" in desk.fails(*desk.import_("broken", broken, "--scheme", "vics-us"))
    assert "--scheme" in desk.fails(*desk.import_("unclear", vics))
    code, out, _ = desk.ended(desk.start("lists", "lint", broken, "--most", "0"), "lint")
    assert code == 1
    assert b"MD5" in out
    code, _, _ = desk.ended(desk.start("lists", "lint", broken, "--json"), "lint --json")
    assert code == 1
    bare = desk.given / "bare.txt"
    bare.write_text("\n".join(line.split(",")[3] for line in table.read_text().splitlines()[1:]))
    assert "hash-type" in desk.fails(*desk.import_("bare", bare))
    # A disk that takes no more, and keys that are not there or not the right ones.
    small = desk.fails(
        *desk.import_("small", vics, "--scheme", "vics-us"),
        limits={resource.RLIMIT_FSIZE: 30_000},
    )
    assert "Traceback" not in small
    rule = ("match", "--case", desk.case, "--radius", "30")
    assert "restore" in desk.fails(*rule, keys=desk.below / "none")
    with Case.open(desk.case) as case:
        list_key(desk.below / "other", case.info.case_id, desk.case, make=True)
    assert "another key" in desk.fails(*rule, keys=desk.below / "other")
    (sealed, *_) = sorted(desk.case.glob("lists/*/*.pdq"))
    whole = sealed.read_bytes()
    sealed.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "Traceback" not in desk.fails(*rule)
    sealed.write_bytes(whole)


def _crash(desk: Desk, lists: Lists) -> None:
    """Crash an import that holds half of a list, where core files are wanted."""

    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    command = desk.import_("crashed", "-", "--scheme", "vics-us")
    process = desk.start(*command, limits={resource.RLIMIT_CORE: most})
    assert process.stdin is not None
    half = lists.files["vics"].read_bytes()[:150_000]
    process.stdin.write(half)
    process.stdin.flush()
    until = time.monotonic() + 60
    while _unread(process.stdin.fileno()) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _unread(process.stdin.fileno())
    process.send_signal(signal.SIGSEGV)
    code, _out, _errors = desk.ended(process, "crash")
    assert code == -signal.SIGSEGV


def _unread(descriptor: int) -> int:
    """Return how many bytes wait in a pipe (ioctl_tty(2), FIONREAD)."""
    with contextlib.suppress(OSError):
        answer: bytes = fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4))
        return int(struct.unpack("i", answer)[0])
    return 0


def _ask_everything(desk: Desk) -> list[dict[str, Any]]:
    """Run every command that shows something; return the lines of the export."""
    items = _exported(desk)
    desk.run("export", "--case", desk.case, "--format", "csv", "--output", desk.out / "all.csv")
    known = [one for one in items if one["matches"]]
    for one in (known[0], known[-1]):
        desk.run("show", one["item"]["sha256"], "--case", desk.case)
        desk.run("show", one["item"]["sha256"], "--case", desk.case, "--json")
    desk.run(
        "decide",
        known[0]["item"]["sha256"],
        "--case",
        desk.case,
        "--category",
        "2",
        "--by",
        "A. B.",
    )
    desk.run("report", "--case", desk.case, "--html", desk.out / "page.html")
    for command in (("status",), ("lists", "show")):
        desk.run(*command, "--case", desk.case)
        desk.run(*command, "--case", desk.case, "--json")
    desk.run("lists", "show", "--case", desk.case, "--name", "vics")
    desk.run("verify", "--case", desk.case, "--replay", "3", "--json")
    desk.run("lists", "remove", "plain", "--case", desk.case, "--by", "A. Examiner")
    shutil.copyfile(desk.case / "case.sqlite", desk.out / "copied.sqlite")
    return items


def _matched(items: list[dict[str, Any]]) -> set[tuple[str, str, str, int]]:
    return {
        (item["item"]["sha256"], match["list"], match["kind"], match["score"]["value"])
        for item in items
        for match in item["matches"]
        if "list" in match
    }
