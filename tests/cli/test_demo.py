"""The demo study: what it asks for, that submitting it twice computes nothing twice, and what a terminal shows of it.

Against the real API over HTTP and a real database; the runs are ended by the test, with the store's own functions.
"""

import io
import socket
import threading
import time

import pytest
import uvicorn
from rich.console import Console

from backend import demo
from backend.api.app import create_app
from backend.domain.experiment import plan
from backend.domain.model import MODELS
from backend.domain.run import DeviceClass, Phase, RunKind
from backend.domain.schemas import Band
from backend.domain.task import Source
from backend.domain.tasks import TASKS
from backend.remote import Remote
from backend.store import history, migrate, runs
from backend.store.session import Store

COST = {
    "device": "a processor", "device_class": "cpu", "precision": "fp32", "share": 0.5, "wall_seconds": 20.0,
    "device_seconds": 10.0, "examples": 100, "tokens": 1000, "flops_analytic": 1e12, "flops_counted": None,
    "peak_memory_bytes": None, "energy_joules": None,
}  # fmt: skip


# --- what it asks for ------------------------------------------------------------------------------------------


def test_the_study_is_as_large_as_promised():
    """Three sizes × the baseline and four recipes or more × five targets of five formats × eight languages or more."""
    request = demo.request()
    assert len({MODELS[m].parameters_non_embedding for m in request.models}) == 3
    assert len(request.recipes) >= 4
    assert len({TASKS[t].format for t in request.targets}) == len(request.targets) == 5
    assert all(len(TASKS[t].languages_in(Source.MINI)) >= 8 for t in request.targets)
    assert request.targets[0] == "tatoeba"  # needs no fine-tuning: the first gain is there soonest
    planned = plan(request)
    assert planned.not_applicable == ()


def test_six_seeds_contain_the_one_of_the_demo():
    """So the study goes on from the demo: none of its runs is computed again."""
    one, six = plan(demo.request(1)), plan(demo.request(6))
    assert set(one.runs) < set(six.runs)


def test_the_first_gain_waits_for_few_runs():
    """Pretraining, one intermediate stage and two evaluations come before anything else of the first encoder."""
    planned = plan(demo.request())
    kinds = [run.spec.kind for run in list(planned.runs.values())[:4]]
    assert kinds == [RunKind.PRETRAIN, RunKind.EVALUATE, RunKind.INTERMEDIATE, RunKind.EVALUATE]


# --- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "words"), [(9.6, "10 s"), (130, "2 min 10 s"), (3725, "1 h 2 min")])
def test_durations(seconds, words):
    assert demo.spoken(seconds) == words


@pytest.mark.parametrize(
    ("band", "words"),
    [
        (None, ""),
        (Band(low=0.1, median=0.15, high=0.2), "6 to 12 min"),
        (Band(low=0.0, median=0.0, high=0.001), "1 min"),
    ],
)
def test_what_is_left_is_a_range(band, words):
    assert demo.ahead(band) == words


# --- against the API -----------------------------------------------------------------------------------------------


class Lab:
    """The store behind the API, and a worker reduced to what it writes."""

    def __init__(self, store):
        self.store = store

    def work(self, *, fail=0, limit=10_000):
        """End queued runs: evaluations with scores that differ by recipe and language. The first ``fail`` of them fail."""
        for _ in range(limit):
            with self.store.write() as session:
                claim = runs.claim(session, worker="w", device=DeviceClass.CPU, lease_seconds=60)
            if claim is None:
                return
            with self.store.write() as session:
                if fail > 0:
                    fail -= 1
                    runs.fail(session, claim.run_id, claim.attempt, type="E", message="m", traceback="", cause=None)
                    continue
                scores = []
                if claim.kind is RunKind.EVALUATE:
                    task = TASKS[claim.spec.data[0].task]
                    treated = history.view(session, claim.run_id).recipe != "none"
                    scores = [
                        (language, metric, 40.0 + i + (2.0 if treated else 0.0), 100)
                        for i, language in enumerate(claim.spec.languages)
                        for metric in task.metrics
                    ]
                done = runs.Result(scores, "file:///a", "0" * 64, COST, 900, 400, {"python": "3"})
                assert runs.finish(session, claim.run_id, claim.attempt, done).ok


@pytest.fixture
def lab(tmp_path):
    url = f"sqlite:///{tmp_path / 'crosslift.db'}"
    migrate.upgrade(url)
    store = Store(url)
    yield Lab(store)
    store.dispose()


@pytest.fixture
def remote(lab):
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(lab.store), log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with Remote(f"http://127.0.0.1:{listening.getsockname()[1]}") as made:
        yield made
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture
def small(monkeypatch):
    """The same study, of a size that ends here in a second."""
    monkeypatch.setattr(demo, "MODELS", ("mini-2",))
    monkeypatch.setattr(demo, "TARGETS", ("tatoeba", "xnli"))


