"""Reads releases of the shipped policies back and counts again what is guaranteed about them, from the released files alone.

Nothing of kakou is used: files are read with polars, classes are counted here. Of the record only what a reader cannot know is taken:
which columns are tokens and measured numbers, what the views group by, which columns are exempt, and the figures that are compared.
What shows a person's birth, sex and home is found by the names of the columns: the record is not believed there.
See closure_outside.sh.
"""

import itertools
import json
import math
import os
import re
import sys
from fractions import Fraction

import polars as pl

N_OF_TIER = {"controlled": 5, "research": 10, "public": 12}
# Columns that show one fact of a person whatever the table: what the record says of them is not believed.
FAMILIES = {
    "birth": re.compile(r"(^|[._])(生年月日|birth_date|year_of_birth|birth|age)$"),
    "sex": re.compile(r"(^|[._])(性別|男女区分|gender|gender_concept_id|sex)$"),
    "home": re.compile(r"(^|[._])(郵便番号|postal_code)$"),
}
OF_OTHERS = {"family_history"}


ENDINGS = {"whole": [], "op": [".op"], "note": [".note"], "op-note": [".op", ".note"], "bounds": [".from", ".to"]}


def cell(column):
    """A column's cells as texts, put together from the columns that they stand in."""
    name, parts = column["name"], column.get("parts", "whole")
    text = pl.col(name).cast(pl.String)
    if column["type"] == "decimal":
        text = text.str.replace(r"\.0$", "")
    beside = {ending: pl.col(name + ending).cast(pl.String).fill_null("") for ending in ENDINGS[parts]}
    if parts in ("whole", "bounds"):
        return text
    note, operator = beside.get(".note", pl.lit("")), beside.get(".op", pl.lit(""))
    there = pl.when((note == "") | note.str.starts_with("(")).then(operator + text + note).otherwise(operator + note + "(" + text + ")")
    return pl.when(text.is_null()).then(operator + note).otherwise(there)


