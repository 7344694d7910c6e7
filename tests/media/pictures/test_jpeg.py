"""The markers of a JPEG, where they do not end."""

from __future__ import annotations

import pytest

from headwater.evidence.content import Content
from headwater.media.pictures.jpeg import walk_jpeg


@pytest.mark.parametrize("repeated", [b"\xff\xd0", b"\0\xff\x01", b"\xff\xe9\0\2"])
def test_markers_without_end_are_followed_only_so_far(repeated: bytes) -> None:
    walked = walk_jpeg(Content.from_bytes(b"\xff\xd8" + 50_000 * repeated))
    assert walked.notes[-1] == "more than 20000 markers before the first scan"
    assert (walked.scan_offset_bytes, walked.end_bytes) == (None, None)
    assert len(walked.segments) <= 20_000
    assert len(walked.notes) <= 20
