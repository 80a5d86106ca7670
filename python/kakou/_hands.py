"""What runs in the Python workers of a cluster: a hand of a run. All that it is given and gives is sealed.

A hand opens the project key by itself, asks the driver for the keys of the run over a connection that stays open, and overwrites them
when the driver says so or is gone. They are in no closure, configuration, environment or file.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

# A task has one core, as Spark counts; several tasks are several processes.
os.environ.setdefault("RAYON_NUM_THREADS", "1")

from . import _kakou  # noqa: E402

TOLD = -1
"""The number of what a task tells beside its pieces."""
FAILED = -2
"""The number of an error that another try would find again."""
PATIENCE = 60.0
"""Seconds for an answer."""


@dataclass(frozen=True)
class Ticket:
    """Where the driver is, and what the run was asked for. There is nothing secret in it."""

    run: str
    address: tuple[str, int]
    arguments: tuple[str, ...] = field(repr=False)
    keep: int
    """Bytes of parts that a worker keeps from one round to the next."""


def send(connection: socket.socket, message: bytes) -> None:
    """Sends a message with its length."""
    connection.sendall(struct.pack(">I", len(message)) + message)


def receive(connection: socket.socket) -> bytes:
    """The next message; empty when the other side is gone."""
    head = _exactly(connection, 4)
    length = struct.unpack(">I", head)[0] if head else 0
    return _exactly(connection, length) if length <= 1 << 16 else b""


def _exactly(connection: socket.socket, length: int) -> bytes:
    got = b""
    while len(got) < length:
        more = connection.recv(length - len(got))
        if not more:
            return b""
        got += more
    return got


_lock = threading.Lock()
_hands: dict[str, Any] = {}


def hand(ticket: Ticket) -> Any:
    """The hand of this process."""
    with _lock:
        known = _hands.get(ticket.run)
        if known is not None:
            return known
        asking = _kakou.Asking(list(ticket.arguments), ticket.run)
        connection = socket.create_connection(ticket.address, timeout=PATIENCE)
        send(connection, asking.hello())
        made = asking.enter(receive(connection), ticket.keep)
        send(connection, b"locked" if made.locked() else b"not locked")
        connection.settimeout(None)
        _hands[ticket.run] = made
    threading.Thread(target=_until_told, args=(ticket.run, made, connection), name="kakou-keys", daemon=True).start()
    return made


def _until_told(run: str, made: Any, connection: socket.socket) -> None:
    """Keeps the keys until the driver says so, or is gone."""
    try:
        receive(connection)
    except OSError:
        pass
    with _lock:
        _hands.pop(run, None)
    while not made.forget():
        time.sleep(0.05)
    try:
        send(connection, b"forgotten")
    except OSError:
        pass
    connection.close()


def _rows(pieces: Iterator[tuple[int, bytes]]) -> Iterator[Any]:
    import pyarrow

    schema = pyarrow.schema([("number", pyarrow.int32()), ("piece", pyarrow.binary())])
    try:
        for number, piece in pieces:
            yield pyarrow.record_batch([pyarrow.array([number], pyarrow.int32()), pyarrow.array([piece], pyarrow.binary())], schema=schema)
    except _kakou.CallError as error:
        told = str(error)
        # A disk or a process may be better the next time; data and policies are not.
        if json.loads(told).get("error", {}).get("family") in ("environment", "interrupted", None):
            raise RuntimeError(told) from None
        yield pyarrow.record_batch(
            [pyarrow.array([FAILED], pyarrow.int32()), pyarrow.array([told.encode()], pyarrow.binary())], schema=schema
        )


def _pieces(batches: Iterator[Any], apart: list[tuple[int, bytes]] | None = None) -> tuple[int, list[bytes]]:
    """All pieces of a partition, which are of one number; those that tell something are put `apart`."""
    number, pieces = TOLD, []
    for batch in batches:
        for at, piece in zip(batch.column(0).to_pylist(), batch.column(1)):
            if at >= 0:
                number = at
                pieces.append(piece.as_py())
            elif apart is not None:
                apart.append((at, piece.as_py()))
    return number, pieces


class Read:
    """Reads files into blocks by part."""

    def __init__(self, ticket: Ticket, tasks: list[list[str]], labels: list[int]) -> None:
        self.ticket, self.tasks, self.labels = ticket, tasks, labels

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        def made() -> Iterator[tuple[int, bytes]]:
            for batch in batches:
                for task in (task for at in batch.column(0).to_pylist() for task in self.tasks[at]):
                    for part, block in hand(self.ticket).read(task, len(self.labels)):
                        yield (self.labels[part] if part >= 0 else part), block

        yield from _rows(made())


class Measure:
    """Measures a part with a draft."""

    def __init__(self, ticket: Ticket, draft: bytes, parts: list[int]) -> None:
        self.ticket, self.draft = ticket, draft
        self.parts = {label: part for part, label in enumerate(parts)}

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        def made() -> Iterator[tuple[int, bytes]]:
            number, blocks = _pieces(batches)
            if blocks:
                yield number, hand(self.ticket).measure(self.draft, self.parts[number], blocks)

        yield from _rows(made())


class Merge:
    """Merges the statistics of some parts."""

    def __init__(self, ticket: Ticket, draft: bytes) -> None:
        self.ticket, self.draft = ticket, draft

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        def made() -> Iterator[tuple[int, bytes]]:
            failed: list[tuple[int, bytes]] = []
            _, statistics = _pieces(batches, failed)
            yield from failed
            # With how many parts they are of: none may be lost.
            if len(statistics) == 1:
                yield 1, statistics[0]
            elif statistics:
                yield len(statistics), hand(self.ticket).merge(self.draft, statistics)

        yield from _rows(made())


class Apply:
    """Applies the frozen plan to a part."""

    def __init__(self, ticket: Ticket, frozen: bytes, parts: list[int], labels: list[int]) -> None:
        self.ticket, self.frozen, self.labels = ticket, frozen, labels
        self.parts = {label: part for part, label in enumerate(parts)}

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        def made() -> Iterator[tuple[int, bytes]]:
            number, blocks = _pieces(batches)
            if blocks:
                for at, piece in hand(self.ticket).apply(self.frozen, self.parts[number], blocks, len(self.labels)):
                    yield (self.labels[at] if at >= 0 else at), piece

        yield from _rows(made())


class Sort:
    """Sorts the released rows of a range; what was told passes through."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        def made() -> Iterator[tuple[int, bytes]]:
            told: list[tuple[int, bytes]] = []
            number, blocks = _pieces(batches, told)
            yield from told
            if blocks:
                for piece in hand(self.ticket).sort(blocks):
                    yield number, piece

        yield from _rows(made())
