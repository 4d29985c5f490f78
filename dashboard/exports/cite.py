"""What goes with a result into a paper or a notebook: a BibTeX entry with its caption, and six lines that read the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from dashboard.exports.latex import escape


def bibtex(title: str, said: Sequence[str], *, sha256: str, url: str, at: datetime, frozen: bool, program: str) -> str:
    """An entry of BibTeX, with the caption as a comment before it.

    Args:
        at: when it was frozen, or read.
        url: the whole address of the view or of the link.
    """
    lines = "\n".join(f"% {escape(text)}" for text in said)
    kind = "frozen" if frozen else "live, read"
    return f"""{lines}
@misc{{crosslift-{sha256[:12]},
  title        = {{{{{escape(title)}}}}},
  howpublished = {{\\url{{{_address(url)}}}}},
  year         = {{{at.year}}},
  month        = {f"{at:%b}".lower()},
  note         = {{{escape(program)}, {kind} {at:%Y-%m-%d}, SHA-256 {sha256}}}
}}
"""


def _address(url: str) -> str:
    """What \\url prints as it stands, without what would end its braces."""
    return url.replace("\\", "%5C").replace("{", "%7B").replace("}", "%7D")


def notebook(url: str, *, token: bool, lines: tuple[str, str]) -> str:
    """Six lines of Python for the Parquet file at this address.

    Args:
        token: one has to sign in here; the token is read from the environment, never written down.
        lines: the columns of the table that become rows and columns.
    """
    headers = ', headers={"Authorization": "Bearer " + os.environ["CROSSLIFT_TOKEN"]}' if token else ""
    down, across = lines
    return f"""import io, {"os, " if token else ""}urllib.request
import pandas as pd
request = urllib.request.Request("{quote(url, safe=":/?&=,@%+")}"{headers})
gains = pd.read_parquet(io.BytesIO(urllib.request.urlopen(request).read()))
print(gains[["{down}", "{across}", "gain", "ci_low", "ci_high"]].sort_values("gain"))
gains.pivot_table(index="{down}", columns="{across}", values="gain").round(1)
"""
