"""Files to be published, kept by their SHA-256 from the moment a decision commits."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import tempfile
import threading
from pathlib import Path
from typing import Protocol

from .._domain.errors import FieldfareError
from .._domain.values import Media

LARGEST = 512 * 1024 * 1024
"""Bytes; no network that we know takes a larger file in one request (2026-11)."""
PIECE = 1024 * 1024
"""Bytes that are copied at once."""

_MAGIC: tuple[tuple[bytes, int, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"ftyp", 4, "video/mp4"),
)


class MediaError(FieldfareError):
    """A file cannot be published: missing, empty, too large or unreadable."""


class MediaKeeper(Protocol):
    """Turns a path into content that stays as it is."""

    def keep(self, media: Media) -> Media: ...


def measured(media: Media, project: Path) -> tuple[Path, Media]:
    """The file's path, and the media with `sha256`, `mime` (by its first bytes, else its name) and `size`.

    Raises MediaError.
    """
    path = (project / media.source).resolve() if not Path(media.source).is_absolute() else Path(media.source)
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise MediaError(f"{media.source!r} is not a file")
        if size == 0:
            raise MediaError(f"{media.source!r} is empty")
        if size > LARGEST:
            raise MediaError(f"{media.source!r} has {size} bytes; {LARGEST} are the most that is kept")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            head = file.read(16)
    except OSError as exc:
        raise MediaError(f"{media.source!r} cannot be read: {exc.strerror or exc}") from exc
    return path, media.model_copy(update={"sha256": digest, "mime": _mime(head, path), "size": size})


def _mime(head: bytes, path: Path) -> str:
    for magic, at, mime in _MAGIC:
        if head[at : at + len(magic)] == magic:
            return mime
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


class MediaFolder:
    """`.fieldfare/media`: one file per content, named by its SHA-256."""

    def __init__(self, folder: Path, project: Path) -> None:
        self._folder = folder
        self._project = project
        self._removing = threading.Lock()
        """Files are kept by threads; what one has just found must not be removed behind it."""
        self._unwanted: dict[str, int] = {}
        """What the last sweep found that nobody names, and when each was kept last (ns)."""

    def keep(self, media: Media) -> Media:
        """Copy the file in, durably, and give the media with what identifies its content. Raises MediaError.

        May take long, and may be called by several threads at once.
        """
        if media.sha256 and self._has(media.sha256):
            return media
        path, kept = measured(media, self._project)
        if not self._has(kept.sha256) and not self._copied(path, kept.sha256):
            raise MediaError(f"{media.source!r} changed while it was read")
        return kept

    def _has(self, sha256: str) -> bool:
        with self._removing:
            try:
                os.utime(self._folder / sha256)
            except FileNotFoundError:
                return False
            return True

    def _copied(self, path: Path, sha256: str) -> bool:
        """Whether the file still had this content, and is a kept one now."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, part = tempfile.mkstemp(suffix=".part", dir=self._folder)
        try:
            digest = hashlib.sha256()
            with os.fdopen(handle, "wb") as copy, path.open("rb") as file:
                while piece := file.read(PIECE):
                    digest.update(piece)
                    copy.write(piece)
                copy.flush()
                os.fsync(copy.fileno())
            if digest.hexdigest() != sha256:
                return False
            os.replace(part, self._folder / sha256)
            return True
        finally:
            Path(part).unlink(missing_ok=True)

    def read(self, media: Media) -> bytes:
        """The kept content. Raises MediaError when it is gone or not what it was."""
        try:
            content = (self._folder / media.sha256).read_bytes()
        except OSError as exc:
            raise MediaError(f"the kept copy of {media.source!r} is gone: {exc.strerror or exc}") from exc
        if hashlib.sha256(content).hexdigest() != media.sha256:
            raise MediaError(f"the kept copy of {media.source!r} is damaged")
        return content

    def sweep(self, wanted: set[str]) -> int:
        """Remove what is not wanted, nor was at the last sweep, and was not kept since: the decision that names it may
        be on its way into the store. What is left of a copy that was broken off goes likewise. Gives how many went."""
        if not self._folder.exists():
            return 0
        with self._removing:
            unwanted = {
                file.name: file.stat().st_mtime_ns for file in os.scandir(self._folder) if file.name not in wanted
            }
            gone = [name for name, kept in unwanted.items() if self._unwanted.get(name) == kept]
            for name in gone:
                (self._folder / name).unlink(missing_ok=True)
        self._unwanted = unwanted
        return len(gone)


class MeasuredOnly:
    """Keeps nothing and copies nothing: for simulation, which must leave no trace."""

    def __init__(self, project: Path) -> None:
        self._project = project

    def keep(self, media: Media) -> Media:
        return measured(media, self._project)[1]
