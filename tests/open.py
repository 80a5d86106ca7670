"""Runs the code of docs/open.md (both languages) in a release and compares what pandas, polars, DuckDB and R find; judges the data by
the data package beside it.

python open.py PARQUET_RELEASE CSV_RELEASE XLSX_RELEASE
"""

import csv
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
NAMES = ["crp_by_age", "crp_by_birth", "stays_a_quarter", "stays_a_shifted_quarter"]
CAST = re.compile(r"astype|\bcast\b|to_numeric|to_datetime|as\.numeric|as\.integer|str\.to_", re.IGNORECASE)


def blocks(page):
    """The code by tool: `python pandas`, `python polars`, `python duckdb`, `r`."""
    found = dict(re.findall(r"```(python \w+|r)\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL))
    assert set(found) == {"python pandas", "python polars", "python duckdb", "r"}, page
    for tool, code in found.items():
        assert not CAST.search(code), f"{page}: {tool} needs a cast"
    return found


def table(value):
    """What a tool found: the key as text, the number. Missing keys are left out."""
    if hasattr(value, "fetchall"):
        rows = value.fetchall()
    elif hasattr(value, "rows"):
        rows = value.rows()
    else:
        rows = [((key if isinstance(key, tuple) else (key,)) + (number,)) for key, number in value.items()]
    # A group in which no value is known has no mean.
    known = [row for row in rows if row[0] is not None and str(row[-1]) not in ("None", "<NA>", "nan")]
    return {"|".join(map(str, row[:-1])): float(row[-1]) for row in known}


def in_python(code, release):
    here = os.getcwd()
    os.chdir(release)
    try:
        names = {}
        exec(code, names)
        return {name: table(names[name]) for name in NAMES}
    finally:
        os.chdir(here)


def in_r(code, release):
    tell = "".join(
        f'x <- as.data.frame.table({name}, responseName = "n"); for (i in seq_len(nrow(x))) '
        f'cat("{name}", paste(sapply(x[i, -ncol(x), drop = FALSE], as.character), collapse = "|"), sprintf("%.12g", x[i, "n"]), sep = "\\t", fill = FALSE, "\\n")\n'
        for name in NAMES
    )
    told = subprocess.run(
        ["Rscript", "--vanilla", "-"], input=code + tell, cwd=release, capture_output=True, text=True, check=True,
        env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
    ).stdout
    found = {name: {} for name in NAMES}
    for line in told.splitlines():
        name, key, number = line.split("\t")[:3]
        # Pairs that no stay has are 0 in R's table.
        if name in found and number.strip() not in ("NA", "NaN", "0"):
            found[name][key] = float(number)
    return found


def same(a, b, what):
    assert a.keys() == b.keys(), f"{what}: other groups"
    assert all(abs(a[key] - b[key]) <= 1e-9 * max(1, abs(a[key])) for key in a), f"{what}: other numbers"


def types_are_told(release):
    """The dictionary, the data package and the files say the same of every column."""
    import pyarrow.parquet as pq
    from frictionless import Package, validate

    words = {"text": {"string", "large_string"}, "integer": {"int64"}, "decimal": {"double"}, "date": {"date32[day]"},
             "timestamp": {"timestamp[us]"}, "boolean": {"bool"}}
    columns = 0
    for kind in ["pseudonymized", "anonymized"]:
        folder = release / kind
        book = json.loads((folder / "dictionary.json").read_text(encoding="utf-8"))
        package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
        text = "".join((folder / f"dictionary.{form}").read_text(encoding="utf-8") for form in ["json", "html", "columns.csv"])
        for word in ["shift", "ずら", "suppress =", "at_most", "floor", "significant", "有効数字"]:
            assert word not in text, f"{kind}: the dictionary tells `{word}`"
        for one in book["tables"]:
            names = [c["name"] for c in one["columns"]]
            path = folder / one["file"]
            if book["format"] == "parquet":
                schema = pq.read_schema(path)
                assert schema.names == names, one["table"]
                for column, kind_of in zip(one["columns"], schema.types):
                    assert str(kind_of) in words[column["type"]], (one["table"], column["name"], str(kind_of))
                assert pq.read_metadata(path).num_rows == one["rows"]
                meta = pq.read_metadata(path)
                assert not meta.metadata
                for group in range(meta.num_row_groups):
                    assert all(not meta.row_group(group).column(c).is_stats_set for c in range(meta.num_columns))
            elif book["format"] == "csv":
                with open(path, encoding="utf-8-sig", newline="") as file:
                    assert next(csv.reader(file)) == names, one["table"]
            columns += len(names)
        assert Package.metadata_validate(package) is None or list(Package.metadata_validate(package)) == []
        if book["format"] == "csv":
            report = validate(str(folder / "datapackage.json"))
            assert report.valid, [[e.type for e in t.errors][:3] for t in report.tasks]
        assert len(package["resources"]) == len(book["tables"])
        dcat(folder / "dcat.jsonld", book)
    return columns


SHAPES = """
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix h: <http://healthdataportal.eu/ns/health#> .
# What DCAT-AP 3 and HealthDCAT-AP ask of a dataset and a distribution, without what the catalogue's body adds (publisher, contact, body).
[] a sh:NodeShape ; sh:targetClass dcat:Dataset ;
  sh:property [ sh:path dct:title ; sh:minCount 1 ; sh:datatype rdf:langString ; sh:uniqueLang true ] ;
  sh:property [ sh:path dct:description ; sh:minCount 1 ; sh:datatype rdf:langString ; sh:uniqueLang true ] ;
  sh:property [ sh:path dct:identifier ; sh:minCount 1 ; sh:nodeKind sh:Literal ] ;
  sh:property [ sh:path dcat:theme ; sh:minCount 1 ; sh:nodeKind sh:IRI ] ;
  sh:property [ sh:path dct:accessRights ; sh:minCount 1 ; sh:maxCount 1 ; sh:nodeKind sh:IRI ] ;
  sh:property [ sh:path dct:language ; sh:nodeKind sh:IRI ; sh:class dct:LinguisticSystem ] ;
  sh:property [ sh:path dcat:distribution ; sh:minCount 1 ; sh:class dcat:Distribution ] ;
  sh:property [ sh:path h:numberOfRecords ; sh:maxCount 1 ; sh:datatype xsd:nonNegativeInteger ] ;
  sh:property [ sh:path h:numberOfUniqueIndividuals ; sh:maxCount 1 ; sh:datatype xsd:nonNegativeInteger ] .
[] a sh:NodeShape ; sh:targetClass dcat:Distribution ;
  sh:property [ sh:path dct:format ; sh:maxCount 1 ; sh:class dct:MediaTypeOrExtent ] ;
  sh:property [ sh:path dcat:mediaType ; sh:maxCount 1 ; sh:class dct:MediaType ] .
"""


def dcat(path, book):
    import pyshacl
    import rdflib

    graph = rdflib.Graph().parse(path, format="json-ld")
    holds, _, told = pyshacl.validate(graph, shacl_graph=rdflib.Graph().parse(data=SHAPES, format="turtle"))
    assert holds, told
    number = next(graph.objects(None, rdflib.URIRef("http://healthdataportal.eu/ns/health#numberOfRecords")))
    assert int(number) == sum(t["rows"] for t in book["tables"])


def workbooks(typed, books):
    """A sheet has what Parquet has, by the readers of others: names, types, cells."""
    import datetime

    import openpyxl
    import pyarrow.parquet as pq

    def plain(value):
        if isinstance(value, datetime.datetime) and value.time() == datetime.time():
            return value.date()
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    cells = 0
    for path in sorted((books / "pseudonymized").glob("*.xlsx")):
        book = openpyxl.load_workbook(path)
        assert len(book.sheetnames) == 1 and book.properties.creator in (None, ""), path.name
        rows = [[cell.value for cell in row] for row in book.active.iter_rows()]
        formulas = [c for row in book.active.iter_rows() for c in row if c.data_type == "f"]
        table = pq.read_table(typed / "pseudonymized" / f"{path.stem}.parquet")
        assert not formulas and rows[0] == table.schema.names, path.name
        wanted = [list(row.values()) for row in table.to_pylist()]
        assert len(wanted) == len(rows) - 1, path.name
        for row, other in zip(rows[1:], wanted):
            assert [plain(v) for v in row] == [plain(v) for v in other], path.name
        cells += len(wanted) * len(rows[0])
    assert cells > 10000, cells
    return cells


def main():
    typed, plain, books = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
    first = None
    for page in ["open.md", "open.ja.md"]:
        for tool, code in blocks(page).items():
            if tool == "r":
                if not shutil.which("Rscript"):
                    print(f"{page}: R is not installed here: its block was NOT run")
                    continue
                found = in_r(code, plain)
                # The anonymized releases of two runs have their own tokens, but the same rows.
            else:
                found = in_python(code, typed)
            first = first or found
            for name in NAMES:
                assert found[name], f"{page}: {tool}: {name} is empty"
                same(first[name], found[name], f"{page}: {tool}: {name}")
            print(f"{page}: {tool}: {', '.join(f'{name} {len(found[name])}' for name in NAMES)}")
    print(f"{workbooks(typed, books)} cells of workbooks are those of Parquet")
    columns = sum(types_are_told(release) for release in (typed, plain, books))
    print(f"{columns} columns are of the types that their dictionary says")


main()
