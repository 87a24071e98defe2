"""Writes what is made of the handlers' declarations: `python -m liveinsight.openapi`."""

import json
from pathlib import Path

from liveinsight.openapi.document import document
from liveinsight.openapi.page import page

FOLDER = Path(__file__).parent


def files() -> dict[str, str]:
    """Return the files by name: the document, and the page of it."""
    made = document()
    text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    return {"openapi.json": text, "docs.html": page(made)}


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text)
