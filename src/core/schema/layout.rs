//! Layout packs: what is known of a published file layout before any hospital's policy.
//!
//! A pack is data (`policies/layouts/<id>.toml`): the columns in their order with role, type, code system, special
//! values and where that is published, the editions (fiscal years) that it covers, how the files are read, the keys, and
//! checks that a file of another layout does not pass. A pack gives facts; the treatments are the policy's.

use indexmap::IndexMap;
use serde::Deserialize;

/// A shipped pack: its id and its text.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Folder and name: `dpc/ef-inpatient`.
    pub id: &'static str,
    /// The TOML.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($id:literal)*) => {
        /// All shipped packs.
        pub static SHIPPED: &[Shipped] = &[$(Shipped {
            id: $id,
            text: include_str!(concat!("../../../policies/layouts/", $id, ".toml")),
        }),*];
    };
}

shipped! {
    "dpc/ff1" "dpc/ff1-wide" "dpc/ff4" "dpc/d" "dpc/ef-inpatient" "dpc/ef-outpatient" "dpc/h" "dpc/k"
    "lab/long-jlac10" "lab/long-local"
    "omop/person" "omop/observation_period" "omop/visit_occurrence" "omop/condition_occurrence"
    "omop/drug_exposure" "omop/procedure_occurrence" "omop/device_exposure" "omop/measurement"
    "omop/observation" "omop/death" "omop/note"
    "uke/re" "uke/ho" "uke/ko" "uke/sn" "uke/jd"
    "uke/mf" "uke/gr" "uke/sy" "uke/si" "uke/iy"
    "uke/to" "uke/co" "uke/sj" "uke/dpc-re" "uke/dpc-ho"
    "uke/dpc-ko" "uke/dpc-sn" "uke/dpc-jd" "uke/dpc-mf" "uke/dpc-gr"
    "uke/dpc-bu" "uke/dpc-sb" "uke/dpc-sy" "uke/dpc-kk" "uke/dpc-sk"
    "uke/dpc-ga" "uke/dpc-hh" "uke/dpc-gt" "uke/dpc-si" "uke/dpc-iy"
    "uke/dpc-to" "uke/dpc-co" "uke/dpc-sj" "uke/dpc-cd" "uke/chozai-re"
    "uke/chozai-ho" "uke/chozai-ko" "uke/chozai-sn" "uke/chozai-jd" "uke/chozai-mf"
    "uke/chozai-sh" "uke/chozai-cz" "uke/chozai-iy" "uke/chozai-to" "uke/chozai-co"
    "uke/chozai-tk" "uke/chozai-ki" "ssmix2/person" "ssmix2/family" "ssmix2/insurance"
    "ssmix2/allergy" "ssmix2/observation" "ssmix2/visit" "ssmix2/diagnosis" "ssmix2/prescription"
    "ssmix2/injection" "ssmix2/laboratory"
    "fhir/patient" "fhir/encounter" "fhir/condition" "fhir/observation" "fhir/observation_component"
    "fhir/medication_request" "fhir/medication_administration" "fhir/procedure" "fhir/allergy_intolerance" "fhir/diagnostic_report"
    "fhir/immunization" "fhir/service_request" "fhir/coverage" "fhir-clins/patient" "fhir-clins/encounter" "fhir-clins/composition" "fhir-clins/condition"
    "fhir-clins/allergy_intolerance" "fhir-clins/observation" "fhir-clins/observation_component" "fhir-clins/medication_request" "uke/chozai-st" "uke/shika-re"
    "uke/shika-ho" "uke/shika-ko" "uke/shika-sn" "uke/shika-jd" "uke/shika-mf"
    "uke/shika-hs" "uke/shika-ss" "uke/shika-si" "uke/shika-iy" "uke/shika-to"
    "uke/shika-co" "uke/shika-sj" "uke/homon-re" "uke/homon-ho" "uke/homon-ko"
    "uke/homon-sn" "uke/homon-jd" "uke/homon-mf" "uke/homon-ih" "uke/homon-hj"
    "uke/homon-js" "uke/homon-sy" "uke/homon-rj" "uke/homon-co" "uke/homon-ka"
}

