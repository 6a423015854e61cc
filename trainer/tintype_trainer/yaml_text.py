"""YAML of whatever hands."""

from typing import Any

import yaml


class YamlError(Exception):
    """A text is no YAML; the message says where and why, in brackets, as far as that is known."""


def yaml_documents(text: str) -> list[Any]:
    """Return the documents of a text; empty ones are None.

    Raises:
        YamlError: where it is no YAML, or holds a value that PyYAML cannot make, such as the date 2026-13-45.
    """
    try:
        return list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        raise YamlError(_place(error)) from error
    except RecursionError as error:
        raise YamlError(" (too deep)") from error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        # PyYAML's constructors let through whatever a value leads them to.
        raise YamlError(" (a date or number that is none; quotes make it a text)") from error


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None)
    return (f" in line {mark.line + 1}" if mark else "") + (f" ({problem})" if problem else "")
