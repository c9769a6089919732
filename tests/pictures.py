"""The pictures of the README and the docs, taken anew from the published report: `make pictures`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from flows.workspace import Workspace
from tests.browser import arguments, find_chromium

IMAGES = Path("docs/images")
REPORT = Path("public/example-city")
WINDOWS = {
    "report-zh": ("zh.html", 1100, 1000),
    "report-en-phone": ("en.html", 390, 1500),
    "area-zh": ("zh-area-8.html", 1100, 1400),
    "changes-zh": ("zh-changes.html", 1100, 900),
}
SECTIONS = {
    "areas-en": ("en.html", 1100, "#areas"),
    "drivers-en": ("en.html", 1100, "figure:has([aria-labelledby^=quadrant])"),
}
PRINTED = {"printed-zh": ("zh", 3)}


def main() -> None:
    """Take every picture of the newest wave."""
    newest = list(Workspace(Path.cwd()).book("example-city").waves)[-1]
    report = (REPORT / newest).resolve()
    if not report.is_dir():
        sys.exit("`make report` first: the pictures are taken of what it publishes")
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=find_chromium(), args=arguments())
        for name, (page, width, height) in WINDOWS.items():
            take(browser, report / page, IMAGES / f"{name}.png", width, height)
        for name, (page, width, part) in SECTIONS.items():
            take(browser, report / page, IMAGES / f"{name}.png", width, 900, part)
        browser.close()
    for name, (language, number) in PRINTED.items():
        paper(newest, language, number, IMAGES / f"{name}.png")


def take(browser: Browser, page: Path, to: Path, width: int, height: int, part: str = "") -> None:
    """One window, or one part of a page."""
    view = browser.new_page(viewport={"width": width, "height": height})
    view.goto(page.as_uri())
    if part:
        view.locator(part).screenshot(path=to)
    else:
        view.screenshot(path=to)
    view.close()


def paper(wave: str, language: str, number: int, to: Path) -> None:
    """One printed page of the report."""
    with tempfile.TemporaryDirectory() as folder:
        anxin = [sys.executable, "-m", "flows.cli", "pdf", "example-city", "--wave", wave, "--lang", language]
        subprocess.run([*anxin, "--pages", "report", "--to", folder], check=True, capture_output=True)
        (made,) = Path(folder).rglob("*.pdf")
        pages = ["-f", str(number), "-l", str(number), "-r", "70", "-png", "-singlefile"]
        subprocess.run(["pdftoppm", *pages, str(made), str(to.with_suffix(""))], check=True)


if __name__ == "__main__":
    main()
