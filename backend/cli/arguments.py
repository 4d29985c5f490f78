"""Options and arguments that several commands take, and what a file of a request holds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from backend.cli.endings import Usage

LARGEST_FILE = 2**20  # bytes of a request; the API takes no more either

Url = Annotated[str | None, typer.Option("--url", help="Address of the installation; default: the one in this HOME.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Experiment = Annotated[int, typer.Argument(min=1, metavar="ID", help="An experiment.")]
Request = Annotated[
    Path, typer.Argument(metavar="FILE.yaml", help="The experiment as YAML or JSON; - is standard input.")
]


def read_request(path: Path) -> dict[str, Any]:
    """The experiment in a YAML file (JSON is YAML too), for the API to judge.

    Raises:
        Usage: there is no such file, or it is no YAML object.
    """
    import yaml

    try:
        raw = sys.stdin.buffer.read(LARGEST_FILE + 1) if str(path) == "-" else path.read_bytes()
        if len(raw) > LARGEST_FILE:
            raise Usage(f"{path} is larger than {LARGEST_FILE:,} bytes")
        body = yaml.safe_load(raw.decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"{path} cannot be read: {error}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Usage(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(body, dict):
        raise Usage(f"{path} holds no experiment: expected keys such as name, models, recipes, targets, seeds")
    try:
        json.dumps(body, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Usage(f"{path} holds a value that JSON cannot carry: {error}") from None
    return body
