"""A real server process on a case with lists, and the plainest client there can be."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from headwater.case.store import CaseStore
from tests.case.building import INFO
from tests.program import HEADWATER

TOKEN = "canary-token-of-the-first-tool-0123456789"
OTHER = "canary-token-of-the-other-tool-0123456789"
_START_SECONDS = 300
_BOUNDARY = "--------a-boundary-of-this-test"


def run_in(folder: Path, *arguments: str | Path) -> None:
    """Run the program with the keys of a folder; it must succeed."""
    ran = subprocess.run(
        [*HEADWATER, *map(str, arguments)],
        env=environment(folder),
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode(errors="replace")[-2000:]


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "HEADWATER_KEY_DIR": str(folder / "keys")}


def make_case(folder: Path) -> Path:
    """Make an empty case below a folder, with its keys beside it."""
    before = os.environ.get("HEADWATER_KEY_DIR")
    os.environ["HEADWATER_KEY_DIR"] = str(folder / "keys")
    try:
        CaseStore.create(folder / "case", INFO).close()
    finally:
        if before is None:
            del os.environ["HEADWATER_KEY_DIR"]
        else:
            os.environ["HEADWATER_KEY_DIR"] = before
    return folder / "case"


def import_rows(
    folder: Path, name: str, header: str, rows: Iterable[Sequence[str]], role: str = "watch"
) -> None:
    """Import a list of rows into the case below a folder."""
    path = folder / "list.csv"
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n")
    run_in(
        folder, "lists", "import", path, "--case", folder / "case", "--name", name, "--role", role,
        "--scheme", "none", "--quiet",
    )  # fmt: skip
    path.unlink()


def token_file(folder: Path) -> Path:
    path = folder / "tokens"
    path.write_text(f"# two tools\nfirst {TOKEN}\nother {OTHER}\n")
    path.chmod(0o600)
    return path


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        message = self.said["message"]
        assert isinstance(message, str)
        return message


class Server:
    """A server that runs as long as the context; `out` and `errors` are all that it printed."""

    def __init__(self, folder: Path, *options: str | Path) -> None:
        self.folder = folder
        self.out = bytearray()
        self.errors = bytearray()
        arguments = ["--case", folder / "case", "--port", "0", *options]
        if "--token-file" not in options:
            arguments += ["--token-file", token_file(folder)]
        self.process = subprocess.Popen(
            [*HEADWATER, "serve-match", *map(str, arguments)],
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=(stream, into))
            for stream, into in (
                (self.process.stdout, self.out),
                (self.process.stderr, self.errors),
            )
        ]
        for reader in self._readers:
            reader.start()
        self.port = self._await_port()

    @staticmethod
    def _read(stream: Any, into: bytearray) -> None:
        while data := os.read(stream.fileno(), 1 << 16):
            into.extend(data)

    def _await_port(self) -> int:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            found = re.search(rb"serving on http://[^\n]*:(\d+)\nbanks", bytes(self.out))
            if found:
                return int(found[1])
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.process.kill()
        raise AssertionError(bytes(self.errors).decode(errors="replace")[-2000:])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop the server with a signal, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(60)
        for reader in self._readers:
            reader.join()
        return code

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        code = self.stop()
        if kind is None:
            assert code == 0, bytes(self.errors).decode(errors="replace")[-2000:]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def events(self) -> list[dict[str, Any]]:
        """Return the lines that it has written to standard error."""
        return [json.loads(line) for line in bytes(self.errors).splitlines()]

    @property
    def record(self) -> Path:
        return self.folder / "case" / "lists" / "serve-match.jsonl"

    def banks_become(self, *names: str) -> None:
        """Wait until exactly these banks serve, as the record says."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            lines = [json.loads(line) for line in self.record.read_bytes().splitlines()]
            said = [line["banks"] for line in lines if "banks" in line]
            if said[-1] == list(names):
                return
            time.sleep(0.05)
        raise AssertionError(said[-1])


@dataclass
class Client:
    """Asks over one connection that is kept, and keeps every byte of every answer."""

    server: Server
    token: str | None = TOKEN
    received: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)

    def ask(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        given = dict(headers or {})
        if self.token is not None and "Authorization" not in given and "X-API-Key" not in given:
            given["Authorization"] = f"Bearer {self.token}"
        target = path if query is None else f"{path}?{urlencode(query)}"
        self._connection.request(method, target, body, given)
        response = self._connection.getresponse()
        data = response.read()
        self.received += f"{response.status} {response.reason}\n{response.headers}".encode() + data
        return Answer(response.status, dict(response.headers), data)

    def get(self, path: str, **query: Any) -> Answer:
        return self.ask("GET", path, query or None)

    def upload(
        self, path: str, name: str, data: bytes, filename: str = "picture.jpg", **query: Any
    ) -> Answer:
        """Upload one file as HMA's own clients do."""
        body, kind = form((name, filename, data))
        return self.ask("POST", path, query or None, body, {"Content-Type": kind})

    def compare(self, said: Any) -> Answer:
        kind = {"Content-Type": "application/json"}
        return self.ask("POST", "/m/compare", None, json.dumps(said).encode(), kind)

    def close(self) -> None:
        self._connection.close()


def form(*parts: tuple[str, str | None, bytes]) -> tuple[bytes, str]:
    """Return a form (RFC 7578) of parts: name, file name or None, and data; and its type."""
    lines = b""
    for name, filename, data in parts:
        called = "" if filename is None else f'; filename="{filename}"'
        lines += (
            (
                f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{called}\r\n'
                "Content-Type: image/jpeg\r\n\r\n"
            ).encode()
            + data
            + b"\r\n"
        )
    return lines + f"--{_BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={_BOUNDARY}"


def flipped(code: bytes, bits: Iterable[int]) -> bytes:
    """Return a code with some bits changed."""
    value = int.from_bytes(code)
    for bit in bits:
        value ^= 1 << bit
    return value.to_bytes(len(code))
