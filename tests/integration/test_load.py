"""manage.py load against a service that fails on purpose."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from ingest.loaders.client import IngestClient, ServiceUnreachable
from ingest.loaders.delivery import LoadStopped, load_batches
from ingest.loaders.formats.files import Batch, read_batches
from ingest.loaders.formats.layouts import ReadOptions
from ingest.loaders.responses import Receipt
from ingest.loaders.retries import RetryPolicy
from tests.integration.loading import (
    UNORDERED,
    Load,
    Outcome,
    by_id,
    count,
    expected_rows,
    run_manage,
    start_manage,
)
from tests.standin import KEY, StandIn
from tests.waiting import PATIENCE_S


def test_every_row_is_stored_and_counted(load: Load, standin: StandIn, things: str) -> None:
    outcome = load(things, "--batch-size", "4")
    assert outcome.code == 0
    assert outcome.err == ""
    assert by_id(standin.stored) == expected_rows()
    assert len(standin.requests) == 7
    assert {request.path for request in standin.requests} == {"/api/ingest/things"}
    assert (count(outcome, "rows received"), count(outcome, "inserted")) == (25, 25)
    assert count(outcome, "rejected") == 0


@pytest.mark.parametrize("fault", ["503", "429", "409", "drop", "store_and_drop"])
def test_a_batch_that_is_not_answered_is_sent_again_and_stored_once(
    load: Load, standin: StandIn, things: str, fault: str
) -> None:
    standin.faults = [fault, "", fault, fault]
    outcome = load(things, "--batch-size", "4")
    assert outcome.code == 0
    assert by_id(standin.stored) == expected_rows()
    assert count(outcome, "inserted") == 25
    assert "trying again" in outcome.err
    assert len(standin.requests) == 7 + 3
    assert len({request.key for request in standin.requests}) == 7


def test_two_loads_never_share_a_key(load: Load, standin: StandIn, things: str) -> None:
    load(things)
    load(things)
    assert len({request.key for request in standin.requests}) == 2


def test_an_answer_that_does_not_come_in_time_is_asked_for_again(
    standin: StandIn, things: str
) -> None:
    second_try = threading.Event()
    first_try = threading.Lock()

    def wait_for_the_second_try(rows: object) -> None:
        if first_try.acquire(blocking=False):
            second_try.wait(PATIENCE_S)
        else:
            second_try.set()

    standin.before_answer = wait_for_the_second_try
    batches = read_batches(things, ReadOptions())
    with IngestClient(standin.url, KEY, timeout_s=0.2) as client:
        totals = load_batches(client, "things", batches, UNORDERED)
    assert totals.inserted == 25
    assert by_id(standin.stored) == expected_rows()
    assert len({request.key for request in standin.requests}) == 1 < len(standin.requests)


def test_a_refused_batch_stops_the_load_and_says_what_was_stored(
    load: Load, standin: StandIn, things: str
) -> None:
    standin.poison = b"name 13"
    outcome = load(things, "--batch-size", "4", "--in-flight", "1")
    assert outcome.code == 1
    assert f"{things}, lines 16 to 20: bad_shape: There is poison in it" in outcome.err
    assert "13" not in {row["id"] for row in standin.stored}
    assert count(outcome, "inserted") == len(standin.stored) >= 12


def test_damage_in_the_file_stops_the_load_after_the_rows_before_it(
    load: Load, standin: StandIn, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,name\n1,a\n2,b\n3,c\nid,name\n5,e\n")
    standin.faults = ["", "503", "503"]
    outcome = load(str(path), "--batch-size", "1")
    assert outcome.code == 1
    assert f"{path}: line 5: the header stands here again" in outcome.err
    assert [row["id"] for row in by_id(standin.stored)] == ["1", "2", "3"]
    assert count(outcome, "inserted") == 3


def test_a_service_that_counts_other_rows_stops_the_load(
    load: Load, standin: StandIn, things: str
) -> None:
    standin.miscount = 1
    outcome = load(things)
    assert outcome.code == 1
    assert "lines 2 to 30: the service found 26 rows, the file has 25" in outcome.err


def test_a_wrong_key_is_told(load: Load, standin: StandIn, things: str) -> None:
    outcome = load(things, key="wrong.key")
    assert outcome.code == 1
    assert "key_invalid: The API key is unknown" in outcome.err
    assert len(standin.requests) == 1


def test_the_key_is_read_from_the_data_folder(
    load: Load, things: str, tmp_path: Path, settings: LazySettings
) -> None:
    settings.API_KEY_FILE = tmp_path / "api_key"
    outcome = load(things, key=None)
    assert outcome.code == 1
    assert f"give --key: there is no API key in {tmp_path}/api_key" in outcome.err
    settings.API_KEY_FILE.write_text(f"{KEY}\n")
    assert load(things, key=None).code == 0


def test_a_service_that_does_not_answer_is_given_up_in_the_end(things: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    waits: list[str] = []
    client = IngestClient(
        url,
        KEY,
        retry=RetryPolicy(retry_for_s=0.1, first_wait_s=0.01),
        on_wait=lambda reason, wait_s: waits.append(reason),
    )
    with client, pytest.raises(LoadStopped, match="lines 2 to 30: no answer") as stopped:
        load_batches(client, "things", read_batches(things, ReadOptions()), UNORDERED)
    assert waits
    assert stopped.value.totals.unanswered == 0


def test_rows_whose_outcome_is_not_known_are_counted(standin: StandIn, things: str) -> None:
    standin.faults = ["store_and_drop"] * 100
    with (
        IngestClient(standin.url, KEY, retry=RetryPolicy(retry_for_s=0)) as client,
        pytest.raises(LoadStopped) as stopped,
    ):
        load_batches(client, "things", read_batches(things, ReadOptions()), UNORDERED)
    assert stopped.value.totals.unanswered == 25


def test_a_name_that_does_not_resolve_is_not_tried_again() -> None:
    with IngestClient("http://nowhere.invalid", KEY) as client, pytest.raises(ServiceUnreachable):
        client.describe_table("things")


def test_quiet_says_nothing_when_all_goes_well(load: Load, things: str) -> None:
    assert load(things, "--quiet") == Outcome(0, "", "")


def test_a_terminal_shows_rows_speed_and_rejects(standin: StandIn, things: str) -> None:
    standin.bad_ids = frozenset({"7"})
    ours, theirs = os.openpty()
    with start_manage("load", "things", things, "--url", standin.url, "--key", KEY,
                      stderr=theirs) as process:  # fmt: skip
        process.communicate(timeout=PATIENCE_S)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert re.search(r"25 rows .* rows/s .*1 rejected", shown)


def test_a_service_below_a_path_is_reached(standin: StandIn, things: str) -> None:
    with IngestClient(f"{standin.url}/rowhouse/", KEY) as client:
        load_batches(client, "hiring.thin/gs", read_batches(things, ReadOptions()), UNORDERED)
    assert standin.requests[0].path == "/rowhouse/api/ingest/hiring.thin%2Fgs"


def test_receipts_come_in_file_order_from_any_number_of_senders(
    standin: StandIn, things: str
) -> None:
    lines: list[int] = []

    def note(batch: Batch, receipt: Receipt) -> None:
        lines.append(batch.rows.places[0])

    batches = read_batches(things, ReadOptions(batch_rows=1))
    with IngestClient(standin.url, KEY) as client:
        load_batches(client, "things", batches, UNORDERED, in_flight=7, on_receipt=note)
    assert len(lines) == 25
    assert lines == sorted(lines)


def test_stdin_is_loaded(standin: StandIn, things: str) -> None:
    arguments = ["load", "things", "-", "--format", "csv", "--url", standin.url, "--key", KEY]
    outcome = run_manage(*arguments, stdin=Path(things).read_bytes())
    assert outcome.code == 0
    assert by_id(standin.stored) == expected_rows()


def test_output_that_nobody_takes_is_told_without_a_traceback(
    standin: StandIn, things: str
) -> None:
    arguments = ["manage.py", "load", "things", things, "--url", standin.url, "--key", KEY]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "[Errno 28] No space left on device\n")


def test_a_pipe_is_loaded_whole(load: Load, standin: StandIn, things: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(Path(things).read_bytes()))
    writer.start()
    assert load(str(pipe)).code == 0
    writer.join()
    assert by_id(standin.stored) == expected_rows()


def test_an_interrupted_load_counts_what_was_in_flight(standin: StandIn, things: str) -> None:
    arrived, interrupted = threading.Event(), threading.Event()

    def wait_for_the_signal(rows: list[dict[str, Any]]) -> None:
        if rows[0]["id"] == "9":
            arrived.set()
            interrupted.wait(PATIENCE_S)

    standin.before_answer = wait_for_the_signal
    with start_manage("load", "things", things, "--batch-size", "4", "--in-flight", "1",
                      "--url", standin.url, "--key", KEY) as process:  # fmt: skip
        assert arrived.wait(PATIENCE_S)
        process.send_signal(signal.SIGINT)
        interrupted.set()
        out, err = process.communicate(timeout=PATIENCE_S)
    outcome = Outcome(process.returncode, out.decode(), err.decode())
    assert outcome.code == 1
    assert "interrupted" in outcome.err
    assert count(outcome, "inserted") == len(standin.stored) < 25


def test_a_second_interrupt_does_not_wait_for_answers(standin: StandIn, things: str) -> None:
    arrived, done = threading.Event(), threading.Event()

    def never_answer(rows: object) -> None:
        arrived.set()
        done.wait(PATIENCE_S)

    standin.before_answer = never_answer
    with start_manage("load", "things", things, "--url", standin.url, "--key", KEY) as process:
        assert arrived.wait(PATIENCE_S)
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
        out, err = process.communicate(timeout=PATIENCE_S)
    done.set()
    # On a busy machine one signal more may arrive while Python is already ending.
    assert process.returncode in {1, -signal.SIGINT}
    assert b"25 sent without an answer" in out
    assert b"interrupted" in err