class Release:
    def __init__(self, folder):
        self.folder = folder
        self.told = json.load(open(os.path.join(folder, "record/statement.json"), encoding="utf-8"))
        self.shape = self.told["structure"]["anonymized"]
        self.tables = []
        self.faults = []
        for table in self.shape["tables"]:
            assert "long" not in table and self.shape["encoding"] == "utf-8", table["name"]
            names = [c["name"] + e for c in table["columns"] for e in ["", *ENDINGS[c.get("parts", "whole")]]]
            path = os.path.join(folder, table["file"])
            read = pl.read_csv(path, infer_schema=False) if self.shape["format"] == "csv" else pl.read_parquet(path)
            assert read.columns == names, table["name"]
            # Missing is a category as any: an empty text.
            self.tables.append(read.select(cell(c).fill_null("").alias(str(at)) for at, c in enumerate(table["columns"])))

    def fault(self, text):
        self.faults.append(text)

    def person(self, t):
        return pl.col(str(self.shape["tables"][t]["person"])).alias("person")

    def label(self, t, c):
        table = self.shape["tables"][t]
        return f"{table['name']}.{table['columns'][c]['name']}"

    def all_columns(self):
        for t, table in enumerate(self.shape["tables"]):
            for c in range(len(table["columns"])):
                yield t, c

    def is_token(self, t, c):
        return self.shape["tables"][t]["columns"][c]["token"]

    def sets(self, t, key, c):
        """By token: all values that stand beside it, as a sorted list in one text."""
        table = self.tables[t]
        both = table.select(pl.col(str(key)).alias("key"), pl.col(str(c)).alias("value")).unique().sort("key", "value")
        return both.group_by("key", maintain_order=True).agg(pl.col("value")).with_columns(pl.col("value").list.join("\x1f"))

    def family(self, pattern):
        """By person: all values of one fact that stand in any row of any file."""
        found = [
            self.tables[t].select(self.person(t), pl.col(str(c)).alias("value"))
            for t, c in self.all_columns()
            if pattern.search(self.label(t, c)) and not self.is_token(t, c) and self.shape["tables"][t]["name"] not in OF_OTHERS
        ]
        both = pl.concat(found).unique().sort("person", "value")
        return both.group_by("person", maintain_order=True).agg(pl.col("value").str.join("\x1f"))

    def column(self, t, path, blank=True):
        """What each row of table t shows of a column: the cell, or the set over the rows with the same token."""
        there, c, by = path["table"], path["column"], path["by"]
        if by == "row":
            assert there == t
            return self.tables[t][str(c)]
        beside = by.get("beside") if isinstance(by, dict) else None
        if beside is not None:
            # Sets of the person, without the cell that the row shows of the other column.
            who = str(self.shape["tables"][there]["person"])
            rows = self.tables[there].filter(pl.col(str(c)) != "")
            both = rows.select(pl.col(who).alias("key"), pl.col(str(c)).alias("value")).unique().sort("key", "value")
            sets = both.group_by("key", maintain_order=True).agg(pl.col("value"))
            own = self.tables[t].select(pl.col(str(self.shape["tables"][t]["person"])).alias("key")).with_columns(self.column(t, beside).alias("own"))
            found = own.join(sets, on="key", how="left", maintain_order="left")
            return pl.Series(
                "value", ["\x1f".join(v for v in (values if values is not None else []) if v != own) for own, values in found.select("own", "value").iter_rows()]
            )
        if by == "person":
            here_key, there_key = self.shape["tables"][t]["person"], self.shape["tables"][there]["person"]
        else:
            here_key, there_key = by["token"]
        sets = self.sets(there, there_key, c)
        if not blank:
            # As the record's figures have it: a cell that is missing beside others of the set adds nothing.
            rows = self.tables[there].filter(pl.col(str(c)) != "")
            both = rows.select(pl.col(str(there_key)).alias("key"), pl.col(str(c)).alias("value")).unique().sort("key", "value")
            sets = both.group_by("key", maintain_order=True).agg(pl.col("value")).with_columns(pl.col("value").list.join("\x1f"))
        own = self.tables[t].select(pl.col(str(here_key)).alias("key"))
        return own.join(sets, on="key", how="left", maintain_order="left")["value"].fill_null("")


def codes(series):
    return series.rank("dense").cast(pl.UInt32)


def smallest(frame, keys):
    """Persons of the smallest class."""
    if frame.height == 0:
        return None
    return frame.group_by(keys or [pl.lit(0).alias("all")]).agg(pl.col("person").n_unique())["person"].min()


def recounted(release, view):
    """The record's classes, smallest class and distinct sensitive values are those of the files; l is reached."""
    t = view["table"]
    told = next(v for v in release.told["views"] if v["view"] == view["name"])["recounted"]
    paths = view["quasi"] + view.get("facts", [])
    columns = [codes(release.column(t, p, blank=False)).alias(f"q{i}") for i, p in enumerate(paths)]
    sensitive = [release.column(t, p, blank=False).alias(f"s{i}") for i, (p, _) in enumerate(view["sensitive"])]
    frame = release.tables[t].select(release.person(t)).with_columns(columns + sensitive)
    values = [pl.col(s.name).filter(pl.col(s.name) != "").n_unique() for s in sensitive]
    groups = frame.group_by([c.name for c in columns] or [pl.lit(0).alias("all")])
    classes = groups.agg([pl.col("person").n_unique().alias("n")] + values)
    mine = (classes.height, classes["n"].min(), [classes[s.name].min() for s in sensitive])
    if mine != (told["classes"], told["smallest"], told["l"]):
        release.fault(f"view {view['name']}: counted {mine}, the record has other classes")
    for (_, wanted), found in zip(view["sensitive"], mine[2]):
        if found is not None and found < wanted:
            release.fault(f"view {view['name']}: {found} sensitive values in a class, {wanted} are asked for")


