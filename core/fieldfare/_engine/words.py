"""What pydantic found, in plain words."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic_core import ErrorDetails

from .nearest import did_you_mean, nearest

_SECRET = ("secret", "token", "password", "key")
_NAMED = "write secret('NAME'), and keep its value out of the file"
_TYPES = {
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list or tuple",
    "dict_type": "a table of names and values",
    "time_delta_type": "a timedelta",
}


def worth_telling(errors: list[ErrorDetails], known: Collection[str]) -> list[ErrorDetails]:
    """Without those that another one explains: a setting that is missing because its name was misspelt, a list that is
    wrong because one of its items is."""
    extra = [str(error["loc"][0]) for error in errors if error["type"] == "extra_forbidden" and error["loc"]]
    meant = {nearest(name, known) for name in extra}
    found = [e for e in errors if not (e["type"] == "missing" and e["loc"] and e["loc"][0] in meant)]
    places = [e["loc"] for e in found]
    return [e for e in found if not any(p != e["loc"] and p[: len(e["loc"])] == e["loc"] for p in places)]


def in_words(error: ErrorDetails, owner: str, known: Collection[str]) -> tuple[str, str]:
    """What is wrong with the settings of `owner`, and what to do; values that may be secret are never repeated."""
    name = ".".join(str(part) for part in error["loc"])
    kind = error["type"]
    if owner.lower() == "secret":
        return f"{owner} got what no secret can be called", f"a name has letters, digits, '_', '-' and '.'; {_NAMED}"
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{owner} has no setting {name!r}", did_you_mean(name, known) or _offered(known)
    if kind in ("missing", "missing_argument"):
        return f"{owner} needs {name!r}", ""
    if is_of_a_secret(error):
        return f"{name!r} of {owner} names a secret", _NAMED
    said = _said(error)
    speaks_for_itself = kind in ("value_error", "assertion_error") or error["input"] == ""
    given = "" if speaks_for_itself or _private(name) else f", not {_short(error['input'])}"
    return (f"{name!r} of {owner}: {said}{given}" if name else f"{owner}: {said}"), ""


def is_of_a_secret(error: ErrorDetails) -> bool:
    """Somebody wrote a value where the name of a secret belongs."""
    return str(error.get("ctx", {}).get("class_name", "")) == "Secret"


def _said(error: ErrorDetails) -> str:
    context: dict[str, Any] = error.get("ctx", {})
    if isinstance(context.get("error"), Exception):
        return str(context["error"])
    if error["type"] in _TYPES:
        return f"it must be {_TYPES[error['type']]}"
    wanted = context.get("class") or context.get("class_name")
    if error["type"] in ("model_type", "dataclass_type", "is_instance_of") and wanted:
        return f"it must be {'an' if str(wanted)[0] in 'AEIOU' else 'a'} {wanted}"
    if error["type"] in ("string_too_short", "too_short") and context.get("min_length") == 1:
        return "it may not be empty"
    message = error["msg"]
    return message[:1].lower() + message[1:]


def _private(name: str) -> bool:
    return any(part in name.lower() for part in _SECRET)


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 60 else f"{said[:57]}…"


def _offered(known: Collection[str]) -> str:
    return f"it has {', '.join(sorted(known))}" if known else ""
