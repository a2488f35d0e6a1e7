"""A page of a site as a browser shows it, and what must not overlap there."""

from __future__ import annotations

from pathlib import Path

from bayes_csc.report.export.browser import Tab

A4_TEXT = 703
"""Width of the text of an A4 page with margins of 12 mm, CSS pixels."""

OVERLAPS = """(() => {
  const found = [];
  for (const drawing of document.querySelectorAll("svg.drawing")) {
    const texts = [...drawing.querySelectorAll("text")].map((t) => [t.textContent, t.getBoundingClientRect()]);
    const px = drawing.getBoundingClientRect().width / 700;
    for (let i = 0; i < texts.length; i += 1) for (let j = i + 1; j < texts.length; j += 1) {
      const [[a, r], [b, s]] = [texts[i], texts[j]];
      const across = Math.min(r.right, s.right) - Math.max(r.left, s.left);
      const down = Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top);
      if (across > 2 * px && down > 4 * px) found.push(`${a} / ${b}`);
    }
  }
  const blocks = [...document.querySelectorAll("h1, h2, h3, p, ul, table, figure, form, details, .tools, pre")]
    .filter((e) => !e.closest("details:not([open]) > :not(summary)") && e.offsetParent);
  for (const e of blocks) {
    const next = e.nextElementSibling;
    if (next && next.offsetParent && next.getBoundingClientRect().top < e.getBoundingClientRect().bottom - 1
        && next.getBoundingClientRect().left < e.getBoundingClientRect().right - 1
        && getComputedStyle(e.parentElement).display === "block") {
      found.push(`${e.tagName} ${e.textContent.slice(0, 30)} over ${next.tagName}`);
    }
  }
  return found;
})()"""


def shown(tab: Tab, site: Path, name: str, width: int = 1280, *, media: str = "", dark: bool = False) -> Tab:
    tab.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    tab.call("Emulation.setEmulatedMedia", media=media, features=scheme)
    tab.open((site / name).resolve().as_uri())
    return tab
