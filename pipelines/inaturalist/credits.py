"""CREDITS.md: who took what under which licence, one line a photo.

Attributions and names are what strangers typed: each becomes one line of printable characters
without direction marks, its Markdown and HTML escaped, its addresses no links, and a long one
is cut; the links to licence, observation and photo are always whole.
"""

import re
import urllib.parse
from collections.abc import Iterable

from pipelines.inaturalist.plan import TERMS
from pipelines.inaturalist.schema import plain

_LONGEST = 300
_LICENCE_PAGES = {
    "cc0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "pd": "https://creativecommons.org/publicdomain/mark/1.0/",
} | {
    code: f"https://creativecommons.org/licenses/{code[3:]}/4.0/"
    for code in ("cc-by", "cc-by-sa", "cc-by-nd", "cc-by-nc", "cc-by-nc-sa", "cc-by-nc-nd")
}
# Brackets of links, emphasis, code, HTML and entities, tables, mathematics, mentions.
_MARKDOWN = re.compile(r"([\\`*_\[\]<>&|~$@])")
_ADDRESS = re.compile(r"(?i)(\bwww)(\.)|(:)(//)")


def page(rows: Iterable[dict]) -> str:
    """The whole file for rows of a manifest, sorted by path."""
    lines = [line(row) for row in sorted(rows, key=lambda row: row["path"])]
    head = ["# Credits", "", f"Photographs from iNaturalist, one a line. {TERMS}", ""]
    return "\n".join([*head, *lines]) + "\n"


def line(row: dict) -> str:
    """The credit of one manifest row, without a line end."""
    observation = row.get("observation_id") or row.get("observation_uuid")
    names = (row.get(key) for key in ("attribution", "observer_name", "observer_login"))
    who = next((text for name in names if name and (text := safe(name))), "unknown")
    links = [_licence(row["licence"])]
    if observation:
        address = urllib.parse.quote(str(observation)[:100], safe="")
        links.append(f"[observation](https://www.inaturalist.org/observations/{address})")
    links.append(f"[photo](https://www.inaturalist.org/photos/{row['photo_id']})")
    path = plain(row["path"]).replace("`", "'")
    return (
        f"- `{path}` *{safe(row.get('taxon_name') or 'unknown')}*: {who} ({', '.join(links)})"
    )


def safe(text: str) -> str:
    """A stranger's text as Markdown that shows these characters and does nothing else."""
    text = _MARKDOWN.sub(r"\\\1", plain(text, _LONGEST))
    return _ADDRESS.sub(lambda found: "\\".join(filter(None, found.groups())), text)


def _licence(code):
    page_of = _LICENCE_PAGES.get(code)
    return f"[{code}]({page_of})" if page_of else safe(code)
