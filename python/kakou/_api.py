"""The functions of the package: each is the command of the same name, with tables in memory where it makes sense."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Union

from . import _errors, _kakou, _progress, _tables
from ._results import Checked, Draft, Explained, Release, Risk, Run, Verified

PathLike = Union[str, "os.PathLike[str]"]
PolicyLike = Union[str, "os.PathLike[str]", Mapping[str, Any]]
Progress = Union[bool, Callable[[str | None, int], None], None]


def _call(arguments: list[str], progress: Progress = None) -> tuple[Any, str, list[list[str]]]:
    with _progress.shown(progress) as seen:
        try:
            document, text, warnings = _kakou.command(arguments, seen)
        except _kakou.CallError as error:
            told = str(error)
        else:
            return json.loads(document), text, warnings
    # Outside of the handler: a traceback has one error, and it is ours.
    raise _errors.of(told)


def _paths(option: str, values: PathLike | Iterable[PathLike] | None) -> list[str]:
    if values is None:
        return []
    if isinstance(values, (str, os.PathLike)):
        values = [values]
    return [part for value in values for part in (option, os.fspath(value))]


def _option(option: str, value: Any) -> list[str]:
    return [] if value is None else [option, os.fspath(value) if isinstance(value, os.PathLike) else str(value)]


def run(
    policy: PolicyLike,
    *,
    tables: Mapping[str, Any] | None = None,
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
    memory: str | int | None = None,
    spill: PathLike | None = None,
    release_id: str | None = None,
    dry_run: bool = False,
    work: PathLike | None = None,
    progress: Progress = None,
) -> Run:
    """Makes both releases and the record.

    ``policy`` is a path, ``"kakou:NAME"`` for a shipped one, a text in TOML, or a dict. ``tables`` has a table for each name of the
    policy: polars, pandas, pyarrow, DuckDB relations or anything with the Arrow PyCapsule interface; ``input`` is a folder of
    files. ``work`` is where clear tables may stand while the run lasts (by default the system's temporary folder). ``progress``
    is ``True`` for a bar, or a function ``(stage, rows)``.

    Raises :class:`Refused`, :class:`PolicyError`, :class:`DataError`, :class:`EnvironmentFault`; ``KeyboardInterrupt`` stops the run
    and publishes nothing.
    """
    with _tables.policy_file(policy) as path, _tables.folder(tables, input, work) as (folder, named):
        arguments = ["run", "--policy", path, "--input", folder, "--out", os.fspath(out), *named]
        arguments += _option("--key", key) + _option("--passphrase-file", passphrase_file)
        arguments += _paths("--exclude", exclude)
        arguments += _paths("--exclude-pseudonymized", exclude_pseudonymized)
        arguments += _paths("--exclude-anonymized", exclude_anonymized)
        arguments += _paths("--eligibility", eligibility) + _option("--as-of", as_of)
        arguments += ["--allow-unmatched"] if allow_unmatched else []
        arguments += _option("--sign", sign) + _option("--ledger", ledger) + _option("--approved", approved)
        arguments += ["--unapproved"] if unapproved else []
        arguments += _option("--operator", operator) + _option("--memory", memory) + _option("--spill", spill)
        arguments += _option("--release-id", release_id)
        arguments += ["--dry-run"] if dry_run else []
        document, _, warnings = _call(arguments, progress)
    return Run(document, warnings)


def check(
    policy: PolicyLike,
    *,
    tables: Mapping[str, Any] | None = None,
    input: PathLike | None = None,
    data: bool = False,
    work: PathLike | None = None,
    progress: Progress = None,
) -> Checked:
    """Is the policy complete, and does it fit the tables? With ``data`` the rows are read too, and every defect is listed."""
    with _tables.policy_file(policy) as path:
        if tables is None and input is None:
            document, _, warnings = _call(["check", "--policy", path], progress)
            return Checked(document, warnings)
        with _tables.folder(tables, input, work) as (folder, named):
            arguments = ["check", "--policy", path, "--input", folder, *named]
            document, _, warnings = _call(arguments + (["--data"] if data else []), progress)
            return Checked(document, warnings)


def explain(
    policy: PolicyLike,
    *,
    tables: Mapping[str, Any] | None = None,
    input: PathLike | None = None,
    search_seconds: int | None = None,
    work: PathLike | None = None,
    progress: Progress = None,
) -> Explained:
    """What happens to each column, and with data which levels are chosen and what k costs. Nothing is written."""
    with _tables.policy_file(policy) as path:
        more = _option("--search-seconds", search_seconds)
        if tables is None and input is None:
            document, _, warnings = _call(["explain", "--policy", path, *more], progress)
            return Explained(document, warnings)
        with _tables.folder(tables, input, work) as (folder, named):
            arguments = ["explain", "--policy", path, "--input", folder, *named, *more]
            document, _, warnings = _call(arguments, progress)
            return Explained(document, warnings)


def risk(
    frame: Any,
    *,
    quasi: Iterable[str] | None = None,
    sensitive: Iterable[str] = (),
    person: str | None = None,
    weights: str | None = None,
    household: str | None = None,
    population: Any = None,
    population_size: int | None = None,
    k: int | None = None,
    also: Iterable[str] = (),
    sample: int | None = None,
    work: PathLike | None = None,
    progress: Progress = None,
) -> Risk:
    """The risk of re-identification in a table: a data frame, or the path of a CSV or Parquet file.

    ``quasi`` are the columns that an attacker may know (without them, columns are proposed), ``sensitive`` those whose values must
    not become known, ``person`` the column whose distinct values are persons.
    """
    with _tables.private_folder(work) as private:

        def file(table: Any, name: str) -> str:
            if isinstance(table, (str, os.PathLike)):
                return os.fspath(table)
            path = private / name
            _tables.write(table, path)
            return str(path)

        arguments = ["risk", file(frame, "table.parquet")]
        arguments += ["--quasi", _columns(quasi)] if quasi is not None else []
        arguments += ["--sensitive", _columns(sensitive)] if sensitive else []
        arguments += _option("--person", person) + _option("--weights", weights) + _option("--household", household)
        arguments += ["--population", file(population, "population.parquet")] if population is not None else []
        arguments += _option("--population-size", population_size) + _option("--k", k)
        arguments += ["--also", ",".join(also)] if also else []
        arguments += _option("--sample", sample)
        document, _, warnings = _call(arguments, progress)
    return Risk(document, warnings)


def _columns(names: Iterable[str]) -> str:
    """Names as a line of CSV."""
    if isinstance(names, str):
        names = [names]
    return ",".join(f'"{name.replace(chr(34), chr(34) * 2)}"' if set(name) & set(',"') else name for name in names)


def verify(
    release: PathLike | Run | Release,
    *,
    public_key: PathLike | Iterable[PathLike] | None = None,
    ledger: PathLike | None = None,
) -> Verified:
    """Recomputes every digest and count, and k in persons, from the files of a release alone."""
    folder = release.folder if isinstance(release, Run) else release
    if folder is None:
        raise ValueError("a dry run has no release")
    if isinstance(folder, Release):
        folder = folder.folder.parent
    arguments = ["verify", os.fspath(folder), *_paths("--public-key", public_key), *_option("--ledger", ledger)]
    document, _, warnings = _call(arguments)
    return Verified(document, warnings)


def init(
    tables: Mapping[str, Any] | PathLike,
    *,
    work: PathLike | None = None,
) -> Draft:
    """A draft policy for tables or a folder of files. A draft never runs as it is: a person must decide."""
    if isinstance(tables, (str, os.PathLike)):
        document, text, warnings = _call(["init", os.fspath(tables)])
    else:
        with _tables.private_folder(work) as private:
            for name, frame in tables.items():
                if not name or name.startswith(".") or "/" in name:
                    raise ValueError("a table needs a plain name")
                _tables.write(frame, private / f"{name}.parquet")
            document, text, warnings = _call(["init", str(private)])
    return Draft((document or {}).get("draft") or text, warnings)


def synth(
    out: PathLike,
    *,
    patients: int = 2000,
    hospitals: int | None = None,
    years: int | None = None,
    seed: int | None = None,
    layouts: Iterable[str] = (),
    clean: bool = False,
) -> Any:
    """Writes synthetic hospital data into a folder; gives what was written."""
    arguments = ["synth", "--patients", str(patients), "--out", os.fspath(out)]
    arguments += _option("--hospitals", hospitals) + _option("--years", years) + _option("--seed", seed)
    arguments += ["--layouts", ",".join(layouts)] if layouts else []
    arguments += ["--clean"] if clean else []
    return _call(arguments)[0]


def demo(out: PathLike) -> Path:
    """Two made-up hospitals, both releases, the record and the report; gives the folder."""
    _call(["demo", "--out", os.fspath(out)])
    return Path(out)


def schema() -> dict[str, Any]:
    """The JSON Schema of policies."""
    return dict(json.loads(_call(["schema"])[1]))


def shipped() -> dict[str, str]:
    """The shipped policies by name, as TOML; ``"kakou:NAME"`` names one in :func:`run`."""
    return dict(_kakou.shipped())
