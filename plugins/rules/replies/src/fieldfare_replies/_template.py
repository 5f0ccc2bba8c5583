"""Templates with fields: what a person writes once and every answer is made from."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from string import Template

LINK = re.compile(r"(?:\w+://|www\.)\S+")
SIGNS = re.compile(r"(?<!\w)[@#＠＃]+(?=\w)")


def fields_of(template: str) -> list[str]:
    """The fields a template has, each once."""
    return Template(template).get_identifiers()


def checked(template: str, fields: Sequence[str]) -> str:
    """The template itself; ValueError when it is empty or has a field that does not exist."""
    known = ", ".join(f"${name}" for name in fields)
    if not template.strip():
        raise ValueError("the template is empty; write what the answer says")
    if not Template(template).is_valid():
        raise ValueError(f"template {template!r} has a $ without a field; write $$ for a dollar sign ({known} exist)")
    for name in fields_of(template):
        if name not in fields:
            near = difflib.get_close_matches(name.lower(), fields, n=1)
            hint = f"did you mean ${{{near[0]}}}?" if near else f"there are {known}"
            raise ValueError(f"the template has no field ${name}; {hint}")
    return template


def quoted(text: str) -> str:
    """What a stranger wrote, on one line and without effect: it names nobody, and links and tags nothing."""
    words = " ".join(LINK.sub("…", text).split())
    return SIGNS.sub("", words)
