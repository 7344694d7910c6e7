"""The known lists of a case, opened for matching into memory that is kept from disks and dumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy.typing as npt

from headwater.case.records import ListVersion
from headwater.case.store import LISTS
from headwater.errors import CaseDamaged
from headwater.lists.keyed import keyed_digests
from headwater.lists.keys import ListKey, list_key
from headwater.lists.locked import LockedMemory
from headwater.lists.opened import OpenList, open_list
from headwater.lists.schemes import Scheme
from headwater.match.against_list import Keyed
from headwater.match.items import Bytes


class CaseLists:
    """Opens the lists of one case (a `match.run.ListDesk`)."""

    def __init__(
        self, case_folder: Path, case_id: str, key_folder: Path, memory: LockedMemory
    ) -> None:
        self._case_folder = case_folder
        self._case_id = case_id
        self._key_folder = key_folder
        self._memory = memory

    @cached_property
    def key(self) -> ListKey:
        """The key of the case's lists. Raises CaseError where it is not there."""
        return list_key(self._key_folder, self._case_id, self._case_folder, make=False)

    def keyed(self, digests: Bytes) -> Keyed:
        """Return digests, shape (n, bytes of one), as lists are keyed: uint64, shape (n, 2)."""
        return keyed_digests(self.key.digests, digests)

    @contextmanager
    def opened(self, version: ListVersion) -> Iterator[OpenList]:
        """Open a list for as long as the context lasts."""
        folder = self._case_folder / LISTS / version.info.folder
        with open_list(folder, self.key, version.info.manifest_sha256, self._memory) as known:
            yield known

    def allocate(self, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        """Return memory for what can be reckoned from lists."""
        return self._memory.allocate(shape, dtype)

    def meaning(self, version: ListVersion) -> Callable[[str], str | None]:
        """Return what category codes mean by the scheme of a list, as it was when imported."""
        try:
            scheme = msgspec.convert(version.info.report["scheme"], Scheme)
        except (KeyError, msgspec.ValidationError) as error:
            raise CaseDamaged(
                f"the list {version.info.name} has no scheme of its codes; run `verify`"
            ) from error
        return lambda code: scheme.of(code).meaning
