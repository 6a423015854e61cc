"""Reads one large JSON object piece by piece: its lists element by element. Pure but for the pieces that come."""

import codecs
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

_SPACE: Final = " \t\r\n"
_BEHIND_VALUES: Final = frozenset(",]}" + _SPACE)
MAX_VALUE_CHARACTERS: Final = 64 << 20
"""The longest element; a longer one is no element of a data set."""


class JsonError(Exception):
    """The text is not what was expected; the message says why, as the end of a sentence."""


def read_object(chunks: Iterable[bytes], lists: Mapping[str, Callable[[Any], None]]) -> frozenset[str]:
    """Read an object, and hand over each element of its lists as it comes.

    Args:
        chunks: The text, in UTF-8.
        lists: What takes the elements of the list of this name; values of other names are read and dropped.

    Returns:
        The names of the object's values.

    Raises:
        JsonError: the text is no such object.
    """
    text = _Text(chunks)
    text.expect("{")
    names: set[str] = set()
    while not text.skip("}"):
        if names:
            text.expect(",")
        name = text.value()
        if not isinstance(name, str):
            raise JsonError("has a name that is no string")
        text.expect(":")
        names.add(name)
        if name in lists:
            for element in text.elements(name):
                lists[name](element)
        else:
            text.value()
    if not text.at_end():
        raise JsonError("goes on after its object has ended")
    return frozenset(names)


class _Text:
    """A text of which only what is needed is in memory."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._decode_bytes = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0
        self._ended = False

    def expect(self, character: str) -> None:
        if not self.skip(character):
            found = self._text[self._at : self._at + 20]
            raise JsonError(f"has {json.dumps(found, ensure_ascii=False)} where '{character}' must stand")

    def skip(self, character: str) -> bool:
        """Pass over a character if it is the next; return whether it was."""
        if self._next() != character:
            return False
        self._at += 1
        return True

    def at_end(self) -> bool:
        return not self._next()

    def elements(self, name: str) -> Iterator[Any]:
        if not self.skip("["):
            raise JsonError(f'must have a list as "{name}"')
        if self.skip("]"):
            return
        yield self.value()
        while not self.skip("]"):
            self.expect(",")
            yield self.value()

    def value(self) -> Any:  # noqa: ANN401  # any JSON value
        self._next()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._more():
                    raise JsonError(f"is not JSON ({error.msg})") from error
            except RecursionError as error:
                raise JsonError("is not JSON (too deep)") from error
            except ValueError as error:
                raise JsonError("has a number of thousands of digits") from error
            else:
                # A number may go on in what is not there yet: "1." and "1e" decode as 1.
                if (
                    self._text[end : end + 1] in _BEHIND_VALUES
                    or not isinstance(value, int | float)
                    or not self._more()
                ):
                    self._at = end
                    return value

    def _next(self) -> str:
        """Return the next character that is no space, empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Read on, at least as much as is kept, so that a long value is parsed few times; return whether it came."""
        kept = self._text[self._at :]
        if len(kept) > MAX_VALUE_CHARACTERS:
            raise JsonError(f"has a value of more than {MAX_VALUE_CHARACTERS >> 20} million characters")
        parts, length = [kept], 0
        while not self._ended and length <= len(kept):
            part = self._decoded()
            parts.append(part)
            length += len(part)
        self._text, self._at = "".join(parts), 0
        return length > 0

    def _decoded(self) -> str:
        chunk = next(self._chunks, None)
        self._ended = chunk is None
        try:
            return self._decode_bytes(chunk or b"", self._ended)
        except UnicodeDecodeError as error:
            raise JsonError("is no UTF-8") from error
