"""Puts the page together: template, style, scripts and data in one file that loads nothing.

The Content-Security-Policy names the hashes of the one style and the one script, so that nothing else runs, whatever a
name holds; the data is no script, and none of its letters can end its block.
"""

import base64
import hashlib
import html
import json
import math
import re
from importlib.resources import files
from typing import Final

from tintype_trainer.report.document import Report

SCRIPTS: Final = (
    "elements.js",
    "deciding.js",
    "charts.js",
    "summary.js",
    "concepts.js",
    "matrix.js",
    "gallery.js",
    "start.js",
)
"""In the order in which they stand in the page; later ones use earlier ones."""
ESCAPES: Final = {character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
_PAGE: Final = files("tintype_trainer.report") / "page"


def render(report: Report) -> bytes:
    """Return report.html."""
    style = _asset("page.css")
    script = "(() => {\n'use strict';\n" + "\n".join(_asset(name) for name in SCRIPTS) + "\n})();"
    parts = {
        "policy": html.escape(policy(script, style)),
        "title": html.escape(f"{report.name}: report"),
        "style": style,
        "data": data_json(report),
        "script": script,
    }
    # In one pass, so that nothing is looked for in what was put in.
    return re.sub(r"@@(\w+)@@", lambda found: parts[found[1]], _asset("page.html")).encode()


def policy(script: str, style: str) -> str:
    """Return the Content-Security-Policy of a page with this one script and this one style."""
    return (
        f"default-src 'none'; script-src '{_sha256(script)}'; style-src '{_sha256(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def data_json(report: Report) -> str:
    """Return the data as JSON that no letter of it can lead out of its block."""
    document = _finite(report.model_dump(mode="json", by_alias=True))
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&\u2028\u2029]", lambda found: ESCAPES[found[0]], text)


def _finite(part: object) -> object:
    """Return a part of the document with null for numbers that are none, such as the loss after a step too far."""
    if isinstance(part, dict):
        return {key: _finite(inner) for key, inner in part.items()}
    if isinstance(part, list):
        return [_finite(inner) for inner in part]
    return None if isinstance(part, float) and not math.isfinite(part) else part


def _asset(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _sha256(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
