"""What a container and its streams say about themselves, as records."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

from headwater.model import Record

TAGS_MOST = 256
TAG_NAME_MOST = 128
TAG_VALUE_MOST = 4096

StreamKind = Literal["video", "audio", "subtitle", "data", "attachment", "unknown"]

_MICROSECOND = Fraction(1, 1_000_000)

RANGES: Mapping[int, str] = {1: "limited", 2: "full"}
"""FFmpeg's number of a colour range: `limited` is 16..235 in 8 bits (ITU-R BT.601, BT.709)."""

SPACES: Mapping[int, str] = {
    0: "rgb",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    11: "smpte2085",
    12: "chroma-derived-nc",
    13: "chroma-derived-c",
    14: "ictcp",
}
"""Matrix coefficients by their number in ITU-T H.273, table 4."""

PRIMARIES: Mapping[int, str] = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}
"""Colour primaries by their number in ITU-T H.273, table 2."""

TRANSFERS: Mapping[int, str] = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
"""Transfer characteristics by their number in ITU-T H.273, table 3."""

FIELD_ORDERS: Mapping[int, str] = {
    1: "progressive",
    2: "top first",
    3: "bottom first",
    4: "top coded first, bottom shown first",
    5: "bottom coded first, top shown first",
}


class Tag(Record, frozen=True, kw_only=True):
    """One metadata tag as FFmpeg names it. Text that is no UTF-8 shows its bytes as `\\xNN`."""

    name: str
    value: str


class VideoDetails(Record, frozen=True, kw_only=True):
    """What only streams of pictures have. None: not stated."""

    width_px: int | None
    height_px: int | None
    """Size of the shown part."""
    coded_width_px: int | None
    coded_height_px: int | None
    """Size that the codec works on."""
    pixel_format: str | None
    """FFmpeg's name (`yuv420p`, `yuv420p10le`, ...), of the first decoded picture."""
    colour_range: str | None
    colour_space: str | None
    colour_primaries: str | None
    colour_transfer: str | None
    sample_aspect: str | None
    """Width : height of one sample, as `4:3`."""
    frame_rate_average: str | None
    frame_rate_nominal: str | None
    """Frames a second as fractions such as `30000/1001`; `nominal` is the lowest rate on whose
    grid all time stamps seen at the start lie."""
    field_order: str | None
    rotation_degrees: int | None
    """Clockwise turn, 0..359, that shows the picture upright, after mirroring where `mirrored`;
    from the display matrix that the first decoded picture came with. None: none was decoded."""
    mirrored: bool | None
    """Whether the matrix mirrors left and right before it turns."""
    matrix_is_plain: bool | None
    """Whether the matrix is a quarter turn and mirroring alone, without slant or scale."""
    encoder_text: str | None
    """What the encoder wrote about itself into the stream of pictures (x264's settings)."""


class AudioDetails(Record, frozen=True, kw_only=True):
    """What only streams of sound have, as the container states it; no sound is ever decoded."""

    sample_rate_hz: int | None
    channels: int | None
    channel_layout: str | None


class StreamFacts(Record, frozen=True, kw_only=True):
    """One stream, or track, of a file."""

    index: int
    kind: StreamKind
    codec: str | None
    """FFmpeg's name of the format (`h264`, `hevc`, `aac`, ...); None where it knows none."""
    codec_tag: str | None
    """The container's code for it: four characters, others shown as `[N]`."""
    profile: str | None
    level: int | None
    """As the codec numbers its levels: 31 is 3.1 in H.264, 93 is 3.1 in HEVC."""
    bit_rate: int | None
    """Bits a second, as stated or reckoned by the demuxer."""
    time_base: str | None
    """Seconds of one unit of time, as a fraction."""
    start_seconds: float | None
    duration_seconds: float | None
    frames: int | None
    """Number of packets that the container states."""
    language: str | None
    handler: str | None
    disposition: tuple[str, ...]
    encrypted: bool
    """Whether a packet that was read says so."""
    video: VideoDetails | None = None
    audio: AudioDetails | None = None
    tags: tuple[Tag, ...] = ()
    """Sorted by name; cut to the first 256, names to 128 and values to 4096 characters."""


class ContainerFacts(Record, frozen=True, kw_only=True):
    """What a file says about itself as a whole. None: not stated."""

    format: str
    """Headwater's short name, by the item's identity."""
    demuxer: str
    """FFmpeg's demuxer that read it."""
    duration_seconds: float | None
    start_seconds: float | None
    bit_rate: int | None
    """Bits a second over everything."""
    chapters: int
    tags: tuple[Tag, ...]
    """Sorted by name; cut to the first 256, names to 128 and values to 4096 characters."""
    notes: tuple[str, ...]
    """What is unusual, missing, or was left out, in words."""


