"""What the functions give: typed objects over the documents of the program, with a table for notebooks."""

from __future__ import annotations

import html
from csv import reader
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def _table(head: list[str], rows: list[list[Any]]) -> str:
    cells = "".join(f"<th>{html.escape(h)}</th>" for h in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(c))}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


class _Told:
    """A document of the program."""

    def __init__(self, document: dict[str, Any], warnings: list[list[str]]) -> None:
        self.document = document
        """Everything that the command told, as with ``--json``."""
        self.warnings = [w[0] for w in warnings]
        """What a reader should know, in English."""
        self.warnings_ja = [w[1] for w in warnings]
        """The same in Japanese."""

    def _rows(self) -> tuple[str, list[str], list[list[Any]]]:
        return type(self).__name__, ["", ""], [[k, v] for k, v in self.document.items() if isinstance(v, (str, int, float))]

    def __repr__(self) -> str:
        title, _, rows = self._rows()
        return "\n".join([f"<kakou.{title}>", *("  " + "  ".join(str(c) for c in row) for row in rows)])

    def _repr_html_(self) -> str:
        title, head, rows = self._rows()
        warnings = "".join(f"<li>{html.escape(w)}<br>{html.escape(j)}</li>" for w, j in zip(self.warnings, self.warnings_ja))
        return f"<b>{html.escape(title)}</b>{_table(head, rows)}" + (f"<ul>{warnings}</ul>" if warnings else "")


class Table:
    """A table of a release, as a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        """The file."""

    @property
    def name(self) -> str:
        """The table's name."""
        return self.path.stem

    def _parquet(self) -> bool:
        return self.path.suffix == ".parquet"

    def _workbook(self) -> Any:
        """The sheet of a workbook, read by pandas and openpyxl; none for other files."""
        if self.path.suffix != ".xlsx":
            return None
        import pandas

        return pandas.read_excel(self.path, keep_default_na=False, na_values=[""])

    def to_polars(self) -> Any:
        """As a polars DataFrame; cells of CSV are text."""
        import polars

        if (sheet := self._workbook()) is not None:
            return polars.from_pandas(sheet)
        if self._parquet():
            return polars.read_parquet(self.path)
        return polars.read_csv(self.path, infer_schema=False)

    def to_pandas(self) -> Any:
        """As a pandas DataFrame; cells of CSV are text."""
        import pandas

        if (sheet := self._workbook()) is not None:
            return sheet
        return pandas.read_parquet(self.path) if self._parquet() else pandas.read_csv(self.path, dtype="string", keep_default_na=False, na_values=[""])

    def to_arrow(self) -> Any:
        """As a pyarrow Table; cells of CSV are text."""
        import pyarrow
        from pyarrow import csv, parquet

        if (sheet := self._workbook()) is not None:
            return pyarrow.Table.from_pandas(sheet, preserve_index=False)
        if self._parquet():
            return parquet.read_table(self.path)
        with self.path.open(encoding="utf-8-sig") as file:
            header = file.readline().rstrip("\r\n")
        names = next(reader([header]))
        options = csv.ConvertOptions(column_types={name: pyarrow.string() for name in names}, strings_can_be_null=True)
        return csv.read_csv(self.path, convert_options=options)

    def to_duckdb(self, connection: Any = None) -> Any:
        """As a DuckDB relation."""
        import duckdb

        connection = connection or duckdb
        if (sheet := self._workbook()) is not None:
            return connection.from_df(sheet)
        if self._parquet():
            return connection.read_parquet(str(self.path))
        return connection.read_csv(str(self.path), all_varchar=True)

    def __repr__(self) -> str:
        return f"<kakou.Table {self.path}>"


