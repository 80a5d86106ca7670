"""The package against the program: same bytes, same refusals; tables of every library; nothing of a cell in an exception."""

import csv
import json
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import duckdb
import pandas
import polars
import pyarrow
import pytest
from conftest import POLICY, stays

import kakou


def frames():
    data = stays()
    table = pyarrow.table(data)
    return {
        "polars": polars.DataFrame(data),
        "polars, lazy": polars.LazyFrame(data),
        "pandas": pandas.DataFrame(data),
        "pandas, categories": pandas.DataFrame(data).astype({"性別": "category"}),
        "pyarrow": table,
        "duckdb": duckdb.from_arrow(table),
        "dict": data,
        "arrow stream": Stream(table),
    }


class Stream:
    """Whatever has the Arrow PyCapsule interface."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def bytes_of(release):
    return {p.name: p.read_bytes() for p in sorted((release / "pseudonymized").iterdir())}


@pytest.fixture
def by_the_program(tmp_path, data, policy, key):
    """The release as the program makes it of a CSV file."""
    folder = tmp_path / "in"
    folder.mkdir()
    with (folder / "stays.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(data)
        writer.writerows(zip(*data.values()))
    out = tmp_path / "program"
    arguments = ["run", "--json", "--policy", policy, "--input", folder, "--key", key, "--out", out]
    done = subprocess.run([sys.executable, "-m", "kakou", *map(str, arguments)], capture_output=True, check=True, text=True)
    return Path(json.loads(done.stdout)["release"])


@pytest.mark.parametrize("library", list(frames()))
def test_tables_of_every_library_give_the_bytes_of_the_program(library, tmp_path, policy, key, by_the_program):
    made = kakou.run(policy, tables={"stays": frames()[library]}, key=key, out=tmp_path / "out")
    assert bytes_of(made.folder) == bytes_of(by_the_program)
    found = kakou.verify(made)
    assert found.persons == [60, 60]
    assert all(v["holds"] for v in found.views)


@pytest.mark.parametrize("form", ["path", "text", "dict"])
def test_a_policy_is_a_path_a_text_or_a_dict(form, tmp_path, policy, key):
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    given = {"path": policy, "text": POLICY, "dict": tomllib.loads(POLICY)}[form]
    checked = kakou.check(given, tables={"stays": stays()})
    assert checked.document["tables"] == 1
    made = kakou.run(given, tables={"stays": stays()}, key=key, out=tmp_path / "out")
    assert made.views[0]["recounted"]["smallest"] >= made.views[0]["k"]


def test_a_release_opens_in_every_library(tmp_path, policy, key):
    made = kakou.run(policy, tables={"stays": stays()}, key=key, out=tmp_path / "out")
    for release in (made.pseudonymized, made.anonymized):
        assert list(release) == ["stays"]
        table = release["stays"]
        rows = {len(table.to_polars()), len(table.to_pandas()), table.to_arrow().num_rows, len(table.to_duckdb().fetchall())}
        assert len(rows) == 1 and rows.pop() > 0
        assert "氏名" not in table.to_polars().columns


def test_workbooks_open_in_every_library(tmp_path, policy, key):
    policy.write_text(POLICY + '\n[output]\nformat = "xlsx"\n', encoding="utf-8")
    made = kakou.run(policy, tables={"stays": stays()}, key=key, out=tmp_path / "out")
    table = made.pseudonymized["stays"]
    assert table.path.suffix == ".xlsx" and "stays" in made.anonymized
    rows = {len(table.to_polars()), len(table.to_pandas()), table.to_arrow().num_rows, len(table.to_duckdb().fetchall())}
    assert len(rows) == 1 and rows.pop() > 0
    assert all(len(token) == 26 for token in table.to_pandas()["患者ID"])


def test_results_show_themselves(tmp_path, policy, key):
    made = kakou.run(policy, tables={"stays": stays()}, key=key, out=tmp_path / "out")
    for told in (made, kakou.check(policy), kakou.explain(policy, tables={"stays": stays()}), kakou.verify(made)):
        assert "<table>" in told._repr_html_() and repr(told).startswith("<kakou.")
    assert "stay" in made._repr_html_()


def test_errors_are_typed_have_a_place_and_no_cell(tmp_path, policy, key):
    data = stays()
    data["総点数"] = [*data["総点数"][:-1], "山田太郎-canary"]
    data["総点数"] = [str(v) for v in data["総点数"]]
    with pytest.raises(kakou.DataError) as failed:
        kakou.run(policy, tables={"stays": data}, key=key, out=tmp_path / "out")
    error = failed.value
    told = "".join([str(error), repr(error), repr(error.problems), str(error.__context__), str(error.__cause__)])
    assert error.code.startswith("D") and "canary" not in told and "山田" not in told
    assert not list((tmp_path / "out").glob("[!.]*")), "nothing is published"
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, again.problems) == (error.code, error.problems)

    wrong = POLICY.replace('anonymized = "surrogate"', 'anonymized = "surogate"')
    with pytest.raises(kakou.PolicyError) as failed:
        kakou.check(wrong)
    assert failed.value.place["line"] > 1 and "surrogate" in str(failed.value)

    with pytest.raises(kakou.PolicyError) as failed:
        kakou.run(policy, tables={"stay": stays()}, key=key, out=tmp_path / "out")
    assert failed.value.code == "P0345" and "stays" in str(failed.value)
    with pytest.raises(kakou.PolicyError):
        kakou.run(policy, out=tmp_path / "out")
    with pytest.raises(kakou.PolicyError):
        kakou.run(policy, tables={"stays": object()}, out=tmp_path / "out")
    with pytest.raises(kakou.EnvironmentFault):
        kakou.run(policy, tables={"stays": stays()}, key=tmp_path / "nokey", out=tmp_path / "out")


def test_too_few_persons_are_refused(tmp_path, policy, key):
    few = {name: cells[:7] for name, cells in stays().items()}
    with pytest.raises(kakou.Refused):
        kakou.run(policy, tables={"stays": few}, key=key, out=tmp_path / "out")


def test_no_table_stays_behind(tmp_path, policy, key):
    work = tmp_path / "work"
    work.mkdir()
    kakou.run(policy, tables={"stays": stays()}, key=key, out=tmp_path / "out", work=work)
    with pytest.raises(kakou.KakouError):
        kakou.run(policy, tables={"stays": {"a": [1]}}, key=key, out=tmp_path / "out", work=work)
    assert not list(work.iterdir())


def test_what_a_killed_process_left_is_swept(tmp_path, policy, key):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True).stdout.strip()
    left = tmp_path / f"kakou-tables-{dead}-x"
    left.mkdir()
    (left / "table-0.parquet").write_bytes(b"clear data")
    other = tmp_path / "kakou-tables-mine"
    other.mkdir()
    kakou.run(policy, tables={"stays": stays()}, key=key, out=tmp_path / "out", work=tmp_path)
    assert not left.exists() and other.exists()


def test_risk_of_a_frame():
    frame = polars.DataFrame({"id": [str(n) for n in range(20)], "age": ["60-69"] * 19 + ["90-"], "sex": ["1"] * 20})
    found = kakou.risk(frame, quasi=["age", "sex"], person="id")
    assert "table" in found._repr_html_()
    text = json.dumps(found.document)
    assert '"not-available": 0' not in text
    same = kakou.risk(frame.to_pandas(), quasi="age", person="id")
    assert same.document


def test_a_draft_asks(tmp_path):
    draft = kakou.init({"stays": stays()})
    assert draft.decisions > 0 and "[tables" in str(draft)
    assert "患者000番さん" not in str(draft), "no cell in a draft"
    with pytest.raises(kakou.PolicyError):
        kakou.check(draft.save(tmp_path / "draft.toml"))


def test_progress_is_told_and_may_stop(tmp_path, policy, key):
    seen = []
    kakou.run(policy, tables={"stays": stays()}, key=key, out=tmp_path / "out", progress=lambda stage, rows: seen.append((stage, rows)))
    assert [s for s, _ in seen if s][:1] == ["intake"] and sum(rows for _, rows in seen) == 60

    def stop(stage, rows):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        kakou.run(policy, tables={"stays": stays()}, key=key, out=tmp_path / "stopped", progress=stop)
    kakou.run(policy, tables={"stays": stays()}, key=key, out=tmp_path / "after")


def test_ctrl_c_is_a_keyboard_interrupt_and_publishes_nothing(tmp_path):
    kakou.synth(tmp_path / "data", patients=6000, hospitals=2, years=2, layouts=["lab"])
    script = textwrap.dedent(
        """
        import sys, kakou
        try:
            kakou.run("kakou:lab", input=sys.argv[1], out=sys.argv[2], key=sys.argv[3], progress=lambda stage, rows: print(stage, flush=True))
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """
    )
    made = subprocess.run([sys.executable, "-m", "kakou", "key", "new", "--quiet", str(tmp_path / "k.key")], check=True)
    assert made.returncode == 0
    out = tmp_path / "out"
    program = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "data" / "lab"), str(out), str(tmp_path / "k.key")], stdout=subprocess.PIPE, text=True
    )
    program.stdout.readline()
    time.sleep(0.1)
    program.send_signal(signal.SIGINT)
    rest, _ = program.communicate(timeout=120)
    assert rest.strip().endswith("interrupted"), rest
    assert not [p for p in out.glob("*")] if out.exists() else True


def test_a_home_without_keys_is_not_written(tmp_path, policy):
    with pytest.raises(kakou.EnvironmentFault) as failed:
        kakou.run(policy, tables={"stays": stays()}, out=tmp_path / "out")
    assert failed.value.code == "K0142"


def test_shipped_policies_and_the_schema_are_there():
    assert "dpc-hub" in kakou.shipped()
    assert kakou.check("kakou:dpc-hub").document["policy"]
    assert "$schema" in kakou.schema()
