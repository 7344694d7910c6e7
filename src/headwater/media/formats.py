"""Every format Headwater knows by name: the allow-list, and the table that the docs are made from.

A format is opened only where `decoder` names a library. `verified_by` is the id of a test that
takes a file of the format all the way through, and `verified_with` tells what file that is; None
means *recognised, not verified*.
Media types are IANA's where IANA has one; camera raw formats, FLV and a few others have none and
carry the customary `x-` name.
"""

from __future__ import annotations

from typing import Literal

from headwater.model import Kind, Record

Specimen = Literal["device", "encoder", "made", "made, preview alone"]
"""What a format was verified with: a file that a device wrote; one that an encoder other than
ours wrote; one that the test put together by the specification; or one put together with the
maker's outer structure, of which identity, metadata and the embedded preview were verified but
not the maker's own packing of sensor data."""


class Format(Record, frozen=True, kw_only=True):
    """One row of the table."""

    name: str
    media_type: str | None
    kind: Kind
    title: str
    extensions: tuple[str, ...] = ()
    """Lower-case, without the dot: those that agree with this content."""
    decoder: str | None = None
    """Distribution that opens it; None where it is never opened."""
    verified_by: str | None = None
    verified_with: Specimen | None = None


_THROUGH = "tests/engine/test_formats_through.py::"
_PICTURE_TEST = _THROUGH + "test_a_picture_is_identified_decoded_and_measured"
_VIDEO_TEST = _THROUGH + "test_a_video_is_identified_opened_and_measured"
_RAW_TEST = (
    "tests/media/pictures/test_raw.py::test_a_made_raw_file_goes_from_identity_to_its_preview"
)
_HEIC_TEST = "tests/media/pictures/test_decode.py::test_a_heic_of_a_phone_decodes"


def _picture(
    name: str,
    media_type: str,
    title: str,
    extensions: str,
    decoder: str,
    verified_by: str | None = _PICTURE_TEST,
    verified_with: Specimen | None = "encoder",
) -> Format:
    return Format(
        name=name,
        media_type=media_type,
        kind="picture",
        title=title,
        extensions=tuple(extensions.split()),
        decoder=decoder,
        verified_by=verified_by,
        verified_with=verified_with,
    )


def _raw(
    name: str,
    media_type: str,
    title: str,
    verified_by: str | None = _RAW_TEST,
    verified_with: Specimen | None = "made, preview alone",
) -> Format:
    return _picture(name, media_type, title, name, "rawpy", verified_by, verified_with)


def _video(name: str, media_type: str, title: str, extensions: str) -> Format:
    return Format(
        name=name,
        media_type=media_type,
        kind="video",
        title=title,
        extensions=tuple(extensions.split()),
        decoder="av",
        verified_by=_VIDEO_TEST,
        verified_with="encoder",
    )


def _other(name: str, media_type: str | None, title: str, extensions: str = "") -> Format:
    return Format(
        name=name,
        media_type=media_type,
        kind="other",
        title=title,
        extensions=tuple(extensions.split()),
    )