def views(release):
    """Every class of every view has its k persons: by the view's columns, by all that the record says shows the same facts, and by all
    columns of any file that show birth, sex or home by their names, as the set that a person shows over all rows."""
    k_of = {v["view"]: v["k"] for v in release.told["views"]}
    shown = {}
    for view in release.shape["views"]:
        t, k = view["table"], view["k"]
        assert k_of[view["name"]] == k
        if t is None:
            continue
        recounted(release, view)
        frame = release.tables[t].select(release.person(t))
        keys = []
        for path in view["quasi"] + view.get("facts", []):
            name = f"q{len(keys)}"
            frame = frame.with_columns(codes(release.column(t, path)).alias(name))
            keys.append(name)
        quasi = [release.label(p["table"], p["column"]) for p in view["quasi"]]
        for pattern in FAMILIES.values():
            if any(pattern.search(q) for q in quasi):
                name = f"q{len(keys)}"
                own = frame.select("person").join(release.family(pattern), on="person", how="left", maintain_order="left")
                frame = frame.with_columns(codes(own["value"].fill_null("")).alias(name))
                keys.append(name)
        least = smallest(frame, keys)
        shown[view["name"]] = (frame.height, least)
        if least is not None and least < k:
            few = frame.group_by(keys).agg(pl.col("person").n_unique().alias("n"), pl.len().alias("rows")).filter(pl.col("n") < k)
            release.fault(f"view {view['name']}: {few.height} classes ({few['rows'].sum()} rows) of fewer than {k} persons")
    return shown


def covered(release):
    """Every table that shows birth, sex or home of its persons is counted by a view at its own rows."""
    for t, table in enumerate(release.shape["tables"]):
        if table["name"] in OF_OTHERS:
            continue
        for c in range(len(table["columns"])):
            label = release.label(t, c)
            if release.is_token(t, c) or not any(p.search(label) for p in FAMILIES.values()):
                continue
            counted = any(
                v["table"] == t and any((p["table"], p["column"]) == (t, c) for p in v["quasi"]) for v in release.shape["views"]
            )
            if not counted:
                release.fault(f"{label} is in no view over the rows of its own table")


def number(text):
    found = re.match(r"^[<>]?=?([+-]?\d+(\.\d+)?)", text)
    return float(found.group(1)) if found else None


