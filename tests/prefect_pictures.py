"""Pictures of Prefect's interface for docs/operations.md, taken while `make serve-demo` runs.

python -m tests.prefect_pictures http://127.0.0.1:4200 anxin:PASSWORD, as `make serve-demo` told it
"""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from shutil import which
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.browser import arguments, find_chromium

IMAGES = Path("docs/images")
COLOURS = "64"
SECONDS = 60_000.0
SETTLED = 10_000.0
"""The bars of the tasks are drawn on a canvas and move to their places; nothing tells when they are there."""


def main(prefect: str, password: str) -> None:
    """Take the page of the last run that published something, its artifacts, and the form of its deployment."""
    newest = {"artifacts": {"key": {"any_": ["example-city-report"]}}, "sort": "CREATED_DESC", "limit": 1}
    known = b64encode(password.encode()).decode()
    found = asked(f"{prefect}/api/artifacts/filter", known, newest)
    if not found:
        sys.exit("nothing was published yet: `make serve-demo` does it in a workspace without reports")
    run = asked(f"{prefect}/api/flow_runs/{found[0]['flow_run_id']}", known)
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=find_chromium(), args=arguments())
        signed_in = {"name": "prefect-password", "value": known}
        state = {"cookies": [], "origins": [{"origin": prefect, "localStorage": [signed_in]}]}
        context = browser.new_context(storage_state=state, color_scheme="light")  # type: ignore[arg-type]
        take(context, f"{prefect}/runs/flow-run/{run['id']}", "Task Runs", IMAGES / "prefect-run.png", 720)
        page = f"{prefect}/artifacts/artifact/{found[0]['id']}"
        take(context, page, "example-city 2026H1", IMAGES / "prefect-artifacts.png", 900)
        form = f"{prefect}/deployments/deployment/{run['deployment_id']}/run"
        take(context, form, "dry_run", IMAGES / "prefect-form.png", 1250)
        browser.close()


def asked(address: str, known: str, body: dict[str, Any] | None = None) -> Any:
    """What the server answers."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(address, data, {"Content-Type": "application/json", "Authorization": f"Basic {known}"})
    with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
        return json.load(answer)


def take(context: BrowserContext, address: str, awaited: str, to: Path, height: int) -> None:
    """A window of the interface once a word is there, in few colours so that it stays small."""
    page: Page = context.new_page()
    page.set_viewport_size({"width": 1280, "height": height})
    page.goto(address)
    page.get_by_text(awaited).first.wait_for(timeout=SECONDS)
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=to)
    page.close()
    convert = which("convert")
    if convert:
        subprocess.run([convert, str(to), "-strip", "+dither", "-colors", COLOURS, f"PNG8:{to}"], check=True)


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2])
