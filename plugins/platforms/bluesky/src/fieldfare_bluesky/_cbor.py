"""Content identifiers of records, computed before they are sent.

A repository stores a record as DAG-CBOR and names it by the SHA-256 of those bytes (AT Protocol specification "Data
Model", read 2026-11-22). This encodes what records of ours hold, in forty lines; the package that does it too
(dag-cbor 0.3.3, MIT) brings four others.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

_CID_V1_DAG_CBOR_SHA_256 = bytes([1, 0x71, 0x12, 0x20])
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG = range(7)
_LINK_TAG = 42


def record_cid(record: Mapping[str, Any]) -> str:
    """The identifier under which a repository keeps this record (as JSON)."""
    raw = _CID_V1_DAG_CBOR_SHA_256 + hashlib.sha256(encode(record)).digest()
    return "b" + base64.b32encode(raw).decode().lower().rstrip("=")


def encode(value: Any) -> bytes:
    """A JSON value as DAG-CBOR; `{"$link": …}` becomes a link. Raises TypeError on a float: records may hold none."""
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value)
    if isinstance(value, str):
        raw = value.encode()
        return _head(_TEXT, len(raw)) + raw
    if isinstance(value, list | tuple):
        items = cast("Sequence[Any]", value)
        return _head(_LIST, len(items)) + b"".join(map(encode, items))
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        if set(fields) == {"$link"}:
            return _link(fields["$link"])
        keys = sorted(fields, key=lambda key: (len(key.encode()), key.encode()))
        return _head(_MAP, len(keys)) + b"".join(encode(key) + encode(fields[key]) for key in keys)
    raise TypeError(f"a record cannot hold {value!r}")


def _head(major: int, length: int) -> bytes:
    if length < 24:
        return bytes([major << 5 | length])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if length < 1 << 8 * size:
            return bytes([major << 5 | code]) + length.to_bytes(size, "big")
    raise TypeError(f"{length} does not fit into a record")


def _link(cid: str) -> bytes:
    raw = b"\0" + base64.b32decode(cid[1:].upper() + "=" * (-len(cid[1:]) % 8))
    return _head(_TAG, _LINK_TAG) + _head(_BYTES, len(raw)) + raw
