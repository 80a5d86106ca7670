"""A run whose rows are worked by Apache Spark: ``kakou.spark.run``.

>>> import kakou.spark
>>> made = kakou.spark.run("policy.toml", spark=spark, input="/shared/data", key="/shared/keys/project.key",
...                        out="/shared/releases")  # doctest: +SKIP

The gates are those of ``kakou run``: what is refused there is refused here, and the release has the same statement, ledger entry and
proof. Spark reads, measures, applies and sorts; policy, freezing, proof and seal are the driver's. What goes through Spark (shuffle,
cache, spill, closures, results) is encrypted under a key of the run that only the Python workers and the driver have, in memory.

All machines need the package ``kakou`` in the same version, and policy, input, lists and project key under the same paths, readable
for the user who runs (shared storage). What only one machine can do is refused with the reason: docs/scale.md.
"""

from __future__ import annotations

import json
import math
import os
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from . import _errors, _kakou, _progress, _tables
from ._api import PathLike, PolicyLike, Progress, _option, _paths
from ._hands import FAILED, PATIENCE, TOLD, Apply, Measure, Merge, Read, Sort, Ticket, receive, send
from ._results import Checked, Run

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["check", "run"]

_SCHEMA = "number int, piece binary"
_RECORDS = "spark.sql.execution.arrow.maxRecordsPerBatch"


def check(policy: PolicyLike, spark: SparkSession | None = None, *, input: PathLike | None = None) -> Checked:
    """Is the policy complete, and does it fit the files? As :func:`kakou.check`; the rows are not read."""
    from ._api import check as checked

    del spark
    return checked(policy, input=input)


def run(
    policy: PolicyLike,
    *,
    spark: SparkSession,
    tables: Mapping[str, DataFrame] | None = None,
    input: PathLike | None = None,
    out: PathLike,
    key: PathLike | None = None,
    passphrase_file: PathLike | None = None,
    exclude: PathLike | Iterable[PathLike] | None = None,
    exclude_pseudonymized: PathLike | Iterable[PathLike] | None = None,
    exclude_anonymized: PathLike | Iterable[PathLike] | None = None,
    eligibility: PathLike | Iterable[PathLike] | None = None,
    as_of: str | None = None,
    allow_unmatched: bool = False,
    sign: PathLike | None = None,
    ledger: PathLike | None = None,
    approved: PathLike | None = None,
    unapproved: bool = False,
    operator: str | None = None,
    search_seconds: int | None = None,
    release_id: str | None = None,
    dry_run: bool = False,
    work: PathLike | None = None,
    partitions: int | None = None,
    ranges: int | None = None,
    address: str | None = None,
    keep: int = 256 << 20,
    progress: Progress = None,
) -> Run:
    """Makes both releases and the record, with the rows on a cluster. As :func:`kakou.run`, and:

    ``tables`` has a Spark DataFrame for each name of the policy; they are written once, as Parquet, into a private folder in ``work``
    (which all machines must see): what Spark computes again after a fault need not be the same rows. ``partitions`` is into how
    many parts the persons are divided (each must fit into the memory of a Python worker), ``ranges`` into how many the sorting of the
    releases is; both change nothing of the result. ``keep`` is how many bytes of parts a Python worker keeps in memory from one round of
    measuring to the next, instead of making them from their blocks again. ``address`` is where the driver listens for its workers; by default
    ``spark.driver.host``.
    """
    parts = partitions or max(2, spark.sparkContext.defaultParallelism * 2)
    with _tables.policy_file(policy) as path, _spooled(tables, input, work) as (folder, named):
        arguments = ["--policy", _absolute(path), "--input", _absolute(folder), "--out", _absolute(out), *named]
        arguments += [] if key is None else ["--key", _absolute(key)]
        arguments += [] if passphrase_file is None else ["--passphrase-file", _absolute(passphrase_file)]
        arguments += _all("--exclude", exclude) + _all("--exclude-pseudonymized", exclude_pseudonymized)
        arguments += _all("--exclude-anonymized", exclude_anonymized) + _all("--eligibility", eligibility)
        arguments += _option("--as-of", as_of) + (["--allow-unmatched"] if allow_unmatched else [])
        shared = list(arguments)
        arguments += _option("--sign", sign) + _option("--ledger", ledger) + _option("--approved", approved)
        arguments += (["--unapproved"] if unapproved else []) + _option("--operator", operator)
        arguments += _option("--release-id", release_id) + (["--dry-run"] if dry_run else [])
        arguments += _option("--search-seconds", search_seconds)
        driver = _Driver(spark, shared, named=key is not None, parts=parts, ranges=ranges or parts, address=address, keep=keep)
        with _progress.shown(progress) as seen, driver:
            try:
                document = _kakou.run_apart(arguments, driver, seen)
            except _kakou.CallError as error:
                told = str(error)
            else:
                return Run(json.loads(document), [])
    # Outside of the handler: a traceback has one error, and it is ours.
    raise _errors.of(told)


