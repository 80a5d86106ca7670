"""Tables of a data frame library as files that the program reads.

A table is written as Parquet by the library that it comes from, into a private folder that goes away with the call; the program
reads it as any other file, so its digest stands in the record.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ._errors import PolicyError, Problem


def _wrong(code: str, what: str, advice: str) -> PolicyError:
    return PolicyError([Problem(code, what, advice, None)], f"[{code}] {what}\n{advice}")


def write(frame: Any, path: Path) -> None:
    """Writes a table as Parquet: polars, pandas, pyarrow, DuckDB, or whatever has the Arrow PyCapsule interface."""
    module = type(frame).__module__.partition(".")[0]
    if module == "polars":
        frame = frame.collect() if hasattr(frame, "collect") else frame
        # Statistics would be cell values in a second place.
        frame.write_parquet(path, statistics=False)
    elif module == "pandas":
        frame.to_parquet(path, index=False, write_statistics=False)
    elif module in ("duckdb", "_duckdb"):
        frame.write_parquet(str(path))
    elif hasattr(frame, "__arrow_c_stream__") or module == "pyarrow":
        _arrow(frame, path)
    elif isinstance(frame, Mapping):
        _arrow(_pyarrow().table(dict(frame)), path)
    else:
        raise _wrong(
            "Y0001",
            f"a table of type {type(frame).__module__}.{type(frame).__qualname__} is none that can be read",
            "give polars, pandas, pyarrow, a DuckDB relation, a dict of columns, or anything with __arrow_c_stream__",
        )


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise _wrong("Y0002", "this kind of table needs pyarrow", "pip install pyarrow") from error
    return pyarrow


def _arrow(frame: Any, path: Path) -> None:
    pyarrow = _pyarrow()
    from pyarrow import parquet

    if isinstance(frame, pyarrow.Table):
        table = frame
    elif isinstance(frame, pyarrow.RecordBatch):
        table = pyarrow.Table.from_batches([frame])
    else:
        table = pyarrow.RecordBatchReader.from_stream(frame).read_all()
    parquet.write_table(table, path, write_statistics=False)


_PREFIX = "kakou-tables-"


def _private(work: str | os.PathLike[str] | None) -> Path:
    """A private folder (0700) of this process; what killed processes of this user left beside it goes first."""
    root = Path(work if work is not None else tempfile.gettempdir())
    for left in root.glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        try:
            if not pid.isdigit() or left.lstat().st_uid != os.getuid() or left.is_symlink():
                continue
            os.kill(int(pid), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=root))


@contextmanager
def private_folder(work: str | os.PathLike[str] | None) -> Iterator[Path]:
    """A private folder that goes away."""
    private = _private(work)
    try:
        yield private
    finally:
        shutil.rmtree(private, ignore_errors=True)


@contextmanager
def folder(tables: Mapping[str, Any] | None, given: str | os.PathLike[str] | None, work: str | os.PathLike[str] | None) -> Iterator[tuple[str, list[str]]]:
    """The input folder and the arguments that say which table is which file. Tables in memory and a folder exclude each other."""
    if (tables is None) == (given is None):
        raise _wrong("Y0003", "say where the tables are: `tables` or `input`, one of them", "tables={'stays': frame} or input='DATA'")
    if tables is None:
        yield str(given), []
        return
    with private_folder(work) as private:
        arguments = []
        for number, (name, frame) in enumerate(tables.items()):
            file = f"table-{number}.parquet"
            write(frame, private / file)
            (private / file).chmod(0o600)
            arguments += ["--table", f"{name}={file}"]
        yield str(private), arguments


@contextmanager
def policy_file(policy: str | os.PathLike[str] | Mapping[str, Any]) -> Iterator[str]:
    """A policy as a file: a path, `kakou:NAME`, a text in TOML, or a dict."""
    if isinstance(policy, Mapping):
        import tomli_w

        text = tomli_w.dumps(dict(policy))
    elif isinstance(policy, os.PathLike) or "\n" not in policy:
        yield os.fspath(policy)
        return
    else:
        text = policy
    private = tempfile.mkdtemp(prefix="kakou-policy-")
    try:
        path = Path(private) / "policy.toml"
        path.write_text(text, encoding="utf-8")
        yield str(path)
    finally:
        shutil.rmtree(private, ignore_errors=True)