def measured(values):
    """Whether numbers (texts, with their rows) are plainly measured, by docs/guarantees: else every one needs n persons."""
    frame = pl.DataFrame(values, schema={"text": pl.String, "rows": pl.Int64}, orient="row")
    frame = frame.with_columns(x=pl.col("text").map_elements(number, return_dtype=pl.Float64)).drop_nulls("x")
    whole = frame.filter((pl.col("x") == pl.col("x").floor()) & ~pl.col("text").str.contains(r"\("))
    others = frame["rows"].sum() - whole["rows"].sum()
    if whole.is_empty() or others and others * 20 >= frame["rows"].sum():
        return True
    whole = whole.group_by("x").agg(pl.col("rows").sum()).sort("x").with_columns(below=pl.col("rows").cum_sum())
    if whole.height <= 100 or whole["x"].abs().max() >= 1e18:
        return False
    low, first, third, high = (whole.filter(pl.col("below") * 100 >= q * whole["rows"].sum())["x"][0] for q in (5, 25, 75, 95))
    middle = whole.filter(pl.col("x").is_between(first, third))
    if middle.height <= 4 or 2 * (third - first) > high - low:
        return False
    step = math.gcd(*(int(d) for d in middle["x"].diff().drop_nulls()))
    return 2 * middle.height >= min((third - first) // step + 1, middle["rows"].sum())


def floors(release):
    """Every value that stands in a column is of at least n persons; of measured numbers, the two ends, what is no number, and blanks."""
    least = N_OF_TIER[release.told["policy"]["tier"]]
    reasons = [w["text"] for w in release.told["warnings"] if w["code"] == "W0122"]
    codes = {w["code"] for w in release.told["warnings"]}
    asked = {(f["table"], f["column"]): f for f in release.shape["floors"]}
    columns = values = 0
    for t, c in release.all_columns():
        if release.is_token(t, c):
            continue
        label = release.label(t, c)
        floor = asked.get((t, c))
        if floor is None:
            name = release.shape["tables"][t]["columns"][c]["name"]
            if not any(name in reason for reason in reasons):
                release.fault(f"{label}: no floor, and no reason in the record")
            continue
        n = floor["persons"]
        if n < least:
            release.fault(f"{label}: {n} persons are asked for, {least} by the tier")
        table = release.tables[t].select(release.person(t), pl.col(str(c)).alias("value"))
        held = table.group_by("value").agg(pl.col("person").n_unique().alias("n"), pl.len().alias("rows"))
        columns += 1
        values += held.height
        if held.height == 1 and held["value"][0] == "":
            continue
        rows = list(zip(held["value"], held["n"]))
        must = rows
        specials = set(floor.get("specials", []))
        ours = [(v, n) for v, n in zip(held["value"], held["rows"]) if v != "" and v not in specials]
        if floor.get("tails") and not floor.get("ifMeasured") and "W0123" not in codes:
            release.fault(f"{label}: measured on nobody's word")
        if floor.get("tails") and (not floor.get("ifMeasured") or measured(ours)):
            numbers = [(number(v), v, m) for v, m in rows if v not in specials and number(v) is not None]
            must = [(v, m) for v, m in rows if v in specials or number(v) is None]
            if numbers:
                low, high = min(x for x, _, _ in numbers), max(x for x, _, _ in numbers)
                must += [(v, m) for x, v, m in numbers if x in (low, high)]
        few = [v for v, m in must if m < n]
        if few:
            release.fault(f"{label}: {len(few)} of {held.height} values are of fewer than {n} persons")
    return columns, values


def singled(frame, keys):
    """Rows that one person alone fits, their persons, and rows found by guessing, in millionths."""
    groups = frame.group_by(keys) if keys else frame.with_columns(pl.lit(0).alias("all")).group_by("all")
    sizes = groups.agg(pl.len().cast(pl.UInt64).alias("rows"), pl.col("person").n_unique().alias("n"), pl.col("person").first().alias("who"))
    alone = sizes.filter(pl.col("n") == 1)
    guessed = sizes.select((pl.col("rows") * 1_000_000 // pl.col("n")).sum()).item()
    return {"rows": alone["rows"].sum(), "persons": alone["who"].n_unique(), "guessed": guessed}


def unique_with(release):
    """The figures of the record, by the definition."""
    told = {v["view"]: v for v in release.told["unique"]["views"]}
    shares = {}

    def same(what, mine, theirs):
        if mine != theirs:
            release.fault(f"unique_with, {what}: counted {mine}, the record says {theirs}")

    for view in release.shape["views"]:
        shape = view.get("unique")
        if shape is None or view["table"] is None:
            continue
        t, record = view["table"], told[view["name"]]
        frame = release.tables[t].select(release.person(t).pipe(lambda e: e.rank("dense").cast(pl.UInt32)))
        classes = view["quasi"] + view.get("facts", [])
        keys = [codes(release.column(t, p, blank=False)).alias(f"q{i}") for i, p in enumerate(classes)]
        class_ = pl.DataFrame(keys) if keys else None
        group = class_.select(pl.struct(pl.all()).rank("dense").cast(pl.UInt32).alias("class"))["class"] if keys else pl.Series("class", [1] * frame.height)
        frame = frame.with_columns(group)
        names = []
        labels = []
        for at, (name, path) in enumerate(shape["facts"]):
            perhaps = at >= len(shape["facts"]) - shape.get("perhaps", 0)
            if perhaps and not of_stays(release, path):
                continue
            labels.append(name)
            names.append(f"f{len(names)}")
            shown = facts_of(release, t, path)
            if perhaps:
                shown = shown.map_elements(lambda s: "several" if s is not None and "\x1f" in s else s, return_dtype=pl.String)
            frame = frame.with_columns(codes(shown).alias(names[-1]))
        same(f"{view['name']}: rows", frame.height, record["rows"])
        same(f"{view['name']}: persons", frame["person"].n_unique(), record["persons"])
        same(f"{view['name']}: facts", labels, record["facts"])
        same(f"{view['name']}: by the view alone", singled(frame, ["class"]), record["alone"])
        by_fact = [singled(frame, ["class", n]) for n in names]
        same(f"{view['name']}: by one fact", by_fact, record["byFact"])
        best = {}
        complete = record["combined"] == len(names)
        for m in range(1, shape["m"] + 1):
            every = list(itertools.combinations(range(len(names)), m))
            if len(every) * frame.height > 60_000_000 or not complete:
                every = [tuple(w["facts"]) for w in record["worst"] if len(w["facts"]) == m]
            for facts in every:
                found = singled(frame, ["class"] + [names[f] for f in facts])
                if m not in best or found["rows"] > best[m][0]["rows"]:
                    best[m] = (found, list(facts))
        for worst in record["worst"]:
            m = len(worst["facts"])
            found = singled(frame, ["class"] + [names[f] for f in worst["facts"]])
            same(f"{view['name']}: the worst {m}", found, worst["singled"])
            same(f"{view['name']}: the most of {m}", best[m][0]["rows"], worst["singled"]["rows"])
        most = max([b[0]["rows"] for b in best.values()], default=singled(frame, ["class"])["rows"])
        limit = record.get("atMost")
        if limit is not None and most > limit * frame.height + 1e-9:
            release.fault(f"view {view['name']}: {most} of {frame.height} rows are singled out, at most {limit} may be")
        if release.told["policy"].get("tier") == "public" and limit is None and not view.get("implied"):
            release.fault(f"view {view['name']}: the tier is public and there is no limit")
        all_rows = frame.group_by("person").agg(pl.col("class").sort())
        lists = {"byRows": pl.col("class").list.eval(pl.element()), "bySet": pl.col("class").list.unique().list.sort()}
        for name, expression in lists.items():
            same_class = all_rows.select(expression.cast(pl.List(pl.String)).list.join(",").alias("c")).group_by("c").len()
            same(f"{view['name']}: {name}", same_class.filter(pl.col("len") == 1).height, record[name])
        shares[view["name"]] = (record, most / max(frame.height, 1))
    # Persons by how many rows they have in each table of events.
    events = [release.tables[t].group_by(release.person(t)).len().rename({"len": str(t)}) for t in release.shape.get("events", [])]
    for record, table in zip(release.told["unique"]["tables"], events):
        counts = table.select(pl.exclude("person")).to_series().value_counts()
        mine = {"table": record["table"], "persons": table.height, "alone": counts.filter(pl.col("count") == 1).height}
        same("rows a person", mine, record)
    if events:
        joined = events[0]
        for table in events[1:]:
            joined = joined.join(table, on="person", how="full", coalesce=True)
        joined = joined.fill_null(0)
        counts = joined.group_by(pl.exclude("person")).len()
        mine = (joined.height, counts.filter(pl.col("len") == 1).height)
        same("numbers of rows together", mine, (release.told["unique"]["persons"], release.told["unique"]["alone"]))
    return shares


def of_stays(release, path):
    """Whether a column of events is a fact of the stay: of twenty stays with several filled cells at most one shows several values,
    and by chance four times as many would."""
    t, c, key = path["table"], str(path["column"]), str(path["by"]["token"][1])
    who = release.shape["tables"][t]["person"]
    rows = release.tables[t].filter((pl.col(c) != "") & (pl.col(key) != ""))
    stays = rows.group_by(key, str(who)).agg(pl.len().alias("n"), pl.col(c).n_unique().alias("d"))
    several, varying = stays.filter(pl.col("n") > 1).height, stays.filter(pl.col("d") > 1).height
    values = rows.group_by(c).len()["len"].to_list()
    chance = 1 - sum(Fraction(n, rows.height) ** 2 for n in values)
    return 20 * varying <= several and 4 * varying <= several * chance


def facts_of(release, t, path):
    """A fact of a row: its cell; or the set over the rows of its stay (and person) that are not blank."""
    by = path["by"]
    if by in ("row", "person"):
        return release.column(t, path, blank=False)
    here_key, there_key = by["token"]
    there, c = path["table"], path["column"]
    person_there = release.shape["tables"][there]["person"]
    rows = release.tables[there].filter((pl.col(str(c)) != "") & (pl.col(str(there_key)) != ""))
    both = rows.select(pl.col(str(there_key)).alias("key"), pl.col(str(person_there)).alias("who"), pl.col(str(c)).alias("value"))
    sets = both.unique().sort("key", "who", "value").group_by("key", "who", maintain_order=True).agg(pl.col("value"))
    sets = sets.with_columns(pl.col("value").list.join("\x1f"))
    person_here = release.shape["tables"][t]["person"]
    own = release.tables[t].select(pl.col(str(here_key)).alias("key"), pl.col(str(person_here)).alias("who"))
    return own.join(sets, on=["key", "who"], how="left", maintain_order="left")["value"].fill_null("")


def judge(folder):
    release = Release(folder)
    shown = views(release)
    covered(release)
    columns, values = floors(release)
    shares = unique_with(release)
    figures = []
    for name, (rows, least) in shown.items():
        text = f"{name} {rows} rows k {least}"
        if name in shares:
            record, most = shares[name]
            text += f" unique_with {100 * most:.1f} %"
        figures.append(text)
    print(f"{os.path.basename(folder)}: {columns} columns, {values} values; " + "; ".join(figures))
    for fault in release.faults:
        print(f"  FAULT {fault}")
    return not release.faults


def control(folder):
    """A release with one cell changed is found out, or the silence about the others proves nothing."""
    release = Release(folder)
    view = next(v for v in release.shape["views"] if v["quasi"][0]["by"] == "row")
    t, c = view["table"], str(view["quasi"][0]["column"])
    changed = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("!")).otherwise(pl.col(c)).alias(c)
    release.tables[t] = release.tables[t].with_columns(changed)
    for check, word in ((views, "view "), (floors, "values are of fewer"), (unique_with, "unique_with")):
        release.faults = []
        check(release)
        assert any(word in fault for fault in release.faults), f"{check.__name__} is blind"


OMOP53 = {
    "admitted_from_concept_id": "admitting_source_concept_id",
    "admitted_from_source_value": "admitting_source_value",
    "discharged_to_concept_id": "discharge_to_concept_id",
    "discharged_to_source_value": "discharge_to_source_value",
}
NOT_IN_53 = re.compile("_end_date(time)?$|_event_id$|_event_field_concept_id$|^unit_source_concept_id$")


def omop53(source, out):
    """The tables of CDM 5.4 with the columns of 5.3."""
    os.makedirs(out)
    for name in sorted(os.listdir(source)):
        table = pl.read_csv(os.path.join(source, name), infer_schema=False)
        if name.startswith(("measurement", "observation", "procedure")) and not name.startswith("observation_period"):
            gone = [c for c in table.columns if NOT_IN_53.search(c) or (name == "observation.csv" and c == "value_source_value")]
            table = table.drop(gone)
        table.rename({c: OMOP53[c] for c in table.columns if c in OMOP53}).write_csv(os.path.join(out, name))


def fhir(source, out):
    """The tables of CDM 5.4 as a FHIR export: patients, encounters, conditions, observations, prescriptions."""
    os.makedirs(out)

    def rows(name):
        return pl.read_csv(os.path.join(source, f"{name}.csv"), infer_schema=False).fill_null("").iter_rows(named=True)

    def coded(system, code):
        return {"coding": [{"system": system, "code": code}]}

    def write(kind, resources):
        with open(os.path.join(out, f"{kind}.ndjson"), "w", encoding="utf-8") as file:
            for resource in resources:
                file.write(json.dumps({"resourceType": kind} | resource, ensure_ascii=False) + "\n")

    def event(row, kind, key):
        found = {
            "id": f"{kind}-{row[key]}", "identifier": [{"system": "urn:example:record", "value": f"R{row['person_id']}-{kind}-{row[key]}"}],
            "subject": {"reference": f"Patient/P{row['person_id']}"},
        }
        return found | ({"encounter": {"reference": f"Encounter/E{row['visit_occurrence_id']}"}} if row["visit_occurrence_id"] else {})

    def moment(day, time=""):
        return f"{day}T{time or '09:00:00'}+09:00"

    genders = {"8507": "male", "8532": "female"}
    homes = {row["location_id"]: row for row in rows("location")}
    dead = {row["person_id"]: row["death_date"] for row in rows("death")}
    write("Patient", ({
        "id": f"P{row['person_id']}", "identifier": [{"system": "urn:example:number", "value": row["person_source_value"]}],
        "gender": genders.get(row["gender_concept_id"], "unknown"),
        "birthDate": f"{row['year_of_birth']}-{int(row['month_of_birth'] or 1):02}-{int(row['day_of_birth'] or 1):02}",
        "address": [{"use": "home", "text": homes[row["location_id"]]["address_1"], "postalCode": homes[row["location_id"]]["zip"]}],
    } | ({"deceasedDateTime": dead[row["person_id"]]} if row["person_id"] in dead else {}) for row in rows("person")))
    classes = {"9201": "IMP", "9202": "AMB"}
    write("Encounter", ({
        "id": f"E{row['visit_occurrence_id']}", "identifier": [{"system": "urn:example:record", "value": f"R{row['person_id']}-{row['visit_occurrence_id']}"}],
        "status": "finished", "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": classes.get(row["visit_concept_id"], "EMER")},
        "subject": {"reference": f"Patient/P{row['person_id']}"},
        "period": {"start": moment(row["visit_start_date"]), "end": moment(row["visit_end_date"], "17:00:00")},
    } for row in rows("visit_occurrence")))
    write("Condition", (event(row, "c", "condition_occurrence_id") | {
        "clinicalStatus": coded("urn:example:clinical", "active"),
        "code": coded("http://hl7.org/fhir/sid/icd-10", row["condition_source_value"]), "recordedDate": moment(row["condition_start_date"]),
    } for row in rows("condition_occurrence")))
    write("Observation", (event(row, "o", "measurement_id") | {
        "status": "final", "code": coded("urn:oid:1.2.392.200119.4.504", row["measurement_source_value"]),
        "effectiveDateTime": moment(row["measurement_date"], row["measurement_time"]),
        "valueQuantity": {"value": float(row["value_as_number"])} | ({"unit": row["unit_source_value"]} if row["unit_source_value"] else {}),
    } for row in rows("measurement") if row["value_as_number"]))
    write("MedicationRequest", (event(row, "m", "drug_exposure_id") | {
        "status": "completed", "intent": "order", "authoredOn": moment(row["drug_exposure_start_date"]),
        "medicationCodeableConcept": coded("http://capstandard.jp/iyaku.info/CodeSystem/YJ-code", row["drug_source_value"]),
    } for row in rows("drug_exposure")))


if __name__ == "__main__":
    command, arguments = sys.argv[1], [argument.rstrip("/") for argument in sys.argv[2:]]
    if command == "fhir":
        fhir(*arguments)
    elif command == "omop53":
        omop53(*arguments)
    else:
        control(arguments[0])
        sys.exit(0 if all([judge(folder) for folder in arguments]) else 1)