def _absolute(path: PathLike) -> str:
    given = os.fspath(path)
    return given if given.startswith("kakou:") else os.path.abspath(given)


def _all(option: str, values: PathLike | Iterable[PathLike] | None) -> list[str]:
    given = _paths(option, values)
    return [part if part == option else _absolute(part) for part in given]


@contextmanager
def _spooled(
    tables: Mapping[str, DataFrame] | None, given: PathLike | None, work: PathLike | None
) -> Iterator[tuple[str, list[str]]]:
    """The input folder and which table is which file; data frames are written into a private one."""
    if (tables is None) == (given is None):
        with _tables.folder(tables, given, work) as told:  # raises
            yield told
        return
    if tables is None:
        yield os.fspath(given or ""), []
        return
    with _tables.private_folder(work) as private:
        arguments = []
        for number, (name, frame) in enumerate(tables.items()):
            folder = private / f"table-{number}"
            written = frame.write.mode("error").option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
            written.parquet(folder.absolute().as_uri())
            for check_sum in folder.glob(".*.crc"):
                check_sum.unlink()
            arguments += ["--table", f"{name}=table-{number}/*.parquet"]
        yield str(private), arguments


class _Keys:
    """Answers the hands of a run, and knows which of them have its keys."""

    def __init__(self, giver: Any, host: str) -> None:
        self._giver = giver
        self._listening = socket.create_server((host, 0), backlog=128)
        self.address: tuple[str, int] = (host, self._listening.getsockname()[1])
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._locked = True
        self._closed = False
        threading.Thread(target=self._listen, name="kakou-giver", daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), name="kakou-giver", daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(PATIENCE)
            hello = receive(connection)
            with self._lock:
                # Whoever comes when the keys are forgotten gets none.
                if self._closed:
                    connection.close()
                    return
                reply = self._giver.answer(hello)
                self._open.append(connection)
            send(connection, reply)
            if receive(connection) != b"locked":
                self._locked = False
        except (OSError, _kakou.CallError):
            with suppress(OSError):
                connection.close()

    def forget(self) -> bool:
        """Lets all hands forget; comes back when each has, or its process ended. Whether all had locked memory."""
        with self._lock:
            self._closed, self._giver = True, None
            all_open, self._open = self._open, []
        self._listening.close()
        for connection in all_open:
            with suppress(OSError):
                send(connection, b"forget")
        for connection in all_open:
            with suppress(ConnectionError):
                connection.settimeout(PATIENCE)
                # Empty: the process is gone, and its memory with it.
                receive(connection)
            with suppress(OSError):
                connection.close()
        return self._locked


