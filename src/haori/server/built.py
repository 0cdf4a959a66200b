"""Where the console's built files are: packed beside this module in a wheel, in `console/dist` of a checkout.

They come out of Node.js, so a checkout may have none yet; the server then answers the API alone.
"""

from __future__ import annotations

from pathlib import Path

_PACKED = Path(__file__).with_name("pages")
_CHECKOUT = Path(__file__).parents[3] / "console" / "dist"


def built_console(packed: Path = _PACKED, checkout: Path = _CHECKOUT) -> Path | None:
    """The folder to serve, None where the console was not built."""
    for folder in (packed, checkout):
        if (folder / "index.html").is_file():
            return folder
    return None
