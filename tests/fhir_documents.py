"""Makes documents of JP-CLINS form, and judges what a release made of them. Shares no code with kakou."""

import collections
import json
import pathlib
import sys
import unicodedata
import uuid

CORE = "http://jpfhir.jp/fhir/core"
CLINS = "http://jpfhir.jp/fhir/clins"
MEMBER = f"{CLINS}/Idsystem/JP_Insurance_memberID"
INSTANCE = f"{CORE}/IdSystem/resourceInstance-identifier"
LABEL = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
NARRATIVE = "カナリア所見ツバメ"
DOCTOR = "医師 鶴亀之介"
PERSONS = 60


def number(i):
    return f"{7300019 + i * 37}"


def member(i):
    wide = str(46421401 + i * 17).translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789"})
    return f"06139877:１８２２:{wide}:01"


def narrative():
    return {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{NARRATIVE}</div>'}


def composed(i, what):
    return [{"system": INSTANCE, "value": f"1318814790-{number(i)}-{what}"}]


def coded(system, code):
    return {"coding": [{"system": system, "code": code, "display": NARRATIVE}]}


class Person:
    def __init__(self, i):
        self.i = i
        self.urn = f"urn:uuid:{uuid.UUID(int=(0x5EED << 96) + i)}"
        self.id = f"inline-{0x77AA00 + i * 7919:x}"

    def patient(self):
        i = self.i
        died = {3: {"deceasedBoolean": True}, 4: {"deceasedDateTime": "2026-06-01"}, 5: {"deceasedBoolean": False}}
        return {
            "resourceType": "Patient", "id": self.id, "text": narrative(),
            "meta": {"lastUpdated": "2026-06-01T00:00:00+09:00", "versionId": "3", "source": f"https://emr.example.jp/{number(i)}"},
            "identifier": [
                {"system": "urn:oid:1.2.392.100495.20.3.51.11318814790", "value": number(i)},
                {"system": MEMBER, "value": member(i)}],
            "name": [{"text": f"鷺沼{chr(0x4E00 + i * 5)} 花子", "extension": [
                {"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": "IDE"}]}],
            "telecom": [{"system": "phone", "value": f"090-5511-{1000 + i * 37}"}],
            "gender": "female" if i % 2 else "male", "birthDate": f"{1950 + 20 * (i % 2)}-05-0{1 + i % 9}",
            "address": [{"postalCode": "1440032", "text": f"東京都大田区北糀谷3丁目{i}-9"}],
        } | died.get(i, {})

    def subject(self, how):
        return [
            {"reference": self.urn, "display": "患者"},
            {"reference": f"Patient/{self.id}"},
            {"identifier": {"system": MEMBER, "value": member(self.i)}, "type": "Patient"},
            {"reference": f"Patient?identifier={MEMBER}|{member(self.i)}"},
        ][how % 4]

    def clinical(self, how):
        i, who = self.i, self.subject(how)
        inner = {"resourceType": "Encounter", "id": "visit", "status": "finished", "identifier": composed(i, "ENC"),
                 "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}}
        doctor = {"resourceType": "Practitioner", "id": "dr", "name": [{"text": DOCTOR}]}
        yield "340", {
            "resourceType": "Condition", "id": f"cond-{i:05}", "identifier": composed(i, "COND"), "subject": who,
            "contained": [inner], "encounter": {"reference": "#visit"}, "note": [{"text": NARRATIVE}],
            "extension": [{"url": f"{CLINS}/Extension/StructureDefinition/JP_eCS_InstitutionNumber",
                           "valueIdentifier": {"value": "1318814790"}}],
            "code": coded(f"{CORE}/mhlw/CodeSystem/ICD10-2013-full", "I10"), "recordedDate": "2026-04-01",
            "clinicalStatus": coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")}
        yield "510", {
            "resourceType": "AllergyIntolerance", "id": f"alg-{i:05}", "identifier": composed(i, "ALG"), "patient": who,
            "code": coded(f"{CORE}/CodeSystem/JP_AllergyIntolerance_JFAGY", "J9FC"), "category": ["food"], "criticality": "high"}
        for n, (value, code) in enumerate([
            ({"valueQuantity": {"value": 5.25, "comparator": "<", "unit": "mg/dL", "code": "mg/dL",
                                "system": "http://unitsofmeasure.org"}}, "3C015000002327101"),
            ({"dataAbsentReason": coded("http://terminology.hl7.org/CodeSystem/data-absent-reason", "not-performed")},
             "5F016000002399811"),
        ]):
            yield "520", {
                "resourceType": "Observation", "id": f"obs-{i:05}-{n}", "identifier": composed(i, f"OBS{n}"), "status": "final",
                "subject": who, "contained": [doctor], "performer": [{"reference": "#dr"}], "text": narrative(),
                "category": [coded(f"{CORE}/CodeSystem/JP_SimpleObservationCategory_CS", "laboratory")],
                "code": coded("urn:oid:1.2.392.200119.4.504", code), "effectiveDateTime": "2026-04-01T09:00:00+09:00",
                "note": [{"text": f"{number(i)} {NARRATIVE}"}]} | value
        yield "610", {
            "resourceType": "Observation", "id": f"bp-{i:05}", "identifier": composed(i, "BP"), "status": "final", "subject": who,
            "category": [coded("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")],
            "code": coded("http://loinc.org", "85354-9"), "effectiveDateTime": "2026-04-01T09:00:00+09:00",
            "component": [{"code": coded("http://loinc.org", c), "valueQuantity": {"value": v, "unit": "mmHg"}}
                          for c, v in (("8480-6", 128), ("8462-4", 77))]}
        yield "430", {
            "resourceType": "MedicationRequest", "id": f"med-{i:05}", "identifier": composed(i, "MED"), "status": "completed",
            "intent": "order", "subject": who, "authoredOn": "2026-04-01T11:00:00+09:00",
            "requester": {"display": DOCTOR},
            "medicationCodeableConcept": coded("http://capstandard.jp/iyaku.info/CodeSystem/YJ-code", "3219100F1020"),
            "dosageInstruction": [{"text": NARRATIVE, "timing": {"code": coded("urn:oid:1.2.392.200250.2.2.20", "1011040000000000")},
                                   "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "錠"}}]}],
            "dispenseRequest": {"expectedSupplyDuration": {"value": 7, "code": "d"}}}

    def document(self, kind):
        i = self.i
        entries, sections = [], collections.defaultdict(list)
        visit = {"resourceType": "Encounter", "id": f"v-{i:05}", "status": "finished", "identifier": composed(i, "VISIT"),
                 "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
                 "period": {"start": "2026-04-01T08:30:00+09:00"}}  # whose it is, the document says
        all_of = [(None, self.patient()), (None, visit), *self.clinical(i % 2)]
        for n, (section, resource) in enumerate(all_of):
            url = self.urn if n == 0 else f"urn:uuid:{uuid.UUID(int=(0x5EED0000 + i << 96) + n)}"
            entries.append({"fullUrl": url, "resource": resource})
            if section:
                sections[section].append({"reference": url, "type": resource["resourceType"], "display": NARRATIVE})
        composition = {
            "resourceType": "Composition", "id": f"comp-{i:05}", "status": "final", "title": f"{NARRATIVE}の文書",
            "identifier": {"system": INSTANCE, "value": f"1311234567-2026-{number(i)}"},
            "type": coded("http://jpfhir.jp/fhir/Common/CodeSystem/doc-typecodes", kind), "date": "2026-04-02T10:00:00+09:00",
            "subject": {"reference": self.urn}, "encounter": {"reference": entries[1]["fullUrl"]},
            "author": [{"display": DOCTOR}], "custodian": {"display": "カナリア病院"},
            "section": [{"title": "構造情報", "code": coded(f"{CLINS}/CodeSystem/document-section", "300"), "section": [
                {"title": NARRATIVE, "text": narrative(), "code": coded(f"{CLINS}/CodeSystem/document-section", code), "entry": entry}
                for code, entry in sections.items()]}]}
        url = f"urn:uuid:{uuid.UUID(int=(0x5EED0000 + i << 96) + 999)}"
        return {
            "resourceType": "Bundle", "id": f"bundle-{i:05}", "type": "document", "timestamp": "2026-04-02T10:00:00+09:00",
            "meta": {"lastUpdated": "2026-04-02T10:00:00+09:00"}, "identifier": {
                "system": f"{CLINS}/bundle-identifier", "value": f"1318814790^2026^{number(i)}"},
            "entry": [{"fullUrl": url, "resource": composition}, *entries]}


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def make(folder):
    persons = [Person(i) for i in range(PERSONS)]
    kinds = ["57133-1", "18842-5", "53576-5"]
    for person in persons[:30]:
        write(folder / f"documents/d{person.i:03}.json", person.document(kinds[person.i % 3]))
    # A collection of one person each, by relative references; a searchset; a transaction with conditional ones; an array; NDJSON.
    for kind, some in (("collection", persons[30:36]), ("searchset", persons[36:42]), ("transaction", persons[42:48])):
        for person in some:
            how = {"collection": 1, "searchset": 2, "transaction": 3}[kind]
            resources = [person.patient(), *(r for _, r in person.clinical(how))]
            entries = [{"fullUrl": f"https://fhir.example.jp/{r['resourceType']}/{r['id']}", "resource": r} for r in resources]
            for entry in entries:
                if kind == "transaction":
                    entry["request"] = {"method": "POST", "url": entry["resource"]["resourceType"]}
                if kind == "searchset":
                    entry["search"] = {"mode": "match"}
            write(folder / f"{kind}/{person.i}.json", {"resourceType": "Bundle", "id": f"{kind}-{person.i}", "type": kind, "entry": entries})
    lines = [json.dumps(r, ensure_ascii=False) for p in persons[48:54] for r in [p.patient(), *(r for _, r in p.clinical(2))]]
    (folder / "lines.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write(folder / "array.json", [r for p in persons[54:57] for r in [p.patient(), *(r for _, r in p.clinical(1))]])
    for person in persons[57:]:
        for resource in [person.patient(), *(r for _, r in person.clinical(1))]:
            write(folder / f"single/{resource['resourceType']}-{resource['id']}.json", resource)
    # The history of a server: an old version, and a resource that was deleted.
    old = dict(persons[58].patient(), gender="unknown")
    old["meta"] = {"lastUpdated": "2020-01-01T00:00:00Z", "versionId": "1"}
    dead = {"resourceType": "Condition", "id": "dead-1", "subject": persons[58].subject(1), "recordedDate": "2026-04-01",
            "code": coded(f"{CORE}/mhlw/CodeSystem/ICD10-2013-full", "Z999")}
    write(folder / "history.json", {"resourceType": "Bundle", "type": "history", "entry": [
        {"fullUrl": "https://fhir.example.jp/Condition/dead-1", "request": {"method": "DELETE", "url": "Condition/dead-1"}},
        {"fullUrl": "https://fhir.example.jp/Condition/dead-1", "resource": dead, "request": {"method": "POST", "url": "Condition"}},
        {"fullUrl": f"https://fhir.example.jp/Patient/{persons[58].id}", "resource": old,
         "request": {"method": "PUT", "url": f"Patient/{persons[58].id}"}}]})


def resources_of(path):
    """All resources of a file, those in Bundles with their Bundle."""
    text = path.read_text(encoding="utf-8")
    tops = [json.loads(line) for line in text.splitlines() if line.strip()] if path.suffix == ".ndjson" else [json.loads(text)]
    for top in (t for v in tops for t in (v if isinstance(v, list) else [v])):
        if top["resourceType"] == "Bundle":
            for entry in top["entry"]:
                if "resource" in entry:
                    yield entry["resource"], top
        else:
            yield top, None


def split(source, folder):
    """NDJSON of the documents, a resource a line, with plain references."""
    folder.mkdir(parents=True)
    lines = collections.defaultdict(list)
    for person in (Person(i) for i in range(PERSONS)):
        visit = {"resourceType": "Encounter", "id": f"v-{person.i:05}", "status": "finished", "subject": person.subject(1),
                 "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
                 "period": {"start": "2026-04-01T08:30:00+09:00", "end": "2026-04-01T09:30:00+09:00"}}
        for resource in [person.patient(), visit, *(r for _, r in person.clinical(1))]:
            if resource["resourceType"] == "Observation":
                resource["encounter"] = {"reference": f"Encounter/v-{person.i:05}"}
            lines[resource["resourceType"]].append(json.dumps(resource, ensure_ascii=False))
    for kind, of in lines.items():
        (folder / f"{kind}.ndjson").write_text("\n".join(of) + "\n", encoding="utf-8")


def spoil(fault, source, folder):
    import shutil
    shutil.copytree(source, folder)
    person = Person(50)
    condition = next(r for _, r in person.clinical(1))
    condition["id"] = "spoilt"
    if fault == "nobody":
        condition["subject"] = {"identifier": {"system": "urn:oid:1.2.3.4", "value": "77"}}
    elif fault == "several":
        for n in (51, 52):
            twin = Person(n).patient()
            twin["identifier"].append({"system": "urn:oid:1.2.3.4", "value": "88"})
            twin["meta"]["lastUpdated"] = "2027-01-01T00:00:00Z"
            write(folder / f"twin{n}.json", twin)
        condition["subject"] = {"identifier": {"system": "urn:oid:1.2.3.4", "value": "88"}}
    elif fault == "conditional":
        condition["subject"] = {"reference": "Patient?name=somebody"}
    elif fault == "contained":
        condition["contained"] = [{"resourceType": "Patient", "id": "p", "name": [{"text": "誰か"}]}]
        condition["subject"] = {"reference": "#p"}
    value = condition
    if fault == "message":
        value = {"resourceType": "Bundle", "type": "message", "entry": [{"resource": condition}]}
    elif fault == "patch":
        value = {"resourceType": "Bundle", "type": "transaction", "entry": [
            {"request": {"method": "PATCH", "url": "Condition/spoilt"}, "resource": condition}]}
    write(folder / "spoilt.json", value)


def policy(name):
    one = name in ("guide", "again")  # The pseudonymized release alone.
    shipped = "fhir-clins" if one else name
    print(f'extends = "kakou:{shipped}"')
    if name == "fhir":
        print('without = ["medication_administration", "procedure", "diagnostic_report", "immunization", "service_request", "coverage"]')
    if one:
        print('releases = ["pseudonymized"]')
    print(f'[policy]\nid = "{name}-test"\nversion = "1"\n[output]\nform = "source"')
    if name == "again":
        print('[tables.patient.columns]\nbirth_date = { type = "partial_date" }')
    if not one:
        print('[anonymized]\ntier = "controlled"\nfloor = 3\nbecause = "few made-up persons"\nsuppress = { unit = "row", at_most = 1.0 }')
    if name == "fhir":
        print('[not_applicable]\n"18-2" = "no insurance"\n"33-2" = "no insurance"')


REQUIRED = {
    "Patient": ["identifier", "name", "gender", "birthDate"],
    "Encounter": ["status", "class"],
    "Condition": ["identifier", "code", "subject"],
    "AllergyIntolerance": ["identifier", "code", "patient"],
    "Observation": ["identifier", "status", "category", "code"],
    "MedicationRequest": ["identifier", "status", "intent", "medicationCodeableConcept", "subject", "authoredOn"],
    "Composition": ["status", "type", "subject", "date", "author", "title"],
}


def references(value):
    if isinstance(value, dict):
        if "reference" in value or (isinstance(value.get("identifier"), dict) and isinstance(value.get("type"), str) and value["type"][0].isupper()):
            yield value
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def check(source, release, form):
    from fhir.resources.R4B import get_fhir_model_class

    files = sorted((release / "pseudonymized").glob("*.ndjson"))
    assert files, "there are no resources"
    made = collections.Counter()
    ids, identifiers, logical, bundles = collections.defaultdict(set), set(), 0, 0
    everything = []
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            value = json.loads(line)
            get_fhir_model_class(value["resourceType"]).model_validate(value)
            if value["resourceType"] == "Bundle":
                bundles += 1
                assert [e for e in value["entry"] if "fullUrl" in e] == value["entry"]
                urls = {e["fullUrl"] for e in value["entry"]}
                assert len(urls) == len(value["entry"]), "two entries have one fullUrl"
                if value["type"] == "document":
                    assert value["entry"][0]["resource"]["resourceType"] == "Composition"
                    assert "timestamp" in value and value["identifier"]["value"].startswith("urn:uuid:")
                for reference in references(value["entry"]):
                    if "reference" in reference:
                        assert reference["reference"] in urls, "a reference leaves its Bundle"
                everything += [(e["resource"], True) for e in value["entry"]]
            else:
                everything.append((value, False))
    for resource, _ in everything:
        kind = resource["resourceType"]
        made[kind] += 1
        if "id" in resource:
            assert form == "bundles" or resource["id"] not in ids[kind], f"{kind}: an id is there twice"
            ids[kind].add(resource["id"])
        identifiers.update(i.get("value") for i in resource.get("identifier", []) if isinstance(resource.get("identifier"), list))
        assert resource["meta"]["security"] == [{"system": LABEL, "code": "PSEUDED"}], kind
        # What only the profiles ask for, some of the guide's examples do not have themselves.
        own = ["identifier", "name", "gender", "birthDate", "code", "category", "authoredOn"] if source.name == "fhir-jp" else []
        for name in (n for n in REQUIRED.get(kind, []) if n not in own):
            assert name in resource or f"_{name}" in resource, f"{kind}.{name} is missing"
        for gone in ("text", "note", "contained", "display"):
            assert gone not in resource
        assert not ("deceasedBoolean" in resource and "deceasedDateTime" in resource)
        if kind == "Composition" and source.name != "fhir-jp":
            assert sum(len(s["entry"]) for s in resource["section"]) == 6, "sections"
    for resource, bundled in everything:
        for reference in references(resource):
            if not bundled and "reference" in reference:
                kind, _, token = reference["reference"].partition("/")
                assert token in ids[kind], f"{resource['resourceType']}: a reference leads nowhere"
            if "reference" not in reference:
                logical += 1
                # Visits that nobody's name is on are set aside: what refers to them says so without an address.
                there = reference["identifier"]["value"] in identifiers
                assert there or reference["type"] == "Encounter" and source.name == "fhir-jp", "an identifier is nobody's"
    # No canary in any byte or path.
    made_up = {NARRATIVE, DOCTOR, "鶴亀之介", "カナリア", "北糀谷", "鷺沼", "1318814790", "1311234567", "dead-1", "Z999", "牧野", "爛漫",
               "マキノ", "五台山", "港診療所", "xhtml"}
    wanted = set(made_up)
    for path in source.rglob("*json"):
        for resource, bundle in resources_of(path):
            wanted.add(resource.get("id"))
            if bundle:
                wanted.add(bundle.get("id"))
                wanted.update(e.get("fullUrl", "").rsplit("/")[-1].removeprefix("urn:uuid:") for e in bundle["entry"])
            found = resource.get("identifier", [])
            for identifier in found if isinstance(found, list) else [found]:
                if resource["resourceType"] != "MedicationRequest" or len(identifier.get("value", "")) > 3:
                    wanted.add(identifier.get("value"))
            wanted.update(t["value"] for t in resource.get("telecom", []) if isinstance(t, dict))
    # Short numbers are in every token.
    wanted = {w for w in wanted if w and (len(w) > 5 or w in made_up)}
    wanted |= {unicodedata.normalize("NFKC", w) for w in wanted}
    for path in release.rglob("*"):
        # The record is the processor's own; recipients get the two releases.
        if path.is_file() and path.relative_to(release).parts[0] in ("pseudonymized", "anonymized"):
            text = path.read_bytes().decode("utf-8", "replace")
            both = f"{path}\n{text}\n{unicodedata.normalize('NFKC', text)}"
            for word in wanted:
                assert word not in both, f"a canary of {len(word)} characters is in {path.name}"
    if form == "bundles" and source.name != "fhir-jp":
        assert made["Patient"] == PERSONS and made["Composition"] == 30, made
        assert made["Observation"] == 3 * PERSONS and made["Condition"] == PERSONS, made
    if form == "ndjson":
        assert made["Patient"] == PERSONS and made["Observation"] == 3 * PERSONS, made
        assert sum(len(r.get("component", [])) for r, _ in everything) == 2 * PERSONS
    print(f"{bundles} Bundles, {dict(made)}, {logical} references by identifier alone, {len(wanted)} canaries")


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "make":
        make(pathlib.Path(rest[0]))
    elif what == "split":
        split(pathlib.Path(rest[0]), pathlib.Path(rest[1]))
    elif what == "break":
        spoil(rest[0], pathlib.Path(rest[1]), pathlib.Path(rest[2]))
    elif what == "policy":
        policy(rest[0])
    else:
        check(pathlib.Path(rest[0]), pathlib.Path(rest[1]), rest[2])
