"""After warming up, reading metadata imports nothing more: workers have no files to import from."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures import exif, icc, iptc, xmp
from headwater.media.media import Media
from headwater.media.metadata.warm import warm_metadata
from headwater.model import Identity

warm_metadata()
before = set(sys.modules)
note = b"\\0\\1\\0\\7\\0\\2\\0\\0\\0\\4abc\\0\\0\\0\\0\\0"
block = b"MM\\0*\\0\\0\\0\\x08\\0\\2\\x01\\x0f\\0\\2\\0\\0\\0\\6\\0\\0\\0\\x60"
block += b"\\x92\\x7c\\0\\7\\0\\0\\0\\x12\\0\\0\\0\\x80"
block = (block.ljust(0x60, b"\\0") + b"Canon\\0").ljust(0x80, b"\\0") + note
exif_part = b"Exif\\0\\0" + block
text = "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
parts = [(0xE1, exif_part)]
for encoding in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"):
    parts.append((0xE1, b"http://ns.adobe.com/xap/1.0/\\0" + text.encode(encoding)))
parts.append((0xFE, b"caf\\xe9"))
parts.append((0xE2, b"ICC_PROFILE\\0\\1\\1" + bytes(200)))
data = b"\\xff\\xd8" + b"".join(
    bytes([255, m]) + (len(d) + 2).to_bytes(2, "big") + d for m, d in parts
) + b"\\xff\\xda\\0\\2\\0\\xff\\xd9"
names = ("jpeg", "png", "gif", "webp", "heif", "cr3", "jxl", "jp2", "tiff", "raf", "rw2")
answers = []
for name in names:
    content = Content.from_bytes(data if name == "jpeg" else block)
    item = Media(content, Identity(kind="picture", format=name, media_type=None), Limits(), None)
    for measure in (exif.Exif(), xmp.Xmp(), iptc.Iptc(), icc.Icc()):
        answers.append(type(measure.measure(item)).__name__)
assert answers[:4] == ["Measured"] * 4, answers
print(sorted(set(sys.modules) - before))
"""


def test_nothing_is_imported_later() -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"