/// The shipped pack with an id.
#[must_use]
pub fn shipped(id: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|p| p.id == id)
}

/// A pack as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// What it is.
    pub layout: Head,
    /// How its files are read: the fields of a policy's `source` but `path`.
    #[serde(default)]
    pub source: IndexMap<String, serde_json::Value>,
    /// Keys, as in a policy.
    #[serde(default)]
    pub keys: IndexMap<String, serde_json::Value>,
    /// Checks of rows.
    #[serde(default)]
    pub rows: Rows,
    /// The columns, in the order of the file.
    pub columns: List,
    /// What files of the layout hold besides, known and left out.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// What the row-dependent columns mean, by the value of the column that decides it.
    #[serde(default)]
    pub when: Vec<When>,
}

/// What is known to stand in files of a layout and is not read (FHIR).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The element with everything below it; `**.name` is the element `name` at any depth.
    pub path: String,
    /// Why it is left out.
    pub reason: String,
}

/// Identity of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Folder and name, as in the file's path.
    pub id: String,
    /// A title.
    pub title: String,
    /// The editions that it covers: fiscal years (`2026`) or versions (`5.4`).
    pub editions: Vec<String>,
    /// What one row is, as in a policy.
    pub grain: String,
    /// Names that such files usually have, as patterns (`EFn_*`): a hint for recognition, never a proof.
    #[serde(default)]
    pub files: Vec<String>,
    /// Where the layout is published.
    pub source: String,
}

/// Checks of rows, as in a policy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// The checks.
    #[serde(default)]
    pub checks: Vec<serde_json::Value>,
    /// The columns that tell rows of one stay (or person) apart, as in a policy.
    #[serde(default)]
    pub repeats_by: Vec<String>,
}

/// Columns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// In the order of the file.
    pub list: Vec<LayoutColumn>,
}

/// A column of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayoutColumn {
    /// Its name.
    pub name: String,
    /// Its default role.
    pub role: super::Role,
    /// Its type.
    #[serde(default, rename = "type")]
    pub ty: super::Type,
    /// What a date is the date of.
    #[serde(default)]
    pub kind: Option<super::DateKind>,
    /// The code system.
    #[serde(default)]
    pub code: Option<String>,
    /// Special values.
    #[serde(default)]
    pub specials: Vec<String>,
    /// Values that mean "missing", besides the empty cell.
    #[serde(default)]
    pub missing: Vec<String>,
    /// What stands in the column in every row of a file of the layout that does not have it; nothing if empty.
    #[serde(default)]
    pub filler: Option<String>,
    /// Values are digits of one of these lengths (at least half of them, or the file has another layout).
    #[serde(default)]
    pub digits: Vec<u8>,
    /// Where its values stand in a FHIR resource; several places if one of them has them.
    #[serde(default)]
    pub path: Option<Values>,
    /// Another name for it in references.
    #[serde(default)]
    pub alias: Option<String>,
    /// What it means.
    #[serde(default)]
    pub meaning: Option<String>,
    /// Its unit.
    #[serde(default)]
    pub unit: Option<String>,
    /// Its meaning depends on the row: left out unless a `when` names it.
    #[serde(default)]
    pub per_row: bool,
    /// The editions that have it; all if empty.
    #[serde(default)]
    pub editions: Vec<String>,
    /// Where it is published.
    #[serde(default)]
    pub cite: String,
}

/// What row-dependent columns mean in some rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Column to the value, or the values.
    #[serde(rename = "match")]
    pub matching: IndexMap<String, Values>,
    /// A title.
    #[serde(default)]
    pub title: String,
    /// The editions that have it; all if empty.
    #[serde(default)]
    pub editions: Vec<String>,
    /// What one row is, if not as in the whole.
    #[serde(default)]
    pub grain: Option<String>,
    /// The columns that mean something.
    #[serde(default)]
    pub list: Vec<LayoutColumn>,
}

/// One value or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Values {
    /// The values.
    #[must_use]
    pub fn list(&self) -> &[String] {
        match self {
            Values::One(value) => std::slice::from_ref(value),
            Values::Several(values) => values,
        }
    }
}

