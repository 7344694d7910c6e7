"""The methods behind the results: their versions, and what each can and cannot show."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from headwater.case.query import Case
from headwater.case.records import Counts
from headwater.measures.contract import Measure
from headwater.measures.registry import BUILT_IN, ON_DEMAND
from headwater.model import Method
from headwater.report.markup import Html, element, said
from headwater.report.words import amount, number, table, terms

_NO_MEASURES = {
    "container": "Walks a container and lists its members; each member is an item of its own.",
}
"""Methods of the engine itself."""


def methods(case: Case, counts: Counts) -> Iterator[Html]:
    """Yield the table of methods, then what is known of each."""
    found = case.methods()
    if not found:
        yield element("p", "No result of a method is in the case.")
        return
    yield element(
        "p",
        "A result belongs to a method's name, version, options and environment (the libraries that "
        "decide it). Where one of them changes, the result is a new one.",
    )
    heads = ("Method", "Version", "Items", "Options, digest", "Environment, digest")
    yield table(heads, [_row(method, counts) for method in found])
    installed = _installed()
    for name in sorted({method.name for method in found}):
        versions = sorted({method.version for method in found if method.name == name})
        yield _described(name, versions, installed.get(name))


def _row(method: Method, counts: Counts) -> tuple[Html | str | int, ...]:
    return (
        said(method.name),
        method.version,
        number(counts.measurements_by_method.get(method.name, 0)),
        element("code", method.options_sha256[:16]),
        element("code", method.environment_sha256[:16]),
    )


def _installed() -> dict[str, type[Measure]]:
    """Return the built-in measures that can be loaded here, by name."""
    found: dict[str, type[Measure]] = {}
    for entry in (*BUILT_IN, *ON_DEMAND):
        module_name, _, class_name = entry.partition(":")
        try:
            measure: type[Measure] = getattr(importlib.import_module(module_name), class_name)
        except (ImportError, AttributeError):
            continue
        found[measure.NAME] = measure
    return found


def _described(name: str, versions: list[int], measure: type[Measure] | None) -> Html:
    listed = ", ".join(map(str, versions))
    title = element("h3", said(name), element("small", f" version {listed}"))
    if measure is None:
        words = _NO_MEASURES.get(name, "This program has no description of it.")
        return element("div", title, element("p", words), class_="method")
    doc = measure.DOC
    other = None
    if versions != [measure.VERSION]:
        other = element(
            "p",
            f"What follows describes version {measure.VERSION}, which this program has; the case "
            f"has results of version {listed}.",
            class_="bad",
        )
    return element(
        "div",
        title,
        other,
        terms(
            (
                ("Shows", doc.shows),
                ("Cannot show", doc.cannot_show),
                ("Requirement", doc.requirement),
                ("Method", doc.method),
                ("Validated on", doc.validated_on),
                ("Held to it by", amount(len(doc.tests), "named test")),
            )
        ),
        class_="method",
    )
