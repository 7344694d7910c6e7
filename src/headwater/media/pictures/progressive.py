"""Leave out the scans of a progressive JPEG that a smaller raster can do without (T.81, annex G).

A progressive JPEG sends its coefficients in many scans: by bands of frequencies, and by bits, the
first pass over a band without its lowest bits and one refinement for each of them. A decode at
1/2, 1/4 or 1/8 reads only the low frequencies, but the decoder would still read every scan.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from headwater.media.pictures.jpeg import APP0, COM, EOI, SOS

_PROGRESSIVE, _DHT, _DQT, _DRI = 0xC2, 0xC4, 0xDB, 0xDD
_BETWEEN_SCANS = frozenset({_DHT, _DRI, COM, *range(APP0, APP0 + 16)})
_END_OF_ENTROPY = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_SEGMENTS_MOST, _SCANS_MOST = 1000, 100
_FINE = 16
"""The largest step of a low AC coefficient, dequantised, that counts as fine detail. It is 2.8 to
4 grey levels where a cosine is at its peak."""
_BITS_MOST = 13
_BLOCK_PX = 8
_ZIGZAG = sorted(
    ((row, column) for row in range(_BLOCK_PX) for column in range(_BLOCK_PX)),
    key=lambda place: (sum(place), place[0] if sum(place) % 2 else place[1]),
)
_LOWEST_AC = tuple(k for k, place in enumerate(_ZIGZAG) if k and max(place) < 2)
_CORNERS = tuple(
    sum(1 << k for k, place in enumerate(_ZIGZAG) if max(place) < side)
    for side in range(_BLOCK_PX + 1)
)
"""By its side, the coefficients of a low-frequency corner: one bit for each, in zigzag order."""


@dataclass(frozen=True, slots=True)
class LeanStream:
    """A JPEG with `kept` of its `scans`, which decodes like the whole but for fine detail."""

    data: bytes
    kept: int
    scans: int
    size_px: tuple[int, int]
    """Width and height, as the frame header has them."""


@dataclass(frozen=True, slots=True)
class _Frame:
    size_px: tuple[int, int]
    identifiers: bytes
    sampling: tuple[tuple[int, int], ...]
    """Of each component, across and down."""
    component_tables: bytes
    """Of each component, which quantisation table it uses."""

    @property
    def tables(self) -> frozenset[int]:
        return frozenset(self.component_tables)


@dataclass(frozen=True, slots=True)
class _Scan:
    """A scan at `[start, end)`, which leaves the `low` lowest bits of its band to others."""

    start: int
    end: int
    components: tuple[int, ...]
    """Places in the frame header."""
    band: int
    """One bit for each coefficient, in zigzag order."""
    high: int
    """`low` of the scan that this refines; 0 for a first pass."""
    low: int

    @property
    def is_dc(self) -> bool:
        return self.band == 1


@dataclass(frozen=True, slots=True)
class _Layout:
    frame: _Frame
    steps: tuple[int, ...]
    """Of each component, the largest quantiser of its lowest AC coefficients."""
    scans: list[_Scan]
    end: int
    """One past the end-of-image marker."""


class _NotPlain(Exception):
    """The stream is not one that may be changed."""


def leave_out_scans(data: bytes, scale: int) -> LeanStream | None:
    """Return the stream that a decode at 1/`scale` (2, 4 or 8) needs, up to its end of image.

    Kept are all DC scans, and of each band of AC coefficients that the scaled inverse DCT reads
    the passes down to the third-lowest bit, with every earlier scan that these build upon. What is
    in a scan that was left out is not looked at, so damage there goes unnoticed.

    Returns None where nothing can be left out, and where the layout is not plainly understood: any
    coding but Huffman progressive with 8 bits, no end of image, more than 100 scans, quantisation
    tables between scans, or scans that break the rules of progression (T.81 G.1.1.1), by which
    every coefficient is sent once and then refined by one bit at a time.
    """
    try:
        layout = _read(data)
        _check_progression(layout)
    except _NotPlain:
        return None
    needed = _needed(layout, _corners(layout.frame, scale))
    if all(needed):
        return None
    parts, start = [], 0
    for scan, is_needed in zip(layout.scans, needed, strict=True):
        if not is_needed:
            parts.append(data[start : scan.start])
            start = scan.end
    parts.append(data[start : layout.end])
    return LeanStream(b"".join(parts), sum(needed), len(needed), layout.frame.size_px)


def _read(data: bytes) -> _Layout:
    """Follow the segments up to the end-of-image marker."""
    frame: _Frame | None = None
    tables: dict[int, int] = {}
    scans: list[_Scan] = []
    position = 2
    for _ in range(_SEGMENTS_MOST):
        marker, payload = _segment(data, position)
        after = position + 4 + len(payload)
        if marker == EOI and frame is not None and frame.tables <= tables.keys():
            steps = tuple(tables[table] for table in frame.component_tables)
            return _Layout(frame, steps, scans, position + 2)
        if marker == SOS and frame is not None and len(scans) < _SCANS_MOST:
            found = _END_OF_ENTROPY.search(data, after)
            if found is None:
                break
            scans.append(_scan(payload, frame, position, found.start()))
            after = found.start()
        elif marker == _PROGRESSIVE and frame is None:
            frame = _frame(payload)
        elif marker == _DQT and not scans:
            tables |= _steps(payload)
        elif marker not in _BETWEEN_SCANS:
            break
        position = after
    raise _NotPlain


def _segment(data: bytes, position: int) -> tuple[int, bytes]:
    """Return the marker at `position` and the payload of its segment; none for end of image."""
    start = data[position : position + 4]
    if len(start) >= 2 and start[0] == 0xFF and start[1] == EOI:
        return EOI, b""
    size = int.from_bytes(start[2:])
    if len(start) < 4 or start[0] != 0xFF or size < 2 or position + 2 + size > len(data):
        raise _NotPlain
    return start[1], data[position + 4 : position + 2 + size]


def _frame(payload: bytes) -> _Frame:
    """Read a frame header (T.81 B.2.2)."""
    if len(payload) < 6 or payload[0] != 8 or len(payload) != 6 + 3 * payload[5]:
        raise _NotPlain
    identifiers = payload[6::3]
    sampling = tuple((factors >> 4, factors & 15) for factors in payload[7::3])
    plain = len(set(identifiers)) == len(identifiers) in range(1, 5)
    if not plain or not all(1 <= factor <= 4 for pair in sampling for factor in pair):
        raise _NotPlain
    size_px = int.from_bytes(payload[3:5]), int.from_bytes(payload[1:3])
    return _Frame(size_px, identifiers, sampling, payload[8::3])


def _steps(payload: bytes) -> dict[int, int]:
    """Return by table number the largest quantiser of the lowest AC coefficients (T.81 B.2.4.1)."""
    steps: dict[int, int] = {}
    while payload:
        width = 1 + (payload[0] >> 4)
        table = payload[1 : 1 + 64 * width]
        if width > 2 or len(table) < 64 * width:
            raise _NotPlain
        quantisers = [int.from_bytes(table[k * width : (k + 1) * width]) for k in _LOWEST_AC]
        steps[payload[0] & 15] = max(quantisers)
        payload = payload[1 + 64 * width :]
    return steps


def _scan(payload: bytes, frame: _Frame, start: int, end: int) -> _Scan:
    """Read a scan header (T.81 B.2.3, G.1.1.1)."""
    if not payload or len(payload) != 4 + 2 * payload[0]:
        raise _NotPlain
    components = tuple(frame.identifiers.find(one) for one in payload[1:-3:2])
    first, last, high, low = payload[-3], payload[-2], payload[-1] >> 4, payload[-1] & 15
    in_order = bool(components) and list(components) == sorted(set(components))
    band_holds = last == 0 if first == 0 else first <= last < 64 and len(components) == 1
    bits_hold = low <= _BITS_MOST and (high == 0 or high == low + 1)
    if not in_order or components[0] < 0 or not band_holds or not bits_hold:
        raise _NotPlain
    return _Scan(start, end, components, (1 << last + 1) - (1 << first), high, low)


def _check_progression(layout: _Layout) -> None:
    """See that each coefficient is sent once, after its DC, and then refined bit by bit."""
    sent = [[0] * (_BITS_MOST + 1) for _ in layout.steps]
    for scan in layout.scans:
        for component in scan.components:
            by_low = sent[component]
            known = 0
            for band in by_low:
                known |= band
            if scan.high:
                legal = scan.band | by_low[scan.high] == by_low[scan.high]
                by_low[scan.high] &= ~scan.band
            else:
                legal = scan.band & known == 0 and (scan.is_dc or known & 1 == 1)
            if not legal:
                raise _NotPlain
            by_low[scan.low] |= scan.band
    if not all(any(band & 1 for band in by_low) for by_low in sent):
        raise _NotPlain


def _corners(frame: _Frame, scale: int) -> list[int]:
    """For each component, the coefficients that libjpeg's inverse DCT reads at 1/`scale`.

    A subsampled component is scaled down less, down to the size of the others. Without any AC
    coefficient libjpeg would smooth even the DC ones, so 2 x 2 is the least.
    """
    most_across = max(across for across, _ in frame.sampling)
    most_down = max(down for _, down in frame.sampling)
    corners = []
    for across, down in frame.sampling:
        side = min(_BLOCK_PX * most_across // across, _BLOCK_PX * most_down // down) // scale
        corners.append(_CORNERS[min(_BLOCK_PX, max(2, side))])
    return corners


def _needed(layout: _Layout, corners: list[int]) -> list[bool]:
    """Tell of each scan whether it is kept; the last ones first, for they build upon others."""
    needed = []
    built_upon = [0] * len(corners)
    for scan in reversed(layout.scans):
        component = scan.components[0]
        coarse = scan.high == 0 or layout.steps[component] << scan.low > _FINE
        read = coarse and scan.band & corners[component]
        keep = bool(scan.is_dc or read or scan.band & built_upon[component])
        if keep and scan.high and not scan.is_dc:
            built_upon[component] |= scan.band
        needed.append(keep)
    return needed[::-1]
