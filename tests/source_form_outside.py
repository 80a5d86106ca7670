"""Reads released DPC and laboratory files with Python's csv by the rules of public readers of such files, and nothing of kakou.

DPC (dpc-python 0.1.0): CP932, TAB, CR LF, no quotes, no header, a fixed number of columns, dates of eight digits of which 00000000 and 99999999
are none and the day may be 00. Laboratory: CP932, comma, CR LF, the header of the source.
"""

import csv
import io
import pathlib
import re
import sys

# Columns, the patient, dates.
KINDS = {
    "FF1": (17, 1, [2]),
    "EFn": (31, 1, [2, 3, 23]),
    "EFg": (31, 1, [2, 3, 23]),
    "Dn": (30, 1, [2, 3, 17, 25, 26, 27]),
    "Hn": (29, 2, [3, 4, 5]),
    "FF4": (None, 1, [2, 3]),
}
TOKEN = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
DATE = re.compile(r"00000000|99999999|[0-9]{4}(0[1-9]|1[0-2])([0-2][0-9]|3[01])|[0-9]{4}0000")


def policies(page, work):
    blocks = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    few = '\n[anonymized]\nsuppress = { unit = "row", at_most = 1.0 }\nbecause = "few made-up persons"\n'
    (work / "dpc.toml").write_text(blocks[0] + few, encoding="utf-8")
    (work / "lab.toml").write_text(blocks[1], encoding="utf-8")


def rows(path, delimiter, quoting):
    data = path.read_bytes()
    assert data.endswith(b"\r\n") and data.count(b"\n") == data.count(b"\r\n"), path.name
    text = data.decode("cp932")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True))


def dpc(work):
    found = 0
    for release in sorted(work.glob("dpc/*/pseudonymized")):
        for path in sorted(release.glob("*.txt")):
            kind = path.name.split("_")[0]
            width, person, dates = KINDS[kind]
            table = rows(path, "\t", csv.QUOTE_NONE)
            assert table, path.name
            assert {len(row) for row in table} == {width or len(table[0])}, path.name
            assert not any('"' in cell for row in table for cell in row), path.name
            for row in table:
                assert TOKEN.fullmatch(row[person]) and TOKEN.fullmatch(row[0]), path.name
                assert all(not row[c] or DATE.fullmatch(row[c]) for c in dates), path.name
            people = [row[person] for row in table]
            assert people == sorted(people), path.name
            found += 1
    assert found > 20, found
    return found


def laboratory(work):
    source = next(iter(sorted(work.glob("data/lab/*.csv"))))
    header = rows(source, ",", csv.QUOTE_MINIMAL)[0]
    found = 0
    for path in sorted(work.glob("lab/*/*/lab_*.csv")):
        table = rows(path, ",", csv.QUOTE_MINIMAL)
        assert table[0] == header, path.name
        assert len(table) > 100 and {len(row) for row in table} == {len(header)}, path.name
        found += 1
    assert found == 3, found
    return found


def nobody(work):
    with open(work / "data/truth/planted.csv", encoding="utf-8-sig", newline="") as file:
        planted = [row["value"] for row in csv.DictReader(file) if row["kind"] != "decoy"]
    wanted = {v for v in planted if len(v) >= (8 if v.isascii() else 2)}
    hospitals = {path.name.split("_")[1] for path in work.glob("data/dpc/*.txt")}
    assert len(wanted) > 20 and hospitals
    for path in [*work.glob("dpc/*/*/*"), *work.glob("lab/*/*/*")]:
        if path.suffix not in (".txt", ".csv"):
            continue
        text = path.read_bytes().decode("utf-8" if path.name.startswith("dictionary") else "cp932")
        for value in wanted | hospitals:
            assert value not in text and value not in path.name, path.name


if __name__ == "__main__":
    if sys.argv[1] == "policies":
        policies(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
    else:
        work = pathlib.Path(sys.argv[2])
        print(f"{dpc(work)} DPC files and {laboratory(work)} laboratory files read")
        nobody(work)
