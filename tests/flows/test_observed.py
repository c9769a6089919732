"""Who is told of a run, and of what: metrics, messages, logs, spans and Prefect's artifacts, never an answer."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opentelemetry import trace
from prefect import flow
from prefect.settings import PREFECT_API_URL, temporary_settings
from prometheus_client.parser import text_string_to_metric_families

from flows import run as runs
from flows.artifacts import headlines, leave, summary
from flows.cluster import cluster
from flows.job import Job
from flows.notify import addresses, send
from flows.prefect_driver import inside, prefect
from flows.words import translator
from flows.workspace import Workspace
from survey.errors import AnxinError, GateError
from tests.flows.leaks import FOUND, leak
from tests.flows.test_prefect_guard import api, home, post
from tests.flows.test_run import published, run
from tests.small_survey import YAML, frame, write

assert api, "a fixture"
assert home, "a fixture"
CANARY = "欧阳金丝雀"
STAGES = [
    *("intake", "cleaning", "quality", "privacy", "weighting", "estimate"),
    *("compare", "model", "disclosure", "tables", "report", "publication"),
]
GATED = YAML.replace("report:\n", "gates: {min_completes: 1000}\nreport:\n")
TWO = YAML + "  w2:\n    file: w2.csv\n    fieldwork: {start: 2026-07-01, end: 2026-07-31}\n"


@pytest.fixture(autouse=True)
def _unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "ANXIN_LOG",
        "ANXIN_NOTIFY",
        "ANXIN_NOTIFY_FILE",
        "ANXIN_SITE",
        "OTEL_TRACES_EXPORTER",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A workspace whose delivery holds a name that must arrive nowhere."""
    answers = frame()
    answers.loc[3, "name"] = answers.loc[3, "remark"] = CANARY
    write(tmp_path, delivery=answers)
    return tmp_path


def metrics(root: Path) -> dict[tuple[str, str], float]:
    """Value by metric and by its labels without the survey."""
    text = (root / "data" / "work" / "metrics" / "small-town.prom").read_text(encoding="utf-8")
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert sample.labels["survey"] == "small-town"
            assert set(sample.labels) <= {"survey", "wave", "stage"}
            labels = " ".join(sample.labels[name] for name in ("wave", "stage") if name in sample.labels)
            found[sample.name, labels] = sample.value
    return found


# -- metrics -----------------------------------------------------------------------------------------------------------


def test_metrics_tell_of_the_run_and_of_what_was_published(canary: Path) -> None:
    run(canary)
    found = metrics(canary)
    assert abs(found["anxin_last_run_timestamp_seconds", ""] - datetime.now(UTC).timestamp()) < 60
    assert found["anxin_last_run_success", ""] == 1
    assert [labels for name, labels in found if name == "anxin_stage_seconds"] == [f"w1 {stage}" for stage in STAGES]
    (entry,) = runs.Ledger(canary / "data" / "work" / "ledger.jsonl").entries()
    counts = entry["counts"]["w1"]
    assert found["anxin_rows_in", "w1"] == counts["delivered"] == 360
    assert found["anxin_problems", "w1"] == counts["problems"]
    assert found["anxin_suppressed_cells", "w1"] == counts["cells_primary"] + counts["cells_secondary"]
    assert found["anxin_alerts", "w1"] == 0
    assert CANARY not in (canary / "data" / "work" / "metrics" / "small-town.prom").read_text(encoding="utf-8")


