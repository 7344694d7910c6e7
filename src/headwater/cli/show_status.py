"""What a case holds, as a person reads it."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.cli.layout import say_heading, say_pairs, say_wrapped, words
from headwater.cli.show_lists import matched_words
from headwater.cli.terminal import say
from headwater.exchange.known_lists import CategoryTally, KnownTally, ListTally
from headwater.limits import Limits
from headwater.report.words import amount

_OF_THE_CASE = ("name", "examiner", "organisation", "authority", "case")
"""Options of a run that are not repeated for each run."""


def say_status(facts: dict[str, Any]) -> None:
    """Print what `status --json` holds."""
    _say_case(facts["case"])
    say_heading("sources")
    for source in facts["sources"]:
        # A path is never wrapped, so that it can be copied whole.
        say(f"  {source['kind']:<6}  {source['path']}  (added {source['added_at']})")
    _say_counts(facts["counts"])
    _say_known(msgspec.convert(facts["known"], KnownTally))
    for run in facts["runs"]:
        _say_run(run)
    checkpoint = facts["checkpoint"]
    say_heading("latest checkpoint" if checkpoint else "no checkpoint yet")
    if checkpoint:
        say_pairs(
            [
                ("leaves", checkpoint["size"]),
                ("root", checkpoint["root_hex"]),
                ("signed", f"{checkpoint['at']} with key {checkpoint['key_id']}"),
            ]
        )


def _say_case(info: dict[str, Any]) -> None:
    say(f"case {info['name']}")
    say_pairs(
        [
            ("examiner", info["examiner"]),
            ("organisation", info["organisation"]),
            ("authority", info["authority"]),
            ("made", f"{info['made_at']} by headwater {info['program_version']}"),
            ("small pictures", "kept" if info["thumbnails"] else "not kept"),
            ("id", info["case_id"]),
            ("public key", info["public_key"]),
            ("tables", f"revision {info['schema_revision']}"),
        ]
    )


def _say_counts(counts: dict[str, Any]) -> None:
    say_heading("what it holds")
    files, members = counts["files"], counts["members"]
    stored = f"{files:,} files of the sources, {members:,} members of containers"
    say_pairs(
        [
            ("items", f"{counts['items']:,}"),
            ("by state", _listed(counts["items_by_state"])),
            ("by kind", _listed(counts["items_by_kind"])),
            ("by format", _listed(counts["items_by_format"])),
            ("places", f"{counts['occurrences']:,}, stored as {stored}"),
            ("not read", f"{counts['unread_places']:,} of the stored places"),
            ("measurements", f"{counts['measurements']:,}"),
            ("by measure", _listed(counts["measurements_by_method"])),
            ("problems", f"{counts['problems']:,}"),
            ("by code", _listed(counts["problems_by_code"])),
            ("small pictures", f"{counts['blobs']:,}, {counts['blob_bytes']:,} bytes"),
            ("leaves", f"{counts['leaves']:,}"),
        ]
    )


def _say_known(known: KnownTally) -> None:
    """Print the lists that serve, and what they and people say of the items."""
    if known.lists:
        say_heading("known lists")
    say_pairs((one.name, _list_words(one)) for one in known.lists)
    if known.categories:
        say_heading("categories")
        say_pairs((f"{one.items:,}", _category_words(one)) for one in known.categories)
        say_pairs(
            [("said otherwise", f"{known.contradicted:,} of them" * bool(known.contradicted))]
        )


def _list_words(one: ListTally) -> str:
    named = f"{one.role} list{f' {one.version}' * bool(one.version)}"
    signed = "signed" if one.signed else "not signed"
    items = matched_words(one)
    matched = f"items matched: {items}" if items else "compared with nothing yet"
    behind = "; not compared with all items yet" * (one.compared == "some")
    return f"{named}, {signed}, {amount(one.entries, 'entry', 'entries')}; {matched}{behind}"


def _category_words(one: CategoryTally) -> str:
    meaning = f" ({one.meaning.replace('_', ' ')})" if one.meaning else ""
    whose = "decided by" if one.basis == "decision" else "from the list"
    return f"{one.code}{meaning}, {whose} {one.by}"


def _listed(numbers: dict[str, int]) -> str:
    most_first = sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in most_first)


def _say_run(run: dict[str, Any]) -> None:
    info = run["info"]
    say_heading(f"run {run['run_id']}, begun {run['started_at']}")
    say_pairs(
        [
            ("program", f"headwater {info['program_version']}"),
            ("workers", f"{info['workers']} ({info['engine']})"),
            ("cage", _cage(info)),
            ("access times", "reads that may change them were allowed" * info["accept_atime"]),
            *_options(info["options"]),
            ("libraries", ", ".join(f"{name} {is_at}" for name, is_at in info["versions"].items())),
        ]
    )
    say_pairs(((name, said) for name, said in info["cage"].items() if name != "level"), "    ")
    for event in run["events"]:
        detail = ", ".join(f"{name} {value}" for name, value in event["detail"].items())
        say_wrapped(f"{event['event']} {event['at']}: {detail}")
    if not run["events"]:
        say("  no end is recorded: it is still running, or was killed")


def _options(options: str) -> list[tuple[str, Any]]:
    """Return what a run was asked for, and which of its limits are not the usual ones."""
    asked: dict[str, Any] = msgspec.json.decode(options, type=dict[str, Any])
    usual = msgspec.to_builtins(Limits())
    limits: dict[str, Any] = asked.pop("limits", {})
    changed = {name: value for name, value in limits.items() if usual.get(name) != value}
    rest = {name: value for name, value in asked.items() if name not in _OF_THE_CASE}
    return [("asked for", rest), ("limits", words(changed) or "the usual ones")]


def _cage(info: dict[str, Any]) -> str:
    if info["uncaged"]:
        return "NONE: evidence was opened without a cage"
    level = info["cage"].get("level")
    if level is None:
        return "none was needed: nothing was opened"
    return f"{level}; {info['probes']:,} attempts to leave it failed"
