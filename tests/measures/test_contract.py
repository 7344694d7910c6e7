"""Every registered measure keeps the contract, whoever wrote it."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import inspect
import math
import random
from functools import cache
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from headwater.demo.evidence import make_evidence
from headwater.engine.methods import LoadedMeasure, load_measures, measure_names
from headwater.errors import ContentError
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures.contract import CannotMeasure, Measured
from headwater.measures.registry import ON_DEMAND
from headwater.media.identify import identify
from headwater.media.media import Media
from headwater.model import Kind
from tests.pictures import rich_jpeg

ROOT = Path(__file__).parent.parent.parent
IMPURE = {"time", "datetime.now", "random", "secrets", "socket", "subprocess", "sqlite3", "logging"}


def every_name() -> tuple[str, ...]:
    return (*measure_names(), *ON_DEMAND)


@cache
def loaded() -> tuple[LoadedMeasure, ...]:
    return load_measures(every_name(), {})


def each() -> list[Any]:
    return [pytest.param(name, id=name.rpartition(":")[2]) for name in every_name()]


def find(name: str) -> LoadedMeasure:
    return loaded()[every_name().index(name)]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Return one file of each format that the demonstration evidence has."""
    folder = tmp_path_factory.mktemp("samples") / "evidence"
    make_evidence(folder, size="small")
    found: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            media = media_of(data)
            if media.identity.kind in ("picture", "video") and opens(media):
                found.setdefault(media.identity.format, data)
    assert {"jpeg", "png", "mp4"} <= set(found)
    return [rich_jpeg(), *found.values()]


def opens(media: Media) -> bool:
    try:
        media.check()
    except ContentError:
        return False
    return True


def media_of(data: bytes) -> Media:
    content = Content.from_bytes(data)
    return Media(content, identify(content), Limits(picture_pixels=5_000_000), content.digests())


@pytest.mark.parametrize("name", each())
def test_says_what_it_is(name: str) -> None:
    measure = find(name).measure
    module = name.partition(":")[0].rpartition(".")[2]
    assert module == measure.NAME, "a measure's file carries its name"
    assert measure.VERSION >= 1
    assert measure.KINDS
    assert set(get_args(Kind)) >= measure.KINDS
    assert issubclass(measure.RECORD, msgspec.Struct)
    assert measure.RECORD.__struct_config__.frozen
    assert measure.COST
    for library in measure.LIBRARIES:
        importlib.metadata.version(library)


@pytest.mark.parametrize("name", each())
def test_is_documented_and_its_tests_exist(name: str) -> None:
    doc = find(name).measure.DOC
    for field in ("requirement", "shows", "cannot_show", "method", "validated_on"):
        assert len(getattr(doc, field)) >= 8, field
    assert doc.tests, "a requirement without a test is a wish"
    for test in doc.tests:
        file, _, function = test.partition("::")
        names = {
            node.name
            for node in ast.walk(ast.parse((ROOT / file).read_text()))
            if isinstance(node, ast.FunctionDef)
        }
        assert function in names, test


@pytest.mark.parametrize("name", each())
def test_has_one_public_method_and_reaches_for_nothing_outside(name: str) -> None:
    cls = type(find(name).measure)
    public = {key for key, _ in inspect.getmembers(cls, callable) if not key.startswith("_")}
    assert public - {"RECORD", "OPTIONS"} == {"measure"}
    tree = ast.parse(Path(inspect.getfile(cls)).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name.split(".")[0] for alias in node.names}
            module = getattr(node, "module", None) or ""
            assert not (names | {module.split(".")[0]}) & IMPURE
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("open", "print", "eval", "exec", "input")


@pytest.mark.parametrize("name", each())
def test_gives_the_same_plain_record_every_time(name: str, samples: list[bytes]) -> None:
    measure = find(name).measure
    measured = 0
    for data in samples:
        if media_of(data).identity.kind not in measure.KINDS:
            continue
        first, second = measure.measure(media_of(data)), measure.measure(media_of(data))
        assert first == second
        if isinstance(first, CannotMeasure):
            assert first.reason
            continue
        assert isinstance(first, Measured)
        assert isinstance(first.record, measure.RECORD)
        plain = msgspec.json.decode(msgspec.json.encode(first.record, order="sorted"))
        assert_plain(plain)
        digests = {hashlib.sha256(blob).hexdigest() for blob in first.blobs}
        text = str(plain)
        assert all(digest in text for digest in digests), "a blob that the record does not name"
        measured += 1
    assert measured, "no sample was measured"


def assert_plain(value: Any) -> None:
    if isinstance(value, dict):
        for key, held in value.items():
            assert isinstance(key, str)
            assert_plain(held)
    elif isinstance(value, list):
        for held in value:
            assert_plain(held)
    elif isinstance(value, float):
        assert math.isfinite(value)
    else:
        assert value is None or isinstance(value, str | int | bool)


@pytest.mark.parametrize("name", each())
def test_damaged_bytes_raise_content_errors_only(name: str, samples: list[bytes]) -> None:
    measure = find(name).measure
    chance = random.Random(name)
    for data in samples:
        if len(data) > 400_000:
            continue
        for _ in range(6):
            damaged = bytearray(data[: chance.randrange(len(data) // 2, len(data) + 1)])
            for _ in range(chance.randrange(1, 12)):
                damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            media = media_of(bytes(damaged))
            if media.identity.kind not in measure.KINDS:
                continue
            try:
                result = measure.measure(media)
            except ContentError as error:
                assert str(error)
            else:
                assert isinstance(result, Measured | CannotMeasure)