def test_a_run_that_finds_nothing_changed_is_a_success_with_the_figures_there_are(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    before = metrics(tmp_path)
    (tmp_path / "data" / "work" / "metrics" / "small-town.prom").unlink()
    run(tmp_path)
    after = metrics(tmp_path)
    changing = {("anxin_last_run_timestamp_seconds", ""), ("anxin_last_run_seconds", "")}
    assert {key: value for key, value in after.items() if key not in changing} == {
        key: value for key, value in before.items() if key not in changing
    }


def test_a_stopped_run_is_no_success_and_the_published_figures_stay(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    write(tmp_path, yaml=GATED)
    with pytest.raises(GateError):
        run(tmp_path)
    found = metrics(tmp_path)
    assert (found["anxin_last_run_success", ""], found["anxin_rows_in", "w1"]) == (0, 360)
    assert ("anxin_stage_seconds", "w1 report") not in found


def test_metrics_that_cannot_be_written_stop_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    (tmp_path / "data" / "work").mkdir(parents=True)
    (tmp_path / "data" / "work" / "metrics").write_text("in the way")
    outcome, _ = run(tmp_path)
    assert not outcome.fresh
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("Metrics could not be told of the run: ")
    assert line.endswith("(values withheld)")


def test_a_trial_leaves_the_metrics_as_they_are(tmp_path: Path) -> None:
    write(tmp_path)
    job = Job.plan(Workspace(tmp_path), "small-town", None, None, None, tmp_path / "public", dry=True)
    runs.run(job, runs.plain, "plain", lambda line: None, lambda: datetime(2026, 11, 24, tzinfo=UTC))
    assert not (tmp_path / "data" / "work" / "metrics").exists()


# -- messages ----------------------------------------------------------------------------------------------------------


@contextmanager
def receiver(status: int = 200, wait: threading.Event | None = None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server on this machine that keeps what it is sent; its address for Apprise, with a token."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(json.loads(body))
            if wait is not None:
                wait.wait(30)
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"json://127.0.0.1:{server.server_port}/token-abc123", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_failure_is_told_by_its_place_and_no_answer_arrives(canary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as (address, got):
        monkeypatch.setenv("ANXIN_NOTIFY", address)
        monkeypatch.setattr("flows.stages.quality", leak(ValueError))
        with pytest.raises(AnxinError):
            run(canary)
    (message,) = got
    assert message["title"] == "small-town w1：运行失败"
    assert "环节：质量" in message["message"]
    assert "程序位置：ValueError at flows/" in message["message"]
    assert "(values withheld)" in message["message"]
    assert "anxin history small-town" in message["message"]
    text = json.dumps(got, ensure_ascii=False)
    assert [part for part in (CANARY, *(FOUND[kind][0] for kind in FOUND)) if part in text] == []


def test_a_gate_is_told_in_the_first_language_of_the_survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, yaml=GATED.replace("languages: [zh, en]", "languages: [en, zh]"))
    with receiver() as (address, got):
        monkeypatch.setenv("ANXIN_NOTIFY", f" {address}\n")
        with pytest.raises(GateError):
            run(tmp_path)
    assert [message["title"] for message in got] == ["small-town w1: a gate stopped the run"]
    assert "Place in the program: GateError at " in got[0]["message"]
    assert "`anxin check small-town`" in got[0]["message"]


def test_a_fault_that_calls_a_cell_its_place_is_told_by_the_place_in_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A corrected delivery that lacks four persons: the gate names the cell, which is for the team's terminal alone."""
    folder = write(tmp_path)
    run(tmp_path)
    frame().iloc[4:].to_csv(folder / "w1.csv", index=False, encoding="utf-8")
    with receiver() as (address, got):
        monkeypatch.setenv("ANXIN_NOTIFY", address)
        monkeypatch.setenv("ANXIN_LOG", "json")
        with pytest.raises(GateError, match="changed by a few respondents") as caught:
            run(tmp_path)
    cell = caught.value.values["place"]
    assert cell
    line = json.loads(capfd.readouterr().err.splitlines()[-1])
    assert line["place"].startswith("GateError at disclosure/audit.py:")
    assert "程序位置：GateError at disclosure/audit.py:" in got[0]["message"]


def test_addresses_may_stand_in_a_file_that_no_environment_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, yaml=GATED)
    named = tmp_path / "addresses"
    with receiver() as (address, got):
        named.write_text(f"{address}\n")
        monkeypatch.setenv("ANXIN_NOTIFY_FILE", str(named))
        for mode, messages in ((0o644, 0), (0o600, 1)):
            named.chmod(mode)
            with pytest.raises(GateError):
                run(tmp_path)
            assert len(got) == messages
    fault = "not a file that its owner alone may read: chmod 600"
    assert capfd.readouterr().err == f"ANXIN_NOTIFY_FILE cannot be used, nobody is told of the run: {fault}\n"
    named.unlink()
    os.mkfifo(named, 0o600)
    assert addresses({"ANXIN_NOTIFY_FILE": str(named)}) == [], "a pipe holds nobody up"


def fallen(root: Path) -> Path:
    """Folder of a survey whose second wave feels much less safe."""
    folder = write(root, yaml=TWO)
    rows = frame(seed=2)
    rows["safe"] = np.where(np.random.default_rng(3).random(len(rows)) < 0.2, "1", "2")
    rows.to_csv(folder / "w2.csv", index=False, encoding="utf-8")
    return folder


def test_alerts_of_a_new_report_are_told_once_with_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fallen(tmp_path)
    with receiver() as (address, got):
        monkeypatch.setenv("ANXIN_NOTIFY", address)
        monkeypatch.setenv("ANXIN_SITE", "http://127.0.0.1:8000/")
        run(tmp_path)
        run(tmp_path)
    (message,) = got
    count = metrics(tmp_path)["anxin_alerts", "w2"]
    assert count > 0
    assert message["title"] == "small-town w2：新报告中有预警"
    assert f"预警：{count:.0f} 条" in message["message"]
    assert "http://127.0.0.1:8000/small-town/w2/zh.html" in message["message"]


def test_a_run_that_stops_as_before_is_told_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, yaml=GATED)
    with receiver() as (address, got):
        monkeypatch.setenv("ANXIN_NOTIFY", address)
        for _ in range(3):
            with pytest.raises(GateError):
                run(tmp_path)
        assert len(got) == 1
        write(tmp_path, yaml=GATED.replace("1000", "2000"))  # another threshold, another fault
        with pytest.raises(GateError):
            run(tmp_path)
    assert len(got) == 2


def test_alerts_that_were_told_are_not_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fallen(tmp_path)
    with receiver() as (address, got):
        monkeypatch.setenv("ANXIN_NOTIFY", address)
        run(tmp_path)
        (folder / "survey.yaml").write_text(TWO.replace("en: Small town survey", "en: A survey"), encoding="utf-8")
        run(tmp_path)
    assert len(got) == 1


def test_no_log_of_a_library_quotes_an_address(caplog: pytest.LogCaptureFixture) -> None:
    with receiver() as (address, got), caplog.at_level("DEBUG"):
        assert send([f"{address}/s3cret-t0ken"], "title", "text", urgent=True) == []
    assert len(got) == 1
    assert "s3cret-t0ken" not in caplog.text
    assert "http" not in json.dumps(got)


def test_an_ordinary_run_sends_nothing(canary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as (address, got):
        monkeypatch.setenv("ANXIN_NOTIFY", address)
        run(canary)
    assert got == []


@pytest.mark.parametrize("address", ["json://127.0.0.1:9/token-abc123", "nonsense://token-abc123", "token-abc123"])
def test_what_cannot_be_sent_is_one_line_without_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], address: str
) -> None:
    write(tmp_path, yaml=GATED)
    with receiver() as (works, got):
        monkeypatch.setenv("ANXIN_NOTIFY", f"{works} {address}")
        with pytest.raises(GateError):
            run(tmp_path)
    assert len(got) == 1
    out, err = capfd.readouterr()
    assert err == "Could not be sent: the notification to address 2 in ANXIN_NOTIFY\n"
    assert out == ""
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"token-abc123" not in path.read_bytes(), path


