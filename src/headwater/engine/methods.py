"""Which methods run, and what identifies each: name, version, options, libraries."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from headwater.errors import UsageError
from headwater.measures.contract import Measure
from headwater.measures.registry import BUILT_IN
from headwater.model import Kind, Method, Record

ENTRY_POINT_GROUP = "headwater.measures"

Options = Mapping[str, Mapping[str, int | float | str | bool]]


class MethodRow(msgspec.Struct, frozen=True, kw_only=True):
    """One method, with the kinds of item it is run on and the library versions behind it."""

    method: Method
    kinds: tuple[Kind, ...]
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class LoadedMeasure:
    """A measure ready to run, beside what identifies it."""

    measure: Measure
    row: MethodRow


class ContainerFacts(Record, frozen=True, kw_only=True):
    """What walking a container gives: the record of the method `container`."""

    members: int
    """Entries met, those that were refused included."""
    unpacked_bytes: int


_CONTAINER_VERSION = 1
_CONTAINER_LIBRARIES = ("inflate64", "pybcj", "zstandard")


@functools.cache
def container_row() -> MethodRow:
    """Return the method of walking a container: not a measure, but with a version like one."""
    environment = {name: _version(name) for name in _CONTAINER_LIBRARIES}
    method = Method(
        name="container",
        version=_CONTAINER_VERSION,
        options_sha256=_digest(None),
        environment_sha256=_digest(environment),
    )
    return MethodRow(method=method, kinds=("archive",), environment=environment)


def measure_names() -> tuple[str, ...]:
    """Return the built-in measures and those that installed packages add, as `module:Class`."""
    added = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    return (*BUILT_IN, *sorted(point.value for point in added))


def load_measures(names: tuple[str, ...], options: Options) -> tuple[LoadedMeasure, ...]:
    """Import and construct measures. Raises UsageError for one that does not exist."""
    loaded = tuple(_load(name, options) for name in names)
    seen = [entry.row.method.name for entry in loaded]
    if twice := sorted({name for name in seen if seen.count(name) > 1}):
        raise UsageError(f"two measures are named {twice[0]!r}; rename or uninstall one")
    return loaded


def _load(name: str, options: Options) -> LoadedMeasure:
    module_name, _, class_name = name.partition(":")
    try:
        cls: type[Measure] = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"the measure {name} cannot be loaded: {error}") from error
    chosen = options.get(cls.NAME)
    option_type = getattr(cls, "OPTIONS", None)
    if option_type is not None:
        measure = cls(msgspec.convert(dict(chosen or {}), option_type))
    elif chosen:
        raise UsageError(f"the measure {cls.NAME} takes no options")
    else:
        measure = cls()
    return LoadedMeasure(measure, _row(measure))


def _row(measure: Measure) -> MethodRow:
    environment = {name: _version(name) for name in sorted(set(measure.LIBRARIES))}
    method = Method(
        name=measure.NAME,
        version=measure.VERSION,
        options_sha256=_digest(measure.options),
        environment_sha256=_digest(environment),
    )
    return MethodRow(method=method, kinds=tuple(sorted(measure.KINDS)), environment=environment)


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _digest(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()
