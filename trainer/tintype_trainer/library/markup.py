"""HTML whose every text is escaped, by construction. Pure."""

import html
from collections.abc import Iterable
from typing import Final, TypeAlias

_VOID: Final = ("meta", "input", "wbr")


class Markup(str):
    """Text that is HTML already; all other text is escaped where it is put into an element."""

    __slots__ = ()


Child: TypeAlias = "str | Markup | Iterable[Child] | None"


def tag(name: str, /, *children: Child, **attributes: str | bool | None) -> Markup:
    """Return an element.

    Args:
        name: Of the element.
        children: Text, which is escaped, elements, and lists of both; None is nothing.
        attributes: By name, with `_` for `-`, and one at the end where Python would take it for a word of its own; True
            is an attribute without a value, None and False are none.
    """
    start = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    return Markup(start if name in _VOID else f"{start}{join(children)}</{name}>")


def join(children: Iterable[Child]) -> Markup:
    """Return children one after the other."""
    return Markup("".join(_child(child) for child in children))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    return html.escape(child) if isinstance(child, str) else join(child)


def _attribute(name: str, value: str | bool | None) -> str:
    if value is None or value is False:
        return ""
    written = name.rstrip("_").replace("_", "-")
    return f" {written}" if value is True else f' {written}="{html.escape(value)}"'
