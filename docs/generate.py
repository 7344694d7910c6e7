"""Writes the documents that follow from the code: `python -m docs.generate`.

Everything below `docs/reference/` and `docs/schema/` is made here from the command line, the
measures, the formats, the limits and the errors themselves; a test compares it with what is kept.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import typing
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import typer

from headwater import errors, limits
from headwater.cli import main
from headwater.cli.machine import Machine
from headwater.cli.reference import Candidates
from headwater.cli.run_examine import Summary
from headwater.cli.run_import import ImportAnswer
from headwater.cli.run_lint import DeviationLine, LintAnswer
from headwater.cli.run_match import MatchSummary
from headwater.cli.run_verify import Verdict
from headwater.cli.show_lists import ListsAnswer
from headwater.engine.methods import ContainerFacts
from headwater.exchange.schema import (
    Schema,
    csv_schema,
    item_schema,
    status_schema,
    struct_schema,
)
from headwater.measures.contract import Measure
from headwater.measures.registry import BUILT_IN, ON_DEMAND
from headwater.media.formats import ARCHIVE_EXTENSIONS, FORMATS, Format
from headwater.model import Record

DOCS = Path(__file__).parent
_MADE = "<!-- Made by `make docs` from the code; change the code, not this file. -->"


def documents() -> dict[str, str]:
    """Return every generated file by its path below `docs/`."""
    pages = {
        "reference/command-line.md": _command_line(),
        "reference/measures.md": _measures(),
        "reference/formats.md": _formats(),
        "reference/limits.md": _limits(),
        "reference/errors.md": _errors(),
        "reference/exit-codes.md": _exit_codes(),
        "reference/traceability.md": _traceability(),
    }
    for name, schema in schemas().items():
        pages[f"schema/{name}"] = _json(schema)
    pages["schema/csv-1.json"] = _json(csv_schema())
    return pages


def _json(schema: Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def schemas() -> dict[str, Schema]:
    """Return every published JSON Schema by its file's name."""
    records: dict[str, type[Record]] = {"container": ContainerFacts}
    records |= {measure.NAME: measure.RECORD for measure in _classes(BUILT_IN)}
    return {
        "item-1.json": item_schema(records),
        "status-1.json": status_schema(),
        "candidates-1.json": struct_schema(
            "headwater/candidates/1",
            "What `headwater show --json` prints where REF fits no item, or several.",
            Candidates,
        ),
        "verify-1.json": struct_schema(
            "headwater/verify/1", "What `headwater verify --json` prints.", Verdict
        ),
        "doctor-1.json": struct_schema(
            "headwater/doctor/1", "What `headwater doctor --json` prints.", Machine
        ),
        "list-import-1.json": struct_schema(
            "headwater/list-import/1",
            "The line that `headwater lists import --json` ends with.",
            ImportAnswer,
        ),
        "lists-1.json": struct_schema(
            "headwater/lists/1", "What `headwater lists show --json` prints.", ListsAnswer
        ),
        "match-1.json": struct_schema(
            "headwater/match/1", "What `headwater match --json` prints.", MatchSummary
        ),
        "deviation-1.json": struct_schema(
            "headwater/deviation/1",
            "Each line of `headwater lists lint --json` but the last.",
            DeviationLine,
        ),
        "lint-1.json": struct_schema(
            "headwater/lint/1", "The line that `headwater lists lint --json` ends with.", LintAnswer
        ),
        "examine-1.json": struct_schema(
            "headwater/examine/1", "The line that `headwater examine --json` ends with.", Summary
        ),
    }


def _classes(names: Iterable[str]) -> list[type[Measure]]:
    found = []
    for name in names:
        module, _, class_name = name.partition(":")
        found.append(getattr(importlib.import_module(module), class_name))
    return found


# Markdown.


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", _MADE, *parts]) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _flowing(text: str) -> str:
    """Join the lines of each paragraph."""
    return "\n\n".join(" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n"))


# The command line.


def _command_line() -> str:
    group: Any = typer.main.get_command(main.app)
    parts = [
        "Every verb and option, as `headwater VERB --help` gives them. What the exit codes mean is "
        "in [exit-codes.md](exit-codes.md); the JSON that verbs print has "
        "[schemas](../schema/item-1.json)."
    ]
    parts += ["## headwater", _table(("Option", "What it does"), _options(group.params))]
    for name, command in verbs(group):
        arguments = [one for one in command.params if not one.opts[0].startswith("-")]
        usage = " ".join(["headwater", *name.split(), *map(_argument, arguments), "[OPTIONS]"])
        parts += [f"## headwater {name}", f"```text\n{usage}\n```", _flowing(command.help)]
        if arguments:
            rows = [(f"`{_argument(one)}`", _help(one)) for one in arguments]
            parts.append(_table(("Argument", "What it is"), rows))
        options = [one for one in command.params if one not in arguments]
        parts.append(_table(("Option", "What it does"), _options(options)))
    return _page("Command line", *parts)


