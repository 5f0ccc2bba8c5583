"""What servers send, before anybody has looked at it: anything at all."""

from __future__ import annotations

from typing import Any, TypeAlias, cast

from fieldfare.plugin import Answer

Json: TypeAlias = dict[str, Any]


def parsed(answer: Answer) -> Any:
    """The body as JSON; None when it is not."""
    try:
        return answer.json()
    except ValueError:
        return None


def an_object(value: object) -> Json:
    """The value where it is an object, else an empty one."""
    return cast(Json, value) if isinstance(value, dict) else {}


def objects(value: object) -> list[Json]:
    """The objects of a list; none of anything else."""
    if not isinstance(value, list):
        return []
    return [cast(Json, each) for each in cast(list[object], value) if isinstance(each, dict)]
