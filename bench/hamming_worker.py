"""Holds one index and searches it, in a process of its own; run by bench.hamming.

One line of JSON is a question, one an answer. `{"kind": K, "codes": SOURCE}` builds the index of
Headwater (`headwater`), of faiss (`flat`) or of threatexchange; `{"queries": FILE, "batch": N,
"found": FILE, ...}` searches it at radius 31 and writes the pairs (query, id). All of them use one
thread, and CPU seconds are those of the call alone.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import hamming_codes

RADIUS_BITS = 31
Found = tuple[Any, Any]
"""Rows of the queries, and ids."""


def headwater(codes: dict[str, Any]) -> Callable[..., Found]:
    from headwater.index.hamming import HammingIndex

    index = HammingIndex(capacity=hamming_codes.length(codes))
    for part in hamming_codes.chunks(codes):
        index.add(part)
    index.build()

    def search(queries: Any, plan: Any = None, threads: int = 1) -> Found:
        hits = index.search(queries, RADIUS_BITS, plan=plan, threads=threads)
        return hits.query, hits.id

    return search


def flat(codes: dict[str, Any]) -> Callable[..., Found]:
    import faiss  # type: ignore[import-not-found]

    faiss.omp_set_num_threads(1)
    index = faiss.IndexBinaryFlat(256)
    for part in hamming_codes.chunks(codes):
        index.add(part)

    def search(queries: Any, nearest: bool = False) -> Found:
        if nearest:
            distances, ids = index.search(queries, 1)
            near = distances[:, 0] <= RADIUS_BITS
            return np.flatnonzero(near), ids[near, 0]
        # faiss leaves the radius itself out.
        limits, _, ids = index.range_search(queries, RADIUS_BITS + 1)
        return np.repeat(np.arange(len(queries)), np.diff(limits.astype(np.int64))), ids

    return search


def threatexchange(codes: dict[str, Any]) -> Callable[..., Found]:
    import faiss
    from threatexchange.signal_type.pdq.pdq_index import (  # type: ignore[import-not-found]
        PDQIndex,
    )

    faiss.omp_set_num_threads(1)
    index: Any = PDQIndex()
    first = 0
    for part in hamming_codes.chunks(codes):
        numbers = range(first, first + len(part))
        index.add_all((row.tobytes().hex(), n) for row, n in zip(part, numbers, strict=True))
        first += len(part)

    def search(queries: Any) -> Found:
        # The form for batches, without building match objects, is its fastest.
        texts = [row.tobytes().hex() for row in queries]
        lists = index.index.search(texts, RADIUS_BITS, return_as_ids=True)
        rows = np.repeat(np.arange(len(lists)), [len(ids) for ids in lists])
        return rows, np.array([one for ids in lists for one in ids], np.int64)

    return search


KINDS = {"headwater": headwater, "flat": flat, "threatexchange": threatexchange}


def searched(search: Callable[..., Found], question: dict[str, Any]) -> dict[str, Any]:
    queries, batch = np.load(question["queries"]), question["batch"]
    options = question.get("options", {})
    found = []
    before, wall = time.process_time(), time.monotonic()
    for first in range(0, len(queries), batch):
        rows, ids = search(queries[first : first + batch], **options)
        found.append((rows + first, ids))
    cpu_seconds, seconds = time.process_time() - before, time.monotonic() - wall
    pairs = np.stack([np.concatenate(column) for column in zip(*found, strict=True)], axis=1)
    np.save(question["found"], pairs.astype(np.int64))
    return {"cpu_seconds": cpu_seconds, "wall_seconds": seconds, "hits": len(pairs)}


def main() -> None:
    search: Callable[..., Found] | None = None
    for line in sys.stdin:
        question = json.loads(line)
        if search is None:
            KINDS[question["kind"]]({"uniform": 1000})  # what is loaded or compiled once
            before = time.process_time()
            search = KINDS[question["kind"]](question["codes"])
            answer: dict[str, Any] = {"cpu_seconds": time.process_time() - before}
        else:
            answer = searched(search, question)
        answer["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
