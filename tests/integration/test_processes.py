"""Four web processes on one database, four clients each: they agree on everything."""

import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from project.base.schedule import Schedule
from project.jobs.registry import Job
from project.models import JobRun, Scope
from tests.api.sending import execute, stored
from tests.cleaning import Table
from tests.database import database_environment
from tests.integration.running import Service
from tests.serving import serving
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("database")

PROCESSES = 4
CLIENTS = 4
BATCHES = 24
ROWS = 20
TICK = datetime(2024, 5, 1, 10, 0, tzinfo=UTC)

# A client's work: its number, the client itself.
Work = Callable[[int, httpx.Client], Any]


@pytest.fixture(scope="module")
def addresses(
    django_db_setup: set[Table], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    """Serve the test database with four processes; yield their addresses."""
    folder = tmp_path_factory.mktemp("processes")
    with ExitStack() as stack:
        yield [
            stack.enter_context(serving(folder / f"output{number}")) for number in range(PROCESSES)
        ]


@pytest.fixture
def run_everywhere(addresses: list[str], api_key: Any) -> Callable[[Work], list[Any]]:
    """Return a function that has four clients of each process work at once."""
    key = api_key(*Scope.values)
    return lambda work: run_at(addresses, key, work)


def run_at(addresses: list[str], key: str, work: Work) -> list[Any]:
    """Have four clients of each process work at once, with one key; return what they return."""
    count = PROCESSES * CLIENTS
    start = threading.Barrier(count)
    headers = {"Authorization": f"Api-Key {key}"}

    def act(number: int) -> Any:
        address = addresses[number % PROCESSES]
        # Loading certificates takes longer than most of what the clients do.
        with httpx.Client(base_url=address, headers=headers, timeout=60, verify=False) as client:
            start.wait()
            return work(number, client)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(act, range(count)))


def ingest(client: httpx.Client, rows: list[Any], query: str = "", **headers: str) -> Any:
    return client.post(f"/api/ingest/hiring.made{query}", json=rows, headers=headers)


def test_batches_that_everybody_sends_are_stored_once(run_everywhere: Any) -> None:
    execute("CREATE TABLE hiring.made (id int NOT NULL)")

    def send_all(number: int, client: httpx.Client) -> list[Any]:
        order = list(range(BATCHES))
        random.Random(number).shuffle(order)
        return [send_until_stored(client, batch) for batch in order]

    answers = [answer for sent in run_everywhere(send_all) for answer in sent]
    assert len(answers) == PROCESSES * CLIENTS * BATCHES
    fresh = [answer for answer in answers if "Idempotency-Replayed" not in answer.headers]
    assert len(fresh) == BATCHES
    receipts = {answer.json()["batch"]: answer.json() for answer in fresh}
    assert len(receipts) == BATCHES
    assert all(answer.json() == receipts[answer.json()["batch"]] for answer in answers)
    everything = [(number, 1) for number in range(BATCHES * ROWS)]
    assert stored("SELECT id, count(*) FROM hiring.made GROUP BY id ORDER BY id") == everything
    assert stored("SELECT count(*), sum(inserted) FROM service.batch") == [(24, 480)]


def send_until_stored(client: httpx.Client, batch: int) -> Any:
    rows = [{"id": batch * ROWS + place} for place in range(ROWS)]
    while True:
        answer = ingest(client, rows, **{"Idempotency-Key": f"batch {batch}"})
        if answer.status_code != 409:  # another client's request with this key is being stored
            assert answer.status_code == 201
            return answer


@pytest.mark.parametrize("mode", ["reject", "ignore", "update"])
def test_keys_that_everybody_wants_are_taken_once(run_everywhere: Any, mode: str) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, sender int)")

    def send_overlapping(number: int, client: httpx.Client) -> list[Any]:
        answers = []
        for batch in range(4):
            first = random.Random(100 * number + batch).randrange(60)
            rows = [{"id": first + place, "sender": number} for place in range(ROWS)]
            answers.append(ingest(client, rows, f"?on_conflict={mode}"))
        return answers

    answers = [answer for sent in run_everywhere(send_overlapping) for answer in sent]
    assert {answer.status_code for answer in answers} <= {201, 207, 422}
    totals: Counter[str] = Counter()
    for answer in answers:
        totals.update({name: answer.json()[name] for name in OUTCOMES})
    assert totals["received"] == 16 * 4 * ROWS == sum(totals[name] for name in OUTCOMES[1:])
    assert stored("SELECT count(*) FROM hiring.made") == [(totals["inserted"],)]
    assert stored("SELECT sum(seen) FROM service.rejection") == [(totals["rejected"] or None,)]


OUTCOMES = ("received", "inserted", "updated", "ignored", "rejected")


def test_every_process_notices_a_changed_table_at_once(run_everywhere: Any) -> None:
    execute("CREATE TABLE hiring.made (id int)")

    def send_one(row: dict[str, Any]) -> set[int]:
        answers = run_everywhere(lambda number, client: ingest(client, [row]))
        return {answer.status_code for answer in answers}

    assert send_one({"id": 1}) == {201}
    execute("ALTER TABLE hiring.made ADD COLUMN note text CHECK (note <> 'bad')")
    assert send_one({"id": 2, "note": "x"}) == {201}
    assert send_one({"id": 3, "note": "bad"}) == {422}
    execute("ALTER TABLE hiring.made DROP COLUMN note")
    assert send_one({"id": 4, "note": "x"}) == {422}
    execute("DROP TABLE hiring.made")
    assert send_one({"id": 5}) == {404}