def printed(renderable):
    out = io.StringIO()
    Console(file=out, width=160).print(renderable)
    return out.getvalue()


def test_a_second_demo_computes_nothing_and_says_so(lab, remote, small):
    first, words = demo.submit(remote, 1)
    assert words == f"Experiment {first.id}, Demo study: {first.runs} runs, 0 of them reused"
    lab.work(limit=3)
    again, words = demo.submit(remote, 1)
    assert again.id == first.id
    assert words.endswith(f"goes on: 3 of its {first.runs} runs are done and reused")
    lab.work()
    last, words = demo.submit(remote, 1)
    assert (last.id, last.state) == (first.id, "done")
    assert words.endswith(f"all {first.runs} runs exist and are reused; nothing to compute")

    more, words = demo.submit(remote, 2)  # `make study`: a larger experiment, which shares what is there
    assert more.id != first.id
    assert words.endswith(f"{more.runs} runs, {first.runs} of them reused")


def test_what_failed_is_done_again(lab, remote, small):
    first, _ = demo.submit(remote, 1)
    lab.work(fail=1)  # pretraining: everything after it is skipped
    again, words = demo.submit(remote, 1)
    assert again.id == first.id
    assert words.endswith(f"{first.runs} of {first.runs} runs had not come to an end and are done again")
    lab.work()
    assert demo.submit(remote, 1)[0].state == "done"


def test_progress_tells_the_first_gain_and_ends_with_the_state(lab, remote, small):
    view, _ = demo.submit(remote, 1)
    said = []
    progress = demo.Progress(remote, view, time.monotonic() - 130, said.append)
    assert progress.step() is None
    assert "0/" in progress.line()
    assert progress.line() is None  # now and then, not always
    for _ in range(60):
        lab.work(limit=1)
        progress._looked = -1e9
        progress.step()
        if said:
            break
    assert len(said) == 1
    assert said[0].startswith("first gain after 2 min 1")
    assert "mini-2, mnli → tatoeba +2.0 points (mean of 11 languages)" in said[0]
    with lab.store.write() as session:
        claim = runs.claim(session, worker="w", device=DeviceClass.CPU, lease_seconds=60)
        runs.beat(
            session, claim.run_id, claim.attempt, lease_seconds=60, phase=Phase.TRAINING, step=30, total_steps=300, rate=2.0,
            eta_low=120.0, eta_high=180.0, progressed=True,
        )  # fmt: skip
    progress._looked = -1e9
    progress.step()
    picture = printed(progress.picture())
    assert claim.title in picture
    assert "training" in picture
    assert "step 30 of 300" in picture
    assert "2 min 0 s to 3 min 0 s left" in picture
    with lab.store.write() as session:
        runs.release(session, claim.run_id, claim.attempt, reason="test", counted=False)
    lab.work()
    progress._looked = -1e9
    assert progress.step() == 0
    assert f"{view.runs}/{view.runs} runs done" in progress.headline()
    assert len(said) == 1


def test_the_end_is_a_failure_where_a_run_failed(lab, remote, small):
    view, _ = demo.submit(remote, 1)
    lab.work(fail=1)
    progress = demo.Progress(remote, view, time.monotonic(), lambda words: None)
    assert progress.step() == 1
    assert f"{view.runs} without result" in progress.headline()


def test_the_summary_has_every_cell_with_its_support(lab, remote, small):
    view, _ = demo.submit(remote, 1)
    assert "–" in printed(demo.summary(remote, view))  # nothing yet is not zero
    lab.work()
    text = printed(demo.summary(remote, view))
    table = [line for line in text.splitlines() if line.startswith("  ")]
    assert all(len(line) <= 80 and "…" not in line for line in table)
    rows = [line.split() for line in table]
    assert "mini-2" in [line.strip() for line in text.splitlines()]
    assert [row[0] for row in rows] == list(demo.RECIPES)
    assert rows[0][1:] == ["+2.0", "+2.0²"]
    assert "1 seed." in text
    assert "synthetic" in text
    assert "Too few seeds" in text


def test_an_api_that_is_away_is_waited_for(lab, remote, small):
    """The web process is started again by ``up``: that is no reason to end."""
    view, _ = demo.submit(remote, 1)
    said = []
    progress = demo.Progress(remote, view, time.monotonic(), said.append)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with Remote(f"http://127.0.0.1:{port}") as progress.remote:
        for _ in range(2):
            progress._looked = -1e9
            assert progress.step() is None
    assert len(said) == 1
    assert "does not answer" in said[0]
