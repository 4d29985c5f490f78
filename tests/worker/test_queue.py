"""The doorbell: heard by a worker, and never waited for."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from pydantic import SecretStr

from backend import queue
from backend.domain.run import DeviceClass
from backend.errors import Unavailable
from backend.settings import Settings
from worker import app as worker_app

CPU, CUDA = DeviceClass.CPU, DeviceClass.CUDA
LIMIT = queue.BUDGET_SECONDS + 0.5


@pytest.fixture(scope="module")
def server(start_redis: Any) -> Iterator[Path]:
    """A Redis on a socket whose name has every awkward character."""
    with tempfile.TemporaryDirectory(prefix="xl a%2 #?") as folder:
        process, path = start_redis(Path(folder))
        yield path
        process.kill()
        process.wait()


@pytest.fixture
def client(server: Path) -> Iterator[Any]:
    with redis.Redis(unix_socket_path=str(server)) as made:
        made.flushall()
        yield made


def use(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    chosen = Settings(**settings)
    monkeypatch.setattr(queue, "app", queue.doorbell(lambda: chosen))


@pytest.fixture
def embedded(server: Path, client: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The embedded broker: no address is set, it is at its place in HOME."""
    monkeypatch.setattr(Settings, "redis_socket", property(lambda _: server))
    use(monkeypatch)
    return client


def messages(client: Any, name: str) -> list[dict[str, Any]]:
    return [json.loads(raw) for raw in client.lrange(f"crosslift:{name}", 0, -1)]


def test_a_ring_is_a_small_json_message_in_the_queue_of_its_device(embedded: Any) -> None:
    assert queue.ring(CPU, 3, run_ids=[41, 42]) == 3
    assert queue.ring(CUDA) == 1

    found = messages(embedded, "cpu")
    assert len(found) == 3
    assert {m["content-type"] for m in found} == {"application/json"}
    assert {m["headers"]["task"] for m in found} == {"crosslift.run"}
    assert sorted(m["headers"]["argsrepr"] for m in found) == ["()", "[41]", "[42]"]
    assert len(messages(embedded, "cuda")) == 1
    assert all(key.startswith(b"crosslift:") for key in embedded.scan_iter())


def test_one_ring_for_each_run_and_none_for_none(embedded: Any) -> None:
    assert queue.ring(CPU, run_ids=[1, 2, 3]) == 3
    assert queue.ring(CPU, 0) == 0
    assert queue.ring(CPU, 5000) == queue.MOST_RINGS
    assert len(messages(embedded, "cpu")) == 3 + queue.MOST_RINGS


def test_topping_up_rings_for_what_is_missing_only(embedded: Any) -> None:
    assert queue.top_up(CPU, 4) == 4
    assert queue.top_up(CPU, 4) == 0
    assert queue.top_up(CPU, 6) == 2
    assert queue.top_up(CPU, 1) == 0
    assert len(messages(embedded, "cpu")) == 6


def test_what_was_ever_rung_is_counted_in_the_broker_for_all_who_ring(embedded: Any) -> None:
    queue.ring(CPU, 3)
    queue.top_up(CPU, 5)
    queue.ring(CUDA)
    embedded.rpop("crosslift:cpu")  # heard
    assert queue.observed() == queue.Observed({"cpu": 4, "cuda": 1}, {"cpu": 5, "cuda": 1})


def test_the_broker_is_looked_at(embedded: Any) -> None:
    assert queue.trouble() is None
    embedded.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert "noeviction" in str(queue.trouble())
    finally:
        embedded.config_set("maxmemory-policy", "noeviction")


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen(64)
        yield made.getsockname()[1]


@pytest.mark.parametrize("way", ["closed port", "black hole", "no socket", "silent socket", "no such host"])
def test_a_ring_that_nobody_hears_is_short_and_quiet(
    way: str, monkeypatch: pytest.MonkeyPatch, black_hole: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with socket.socket(socket.AF_UNIX) as silent, tempfile.TemporaryDirectory(prefix="xl-") as short:
        silent.bind(f"{short}/silent.sock")
        silent.listen(1)
        address = {
            "closed port": "redis://user:the-secret@127.0.0.1:1/0",
            "black hole": f"redis://user:the-secret@127.0.0.1:{black_hole}/0",
            "no socket": f"redis+socket://{short}/none.sock",
            "silent socket": f"redis+socket://{short}/silent.sock",
            "no such host": "redis://user:the-secret@host.invalid/0",
        }[way]
        use(monkeypatch, redis_url=SecretStr(address))
        for ring in (lambda: queue.ring(CPU, 100), lambda: queue.top_up(CPU, 5)):
            began = time.monotonic()
            assert ring() == 0
            assert time.monotonic() - began <= LIMIT
        assert queue.trouble() == "Redis does not answer"
        with pytest.raises(Unavailable):
            queue.observed()
    assert "the sweep rings again" in caplog.text
    assert "the-secret" not in caplog.text


def test_a_redis_that_is_slow_at_every_step_does_not_exceed_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(8)

        def answer_slowly() -> None:
            while True:
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                with link, contextlib.suppress(OSError):
                    while link.recv(65536):
                        time.sleep(0.4)
                        link.sendall(b"+OK\r\n" * 20)

        threading.Thread(target=answer_slowly, daemon=True).start()
        use(monkeypatch, redis_url=SecretStr(f"redis://127.0.0.1:{server.getsockname()[1]}/0"))
        began = time.monotonic()
        queue.ring(CPU, 200)
        assert time.monotonic() - began <= LIMIT


def test_celery_is_only_a_doorbell(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, redis_url=SecretStr("redis://127.0.0.1:1/0"))
    conf = queue.app.conf
    assert conf.accept_content == ["json"]
    assert conf.task_serializer == "json"
    assert conf.task_ignore_result
    assert conf.result_backend is None
    assert not conf.task_acks_late
    assert conf.worker_prefetch_multiplier == 1
    assert conf.worker_disable_prefetch
    assert conf.broker_connection_retry_on_startup
    assert conf.broker_connection_max_retries is None
    assert 1 < conf.broker_transport_options["socket_timeout"] <= 10
    assert conf.broker_transport_options["global_keyprefix"] == "crosslift:"


@pytest.mark.filterwarnings("ignore::celery.exceptions.SecurityWarning")  # where the tests run as root
@pytest.mark.parametrize("device", DeviceClass)
def test_every_queue_has_a_consumer(device: DeviceClass) -> None:
    app = queue.doorbell(lambda: Settings(redis_url=SecretStr("redis://127.0.0.1:1/0")))
    worker_app.consumer(app, "somebody", device.value, 1)
    assert device.value in queue.QUEUES
    assert list(app.amqp.queues.consume_from) == [device.value]
    assert [q.name for q in app.conf.task_queues] == list(queue.QUEUES)


def test_a_worker_answers_the_task_whatever_the_message_says() -> None:
    rung: list[int] = []

    class Counter:
        def serve(self) -> int:
            rung.append(1)
            return 0

    app = queue.doorbell()
    worker_app.register(app, Counter())
    app.tasks["crosslift.run"](7, unknown="field")
    app.tasks[queue.TASK]()
    assert rung == [1, 1]


def test_the_queue_needs_neither_torch_nor_the_worker() -> None:
    code = "import sys, queue, backend.queue; print([m for m in ('torch', 'worker', 'transformers') if m in sys.modules], queue.Queue)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert answer.strip() == "[] <class 'queue.Queue'>"