class Release(Mapping[str, Table]):
    """One of the two releases: its tables by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        """The folder."""
        files = [p for p in sorted(folder.iterdir()) if p.suffix in (".csv", ".parquet", ".tsv", ".xlsx")] if folder.is_dir() else []
        files = [p for p in files if p.name != "links.csv" and not p.name.startswith("dictionary.")]
        self._tables = {p.stem: Table(p) for p in files}

    def __getitem__(self, name: str) -> Table:
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        return f"<kakou.Release {self.folder}: {', '.join(self._tables)}>"


class Run(_Told):
    """Both releases and their record."""

    @property
    def folder(self) -> Path | None:
        """The release folder; none after a dry run."""
        folder = self.document.get("release")
        return Path(folder) if folder else None

    @property
    def statement(self) -> dict[str, Any]:
        """The statement of the run."""
        return dict(self.document["statement"])

    @property
    def views(self) -> list[dict[str, Any]]:
        """The views: k that was asked for, the smallest class that was reached, rows suppressed."""
        return list(self.statement.get("views", []))

    def _release(self, kind: str) -> Release:
        if self.folder is None:
            raise ValueError("a dry run has no release")
        return Release(self.folder / kind)

    @property
    def pseudonymized(self) -> Release:
        """仮名加工医療情報."""
        return self._release("pseudonymized")

    @property
    def anonymized(self) -> Release:
        """匿名加工医療情報."""
        return self._release("anonymized")

    def _rows(self) -> tuple[str, list[str], list[list[Any]]]:
        rows = [
            [v.get("view"), v.get("k"), v.get("recounted", {}).get("smallest"), v.get("recounted", {}).get("classes"), f"{v.get('suppressed')} / {v.get('rows')}"]
            for v in self.views
        ]
        return f"Run {self.folder or '(dry run)'}", ["view", "k asked", "k reached", "classes", "rows suppressed"], rows


class Checked(_Told):
    """A policy that is complete."""

    def _rows(self) -> tuple[str, list[str], list[list[Any]]]:
        d = self.document
        rows = [[k, d[k]] for k in ("policy", "version", "tables", "columns", "files") if k in d]
        return "Checked", ["", ""], rows


class Explained(_Told):
    """What happens to each column."""

    @property
    def columns(self) -> list[dict[str, Any]]:
        """Each column with its role and its two treatments."""
        return [dict(c, table=t.get("table") or t.get("name")) for t in self.document.get("tables", []) for c in t.get("columns", [])]

    @property
    def search(self) -> dict[str, Any] | None:
        """How the levels were chosen: the trade-off between loss and rows kept."""
        return self.document.get("search")

    def _rows(self) -> tuple[str, list[str], list[list[Any]]]:
        keys: list[str] = []
        for column in self.columns:
            keys += [k for k, v in column.items() if k not in keys and isinstance(v, (str, int))]
        keys = ["table", *(k for k in keys if k != "table")]
        return "Explained", keys, [[c.get(k, "") for k in keys] for c in self.columns]


class Risk(_Told):
    """The risk of a table. A figure that is not available says so; it is never 0."""

    def __getitem__(self, key: str) -> Any:
        return self.document[key]

    def _rows(self) -> tuple[str, list[str], list[list[Any]]]:
        rows: list[list[Any]] = []

        def walk(prefix: str, value: Any) -> None:
            if isinstance(value, dict):
                if set(value) == {"value"}:
                    rows.append([prefix, value["value"]])
                elif set(value) == {"not-available"}:
                    rows.append([prefix, f"not available: {value['not-available']}"])
                else:
                    for key, inner in value.items():
                        walk(f"{prefix}.{key}" if prefix else key, inner)
            elif isinstance(value, (str, int, float)):
                rows.append([prefix, value])

        walk("", self.document)
        return "Risk", ["figure", ""], rows[:60]


class Verified(_Told):
    """A release that is as its record says."""

    @property
    def release(self) -> str:
        """The id."""
        return str(self.document["release"])

    @property
    def persons(self) -> list[int]:
        """Persons counted: pseudonymized, anonymized."""
        persons = self.document["persons"]
        return [persons["pseudonymized"], persons["anonymized"]]

    @property
    def views(self) -> list[dict[str, Any]]:
        """The views as recounted."""
        return list(self.document.get("views", []))

    def _rows(self) -> tuple[str, list[str], list[list[Any]]]:
        rows = [[v.get("name"), v.get("k"), v.get("smallest"), v.get("classes"), "holds" if v.get("holds") else "does not hold"] for v in self.views]
        return f"Verified {self.release}", ["view", "k", "smallest class", "classes", ""], rows


class Draft:
    """A draft policy: TOML with ``"decide"`` where a person must decide."""

    def __init__(self, text: str, warnings: list[list[str]]) -> None:
        self.text = text
        """The TOML."""
        self.warnings = [w[0] for w in warnings]

    @property
    def decisions(self) -> int:
        """How many decisions are left."""
        return sum(line.split("#")[0].count('"decide"') for line in self.text.splitlines())

    def save(self, path: str | Path) -> Path:
        """Writes it."""
        Path(path).write_text(self.text, encoding="utf-8")
        return Path(path)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<kakou.Draft: {self.decisions} decisions left>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text)}</pre>"


