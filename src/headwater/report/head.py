"""The head of the page: whose case it is, what state of it is shown, and how to check that."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.case.query import Case
from headwater.case.records import Checkpoint, Counts, RunRow
from headwater.report.markup import Child, Html, element, joined, said
from headwater.report.words import amount, number, terms, tile

LINKS = (
    ("opening", "How it was opened"),
    ("holdings", "What is there"),
    ("lists", "Known lists"),
    ("problems", "Problems"),
    ("unread", "Not read"),
    ("days", "Days"),
    ("positions", "Positions"),
    ("devices", "Devices"),
    ("items", "Items"),
    ("methods", "Methods"),
    ("left-out", "Left out"),
)
"""Every section by its id, in the order of the page."""


def head(
    case: Case, counts: Counts, runs: list[RunRow], checkpoint: Checkpoint | None
) -> Iterator[Html]:
    """Yield the head, its warnings and the way to the sections."""
    info = case.info
    yield element(
        "header",
        element("p", "Headwater · report of a case", class_="kicker"),
        element("h1", said(info.name)),
        terms(
            (
                ("Examiner", _stated(info.examiner)),
                ("Organisation", _stated(info.organisation)),
                ("Authority", _stated(info.authority)),
                ("Case made", element("time", info.made_at)),
                ("Case id", element("code", info.case_id)),
            ),
            class_="facts",
        ),
        class_="top",
    )
    yield joined(_warnings(runs, counts, checkpoint))
    yield _tiles(counts)
    if checkpoint is not None:
        yield _checkpoint(checkpoint, counts)
    links = (element("a", title, href=f"#{name}") for name, title in LINKS)
    yield element("nav", *links, aria_label="Sections")


def _stated(value: str) -> Html:
    return said(value) if value.strip() else element("em", "not stated")


def _warnings(runs: list[RunRow], counts: Counts, checkpoint: Checkpoint | None) -> Iterator[Html]:
    uncaged = [run.run_id for run in runs if run.info.uncaged]
    touched = [run.run_id for run in runs if run.info.accept_atime]
    if uncaged:
        yield _warning(
            "Evidence was opened without a cage. ",
            f"In {_runs(uncaged)} decoders worked on evidence with all rights of the examiner. A "
            "file made to attack a decoder could have acted on the machine, the case and every "
            "result.",
        )
    if touched:
        yield _warning(
            "Access times may have changed. ",
            f"In {_runs(touched)} reading was allowed where it may change the access times of "
            "files and folders of a source.",
        )
    if checkpoint is None:
        yield _warning(
            "No checkpoint. ",
            "The case has no signed statement of its state, so nothing kept elsewhere can prove "
            "what this page was made from.",
        )
    elif counts.leaves > checkpoint.size:
        yield _warning(
            "The last checkpoint does not cover everything. ",
            f"The log has {amount(counts.leaves, 'leaf', 'leaves')}, the checkpoint covers "
            f"{number(checkpoint.size)}: a run is going on or did not end in order.",
        )


def _runs(numbers: list[int]) -> str:
    listed = ", ".join(map(str, numbers[:10])) + (", …" if len(numbers) > 10 else "")
    return f"run {listed}" if len(numbers) == 1 else f"{len(numbers)} runs ({listed})"


def _warning(title: str, words: str) -> Html:
    return element("p", element("strong", title), words, class_="warning", role="alert")


def _tiles(counts: Counts) -> Html:
    states = counts.items_by_state
    stopped = states.get("refused", 0) + states.get("failed", 0)
    tiles: tuple[tuple[int, Child], ...] = (
        (counts.occurrences, "places"),
        (counts.items, "distinct contents (items)"),
        (states.get("measured", 0), "measured"),
        (stopped, "refused or failed"),
        (counts.unread_places, "places not read"),
        (counts.problems, "problems"),
    )
    return element("div", *(tile(value, word) for value, word in tiles), class_="tiles")


def _checkpoint(checkpoint: Checkpoint, counts: Counts) -> Html:
    command = f"headwater verify --case FOLDER --expect {checkpoint.root_hex}"
    return element(
        "section",
        element("h2", "What this page was made from", id="checkpoint-title"),
        element(
            "p",
            "The whole record of the case is a log of ",
            amount(counts.leaves, "leaf", "leaves"),
            ". Its state is named by this checkpoint, signed when the last run ended:",
        ),
        terms(
            (
                ("Size", amount(checkpoint.size, "leaf", "leaves")),
                ("Root", element("code", checkpoint.root_hex)),
                ("Signed", joined((element("time", checkpoint.at), " by key ", _key(checkpoint)))),
            ),
            class_="facts",
        ),
        element(
            "p",
            "To check it, take the root from a place that nobody could change since (a note, a "
            "register, another organisation) and run ",
            element("code", command),
            " with the folder of the case. ",
            element("b", "GOOD"),
            " means that the record is the one that this root names, that the sources still have "
            "the content that was read, and that results came out the same when they were made "
            "again (for a part of the items, or for all with ",
            element("code", "--replay all"),
            "). The root as printed here proves nothing by itself: whoever can change the case can "
            "change this page. The page adds nothing of its own, and the same case gives the same "
            "page.",
        ),
        aria_labelledby="checkpoint-title",
    )


def _key(checkpoint: Checkpoint) -> Html:
    return element("code", checkpoint.key_id)
