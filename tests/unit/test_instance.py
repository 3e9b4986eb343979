"""The Dagster instance: its settings as Dagster itself reads them, and reaping of dead runs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus, job, op
from dagster._config import process_config
from dagster._core.instance import InstanceRef
from dagster._core.instance.config import PoolGranularity, dagster_instance_config

from orchestration import instance as subject
from orchestration.instance import (
    WAREHOUSE_POOL,
    InstanceError,
    prepare_instance,
    process_is_alive,
    process_tags,
    reap_dead_runs,
)


@op
def nothing() -> None:
    """Does nothing."""


@job
def example() -> None:
    """A job of one op."""
    nothing()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    folder = prepare_instance(tmp_path / "home", "sqlite")
    with DagsterInstance.from_config(str(folder)) as made:
        yield made


@pytest.fixture
def dead_tags() -> dict[str, str]:
    """Tags of a process that was killed, as ``kill -9`` leaves a run."""
    process = subprocess.Popen(["sleep", "60"])
    tags = process_tags(process.pid)
    assert process_is_alive(tags) is True
    process.kill()
    process.wait()
    return tags


def started_run(instance: DagsterInstance, tags: dict[str, str]) -> str:
    run = instance.create_run_for_job(example, tags=tags, status=DagsterRunStatus.STARTED)
    return run.run_id


# ----------------------------------------------------------------------------------------- settings


def test_storage_is_under_the_home(instance: DagsterInstance, tmp_path: Path) -> None:
    started_run(instance, {})
    dagster_home = tmp_path / "home" / "dagster"
    assert (dagster_home / "storage" / "history" / "runs.db").is_file()
    assert not instance.telemetry_enabled
    for found in dagster_home.rglob("*.db"):
        assert dagster_home / "storage" in found.parents


def test_one_writer_without_a_bootstrap_command(instance: DagsterInstance) -> None:
    pools = instance.get_concurrency_config().pool_config
    assert pools.default_pool_limit == 1
    assert pools.pool_granularity is PoolGranularity.OP
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default(WAREHOUSE_POOL)
    first, second = (started_run(instance, {}) for _ in range(2))
    assert storage.claim_concurrency_slot(WAREHOUSE_POOL, first, "load").is_claimed
    assert not storage.claim_concurrency_slot(WAREHOUSE_POOL, second, "load").is_claimed


def test_monitoring_gives_slots_back(instance: DagsterInstance) -> None:
    assert instance.run_monitoring_enabled
    assert instance.run_monitoring_settings["free_slots_after_run_end_seconds"] == 60


def test_unchanged_settings_are_not_rewritten(tmp_path: Path) -> None:
    path = prepare_instance(tmp_path, "sqlite") / "dagster.yaml"
    before = path.stat()
    prepare_instance(tmp_path, "sqlite")
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    path.write_text("storage: {}\n")
    prepare_instance(tmp_path, "sqlite")
    assert "sqlite" in path.read_text()


def test_root_file_is_read_as_it_stands() -> None:
    """What bare ``dagster dev`` does in the project folder."""
    config, _ = dagster_instance_config(str(subject.PROJECT_ROOT))
    assert config["storage"] == {"sqlite": {"base_dir": "data/dagster/storage"}}


def test_postgres_is_chosen_by_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "the postgres extra is not installed"
    pytest.importorskip("dagster_postgres", reason=reason)
    from dagster_postgres import DagsterPostgresStorage

    address = "postgresql://someone:secret@localhost:5432/nowhere"
    monkeypatch.setenv(subject.POSTGRES_URL_VARIABLE, address)
    folder = prepare_instance(tmp_path)
    assert "secret" not in (folder / "dagster.yaml").read_text()
    storage = InstanceRef.from_dir(str(folder)).storage_data
    assert storage is not None
    assert (storage.module_name, storage.class_name) == (
        "dagster_postgres",
        "DagsterPostgresStorage",
    )
    schema = process_config(DagsterPostgresStorage.config_type(), storage.config_dict)
    assert schema.success and schema.value is not None
    assert schema.value["postgres_url"] == address


def test_postgres_without_an_address_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(subject.POSTGRES_URL_VARIABLE, raising=False)
    with pytest.raises(InstanceError, match="is not set"):
        prepare_instance(tmp_path, "postgres")


def test_home_that_is_a_file_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(InstanceError, match="cannot be written"):
        prepare_instance(tmp_path / "home", "sqlite")


def test_program_prints_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path))
    monkeypatch.delenv(subject.POSTGRES_URL_VARIABLE, raising=False)
    assert subject.main() == 0
    assert capsys.readouterr().out == f"{tmp_path.resolve() / 'dagster'}\n"


# ---------------------------------------------------------------------------------------- processes


def test_this_process_is_alive() -> None:
    assert process_is_alive(process_tags()) is True


def test_a_reused_number_or_a_restart_is_another_process() -> None:
    assert process_is_alive({**process_tags(), subject.STARTED_TAG: "1"}) is False
    assert process_is_alive({**process_tags(), subject.BOOT_TAG: "earlier"}) is False


def test_unknown_processes() -> None:
    assert process_is_alive({}) is None
    assert process_is_alive({**process_tags(), subject.HOST_TAG: "elsewhere"}) is None
    assert process_is_alive({**process_tags(), subject.PID_TAG: "no number"}) is None


def test_a_zombie_is_gone() -> None:
    process = subprocess.Popen(["true"])
    tags = {**process_tags(process.pid), subject.STARTED_TAG: ""}
    try:
        for _ in range(100):
            if process_is_alive(tags) is False:
                break
            subprocess.run(["sleep", "0.02"], check=True)
        assert process_is_alive(tags) is False
    finally:
        process.wait()


# ------------------------------------------------------------------------------------------ reaping


def test_killed_run_is_failed_and_its_slot_given_back(
    instance: DagsterInstance, dead_tags: dict[str, str]
) -> None:
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default(WAREHOUSE_POOL)
    dead = started_run(instance, dead_tags)
    living = started_run(instance, process_tags())
    assert storage.claim_concurrency_slot(WAREHOUSE_POOL, dead, "load").is_claimed
    assert not storage.claim_concurrency_slot(WAREHOUSE_POOL, living, "load").is_claimed

    assert reap_dead_runs(instance) == [dead]

    run = instance.get_run_by_id(dead)
    assert run is not None and run.status == DagsterRunStatus.FAILURE
    messages = [entry.message for entry in instance.all_logs(dead)]
    assert any("is gone: it was killed" in message for message in messages)
    # What a waiting step does next: it asks again, and now gets the slot.
    assert storage.claim_concurrency_slot(WAREHOUSE_POOL, living, "load").is_claimed
    assert reap_dead_runs(instance) == []


def test_living_untagged_and_queued_runs_are_left_alone(instance: DagsterInstance) -> None:
    living = started_run(instance, process_tags())
    untagged = started_run(instance, {})
    assert reap_dead_runs(instance) == []
    for run_id in (living, untagged):
        run = instance.get_run_by_id(run_id)
        assert run is not None and run.status == DagsterRunStatus.STARTED


def test_run_of_another_machine_is_reaped_only_after_a_long_silence(
    instance: DagsterInstance,
) -> None:
    run_id = started_run(instance, {**process_tags(), subject.HOST_TAG: "elsewhere"})
    assert reap_dead_runs(instance) == []
    assert reap_dead_runs(instance, other_hosts_after=timedelta(seconds=-1)) == [run_id]


def test_slots_of_ended_and_deleted_runs_are_given_back(
    instance: DagsterInstance, dead_tags: dict[str, str]
) -> None:
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default(WAREHOUSE_POOL)
    ended = started_run(instance, dead_tags)
    assert storage.claim_concurrency_slot(WAREHOUSE_POOL, ended, "load").is_claimed
    run = instance.get_run_by_id(ended)
    assert run is not None
    instance.report_run_failed(run, "over")
    assert storage.get_concurrency_run_ids() == {ended}
    assert reap_dead_runs(instance) == []
    assert storage.get_concurrency_run_ids() == set()
    assert storage.claim_concurrency_slot(WAREHOUSE_POOL, "deleted-run", "load").is_claimed
    reap_dead_runs(instance)
    assert storage.get_concurrency_run_ids() == set()
