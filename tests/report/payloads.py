"""Texts that become markup, or run, on a page that does not escape them everywhere."""

from __future__ import annotations

MARK = "document.documentElement.dataset.ran=1"
"""What each of them would do."""

_WAYS_OUT = (
    "",
    "'",
    '"',
    '">',
    "'>",
    "</bdi>",
    "</td></table>",
    "</title>",
    "</style>",
    "</script>",
    "</textarea>",
    "</template>",
    "</svg>",
    "--><!-- -->",
    "]]>",
    "`",
    '\\"',
    "&quot;>",
)
"""Ends of what a text may stand in."""

_VECTORS = (
    f"<script>{MARK}</script>",
    f"<img src=x onerror={MARK}>",
    f"<svg onload={MARK}></svg>",
    f"<svg><script>{MARK}</script></svg>",
    f"<body onload={MARK}>",
    f"<details open ontoggle={MARK}>x</details>",
    f"<input autofocus onfocus={MARK}>",
    f"<video><source onerror={MARK}></video>",
    f"<iframe srcdoc='<script>parent.{MARK}</script>'></iframe>",
    f"<iframe src=javascript:parent.{MARK}></iframe>",
    f"<a href=javascript:{MARK} autofocus>x</a>",
    f"<form action=javascript:{MARK}><button>x</button></form>",
    f"<meta http-equiv=refresh content='0;url=javascript:{MARK}'>",
    "<base href=//example.invalid/>",
    "<link rel=stylesheet href=//example.invalid/x.css>",
    "<style>*{display:none!important}</style>",
    f"<object data=javascript:{MARK}></object>",
    f" onmouseover={MARK} autofocus onfocus={MARK} ",
    f"{{{{{MARK}}}}}${{{MARK}}}<%= {MARK} %>",
)
"""What would run or load, once outside."""

PAYLOADS = tuple(dict.fromkeys(way + vector for way in _WAYS_OUT for vector in _VECTORS))

ODD = (
    "nul \x00 inside",
    "bidi \u202egpj.exe\u202c and \u2066isolate\u2069",
    "zero\u200bwidth\ufeff and soft\u00adhyphen",
    "lone \udce9\udcff bytes",
    "line\nbreak\rand\ttab\x0b\x0c\x1b[31m",
    "separators \u2028 and \u2029",
    "tags \U000e0041\U000e007f and private \ue000",
    "no character \ufffe \uffff \U0001fffe",
    "non\u00a0breaking\u2003spaces",
    "\u202e</script>\u0000<script>",
)
"""Characters that hide, reorder or end things; one with bytes that are no UTF-8."""