def test_who_does_not_answer_is_given_up() -> None:
    answer = threading.Event()
    with receiver(wait=answer) as (slow, held), receiver() as (works, got):
        start = datetime.now(UTC)
        assert send([slow, works], "title", "text", urgent=True, patience=3) == [1]
        assert (datetime.now(UTC) - start).total_seconds() < 3.9
        answer.set()
    assert (len(held), len(got)) == (1, 1)


# -- logs --------------------------------------------------------------------------------------------------------------


def logged(text: str) -> list[dict[str, Any]]:
    """The lines of a log, each of the right survey and with its time."""
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        assert line.pop("survey") == "small-town"
        assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    return lines


def test_a_log_has_a_line_for_each_stage_and_the_run(
    canary: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANXIN_LOG", "json")
    _, stages = run(canary)
    run(canary)
    *lines, done, again = logged(capfd.readouterr().err)
    assert [
        (line["event"], line["wave"], line["stage"], line["rows_in"], line["rows"], line["seconds"], line["outcome"])
        for line in lines
    ] == [("stage", s.wave, s.stage, s.rows_in, s.rows_out, round(s.seconds, 3), "done") for s in stages]
    assert (done["event"], done["waves"], done["outcome"]) == ("run", ["w1"], "published")
    assert done["seconds"] >= sum(line["seconds"] for line in lines) > 0
    assert again["outcome"] == "unchanged"


def test_a_log_tells_what_stopped_by_its_place(
    canary: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANXIN_LOG", "json")
    monkeypatch.setattr("flows.stages.quality", leak(ValueError))
    with pytest.raises(AnxinError):
        run(canary)
    text = capfd.readouterr().err
    *_, stage, whole = logged(text)
    assert (stage["stage"], stage["outcome"], whole["outcome"]) == ("quality", "stopped", "stopped")
    assert stage["place"] == whole["place"]
    assert whole["place"].startswith("ValueError at flows/")
    assert [part for part in (CANARY, *(FOUND[kind][0] for kind in FOUND)) if part in text] == []


def test_another_format_of_logs_is_one_line_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    monkeypatch.setenv("ANXIN_LOG", "xml")
    run(tmp_path)
    assert capfd.readouterr().err == "ANXIN_LOG: there is no format of logs but json\n"


# -- spans -------------------------------------------------------------------------------------------------------------


class Kept(trace.NonRecordingSpan):
    """A span that keeps what it is told. The SDK is no dependency: only its API is, so the tests bring their own."""

    def __init__(self, name: str, parent: trace.Span, attributes: dict[str, Any], start: int | None) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self.name, self.parent, self.attributes, self.start = name, parent, dict(attributes), start
        self.finish: int | None = None
        self.status: trace.Status | None = None
        self.ended = 0

    def set_attributes(self, attributes: Any) -> None:
        self.attributes |= attributes

    def set_status(self, status: Any, description: str | None = None) -> None:  # noqa: ARG002
        self.status = status

    def end(self, end_time: int | None = None) -> None:
        self.finish, self.ended = end_time, self.ended + 1


class Provider(trace.TracerProvider, trace.NoOpTracer):
    """A provider of one tracer, itself."""

    def __init__(self) -> None:
        self.spans: list[Kept] = []
        self.names: list[str] = []

    def get_tracer(self, instrumenting_module_name: str, *_: Any, **__: Any) -> trace.Tracer:
        self.names.append(instrumenting_module_name)
        return self

    def start_span(self, name: str, context: Any = None, **options: Any) -> Kept:  # type: ignore[override]
        parent = trace.get_current_span(context)
        span = Kept(name, parent, options["attributes"], options.get("start_time"))
        self.spans.append(span)
        return span


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """A provider of spans in the place of the SDK's, and the variable that asks for them."""
    made = Provider()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", made)
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    return made


def test_a_run_is_a_span_with_one_below_it_for_each_stage(canary: Path, provider: Provider) -> None:
    _, lines = run(canary)
    whole, *stages = provider.spans
    assert provider.names == ["anxin"]
    assert (whole.name, whole.attributes["anxin.outcome"], whole.status) == ("run", "published", None)
    assert [span.name for span in stages] == [line.stage for line in lines]
    for span, line in zip(stages, lines, strict=True):
        assert span.parent is whole
        assert span.start is not None
        assert span.finish is not None
        assert span.finish - span.start == int(line.seconds * 1e9)
        assert span.attributes == {
            "anxin.wave": "w1", "anxin.rows_in": line.rows_in, "anxin.rows_out": line.rows_out
        }  # fmt: skip
    assert {span.ended for span in provider.spans} == {1}


def test_a_fault_is_the_status_of_its_spans_without_its_text(
    canary: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.stages.quality", leak(ValueError))
    with pytest.raises(AnxinError):
        run(canary)
    failed = [span for span in provider.spans if span.status is not None]
    assert [span.name for span in failed] == ["run", "quality"]
    for span in failed:
        assert span.status is not None
        assert span.status.status_code is trace.StatusCode.ERROR
        assert str(span.status.description).startswith("ValueError at flows/")
    text = repr([(span.name, span.attributes, span.status and span.status.description) for span in provider.spans])
    assert [part for part in (CANARY, *(FOUND[kind][0] for kind in FOUND)) if part in text] == []


# -- at no cost --------------------------------------------------------------------------------------------------------


def test_nothing_is_imported_for_what_nobody_asked_for(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    told = (
        "import sys; from flows.cli import app; app(['run', 'small-town'], standalone_mode=False)\n"
        "unasked = {'apprise', 'numpy', 'opentelemetry', 'pandas', 'prefect'}\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & unasked))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "OTEL_"))}
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[0] == "Nothing changed since the last run."
    assert done.stdout.splitlines()[-1] == "[]"


def test_observers_change_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: Provider) -> None:
    write(tmp_path / "watched")
    monkeypatch.setenv("ANXIN_LOG", "json")
    run(tmp_path / "watched")
    monkeypatch.delenv("ANXIN_LOG")
    monkeypatch.delenv("OTEL_TRACES_EXPORTER")
    write(tmp_path / "alone")
    run(tmp_path / "alone")
    assert published(tmp_path / "watched") == published(tmp_path / "alone")


# -- Prefect -----------------------------------------------------------------------------------------------------------


STRANGER = """\
from datetime import UTC, datetime
from pathlib import Path
from flows import run as runs
from flows.job import Job
from flows.prefect_driver import environment, prefect
from flows.workspace import Workspace
import os
os.environ.update(environment(Path.cwd() / "data" / "work" / "prefect"))
from prefect.server.api.server import SubprocessASGIServer
from tests.flows.test_prefect_guard import post

def knock(line):
    print(post(f"{SubprocessASGIServer().api_url}/flow_runs/filter", {})[0])

for number in range(2):
    job = Job.plan(Workspace(Path.cwd()), "small-town", None, ("zh", "en")[number:], None, Path("public"))
    runs.run(job, prefect, "prefect", knock, lambda: datetime(2026, 11, 24, tzinfo=UTC))
"""


def test_the_embedded_server_takes_nothing_from_strangers(tmp_path: Path) -> None:
    """Other users of the machine reach its port, and a run left in its database would start any program one day."""
    write(tmp_path)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ANXIN_"))}
    done = subprocess.run([sys.executable, "-c", STRANGER], cwd=tmp_path, capture_output=True, text=True, check=False,
                          env=inherited | {"PYTHONPATH": str(Path.cwd()), "HOME": str(tmp_path)})  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = done.stdout.split()
    assert len(answers) > 5
    assert set(answers) == {"401"}


def artifacts(api: str, key: str) -> list[dict[str, Any]]:
    """What Prefect shows under a key, the newest first."""
    _, found = post(f"{api}/artifacts/filter", {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC"})
    assert all(each["flow_run_id"] for each in found)
    return list(found)


def through_prefect(root: Path, driver: Any = prefect) -> None:
    """A run under Prefect."""
    run(root, driver, "prefect")


@flow(name="around")
def around(root: str) -> None:
    """A flow that Prefect has started already."""
    through_prefect(Path(root), partial(inside, []))


@pytest.mark.parametrize("driver", ["prefect", "inside"])
def test_prefect_shows_the_stages_and_the_published_figures(
    api: str, home: Path, canary: Path, monkeypatch: pytest.MonkeyPatch, driver: str
) -> None:
    monkeypatch.setenv("ANXIN_SITE", "http://127.0.0.1:8000/")
    monkeypatch.setenv("ANXIN_NOTIFY", "json://127.0.0.1:9/token-abc123")
    with temporary_settings({PREFECT_API_URL: api}):
        around(str(canary)) if driver == "inside" else through_prefect(canary)
    table, page = artifacts(api, "small-town-stages")[0], artifacts(api, "small-town-report")[0]
    assert (table["type"], page["type"]) == ("table", "markdown")
    rows = json.loads(table["data"])
    assert [row["环节"] for row in rows] == [translator("zh")(stage) for stage in STAGES]
    assert list(rows[1]) == ["环节", "期次", "输入行数", "输出行数", "秒"]
    (figure,) = headlines(canary / "public" / "small-town" / "w1")
    low, high = (100 * float(figure[end]) for end in ("ci_low", "ci_high"))
    assert f"| 感到安全 | {100 * float(figure['estimate']):.1f} | {low:.1f} – {high:.1f} | 360 |" in page["data"]
    assert "[en](http://127.0.0.1:8000/small-town/w1/en.html)" in page["data"]
    assert "file://" not in page["data"]
    texts = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert any("感到安全".encode() in text or b"\\u611f\\u5230" in text for text in texts)
    escaped = json.dumps(CANARY)[1:-1]
    for secret in (CANARY, escaped, "token-abc123"):
        assert not any(secret.encode() in text for text in texts), secret


def test_a_stopped_run_shows_the_stages_that_ran_and_no_report(
    api: str, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = len(artifacts(api, "small-town-report"))
    monkeypatch.setattr("flows.stages.quality", leak(ValueError))
    with temporary_settings({PREFECT_API_URL: api}), pytest.raises(AnxinError):
        through_prefect(canary)
    (newest, *_) = artifacts(api, "small-town-stages")
    assert [row["环节"] for row in json.loads(newest["data"])] == ["接收", "清洗"]
    assert len(artifacts(api, "small-town-report")) == reports


def test_without_a_site_the_page_names_the_file(tmp_path: Path) -> None:
    write(tmp_path)
    outcome, _ = run(tmp_path)
    job = Job.plan(Workspace(tmp_path), "small-town", None, None, None, tmp_path / "public")
    assert "- zh: `public/small-town/w1/zh.html`" in summary(job, outcome.published, "")
    assert "- zh: `public/small-town/w1/zh.html`" in summary(job, outcome.published, "javascript:alert(1)")


def test_a_prefect_that_does_not_answer_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    outcome, lines = run(tmp_path)
    job = Job.plan(Workspace(tmp_path), "small-town", None, None, None, tmp_path / "public")
    monkeypatch.setattr("flows.artifacts.PATIENCE", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (silent.getsockname()[1], 9):
            start = datetime.now(UTC)
            with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}):
                leave(job, lines, outcome.published)
            assert (datetime.now(UTC) - start).total_seconds() < 10
            (line,) = capfd.readouterr().err.splitlines()
            assert line.startswith("Prefect could not be told what it shows of the run: ")


def test_processes_that_are_started_inherit_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANXIN_NOTIFY", "json://127.0.0.1:9/token-abc123")
    with cluster(work=tmp_path, workers=1) as client:
        assert client.submit(os.environ.get, "ANXIN_NOTIFY").result() is None
    assert os.environ["ANXIN_NOTIFY"] == "json://127.0.0.1:9/token-abc123"
