"""Captures at the same time: of one home, of many, by two services, and readers beside them."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from homes import Home, Store, racing
from jupyterhub_snapshots.core.names import is_snapshot_name
from jupyterhub_snapshots.engine import CaptureJob, capture
from jupyterhub_snapshots.errors import Busy, SnapshotExists

NAME = "ps1_2026-03-01"


def outcome(job: CaptureJob) -> object:
    try:
        return capture(job)
    except SnapshotExists:
        return SnapshotExists


@pytest.fixture
def home(home: Home) -> Home:
    for number in range(30):
        home.file(f"a/{number}", b"%d" % number)
    return home


@pytest.mark.threat("C1")
def test_of_one_name_one_is_taken(home: Home, store: Store) -> None:
    jobs = [store.job(home) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(outcome, jobs))
    assert outcomes.count(SnapshotExists) == 3
    store.assert_clean(NAME)


@pytest.mark.threat("C1", "T8")
def test_of_one_capture_all_get_the_same(home: Home, store: Store) -> None:
    job = store.job(home)
    with ThreadPoolExecutor(4) as threads:
        results = set(threads.map(outcome, [job] * 4))
    assert len(results) == 1
    store.assert_clean(NAME)


@pytest.mark.threat("C1", "C3")
def test_two_homes_of_one_student_keep_each_others_manifest(
    place: Path, home: Home, store: Store
) -> None:
    """Different homes, so no lock keeps them apart until they publish."""
    homes = [Home(place / "homes" / f"volume{number}") for number in range(6)]
    for number, other in enumerate(homes):
        other.file("which", b"%d" % number)
    with ThreadPoolExecutor(6) as threads:
        outcomes = list(threads.map(outcome, [store.job(other) for other in homes]))
    assert outcomes.count(SnapshotExists) == 5
    store.assert_clean(NAME)


@pytest.mark.threat("C2")
def test_eight_students(place: Path, store: Store) -> None:
    jobs = []
    for number in range(8):
        home = Home(place / "homes" / f"student{number}")
        for name in range(10):
            home.file(f"f{name}", b"%d" % number)
        jobs.append(store.job(home, student=f"student{number}"))
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(capture, jobs))
    assert [(result.state, result.files) for result in results] == [("complete", 10)] * 8
    assert all(store.damage(student=job.student) == [] for job in jobs)


@pytest.mark.threat("C3", "C5")
class TestLock:
    def test_keeps_another_service_out(self, place: Path, home: Home, store: Store) -> None:
        """Two stores, as of two courses, and one home: the lock they share tells."""
        lock = place / "lock"
        lock.touch()
        with lock.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with pytest.raises(Busy):
                store.capture(home, lock=str(lock), timeout_seconds=0.15)
        store.assert_clean()
        assert store.capture(home, lock=str(lock)).state == "complete"
        assert lock.exists()  # never removed, so that there are never two holders

    def test_is_waited_for(self, home: Home, store: Store) -> None:
        store.capture(home, "first")
        (lock,) = (store.root / ".jupyterhub-snapshots" / "locks").iterdir()
        with lock.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            threading.Timer(0.2, fcntl.flock, (held, fcntl.LOCK_UN)).start()
            begun = time.monotonic()
            store.capture(home)
            assert time.monotonic() - begun > 0.1

    def test_is_one_for_every_way_to_write_the_home(self, home: Home, store: Store) -> None:
        for number, ending in enumerate(("", "/", "/.", "//")):
            store.capture(f"{home.path}{ending}", f"s{number}")
        assert len(list((store.root / ".jupyterhub-snapshots" / "locks").iterdir())) == 1


@pytest.mark.threat("C4")
@pytest.mark.usefixtures("no_racy_window")
def test_readers_never_see_a_half_one(home: Home, store: Store) -> None:
    seen, torn = set(), []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            for name in store.snapshots():
                if is_snapshot_name(name) and name not in seen:
                    header = store.header(name)
                    if header is None or len(os.listdir(store.tree(name) / "a")) != 30:
                        torn.append(name)
                    seen.add(name)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with racing(lambda: (home / "a/1").touch()):
            for number in range(10):
                store.capture(home, f"s{number}")
    finally:
        done.set()
        reader.join()
    assert seen
    assert torn == []


def test_nothing_stays_open(home: Home, store: Store) -> None:
    store.capture(home, "first")
    before = os.listdir("/proc/self/fd"), threading.active_count()
    for number in range(3):
        store.capture(home, f"s{number}")
        store.damage(f"s{number}")
        with pytest.raises(SnapshotExists):
            store.capture(home, f"s{number}")
    after = os.listdir("/proc/self/fd"), threading.active_count()
    assert (len(after[0]), after[1]) == (len(before[0]), before[1])
