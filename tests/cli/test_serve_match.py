"""`headwater serve-match` as its users meet it: what it refuses, and how it ends."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.exchange.hma.serving import (
    Client,
    Server,
    environment,
    import_rows,
    make_case,
    token_file,
)
from tests.program import HEADWATER


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serve-match")
    make_case(folder)
    import_rows(folder, "harbour", "md5", [("ab" * 16,)])
    token_file(folder)
    return folder


def refused(folder: Path, *options: str | Path) -> tuple[int, str]:
    """Run the verb, which must end by itself; return its exit code and its one line of error."""
    ran = subprocess.run(
        [*HEADWATER, "serve-match", "--case", folder / "case", *map(str, options)],
        env=environment(folder),
        capture_output=True,
        timeout=120,
        check=False,
    )
    errors = ran.stderr.decode()
    assert "Traceback" not in errors
    assert b"serving on" not in ran.stdout
    return ran.returncode, errors


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "::", "192.168.1.7", "10.0.0.1", "169.254.0.1", "example.org", ""],  # noqa: S104
)
def test_only_loopback_is_taken(folder: Path, address: str) -> None:
    code, errors = refused(folder, "--bind", address, "--token-file", folder / "tokens")
    assert code == 2
    assert "127.0.0.1" in errors


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_token_file_that_others_may_read_is_refused(
    folder: Path, tmp_path: Path, mode: int
) -> None:
    path = tmp_path / "tokens"
    path.write_text("a" * 40)
    path.chmod(mode)
    code, errors = refused(folder, "--token-file", path)
    assert code == 2
    assert "chmod 600" in errors


def test_other_token_files_are_refused(folder: Path, tmp_path: Path) -> None:
    assert refused(folder, "--token-file", tmp_path / "nothing")[0] == 2
    inside = folder / "case" / "tokens"
    inside.write_text("a" * 40)
    inside.chmod(0o600)
    code, errors = refused(folder, "--token-file", inside)
    inside.unlink()
    assert code == 2
    assert "inside the case" in errors


def test_a_case_without_lists_is_refused(tmp_path: Path) -> None:
    code, errors = refused(tmp_path)
    assert code == 4
    make_case(tmp_path)
    code, errors = refused(tmp_path)
    assert code == 2
    assert "lists import" in errors


def test_a_lost_key_is_named(tmp_path: Path) -> None:
    make_case(tmp_path)
    import_rows(tmp_path, "harbour", "md5", [("ab" * 16,)])
    next((tmp_path / "keys").glob("lists-*.key")).unlink()
    code, errors = refused(tmp_path, "--port", "0", "--no-uploads")
    assert code == 4
    assert "key of this case's known lists" in errors


def test_a_port_that_is_taken_is_named(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, errors = refused(folder, "--port", port, "--token-file", folder / "tokens")
    assert code == 2
    assert port in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(folder: Path, number: signal.Signals) -> None:
    server = Server(folder, "--workers", "1")
    client = Client(server)
    assert client.get("/m/lookup", signal_type="md5", signal="ab" * 16).said
    assert server.stop(number) == 0
    assert b"Traceback" not in server.errors
    assert [line["event"] for line in server.events()] == ["began", "request", "ended"]
    client.close()


def test_a_token_is_made_where_none_is_given(tmp_path: Path) -> None:
    make_case(tmp_path)
    import_rows(tmp_path, "harbour", "md5", [("ab" * 16,)])
    tokens: list[str] = []
    for _ in range(2):
        process = subprocess.Popen(
            [*HEADWATER, "serve-match", "--case", tmp_path / "case", "--port", "0", "--no-uploads"],
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        said = b""
        while b"banks:" not in said:
            line = process.stdout.readline()
            assert line, process.communicate()
            said += line
        (path,) = (tmp_path / "keys").glob("serve-match-*.tokens")
        assert (b"made a token" in said) == (not tokens)
        tokens.append(path.read_text())
        token = tokens[0].split()[-1]
        assert token.encode() not in said
        port = int(re.findall(rb":(\d+)\n", said)[0])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            head = f"GET /site-map HTTP/1.1\r\nHost: here\r\nX-API-Key: {token}\r\n\r\n"
            connection.sendall(head.encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        process.terminate()
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert token.encode() not in errors
    assert tokens[0] == tokens[1]
