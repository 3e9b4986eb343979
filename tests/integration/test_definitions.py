"""The code location as Dagster sees it: graph, checks, pools, partitions, jobs, automation."""

from __future__ import annotations

import os
import time
from pathlib import Path

import dagster as dg
import pytest

from orchestration.contracts import CONTRACTS, all_specs
from orchestration.definitions import MONTHS, build_definitions, raw_key
from orchestration.instance import WAREHOUSE_POOL
from orchestration.settings import load_settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    landing = home / "landing"
    landing.mkdir()
    return load_settings(home=home, landing=landing)


@pytest.fixture(scope="module")
def definitions(settings) -> dg.Definitions:
    return build_definitions(settings)


@pytest.fixture(scope="module")
def graph(definitions):
    return definitions.resolve_asset_graph()


def test_every_contract_is_a_raw_asset_after_the_landing(graph):
    for spec in all_specs():
        node = graph.get(raw_key(spec))
        assert node.group_name == spec.source
        assert dg.AssetKey(["landing"]) in node.parent_keys
    assert len(CONTRACTS) == len(all_specs())


def test_only_monthly_sources_are_partitioned_by_month(graph):
    """Tables with a file for each month, and no others of the same source."""
    monthly = {"audits/cdi_audit", "audits/s47_audit", "hospital/ecds"}
    for spec in all_specs():
        is_monthly = spec.source in ("police_uk", "legacy", "connect", "incidents")
        expected = MONTHS if is_monthly or spec.name in monthly else None
        assert graph.get(raw_key(spec)).partitions_def == expected, spec.name


def test_gates_and_books_are_blocking_checks(graph):
    for spec in all_specs():
        for name in ("gate", "books_balance"):
            node = graph.get(dg.AssetCheckKey(raw_key(spec), name))
            assert node.blocking, f"{spec.name} {name}"


def test_dbt_tests_are_asset_checks_and_models_follow_their_raw_assets(graph):
    staging = dg.AssetKey(["stg_police_uk__street_crimes"])
    assert dg.AssetKey(["raw", "police_uk", "street"]) in graph.get(staging).parent_keys
    checked = {key.asset_key for key in graph.asset_check_keys}
    assert dg.AssetKey(["mart_force_comparison"]) in checked
    assert dg.AssetKey(["mart_monthly_series"]) in checked


def test_the_release_comes_after_every_mart_and_dimension(graph):
    published = {
        key for key in graph.get_all_asset_keys() if key.path[-1].startswith(("mart_", "dim_"))
    }
    assert len(published) >= 8
    assert graph.get(dg.AssetKey(["release"])).parent_keys == published


def test_every_step_that_opens_the_database_shares_the_one_writer_pool(definitions):
    job = definitions.resolve_job_def("plumbline_run")
    pools = {node.name: node.definition.pool for node in job.graph.nodes}
    assert len(pools) >= len(CONTRACTS) + 3
    assert set(pools.values()) == {WAREHOUSE_POOL}, pools


def test_jobs_schedule_and_sensors_are_there(definitions):
    repository = definitions.get_repository_def()
    assert {"plumbline_run", "backfill"} <= set(repository.job_names)
    assert [s.name for s in repository.schedule_defs] == ["every_morning"]
    assert {s.name for s in repository.sensor_defs} == {
        "new_files_in_landing",
        "close_failed_runs",
        "tell_pending_alerts",
        "watch_feeds_daily",
    }


def test_alerts_come_after_the_release_and_block_nothing(graph):
    key = dg.AssetKey(["alerts"])
    assert graph.get(key).parent_keys == {dg.AssetKey(["release"])}
    for name in ("nothing_open", "book_and_delivery"):
        assert not graph.get(dg.AssetCheckKey(key, name)).blocking


def test_the_sensor_asks_for_a_run_once_files_are_settled_and_once_only(definitions, settings):
    sensor = next(
        s for s in definitions.get_repository_def().sensor_defs if s.name == "new_files_in_landing"
    )
    file = Path(settings.landing) / "README.txt"
    file.write_text("hello")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance)
        assert isinstance(sensor(context), dg.SkipReason)  # still arriving
        old = time.time() - 60
        os.utime(file, (old, old))
        request = sensor(context)
        assert isinstance(request, dg.RunRequest)
        again = sensor(dg.build_sensor_context(instance=instance, cursor=context.cursor))
        assert isinstance(again, dg.SkipReason)
        file.write_text("changed")
        os.utime(file, (old, old))
        third = sensor(dg.build_sensor_context(instance=instance, cursor=context.cursor))
        assert isinstance(third, dg.RunRequest)
        assert third.run_key != request.run_key


def test_the_sensor_says_so_where_the_landing_is_no_folder(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    settings = load_settings(home=tmp_path / "home", landing=file)
    from orchestration.definitions import landing_sensor

    sensor = landing_sensor(settings, dg.define_asset_job("j"))
    reason = sensor(dg.build_sensor_context())
    assert isinstance(reason, dg.SkipReason)
    assert "not a folder" in reason.skip_message
