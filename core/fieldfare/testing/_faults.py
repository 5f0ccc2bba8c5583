"""What can be told to go wrong in a world."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..plugin import Value


class Fault(Value):
    """One thing that goes wrong when an account writes, `times` times, then never again.

    `answer-lost`: the write is performed and its answer lost. `swallowed`: it is not performed, and nobody can tell.
    `unreachable`: the connection is refused. Every other fault answers with `status` and performs nothing.
    It happens to the `write`-th write of the account, counted from 1 (0: to any), whose text has `containing` in it.
    """

    what: Literal["answer-lost", "swallowed", "unreachable", "status"]
    write: Annotated[int, Field(ge=0)] = 0
    containing: str = ""
    times: Annotated[int, Field(ge=1)] = 1
    status: Annotated[int, Field(ge=400, le=599)] = 503
    retry_after: Annotated[int, Field(ge=0)] | None = None
    """Seconds, in the answer's `Retry-After` header."""

    def strikes(self, write: int, text: str) -> bool:
        """Whether this is a write it happens to."""
        return self.write in (0, write) and self.containing in text


def answer_lost(*, write: int = 0, containing: str = "", times: int = 1) -> Fault:
    """The connection breaks after a post was taken: it is out there, and no answer comes."""
    return Fault(what="answer-lost", write=write, containing=containing, times=times)


def swallowed(*, write: int = 0, containing: str = "", times: int = 1) -> Fault:
    """The connection breaks before a post was taken: it is not out there, and no answer comes."""
    return Fault(what="swallowed", write=write, containing=containing, times=times)


def unreachable(*, write: int = 0, containing: str = "", times: int = 1) -> Fault:
    """The connection is refused: nothing was sent."""
    return Fault(what="unreachable", write=write, containing=containing, times=times)


def answered(
    status: int, *, write: int = 0, containing: str = "", times: int = 1, retry_after: int | None = None
) -> Fault:
    """The network answers with an error and does nothing: 401, 422, 429 (with `retry_after` seconds), 503."""
    return Fault(what="status", write=write, containing=containing, times=times, status=status, retry_after=retry_after)