def test_one_of_many_replays_of_a_rejection_stores_the_row(run_everywhere: Any) -> None:
    execute("CREATE TABLE hiring.made (id int NOT NULL)")
    run_everywhere(
        lambda number, client: number or ingest(client, [{"id": f"x{n}"} for n in range(10)])
    )
    identifiers = [row[0] for row in stored("SELECT id FROM service.rejection ORDER BY id")]
    assert len(identifiers) == 10

    def replay_all(number: int, client: httpx.Client) -> list[int]:
        return [
            client.post(f"/api/rejections/{one}/replay", json={"id": one}).status_code
            for one in identifiers
        ]

    statuses = Counter(status for sent in run_everywhere(replay_all) for status in sent)
    assert statuses == {201: 10, 409: 150}
    assert stored("SELECT id FROM hiring.made ORDER BY id") == [(one,) for one in identifiers]


LIMIT = 40  # requests a minute; below a hundred each one is counted in the database


@pytest.fixture
def limited(database: None, tmp_path: Path) -> Iterator[list[str]]:
    """Serve the test database with four processes that limit the requests of a key."""
    text = Path(settings.CONFIG_PATH).read_text()
    config = tmp_path / "rest_conf.yml"
    config.write_text(text.replace("requests_per_minute: null", f"requests_per_minute: {LIMIT}"))
    environment = {"ROWHOUSE_CONFIG": str(config)}
    with ExitStack() as stack:
        yield [
            stack.enter_context(serving(tmp_path / f"output{number}", environment=environment))
            for number in range(PROCESSES)
        ]


def test_all_processes_together_let_a_key_s_requests_of_a_minute_pass(
    limited: list[str], api_key: Any
) -> None:
    def ask(_: int, client: httpx.Client) -> list[int]:
        return [client.get("/api/batches").status_code for _ in range(10)]

    minute = "SELECT date_trunc('minute', statement_timestamp())"
    while True:
        began = stored(minute)
        sent = run_at(limited, api_key("read"), ask)
        if stored(minute) == began:
            break
    statuses = Counter(status for answers in sent for status in answers)
    assert statuses == {200: LIMIT, 429: PROCESSES * CLIENTS * 10 - LIMIT}


JOBS = """
import sys
import django
django.setup()
from tests.integration.test_processes import TICK, make_job
from datetime import timedelta
from project.jobs.runs import run_job
print("ready", flush=True)
for minute in sys.stdin:
    run_job(make_job(), TICK + timedelta(minutes=int(minute)))
    print("done", flush=True)
"""


def make_job() -> Job:
    return Job(name="count", function=f"{__name__}.count_run", schedule=Schedule("* * * * *"))


def count_run() -> None:
    execute("INSERT INTO hiring.made VALUES (1)")


def test_a_job_runs_once_a_tick_whoever_is_first() -> None:
    execute("CREATE TABLE hiring.made (id int)")
    environment = database_environment() | {"DJANGO_SETTINGS_MODULE": "project.settings"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", JOBS],
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    with ExitStack() as stack:
        for process in processes:
            stack.enter_context(process)
        for minute in range(10):
            for process in processes:
                assert process.stdin is not None
                assert process.stdout is not None
                assert process.stdout.readline() == ("done\n" if minute else "ready\n")
            for process in processes:
                print(minute, file=process.stdin, flush=True)
        for process in processes:
            process.communicate()
    assert [process.returncode for process in processes] == [0] * PROCESSES
    ran = JobRun.objects.filter(job="count", outcome="ok").values_list("tick", flat=True)
    assert sorted(ran) == [TICK + timedelta(minutes=minute) for minute in range(10)]
    assert stored("SELECT count(*) FROM hiring.made") == [(10,)]


@pytest.fixture
def web(tmp_path: Any) -> Iterator[Service]:
    """Run `manage.py up --web-only` on the test database."""
    environment = database_environment() | {"ROWHOUSE_LOGS": str(tmp_path), "PORT": "0"}
    service = Service(tmp_path, **environment)
    service.start("--web-only")
    yield service
    service.stop()


def test_web_processes_and_the_scheduler_run_apart(web: Service) -> None:
    assert web.scheduler is None
    job = "expire_idempotency_keys"
    JobRun.objects.create(job=job, tick=TICK, started_at=TICK, outcome="ok")
    runs = JobRun.objects.filter(job=job, tick__gt=TICK, outcome="ok")
    with subprocess.Popen(
        [sys.executable, "manage.py", "scheduler"],
        cwd=settings.BASE_DIR,
        env=web.environment,
        stdout=subprocess.DEVNULL,
    ) as scheduler:
        wait_until(runs.exists, "the scheduler has caught up with what was due")
        scheduler.terminate()
    assert scheduler.returncode == 0
    with httpx.Client(base_url=web.address, timeout=60) as client:
        assert client.get("/readyz").json()["status"] == "ready"
