"""Arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]
Project = Annotated[Path, typer.Option("--project", "-C", help="The project's folder.", show_default="this folder")]
Target = Annotated[Path, typer.Argument(help="A project's folder, or one automation file.", show_default="this folder")]
