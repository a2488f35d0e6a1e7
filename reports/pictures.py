"""Pictures of the example report for the README, taken in headless Chromium: `make report` runs it.

The authority shown is the first by name.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from bayes_csc.report.export.browser import Tab, browser

HERE = Path(__file__).parent
REPORT = HERE / "england"
WIDTH, COLOURS = 1240, 160
"""Pixels across; colours kept, which is what makes a picture small."""


def picture(tab: Tab, page: Path, first: str, height: int, target: Path) -> None:
    """Write a PNG of a page from the top of an element on."""
    tab.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=900, deviceScaleFactor=1, mobile=False)
    tab.open(page.resolve().as_uri())
    top = tab.evaluate(f"document.querySelector('{first}').getBoundingClientRect().top + scrollY")
    clip = {"x": 0, "y": max(top - 12, 0), "width": WIDTH, "height": height, "scale": 1}
    shot = tab.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
    image = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


def main() -> None:
    """Take both pictures."""
    with browser() as tab:
        tab.open((REPORT / "index.html").resolve().as_uri())
        link = tab.evaluate("document.querySelector('#group ~ * tbody a').getAttribute('href')")
        picture(tab, REPORT / "index.html", "#group", 1010, HERE / "overview.png")
        picture(tab, REPORT / link, "h1", 1540, HERE / "authority.png")


if __name__ == "__main__":
    main()
