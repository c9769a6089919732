"""Six surveys under a schedule of one minute, watched: a line a minute, a corrected delivery and an outage on the way.

python -m tests.watch [--minutes 15]     # `make watch`; one survey in tests/flows/test_night.py

After a third of the time one survey is delivered anew through the intake folder and has to be published again; after
half of it `anxin serve` is away for three minutes, and only the latest of the missed times may be made up for.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.ledger import Ledger
from flows.prefect_driver import environment
from tests.faults import ROOT, server
from tests.small_survey import YAML, frame, write
from tests.soak import memory

NAMES = tuple(f"town-{number}" for number in range(1, 7))
SCHEDULE = 'schedule: {cron: "* * * * *", timezone: UTC}\n'
SMALL = "disclosure: {allow_small_revisions: another sample of the same size}\nreport:\n"
AWAY = 3


def lay(root: Path) -> None:
    """Six surveys of their own names in one workspace."""
    for name in NAMES:
        write(root / "one")
        text = YAML.replace("survey: small-town", f"survey: {name}").replace("report:\n", SMALL) + SCHEDULE
        (root / "one" / "data" / "raw" / "small-town" / "survey.yaml").write_text(text, encoding="utf-8")
        (root / "data" / "raw").mkdir(parents=True, exist_ok=True)
        (root / "one" / "data" / "raw" / "small-town").rename(root / "data" / "raw" / name)


def deliver(root: Path) -> None:
    """A corrected delivery of the third town, as a vendor uploads it: the file, then its mark."""
    folder = root / "data" / "incoming" / NAMES[2]
    folder.mkdir(parents=True)
    frame(seed=2).to_csv(folder / "w1.csv", index=False)
    (folder / "w1.csv.done").touch()


def serve(root: Path, home: Path, address: str) -> subprocess.Popen[bytes]:
    """`anxin serve` beside the server, its own words in home/serve.log."""
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(home), **environment(home / "client")}
    with (home / "serve.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "serve"],
            cwd=root, env=variables | {"PREFECT_API_URL": address}, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def runs(address: str) -> list[dict[str, Any]]:
    """All flow runs whose time has come."""
    found: list[dict[str, Any]] = []
    while True:
        body = json.dumps({"limit": 200, "offset": len(found), "sort": "EXPECTED_START_TIME_ASC"}).encode()
        asked = urllib.request.Request(f"{address}/flow_runs/filter", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            page = json.load(answer)
        found += page
        if len(page) < 200:
            return [run for run in found if datetime.fromisoformat(run["expected_start_time"]) <= datetime.now(UTC)]


def line(minute: int, root: Path, known: list[dict[str, Any]], megabytes: float) -> str:
    """What there is to see in a minute."""
    states = Counter(run["state_name"] for run in known)
    out = [name for name in NAMES if (root / "public" / name / "w1").exists()]
    entries = Ledger(root / "data" / "work" / "ledger.jsonl").entries()
    published = Counter(entry["survey"] for entry in entries if entry["status"] == "published")
    told = ", ".join(f"{name} {states[name]}" for name in sorted(states))
    clock = datetime.now(UTC).strftime("%H:%M:%S")
    shown = f"shown {len(out)} of 6, published {sum(published.values())} times"
    return f"{minute:>3} {clock}  {shown}; runs: {told}; {megabytes:.0f} MB"


def main() -> None:
    """Watch, then judge: none failed or was lost, the corrected one is out, missed times are skipped but the latest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=int, default=15)
    minutes = parser.parse_args().minutes
    delivered, away = minutes // 3, minutes // 2
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder) / "work", Path(folder) / "server"
        home.mkdir()
        lay(root)
        with server(home) as (address, process):
            serving: subprocess.Popen[bytes] | None = serve(root, home, address)
            for minute in range(1, minutes + 1):
                time.sleep(60)
                both = memory(process.pid) + (memory(serving.pid) if serving else 0)
                print(line(minute, root, runs(address), both), flush=True)
                if minute == delivered:
                    deliver(root)
                    print(f"    {NAMES[2]} is delivered again", flush=True)
                if serving and minute == away:
                    os.killpg(serving.pid, signal.SIGKILL)
                    serving.wait()
                    serving = None
                    print("    anxin serve is killed", flush=True)
                if serving is None and minute == away + AWAY:
                    serving = serve(root, home, address)
                    print("    anxin serve is there again", flush=True)
            known = runs(address)
            if serving:
                os.killpg(serving.pid, signal.SIGINT)
                serving.wait(60)
        entries = Ledger(root / "data" / "work" / "ledger.jsonl").entries()
    bad = judged(known, entries, minutes >= away + AWAY + 2)
    sys.exit("\n".join(bad) if bad else 0)


def judged(known: list[dict[str, Any]], entries: list[dict[str, Any]], interrupted: bool) -> list[str]:
    """What is not as it should be."""
    bad = [f"{run['name']}: {run['state_name']}, {run['state']['message']}" for run in known
           if run["state_type"] == "FAILED"]  # fmt: skip
    published = Counter(entry["survey"] for entry in entries if entry["status"] == "published")
    wanted = {name: 2 if name == NAMES[2] else 1 for name in NAMES}
    bad += [f"published {dict(published)}, not {wanted}"] * (published != wanted)
    skipped = sum(run["state_name"] == "Skipped" for run in known)
    bad += ["no missed time was skipped"] * (interrupted and not skipped)
    return bad


if __name__ == "__main__":
    main()