class _Driver:
    """What the run asks for, as jobs of Spark."""

    def __init__(
        self, spark: SparkSession, arguments: list[str], *, named: bool, parts: int, ranges: int, address: str | None, keep: int
    ) -> None:
        self.spark, self.arguments, self.named, self.keep = spark, arguments, named, keep
        self.count, self.ranges = parts, ranges
        self.host = address or spark.sparkContext.getConf().get("spark.driver.host", "127.0.0.1")
        self.id = ""
        self.keys: _Keys | None = None
        self.ticket: Ticket | None = None
        self.labels: list[int] = []
        self.there: dict[int, int] = {}
        self.range_labels: list[int] = []
        self.blocks: DataFrame | None = None
        self.released: DataFrame | None = None

    def __enter__(self) -> _Driver:
        # A block has thousands of rows: few of them are one batch of Arrow.
        self.records = self.spark.conf.get(_RECORDS, None)
        self.spark.conf.set(_RECORDS, "8")
        return self

    def __exit__(self, *_: object) -> None:
        if self.keys is not None:
            self.keys.forget()
        for frame in (self.blocks, self.released):
            if frame is not None:
                frame.unpersist()
        if self.records is None:
            self.spark.conf.unset(_RECORDS)
        else:
            self.spark.conf.set(_RECORDS, self.records)

    def begin(self, run: str, key: str | None) -> None:
        """The run is checked."""
        self.id = run
        if key is not None and not self.named:
            self.arguments += ["--key", _absolute(key)]

    def read(self, giver: Any, tasks: str) -> tuple[list[bytes], int]:
        """Every file is read; the blocks stay where they are."""
        from pyspark import StorageLevel

        self.keys = _Keys(giver, self.host)
        self.ticket = Ticket(self.id, self.keys.address, tuple(self.arguments), self.keep)
        self.labels = self._labels(self.count)
        self.range_labels = self._labels(self.ranges)
        slices = _slices(json.loads(tasks), 2 * self.spark.sparkContext.defaultParallelism)
        read = Read(self.ticket, slices, self.labels)
        made = self.spark.range(0, len(slices), 1, len(slices)).mapInArrow(read, _SCHEMA)
        self.blocks = made.repartition(self.count, "number").persist(StorageLevel.DISK_ONLY)
        told = self._told(self.blocks)
        # What comes from Spark is counted: a stream that breaks off (a driver without memory) ends without an error.
        self.there = {row["number"]: row["count"] for row in self.blocks.where("number >= 0").groupBy("number").count().collect()}
        return told, self.count

    def each(self) -> Iterator[tuple[int, list[bytes]]]:
        """All blocks, part by part."""
        assert self.blocks is not None
        parts = {label: part for part, label in enumerate(self.labels)}
        number, blocks, seen = TOLD, [], 0
        for row in self.blocks.where("number >= 0").toLocalIterator(prefetchPartitions=True):
            if row.number != number and blocks:
                yield parts[number], blocks
                blocks = []
            number = row.number
            blocks.append(bytes(row.piece))
            seen += 1
        if blocks:
            yield parts[number], blocks
        _whole(seen, sum(self.there.values()))

    def measure(self, draft: bytes) -> list[bytes]:
        """A round: every part is measured, what it gives is merged in a tree."""
        assert self.blocks is not None and self.ticket is not None
        measured = self.blocks.mapInArrow(Measure(self.ticket, draft, self.labels), _SCHEMA)
        if self.count > 8:
            some = math.isqrt(self.count)
            measured = measured.repartition(some).mapInArrow(Merge(self.ticket, draft), _SCHEMA)
        rows = measured.collect()
        self._raise(rows)
        # Merged ones say of how many parts they are.
        _whole(sum(row.number for row in rows) if self.count > 8 else len(rows), len(self.there))
        return [bytes(row.piece) for row in rows]

    def apply(self, frozen: bytes) -> list[bytes]:
        """Every part is treated, the released rows are sorted."""
        from pyspark import StorageLevel

        assert self.blocks is not None and self.ticket is not None
        apply = Apply(self.ticket, frozen, self.labels, self.range_labels)
        rows = self.blocks.mapInArrow(apply, _SCHEMA).repartition(self.ranges, "number")
        self.released = rows.mapInArrow(Sort(self.ticket), _SCHEMA).persist(StorageLevel.DISK_ONLY)
        told = self._told(self.released)
        _whole(len(told), len(self.there))
        return told

    def sorted(self) -> Iterator[bytes]:
        """The sorted rows of all ranges."""
        assert self.released is not None
        pieces, seen = self.released.where("number >= 0"), 0
        for row in pieces.toLocalIterator(prefetchPartitions=True):
            yield bytes(row.piece)
            seen += 1
        _whole(seen, pieces.count())

    def forget(self) -> bool:
        """The keys are overwritten everywhere."""
        assert self.keys is not None
        return self.keys.forget()

    def _told(self, frame: DataFrame) -> list[bytes]:
        rows = frame.where(f"number in ({TOLD}, {FAILED})").collect()
        self._raise(rows)
        return [bytes(row.piece) for row in rows]

    @staticmethod
    def _raise(rows: list[Any]) -> None:
        for row in rows:
            if row.number == FAILED:
                raise _errors.of(bytes(row.piece).decode())

    def _labels(self, count: int) -> list[int]:
        """For each of so many partitions a number that Spark puts there."""
        found: dict[int, int] = {}
        begin, step = 0, 16 * count
        while len(found) < count:
            some = self.spark.range(begin, begin + step, 1, 1)
            placed = some.selectExpr("cast(id as int) id", f"pmod(hash(cast(id as int)), {count}) place")
            for row in placed.collect():
                found.setdefault(row.place, row.id)
            begin += step
        return [found[place] for place in range(count)]


def _whole(seen: int, there: int) -> None:
    if seen != there:
        what = f"of {there} results of Spark {seen} came to the driver: nothing was published"
        advice = "does its JVM have enough memory? spark.driver.memory"
        problem = _errors.Problem("Y0004", what, advice, None)
        raise _errors.EnvironmentFault([problem], f"[Y0004] {what}\n{advice}")


_SLICE = 64 << 20
"""Bytes of files that one task reads, if they are many small ones."""


def _slices(files: list[dict[str, int]], least: int) -> list[list[str]]:
    """The files by the task that reads them: runs of files of a table that follow one another, about the same bytes in each task."""
    whole = sum(task["bytes"] + 4096 for task in files)
    most = whole / max(1, least, whole // _SLICE)
    slices: list[list[str]] = []
    run: list[dict[str, int]] = []
    runs: list[str] = []
    held = 0
    for task in files:
        if held and held + task["bytes"] / 2 > most:
            slices.append([*runs, json.dumps(run)])
            run, runs, held = [], [], 0
        if run and run[-1]["table"] != task["table"]:
            runs.append(json.dumps(run))
            run = []
        run.append(task)
        held += task["bytes"] + 4096
    return [*slices, [*runs, json.dumps(run)]]