def verbs(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every verb with its words, those below another (`lists import`) in its place."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from verbs(command, f"{before}{name} ")
        else:
            yield before + name, command


def _argument(parameter: Any) -> str:
    word = parameter.metavar or parameter.name.upper()
    word += "..." if parameter.nargs == -1 else ""
    return word if parameter.required else f"[{word}]"


def _options(parameters: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for one in parameters:
        names = ", ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts))
        yield names, _help(one)


def _help(parameter: Any) -> str:
    said = [parameter.help or ""]
    if parameter.required:
        said.append("Required.")
    elif getattr(parameter, "secondary_opts", None):
        chosen = parameter.opts if parameter.default else parameter.secondary_opts
        said.append(f"Default: `{chosen[0]}`.")
    elif parameter.default not in (None, "", False):
        said.append(f"Default: `{parameter.default}`.")
    if parameter.envvar:
        said.append(f"Also read from `{parameter.envvar}`.")
    return " ".join(said)


def _exit_codes() -> str:
    text = inspect.getdoc(main) or ""
    rows = re.findall(r"^(\d+) +(.+)$", text, re.MULTILINE)
    return _page(
        "Exit codes",
        "An expected failure is one line on standard error, which says what happened, why, and "
        "what to do next; no traceback.",
        _table(("Code", "Meaning"), rows),
        "What to do about each is in [when things go wrong](../when-things-go-wrong.md).",
    )


# Records.


@cache
def _attribute_docs(module: str) -> dict[str, dict[str, tuple[str, str]]]:
    """Return, for each class of a module, the annotation and docstring of each field."""
    source = inspect.getsource(importlib.import_module(module))
    return {
        node.name: _fields(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
    }


def _fields(node: ast.ClassDef) -> dict[str, tuple[str, str]]:
    fields: dict[str, tuple[str, str]] = {}
    last = None
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            last = statement.target.id
            fields[last] = (ast.unparse(statement.annotation), "")
            continue
        value = statement.value if isinstance(statement, ast.Expr) else None
        if last and isinstance(value, ast.Constant) and isinstance(value.value, str):
            fields[last] = (fields[last][0], _flowing(value.value))
        last = None
    return fields


def _field_table(record: type[msgspec.Struct]) -> str:
    described = _attribute_docs(record.__module__)[record.__name__]
    rows = [(f"`{name}`", f"`{kind}`", said) for name, (kind, said) in described.items()]
    return _table(("Field", "Type", "What it is"), rows)


def _records_within(record: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    """Return the records that the fields of one refer to, itself first, in order of reading."""
    found: list[type[msgspec.Struct]] = []
    ahead: list[Any] = [record]
    while ahead:
        kind = ahead.pop(0)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if kind not in found:
                found.append(kind)
                ahead.extend(typing.get_type_hints(kind).values())
        else:
            ahead.extend(typing.get_args(kind))
    return found


# Measures.


def _measures() -> str:
    parts = [
        "What can be read off an item, each measure with what it shows and what it cannot show. "
        "Every result names its method and version; costs are CPU time on one core. How to add "
        "one is in [add a measure](../add-a-measure.md); what tests hold each to its requirement "
        "is in [traceability](traceability.md)."
    ]
    measures = _classes((*BUILT_IN, *ON_DEMAND))
    rows = [
        (f"[{one.NAME}](#{one.NAME})", ", ".join(sorted(one.KINDS)), str(one.VERSION), one.COST)
        for one in measures
    ]
    parts.append(_table(("Measure", "Of", "Version", "Cost"), rows))
    for measure in measures:
        parts += _measure(measure)
    return _page("Measures", *parts)


def _measure(measure: type[Measure]) -> Iterator[str]:
    doc = measure.DOC
    yield f"## {measure.NAME}"
    yield doc.requirement
    yield f"**It shows.** {doc.shows}"
    yield f"**It cannot show.** {doc.cannot_show}"
    yield f"**Method.** {doc.method}"
    yield f"**Validated on.** {doc.validated_on}"
    facts = [f"Version {measure.VERSION}. Cost: {measure.COST}."]
    if measure.LIBRARIES:
        facts.append(f"Libraries that decide the output: {', '.join(sorted(measure.LIBRARIES))}.")
    if doc.techniques:
        facts.append(f"SOLVE-IT techniques: {', '.join(doc.techniques)}.")
    yield " ".join(facts)
    for number, record in enumerate(_records_within(measure.RECORD)):
        lead = "Record" if number == 0 else "Within it"
        yield f"**{lead}: {record.__name__}.** {_flowing(inspect.getdoc(record) or '')}"
        yield _field_table(record)


def _traceability() -> str:
    rows = [
        (
            f"[{one.NAME}](measures.md#{one.NAME}) {one.VERSION}",
            one.DOC.requirement,
            one.DOC.method,
            "<br>".join(f"`{test}`" for test in one.DOC.tests) or "none",
            one.DOC.validated_on,
        )
        for one in _classes((*BUILT_IN, *ON_DEMAND))
    ]
    head = ("Measure", "Requirement", "Method", "Tests", "Validated on")
    return _page(
        "Traceability",
        "From each requirement to the published method behind it, the tests that hold the code to "
        "it, and the material on which the result was validated.",
        _table(head, rows),
    )


# Formats, limits, errors.


def _formats() -> str:
    parts = [
        "A format is recognised by its content, never by its name, and opened only if it is on "
        "this list with a library. *Verified with* tells what file a test takes through: one that "
        "a *device* wrote, one that another project's *encoder* wrote, or one *made* by the test "
        "from the specification. *Made, preview alone* has the maker's outer structure: identity, "
        "metadata and the embedded preview are verified, the maker's packing of sensor data is "
        "not. *Recognised, not verified* means that no test takes a file of that format through."
    ]
    for kind, title in (("picture", "Pictures"), ("video", "Video")):
        rows = [_format_row(one) for one in FORMATS if one.kind == kind]
        head = ("Name", "Format", "Media type", "Opened by", "Verified with", "Verified by")
        parts += [f"## {title}", _table(head, rows)]
    archives = [(f"`{name}`", ", ".join(ends)) for name, ends in ARCHIVE_EXTENSIONS.items()]
    parts += [
        "## Archives",
        "Listed and unpacked by readers of Headwater's own, member by member, under "
        "[limits](limits.md).",
        _table(("Name", "Usual extensions"), archives),
        "## Recognised and never opened",
        "These are named, digested and left alone.",
        _table(
            ("Name", "Format", "Media type"),
            [
                (f"`{one.name}`", one.title, one.media_type or "")
                for one in FORMATS
                if one.decoder is None
            ],
        ),
    ]
    return _page("Formats", *parts)


def _format_row(one: Format) -> tuple[str, ...]:
    verified = f"`{one.verified_by}`" if one.verified_by else "*recognised, not verified*"
    specimen = one.verified_with or ""
    opened = one.decoder or "never opened"
    return f"`{one.name}`", one.title, one.media_type or "", opened, specimen, verified


def _limits() -> str:
    described = _attribute_docs(limits.__name__)["Limits"]
    held = limits.Limits()
    rows = [
        (f"`{name}`", _amount(name, getattr(held, name)), said)
        for name, (_, said) in described.items()
    ]
    return _page(
        "Limits",
        "A limit that is reached is a recorded problem of the one item that reached it, with the "
        "limit's name in `limit`. Sizes of pictures are read from the header before a decoder is "
        "called; memory is bounded by the kernel, and time by the main process.",
        _table(("Limit", "Value", "Of what"), rows),
    )


def _amount(name: str, value: float) -> str:
    if name.endswith("_bytes"):
        for unit, size in (("GiB", limits.GIB), ("MiB", limits.MIB)):
            if value >= size:
                return f"{value / size:g} {unit}"
    return f"{value:,g}" if isinstance(value, float) else f"{value:,}"


def _errors() -> str:
    tree = (inspect.getdoc(errors) or "").partition("\n\n")[2]
    listed, _, words = tree.partition("\n\n")
    parts = [f"```text\n{listed}\n```", _flowing(words)]
    for name, error in vars(errors).items():
        if isinstance(error, type) and issubclass(error, errors.HeadwaterError):
            parts += [f"## {name}", _flowing(inspect.getdoc(error) or "")]
    return _page("Errors", "Every error that is raised on purpose.", *parts)


def write() -> None:
    """Write every generated file."""
    for name, text in documents().items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
