"""Devices and programs that a film names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from headwater.model import Record

Role = Literal["make", "model", "software", "encoder", "serial", "lens", "author"]

_ROLES: dict[str, Role] = {
    "make": "make",
    "manufacturer": "make",
    "com.apple.quicktime.make": "make",
    "com.android.manufacturer": "make",
    "model": "model",
    "product": "model",
    "com.apple.quicktime.model": "model",
    "com.android.model": "model",
    "software": "software",
    "com.apple.quicktime.software": "software",
    "com.android.version": "software",
    "firmware": "software",
    "application": "software",
    "writing_application": "software",
    "isft": "software",
    "creator": "software",
    "metadatacreator": "software",
    "encoder": "encoder",
    "encoded_by": "encoder",
    "encoder_options": "encoder",
    "encoder_settings": "encoder",
    "toolname": "encoder",
    "toolversion": "encoder",
    "wm/toolname": "encoder",
    "wm/toolversion": "encoder",
    "wm/encodingsettings": "encoder",
    "wmfsdkversion": "encoder",
    "videodevice": "model",
    "audiodevice": "model",
    "serial_number": "serial",
    "com.apple.quicktime.camera.lens_model": "lens",
    "artist": "author",
    "author": "author",
    "com.apple.quicktime.author": "author",
}
_LANGUAGE = re.compile(r"-[a-z]{3}$")


class NamedBy(Record, frozen=True, kw_only=True):
    """A device, program or person that a tag names, with what the tag is taken to mean."""

    role: Role
    basis: str
    value: str


def tag_devices(tags: Iterable[tuple[str, str]], prefix: str = "") -> list[NamedBy]:
    """Return what tags name, in their order; a value repeated for a language is listed once."""
    named: dict[tuple[Role, str], NamedBy] = {}
    for name, value in tags:
        plain = name.lower()
        role = _ROLES.get(plain) or _ROLES.get(_LANGUAGE.sub("", plain))
        if role is not None:
            basis = f"{prefix}tag:{name}"
            named.setdefault((role, value), NamedBy(role=role, basis=basis, value=value))
    return list(named.values())