def fraction_text(value: Fraction | None, sign: str = "/") -> str | None:
    """Return `numerator/denominator`, None for none and for what is not above zero."""
    if value is None or value <= 0:
        return None
    return f"{value.numerator}{sign}{value.denominator}"


def seconds(count: int | None, unit: Fraction | None = _MICROSECOND) -> float | None:
    """Return `count` units as seconds, rounded to a microsecond."""
    if count is None or unit is None:
        return None
    return round(float(count * unit), 6)


def read_tags(metadata: Mapping[str, str]) -> tuple[tuple[Tag, ...], bool]:
    """Return tags sorted by name, and whether some were cut or left out."""
    names = sorted(metadata)
    cut = len(names) > TAGS_MOST
    tags = []
    for name in names[:TAGS_MOST]:
        value = metadata[name]
        cut = cut or len(name) > TAG_NAME_MOST or len(value) > TAG_VALUE_MOST
        tags.append(Tag(name=name[:TAG_NAME_MOST], value=value[:TAG_VALUE_MOST]))
    return tuple(tags), cut


def describe_stream(stream: Any, first: Any | None, *, encrypted: bool) -> StreamFacts:
    """Return the facts of a PyAV stream; `first` is its first decoded picture (`Picture`)."""
    codec = stream.codec_context
    kind: StreamKind = stream.type if stream.type != "unknown" else "unknown"
    tags, _ = read_tags(stream.metadata)
    return StreamFacts(
        index=stream.index,
        kind=kind,
        codec=codec.codec.canonical_name if codec else getattr(stream, "name", None),
        codec_tag=_codec_tag(codec),
        profile=codec.profile if codec else None,
        level=codec.level if codec and codec.level > 0 else None,
        bit_rate=(codec.bit_rate or None) if codec else None,
        time_base=fraction_text(stream.time_base),
        start_seconds=seconds(stream.start_time, stream.time_base),
        duration_seconds=seconds(stream.duration, stream.time_base),
        frames=stream.frames or None,
        language=_short(stream.metadata.get("language")),
        handler=_short(stream.metadata.get("handler_name")),
        disposition=tuple(sorted(flag.name for flag in stream.disposition)),
        encrypted=encrypted,
        video=_video(stream, codec, first) if kind == "video" else None,
        audio=_audio(codec) if kind == "audio" else None,
        tags=tags,
    )


def _short(text: str | None) -> str | None:
    return text[:TAG_NAME_MOST] if text else None


def _codec_tag(codec: Any) -> str | None:
    if codec is None:
        return None
    try:
        tag = codec.codec_tag.encode("ascii")
    except UnicodeDecodeError as error:
        tag = error.object
    if not any(tag):
        return None
    return "".join(chr(byte) if 32 <= byte < 127 else f"[{byte}]" for byte in tag)


def _audio(codec: Any) -> AudioDetails:
    if codec is None:
        return AudioDetails(sample_rate_hz=None, channels=None, channel_layout=None)
    layout = codec.layout
    named = layout is not None and not layout.name.endswith("channels")
    return AudioDetails(
        sample_rate_hz=codec.sample_rate or None,
        channels=(layout.nb_channels or None) if layout is not None else None,
        channel_layout=layout.name[:TAG_NAME_MOST] if named else None,
    )


def _video(stream: Any, codec: Any, first: Any | None) -> VideoDetails:
    matrix = first.matrix if first is not None else None
    return VideoDetails(
        width_px=(codec.width or None) if codec else None,
        height_px=(codec.height or None) if codec else None,
        coded_width_px=(codec.coded_width or None) if codec else None,
        coded_height_px=(codec.coded_height or None) if codec else None,
        pixel_format=first.pixel_format if first else (codec.pix_fmt if codec else None),
        colour_range=RANGES.get(codec.color_range) if codec else None,
        colour_space=SPACES.get(codec.colorspace) if codec else None,
        colour_primaries=PRIMARIES.get(codec.color_primaries) if codec else None,
        colour_transfer=TRANSFERS.get(codec.color_trc) if codec else None,
        sample_aspect=fraction_text(stream.sample_aspect_ratio, ":"),
        frame_rate_average=fraction_text(stream.average_rate),
        frame_rate_nominal=fraction_text(stream.base_rate),
        field_order=FIELD_ORDERS.get(codec.field_order) if codec else None,
        rotation_degrees=matrix.rotation_degrees if matrix else None,
        mirrored=matrix.mirrored if matrix else None,
        matrix_is_plain=matrix.is_plain if matrix else None,
        encoder_text=first.encoder_text if first else None,
    )
