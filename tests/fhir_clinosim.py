"""Policies for the small export of clinosim, and the search for identifiers. See fhir_clinosim.sh."""

import glob
import json
import os
import re
import sys
import unicodedata

# What clinosim writes and the shipped policy reads with no table: no patient's data, or kinds that nobody asked for.
SMALL = """extends = "{base}"
ignore = ["CareTeam*", "ClinicalImpression*", "Composition*", "Device*", "DocumentReference*", "Endpoint*", "FamilyMemberHistory*", "ImagingStudy*", "Location*", "Organization*", "Practitioner*", "Specimen*", "*.json"]
[anonymized]
tier = "controlled"
suppress = {{ unit = "person", at_most = 0.3 }}
[[anonymized.view]]
name = "person"
grain = "patient"
quasi = ["patient.birth_date", "patient.gender", "patient.postal_code"]
k = 3
because = "few made-up persons"
[[anonymized.view]]
name = "encounter"
grain = "encounter"
quasi = ["patient.birth_date", "patient.gender", "encounter.start", "encounter.end"]
k = 3
because = "few made-up persons"
[tables.medication_administration.columns]
dose = {{ pseudonymized = "keep", anonymized = "drop" }}
"""
OTHERS = [
    "condition", "observation", "medication_request", "procedure", "allergy_intolerance", "diagnostic_report",
    "immunization", "service_request", "coverage",
]
KEEP = '{ role = "payload", pseudonymized = "keep", anonymized = "keep", because = "numbers of the systems, it is said" }'


def small(base):
    return SMALL.format(base=os.path.abspath(base))


def patient_only(base):
    text = small(base)
    for table in OTHERS:
        text += f"[tables.{table}.columns]\nidentifier = {KEEP}\n"
    # Ids are keys and have their tokens; identifiers hold the patient's number.
    return text + f"[tables.encounter.columns]\nidentifier = {KEEP}\n"


def spellings(value):
    narrow = unicodedata.normalize("NFKC", value)
    bare = re.sub(r"[\s\-‐‑−]", "", narrow)
    stripped = bare.lstrip("0") if bare.isdigit() else bare
    return {value, narrow, bare, stripped}


def identifiers(folder):
    """Everything in the export that names a person or a record of one."""
    found = {"patient id": set(), "number": set(), "name": set(), "phone": set(), "address": set(), "record id": set()}

    def names(items):
        for name in items or []:
            if name.get("text"):
                found["name"].add(name["text"])
                found["name"].add(re.sub(r"\s", "", name["text"]))

    for path in glob.glob(os.path.join(folder, "*.ndjson")):
        for line in open(path, encoding="utf-8"):
            resource = json.loads(line)
            kind = resource["resourceType"]
            person = any(k in resource for k in ("subject", "patient", "beneficiary")) or kind == "Patient"
            if not person:
                continue
            found["patient id" if kind == "Patient" else "record id"].add(resource["id"])
            own = resource.get("identifier", [])
            for identifier in own if isinstance(own, list) else [own]:
                found["number"].add(identifier["value"])
                found["number"].update(identifier["value"].split(":"))
            if kind == "Coverage":
                found["number"].add(resource["subscriberId"])
                found["number"].update(e["valueString"] for e in resource.get("extension", []) if "valueString" in e)
            if kind == "Patient":
                names(resource.get("name"))
                for contact in resource.get("contact", []):
                    names([contact.get("name", {})])
                    found["phone"].update(t["value"] for t in contact.get("telecom", []))
                found["phone"].update(t["value"] for t in resource.get("telecom", []))
                found["address"].update(a["text"] for a in resource.get("address", []))
    return found


def wanted(found):
    """First four characters to the texts that begin so."""
    starts = {}
    count = 0
    for kind, values in found.items():
        # Shorter ones (the number of a prescription's group, a name of two characters) are other things too.
        least = 3 if kind == "name" else 6
        for value in {s for v in values for s in spellings(v)}:
            if len(value) >= least:
                starts.setdefault(value[:3], []).append((kind, value))
                count += 1
    return starts, count


def hits(text, starts):
    seen = {}
    for at in range(len(text) - 2):
        for kind, value in starts.get(text[at : at + 3], ()):
            if text.startswith(value, at) and whole(text, at, value):
                seen[kind] = seen.get(kind, 0) + 1
    return seen


def whole(text, at, value):
    """Digits count as a whole: six of them inside a longer number, or by chance inside a token (26 letters and digits, made
    anew in each run), are nobody's number. A number behind letters is searched for with its letters."""
    if not value.isdigit():
        return True
    sides = text[max(at - 1, 0) : at] + text[at + len(value) : at + len(value) + 1]
    return not any(side.isascii() and side.isalnum() for side in sides)


def scan(data, release):
    found = identifiers(data)
    starts, count = wanted(found)
    assert all(found.values()) and count > 10000, {k: len(v) for k, v in found.items()}
    # The judge must see what is there, or its silence proves nothing.
    control = hits(open(os.path.join(data, "Patient.ndjson"), encoding="utf-8").read(), starts)
    assert {"patient id", "number", "name", "phone", "address"} <= control.keys(), control
    control = hits(open(os.path.join(data, "Encounter.ndjson"), encoding="utf-8").read(), starts)
    assert {"patient id", "number", "record id"} <= control.keys(), control
    files = size = 0
    for folder, _, names in os.walk(release):
        for name in names:
            path = os.path.join(folder, name)
            content = open(path, "rb").read()
            text = os.path.relpath(path, release) + "\n" + content.decode("utf-8")
            for form in {text, unicodedata.normalize("NFKC", text)}:
                bad = hits(form, starts)
                if bad:
                    sys.exit(f"identifiers in {os.path.relpath(path, release)}: {bad}")
            files += 1
            size += len(content)
    csvs = [path for path in glob.glob(os.path.join(release, "*", "*.csv")) if not path.endswith("dictionary.columns.csv")]
    assert len(csvs) == 26, csvs
    print(f"{count} spellings searched for in {files} files, {size} bytes: none is there")


if __name__ == "__main__":
    what = sys.argv[1]
    if what == "policy":
        print(small(sys.argv[2]))
    elif what == "patient-only":
        print(patient_only(sys.argv[2]))
    else:
        scan(sys.argv[2], sys.argv[3])