FORMATS: tuple[Format, ...] = (
    _picture("jpeg", "image/jpeg", "JPEG", "jpg jpeg jpe jfif jfi thm mpo", "simplejpeg"),
    _picture("png", "image/png", "PNG", "png", "pillow"),
    _picture("apng", "image/apng", "Animated PNG", "png apng", "pillow"),
    _picture("gif", "image/gif", "GIF", "gif", "pillow"),
    _picture("webp", "image/webp", "WebP", "webp", "pillow"),
    _picture("tiff", "image/tiff", "TIFF", "tif tiff", "pillow"),
    _picture("bmp", "image/bmp", "Windows bitmap", "bmp dib", "pillow"),
    _picture(
        "heif",
        "image/heif",
        "HEIF, HEIC",
        "heic heif hif heics heifs",
        "pi-heif",
        _HEIC_TEST,
        "device",
    ),
    _picture("avif", "image/avif", "AVIF", "avif avifs", "pillow"),
    _picture("jxl", "image/jxl", "JPEG XL", "jxl", "imagecodecs"),
    _picture("jp2", "image/jp2", "JPEG 2000 file", "jp2 jpx jpf jpm", "pillow"),
    _picture("j2k", "image/j2c", "JPEG 2000 codestream", "j2k j2c jpc", "pillow"),
    _raw("dng", "image/x-adobe-dng", "Digital negative", _PICTURE_TEST, "made"),
    _raw("cr2", "image/x-canon-cr2", "Canon raw 2"),
    _raw("cr3", "image/x-canon-cr3", "Canon raw 3", None, None),
    _raw("nef", "image/x-nikon-nef", "Nikon raw"),
    _raw("arw", "image/x-sony-arw", "Sony raw"),
    _raw("orf", "image/x-olympus-orf", "Olympus raw"),
    _raw("rw2", "image/x-panasonic-rw2", "Panasonic raw"),
    _raw("raf", "image/x-fuji-raf", "Fujifilm raw"),
    _raw("pef", "image/x-pentax-pef", "Pentax raw"),
    _raw("srw", "image/x-samsung-srw", "Samsung raw"),
    _video("mp4", "video/mp4", "MP4", "mp4 m4v mov lrv insv"),
    _video("mov", "video/quicktime", "QuickTime", "mov qt mp4"),
    _video("m4v", "video/mp4", "MP4 (Apple)", "m4v mp4"),
    _video("3gp", "video/3gpp", "3GPP", "3gp 3g2 3gpp mp4"),
    _video("matroska", "video/matroska", "Matroska", "mkv mk3d"),
    _video("webm", "video/webm", "WebM", "webm"),
    _video("avi", "video/vnd.avi", "AVI", "avi divx"),
    _video("mpegts", "video/mp2t", "MPEG-2 transport stream", "ts mts m2ts m2t tp"),
    _video("mpegps", "video/mpeg", "MPEG program stream", "mpg mpeg vob dat m2p ps"),
    _video("asf", "application/vnd.ms-asf", "ASF, Windows Media", "wmv asf"),
    _video("flv", "video/x-flv", "Flash video", "flv"),
    _other("m4a", "audio/mp4", "MP4 audio", "m4a m4b m4p mp4"),
    _other("mka", "audio/matroska", "Matroska audio", "mka mkv webm"),
    _other("wma", "application/vnd.ms-asf", "Windows Media audio", "wma asf"),
    _other("mp3", "audio/mpeg", "MP3", "mp3"),
    _other("wav", "audio/vnd.wave", "WAV", "wav"),
    _other("flac", "audio/flac", "FLAC", "flac"),
    _other("ogg", "application/ogg", "Ogg", "ogg oga ogv opus"),
    _other("amr", "audio/amr", "AMR", "amr"),
    _other("midi", "audio/midi", "MIDI", "mid midi"),
    _other("mpeg-video", "video/mpeg", "MPEG video elementary stream", "m1v m2v mpg mpeg"),
    _other("swf", None, "Flash program", "swf"),
    _other("rar", "application/vnd.rar", "RAR archive", "rar cbr"),
    _other("cab", "application/vnd.ms-cab-compressed", "Cabinet archive", "cab"),
    _other("pdf", "application/pdf", "PDF", "pdf ai"),
    _other("eps", "application/postscript", "PostScript", "eps ps ai"),
    _other("svg", "image/svg+xml", "SVG", "svg"),
    _other("psd", "image/vnd.adobe.photoshop", "Photoshop", "psd psb"),
    _other("ico", "image/vnd.microsoft.icon", "Windows icon", "ico cur"),
    _other("icns", None, "Apple icon", "icns"),
    _other("dds", None, "DirectDraw surface", "dds"),
    _other("exr", "image/x-exr", "OpenEXR", "exr"),
    _other("hdr", None, "Radiance HDR", "hdr"),
    _other("sgi", None, "SGI picture", "sgi rgb bw"),
    _other("sun-raster", None, "Sun raster", "ras sun"),
    _other("qoi", None, "QOI", "qoi"),
    _other("wmf", "image/wmf", "Windows metafile", "wmf"),
    _other("xcf", None, "GIMP picture", "xcf"),
    _other("x3f", None, "Sigma raw", "x3f"),
    _other("mrw", None, "Minolta raw", "mrw"),
    _other("exv", None, "Exiv2 metadata", "exv"),
    _other(
        "exe", "application/vnd.microsoft.portable-executable", "Windows program", "exe dll scr"
    ),
    _other("elf", None, "ELF program"),
    _other("wasm", "application/wasm", "WebAssembly", "wasm"),
    _other("java-class", None, "Java class", "class"),
    _other("script", None, "Script", "sh py pl rb"),
    _other("sqlite", "application/vnd.sqlite3", "SQLite database", "db sqlite sqlite3"),
    _other("ole2", None, "OLE2 document", "doc xls ppt msg db"),
    _other("rtf", "text/rtf", "RTF", "rtf"),
    _other("font", None, "Web font", "woff woff2"),
    _other("riff", None, "RIFF file of another kind"),
    _other("html", "text/html", "HTML", "html htm xhtml"),
    _other("php", None, "PHP source", "php"),
    _other("xml", "application/xml", "XML", "xml xmp plist gpx kml"),
    _other("text", "text/plain", "Text", "txt log csv json md ini py c h"),
    _other("empty", None, "No bytes at all"),
)

BY_NAME: dict[str, Format] = {row.name: row for row in FORMATS}

ARCHIVE_EXTENSIONS: dict[str, tuple[str, ...]] = {
    "zip": ("zip", "jar", "apk", "docx", "xlsx", "pptx", "odt", "ods", "epub", "cbz", "ufdr"),
    "7z": ("7z", "cb7"),
    "tar": ("tar",),
    "tar.gz": ("gz", "tgz"),
    "tar.bz2": ("bz2", "tbz", "tbz2"),
    "tar.xz": ("xz", "txz"),
    "tar.zst": ("zst", "tzst"),
    "gzip": ("gz",),
    "bzip2": ("bz2",),
    "xz": ("xz",),
    "zstd": ("zst",),
}
"""Extensions of the archives that `evidence.archives.open` reads."""

OPENED: frozenset[str] = frozenset(
    {row.name for row in FORMATS if row.decoder is not None} | set(ARCHIVE_EXTENSIONS)
)
"""Short names of what is opened when it is found behind the end of something else."""

_KNOWN_EXTENSIONS = frozenset(
    {extension for row in FORMATS for extension in row.extensions}
    | {extension for row in ARCHIVE_EXTENSIONS.values() for extension in row}
)


def extension_agrees(name: bytes, identity_format: str) -> bool | None:
    """Whether a file name's extension is one that goes with the content's format.

    None where that cannot be said: there is no extension, it is not one that the table knows, or
    the content was not recognised.
    """
    last = name.rsplit(b"/", 1)[-1]
    stem, dot, extension = last.rpartition(b".")
    if not dot or not stem or identity_format == "unknown":
        return None
    word = extension.decode("latin-1").lower()
    row = BY_NAME.get(identity_format)
    agreeing = row.extensions if row else ARCHIVE_EXTENSIONS.get(identity_format, ())
    if word in agreeing:
        return True
    return False if agreeing and word in _KNOWN_EXTENSIONS else None
