"""Finds similar pictures of a folder with czkawka, by its defaults; run by bench.folder.

The folder is the argument; it prints the groups of paths as one line of JSON.
"""

from __future__ import annotations

import json
import sys

import czkawka  # type: ignore[import-not-found]


def main() -> None:
    finder = czkawka.ImageSimilarity()
    finder.set_directories([sys.argv[1]])
    groups = finder.find_similar()
    print(json.dumps([[str(path) for path in group] for group in groups]))


if __name__ == "__main__":
    main()
