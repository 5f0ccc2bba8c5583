"""Exit codes, the same for every command; docs/operations.md has the table."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CONFIG = 3
    LOGIN = 4
    STOPPED = 5
    PARTLY = 6
    UNKNOWN = 7
    LATER = 8
    INTERRUPTED = 130
    TERMINATED = 143


def code_for(exc: Exception) -> Exit | None:
    """The exit code of an error of ours; None for an error that nobody foresaw."""
    from .._domain import errors
    from .._engine.control import ControlError
    from .._store.writer import Fenced

    if isinstance(exc, ControlError):
        # The daemon met the error: its name came over the socket. Without one it did not answer.
        met = getattr(errors, exc.kind, None)
        return (code_for(met("")) if isinstance(met, type) else Exit.FAILED) if exc.kind else Exit.LATER
    match exc:
        case errors.StoreInUse() | errors.Refused() | Fenced():
            return Exit.STOPPED
        case errors.ConfigError() | errors.PluginError() | errors.StoreError():
            return Exit.CONFIG
        case errors.AuthFailed():
            return Exit.LOGIN
        case errors.OutcomeUnknown():
            return Exit.UNKNOWN
        case errors.NotSent():
            return Exit.LATER
        case errors.FieldfareError():
            return Exit.FAILED
        case _:
            return None
