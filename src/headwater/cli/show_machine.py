"""What this machine and installation are, as a person reads it."""

from __future__ import annotations

from headwater.cli.layout import say_heading, say_pairs, say_wrapped
from headwater.cli.machine import Library, Machine, Memory
from headwater.cli.terminal import say
from headwater.exchange.text import escaped


def say_machine(found: Machine) -> None:
    """Print everything that `doctor` found."""
    say(f"headwater {found.headwater}, Python {found.python}, {found.system}, {found.cores} cores")
    say_heading("libraries that open evidence")
    _say_libraries(found.opens_evidence)
    say_heading("other libraries")
    _say_libraries(found.other_libraries)
    say_heading("bundled codecs")
    say_pairs(found.bundled_codecs.items())
    if found.cage:
        probes = f"; {found.probes_blocked} attempts to leave it failed"
        say_heading(f"cage: {found.cage.get('level', 'none')}{probes}")
        say_pairs((name, said) for name, said in found.cage.items() if name != "level")
    _say_memory(found.memory)
    say_heading("problems" if found.problems else "no problems")
    for problem in found.problems:
        say_wrapped(problem)


def _say_memory(memory: Memory) -> None:
    say_heading("memory, while known lists are open")
    if memory.can_be_locked:
        verdict = "it is locked, and stays off the disk"
    elif memory.swap:
        verdict = "lists are opened with --accept-swap alone, and may then come to lie in swap"
    else:
        verdict = "it cannot be locked, and the machine has no swap to put it in"
    say_pairs(
        [
            ("can be locked", "yes" if memory.can_be_locked else f"no: {memory.obstacle}"),
            ("swap", "yes" if memory.swap else "none"),
            ("so", verdict),
        ]
    )


def _say_libraries(libraries: tuple[Library, ...]) -> None:
    across = max((len(one.name) for one in libraries), default=0) + 2
    wide = max((len(one.version) for one in libraries), default=0) + 2
    for one in libraries:
        lead = f"  {escaped(one.name):<{across}}{escaped(one.version):<{wide}}"
        say_wrapped(one.licence, lead, " " * len(lead))
        if one.note and one.note != one.licence:
            say_wrapped(one.note, " " * len(lead), " " * len(lead))