impl Pack {
    /// Whether an edition has what is limited to `editions`.
    #[must_use]
    pub fn has(editions: &[String], edition: &str) -> bool {
        editions.is_empty() || editions.iter().any(|e| e == edition)
    }
    /// What is wrong with a pack beyond its form: empty if nothing is.
    #[must_use]
    pub fn faults(&self) -> Vec<crate::error::Said> {
        use crate::error::Name;
        use crate::say;
        let mut faults = Vec::new();
        if self.layout.editions.is_empty() {
            faults.push(say!("`layout.editions` names no edition"));
        }
        let mut seen = std::collections::BTreeSet::new();
        for column in &self.columns.list {
            if !seen.insert(column.name.as_str()) {
                faults.push(say!("two columns are named `{}`", Name::from_policy(&column.name)));
            }
            if column.kind.is_some() && !column.ty.is_date() {
                faults.push(say!(
                    "column `{}`: `kind` is for dates",
                    Name::from_policy(&column.name)
                ));
            }
            let fhir = self.source.get("format").is_some_and(|f| f == "fhir");
            if column.path.is_some() != fhir {
                faults.push(say!(
                    "column `{}`: a `path` is what a column of a FHIR layout has, and no other",
                    Name::from_policy(&column.name)
                ));
            }
            if column.filler.as_ref().is_some_and(|f| !column.specials.contains(f)) {
                faults.push(say!(
                    "column `{}`: its `filler` is none of its `specials`, so a reader would take it for a value",
                    Name::from_policy(&column.name)
                ));
            }
            if column.cite.is_empty() {
                faults.push(say!(
                    "column `{}` has no `cite`: say where it is published",
                    Name::from_policy(&column.name)
                ));
            }
        }
        for left in &self.left_out {
            if left.reason.is_empty() {
                faults
                    .push(say!("`{}` is left out without a reason", Name::from_policy(&left.path)));
            }
        }
        let mut values = std::collections::BTreeSet::new();
        for when in &self.when {
            for (column, list) in &when.matching {
                if !seen.contains(column.as_str()) {
                    faults.push(say!(
                        "`when` matches on `{}`, which is no column",
                        Name::from_policy(column)
                    ));
                }
                for value in list.list() {
                    if !values.insert((column, value)) {
                        faults.push(say!("two `when` match `{}`", Name::from_policy(value)));
                    }
                }
            }
            for column in &when.list {
                match self.columns.list.iter().find(|c| c.name == column.name) {
                    Some(base) if base.per_row => {}
                    _ => faults.push(say!(
                        "`when` describes `{}`, which is no column with `per_row = true`",
                        Name::from_policy(&column.name)
                    )),
                }
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(shipped: &Shipped) -> Pack {
        toml::from_str(shipped.text).unwrap_or_else(|e| panic!("{}: {e}", shipped.id))
    }

    #[test]
    fn shipped_packs_are_whole() {
        for shipped in SHIPPED {
            let pack = read(shipped);
            assert_eq!(pack.layout.id, shipped.id);
            assert!(pack.faults().is_empty(), "{}: {:?}", shipped.id, pack.faults());
            assert!(!pack.layout.source.is_empty() && !pack.layout.title.is_empty());
            for (_, list) in pack.when.iter().flat_map(|w| &w.matching) {
                assert!(!list.list().is_empty());
            }
        }
    }

    #[test]
    fn widths_are_those_of_the_published_layouts() {
        for (id, width) in [
            ("dpc/ff1", 17),
            ("dpc/ef-inpatient", 31),
            ("dpc/ef-outpatient", 31),
            ("dpc/d", 30),
            ("dpc/h", 29),
        ] {
            assert_eq!(read(shipped(id).unwrap()).columns.list.len(), width, "{id}");
        }
    }

    #[test]
    fn every_shipped_file_is_embedded() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/layouts");
        let mut files = 0;
        for folder in std::fs::read_dir(&root).unwrap().flatten().filter(|f| f.path().is_dir()) {
            for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
                let id = format!(
                    "{}/{}",
                    folder.file_name().to_str().unwrap(),
                    file.path().file_stem().unwrap().to_str().unwrap()
                );
                assert!(shipped(&id).is_some(), "{id} is not embedded");
                files += 1;
            }
        }
        assert_eq!(files, SHIPPED.len());
    }
}
