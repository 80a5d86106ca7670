//! Builds the plan and reports every contradiction at once, each with its place in the policy.

use std::collections::BTreeMap;

use super::closure::key_shown;
use super::declared;
use super::evidence::legal_evidence;
use super::model::*;
use super::shape;
use crate::error::{Error, Name, Result, Said};
use crate::law::Item;
use crate::policy::Loaded;
use crate::policy::model as written;
use crate::say;
use crate::schema::codes::{Hierarchy, Ladders};
use crate::schema::file::{CellForm, MeasuredForm, NamePart, ReleaseForm};
use crate::schema::{ByKind, ColumnAt, ColumnFacts, DateKind, Kind, Role, Type};
use crate::technique::{ColumnRef, Scope, Shows, Treatment, token_word};

/// The code systems, and the hierarchy tables that the policy names (relative to the file that names them).
///
/// # Errors
/// A table that cannot be read or is not a hierarchy.
pub fn ladders(loaded: &Loaded) -> Result<Ladders> {
    let mut ladders = Ladders::new();
    let mut errors = Vec::new();
    for (name, hierarchy) in &loaded.policy.hierarchies {
        let place = loaded.place(&["hierarchies", name]);
        let shown = Name::from_policy(name.clone());
        let fail = |what: Said| Error::policy("P0109", what).at_opt(place.clone());
        let folder = loaded
            .folder_of(&["hierarchies", name])
            .map(std::path::Path::to_owned)
            .unwrap_or_default();
        let text = match std::fs::read_to_string(folder.join(&hierarchy.path)) {
            Ok(text) => text,
            Err(_) => {
                errors.push(fail(say!(
                    "hierarchy `{}`: the file `{}` cannot be read as UTF-8 text",
                    shown,
                    Name::from_policy(hierarchy.path.clone())
                )));
                continue;
            }
        };
        let [delimiter] = hierarchy.delimiter.as_bytes() else {
            errors.push(fail(say!("hierarchy `{}`: the delimiter must be one character", shown)));
            continue;
        };
        let levels = hierarchy.levels.iter().map(|l| Name::from_policy(l.clone())).collect();
        let parsed = Hierarchy::parse(
            shown.clone(),
            text.trim_start_matches('\u{feff}'),
            *delimiter,
            hierarchy.header,
            levels,
            Name::from_policy(hierarchy.version.clone()),
            Name::from_policy(hierarchy.source.clone()),
        );
        let parsed = parsed.and_then(|table| match &hierarchy.over {
            Some(over) => table.over(
                &Name::from_policy(over.code.clone()),
                &Name::from_policy(over.level.clone()),
            ),
            None => Ok(table),
        });
        if let Err(what) = parsed.and_then(|table| ladders.add(table)) {
            errors.push(fail(what));
        }
    }
    Error::all(errors).map_or(Ok(ladders), Err)
}

impl Plan {
    /// Builds the plan of a policy.
    ///
    /// # Errors
    /// Every contradiction in the policy and every legal item without an answer, with places.
    pub fn build(loaded: &Loaded, ladders: &Ladders) -> Result<Plan> {
        let mut builder = Builder { loaded, ladders, errors: Vec::new(), warnings: Vec::new() };
        let plan = builder.plan();
        let mut errors = builder.errors;
        errors.sort_by_key(|e| e.place.as_ref().map(|p| (p.file.clone(), p.line, p.column)));
        Error::all(errors).map_or(Ok(plan), Err)
    }
}

impl Plan {
    /// A plan that is good for reading files only: nothing is judged against the law, and nothing can be released with it.
    ///
    /// # Errors
    /// What keeps the tables from being read.
    pub fn for_reading(loaded: &Loaded) -> Result<Plan> {
        let ladders = Ladders::new();
        let mut builder =
            Builder { loaded, ladders: &ladders, errors: Vec::new(), warnings: Vec::new() };
        let plan = builder.plan();
        // What the law asks of a release does not matter where none is made.
        let errors = builder.errors.into_iter().filter(|e| !e.code.starts_with("P02")).collect();
        Error::all(errors).map_or(Ok(plan), Err)
    }
}

/// How identifiers are normalized: FHIR and OMOP give theirs exactly, and hospitals' numbers are typed by people.
fn normalize(policy: &written::Policy) -> written::Normalize {
    let exact = policy
        .tables
        .values()
        .any(|t| is_fhir(&t.source) || t.layout.as_deref().is_some_and(|l| l.starts_with("omop/")));
    let own = policy.person.normalize;
    written::Normalize {
        keep_case: own.keep_case.or(Some(exact)),
        keep_hyphens: own.keep_hyphens.or(Some(exact)),
        ..own
    }
}

/// Files of FHIR that several tables read have the resources of all of them: those of the others are no unknown ones.
fn beside_each_other(tables: &mut [TablePlan]) {
    let kinds: Vec<(String, String)> = tables
        .iter()
        .filter(|t| is_fhir(&t.source))
        .filter_map(|t| {
            let record = t.source.record.as_deref()?;
            let kind = record.split_once('/').map_or(record, |(kind, _)| kind);
            Some((t.source.path.clone(), kind.to_owned()))
        })
        .collect();
    for table in tables.iter_mut().filter(|t| is_fhir(&t.source)) {
        let source = &mut table.source;
        let own = source.record.clone().unwrap_or_default();
        let own = own.split_once('/').map_or(own.as_str(), |(kind, _)| kind).to_owned();
        for (_, kind) in kinds.iter().filter(|(path, kind)| *path == source.path && *kind != own) {
            if !source.ignore.contains(kind) {
                source.ignore.push(kind.clone());
            }
        }
    }
}

fn is_fhir(source: &written::Source) -> bool {
    source.form() == Some(written::InputFormat::Fhir)
}

pub(crate) struct Builder<'a> {
    pub(crate) loaded: &'a Loaded,
    ladders: &'a Ladders,
    pub(crate) errors: Vec<Error>,
    warnings: Vec<Warning>,
}

pub(crate) fn name(text: &str) -> Name {
    Name::from_policy(text)
}

/// A floor may put a label that is no number (`>=90`) where the treatment gives numbers.
fn label_floors(plan: &mut Plan) {
    for t in 0..plan.tables.len() {
        for c in 0..plan.tables[t].columns.len() {
            let floored = plan.floor_of(t, c).is_some();
            let planned = &mut plan.tables[t].columns[c].treatments[Kind::Anonymized];
            let number = matches!(planned.output, Some(Type::Integer | Type::Decimal));
            if floored && number {
                planned.output = Some(Type::Measured);
            }
        }
    }
}

impl Builder<'_> {
    pub(crate) fn error(&mut self, code: &'static str, path: &[&str], what: Said) -> &mut Error {
        self.errors.push(Error::policy(code, what).at_opt(self.loaded.place(path)));
        let last = self.errors.len() - 1;
        &mut self.errors[last]
    }
    pub(crate) fn advise(&mut self, code: &'static str, path: &[&str], what: Said, advice: Said) {
        self.error(code, path, what).advice = Some(advice);
    }
    fn warn(&mut self, code: &'static str, path: &[&str], text: Said, text_ja: Said) {
        self.warnings.push(Warning { code, text, text_ja, place: self.loaded.place(path) });
    }

    fn plan(&mut self) -> Plan {
        let policy = &self.loaded.policy;
        let plain = |t: &str| {
            !t.is_empty()
                && t.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if !plain(&policy.policy.id) {
            self.error(
                "P0101",
                &["policy", "id"],
                say!("a policy id has letters, digits, `-` and `_`"),
            );
        }
        let mut tables = Vec::new();
        for (table_name, table) in &policy.tables {
            tables.push(self.table(table_name, table));
        }
        beside_each_other(&mut tables);
        self.of_all_tables(&tables);
        let floor = super::closure::floor(&policy.anonymized);
        for table in &mut tables {
            for column in &mut table.columns {
                column.treatments.iter_mut().for_each(|t| t.treatment.set_persons(floor));
            }
        }
        self.tie(&mut tables);
        self.decided(&mut tables);
        self.dates(&mut tables);
        self.scopes(&mut tables);
        let anonymizes = policy.makes(Kind::Anonymized);
        let (mut views, sets) = match anonymizes {
            true => (self.views(&tables), self.sets(&tables)),
            false => (Vec::new(), Vec::new()),
        };
        self.check_columns(&tables, &views);
        self.check_tables(&tables, &views);
        self.check_declared(&tables, &views, &sets);
        self.of_releases(&tables);
        let suppress = policy.anonymized.suppress.clone();
        if anonymizes {
            super::closure::close(&tables, &mut views, floor);
        }
        let mut never_blank = Vec::new();
        for (at, text) in policy.anonymized.suppress.never.iter().enumerate().filter(|_| anonymizes)
        {
            let at = at.to_string();
            let path = ["anonymized", "suppress", "never", at.as_str()];
            never_blank.extend(self.resolve(&tables, None, text, &path));
        }
        let unique = self.unique(&tables, &views);
        let search = self.search(&tables);
        let waivers = self.waivers(&tables);
        let not_applicable: BTreeMap<String, Name> =
            policy.not_applicable.iter().map(|(k, v)| (k.clone(), name(v))).collect();
        let linkage = self.linkage(&tables);
        let receipts = self.receipts(&tables);
        let ignore = self.ignore();
        let zone = self.zone();
        let mut plan = Plan {
            id: name(&policy.policy.id),
            version: name(&policy.policy.version),
            profile: policy.policy.profile,
            tier: policy.anonymized.tier.filter(|_| anonymizes),
            because: policy.anonymized.because.as_deref().map(name),
            person_key: name(&policy.person.key),
            normalize: normalize(policy),
            ignore,
            zone,
            linkage,
            eligibility: policy.eligibility,
            releases: Kind::BOTH.into_iter().filter(|&kind| policy.makes(kind)).collect(),
            tables,
            views,
            unique,
            sets,
            floor,
            suppress,
            never_blank,
            search,
            output: policy.output.clone(),
            project: name(&policy.pseudonymized.project),
            recipient: name(&policy.pseudonymized.recipient),
            receipts,
            not_applicable,
            waivers,
            warnings: Vec::new(),
        };
        label_floors(&mut plan);
        self.in_file(&plan);
        self.names_of_files(&plan);
        self.law(&plan);
        plan.warnings = std::mem::take(&mut self.warnings);
        plan
    }

    /// What can be said of the tables when all are known.
    fn of_all_tables(&mut self, tables: &[TablePlan]) {
        let policy = &self.loaded.policy;
        if tables.is_empty() {
            self.error("P0103", &["tables"], say!("the policy has no tables"));
        }
        self.parts(tables);
        let key_widths: Vec<(usize, bool)> = tables
            .iter()
            .filter_map(|t: &TablePlan| {
                Some((t.keys.get(t.person_key)?.columns.len(), t.source.per_folder))
            })
            .collect();
        if key_widths.windows(2).any(|w| w[0] != w[1]) {
            self.error(
                "P0103",
                &["person", "key"],
                say!("the person's key must have the same number of columns in every table, and the folder (`per_folder`) in all or in none"),
            );
        }
        if policy.releases.is_empty() {
            self.error("P0108", &["releases"], say!("`releases` names no release"));
        }
    }

    /// Finds the dates that treatments refer to, which needs all tables.
    fn dates(&mut self, tables: &mut [TablePlan]) {
        for t in 0..tables.len() {
            for c in 0..tables[t].columns.len() {
                for kind in Kind::BOTH {
                    let needs = tables[t].columns[c].treatment(kind).treatment.needs();
                    let mut dates = Vec::new();
                    for reference in needs.dates {
                        let found = self.date(tables, t, c, kind, &reference);
                        dates.extend(found.map(|d| match needs.earliest {
                            true => DateRef { join: Join::Person, ..d },
                            false => d,
                        }));
                    }
                    tables[t].columns[c].treatments[kind].dates = dates;
                }
            }
        }
    }

    /// What is wrong with the output and with what is said of the two releases as a whole.
    fn of_releases(&mut self, tables: &[TablePlan]) {
        let policy = &self.loaded.policy;
        if policy.output.encoding == written::Encoding::Utf16 {
            self.advise(
                "P0343",
                &["output", "encoding"],
                say!("UTF-16 is read and not written"),
                say!("`encoding = \"utf-8-bom\"` is what spreadsheets open"),
            );
        }
        self.in_source_form(tables);
        for fault in super::long::faults(policy, tables) {
            let path: Vec<&str> = fault.path.iter().map(String::as_str).collect();
            self.error(fault.code, &path, fault.what).advice = Some(fault.advice);
        }
        let suppress = &policy.anonymized.suppress;
        if !(0.0..=1.0).contains(&suppress.at_most) {
            self.error(
                "P0108",
                &["anonymized", "suppress", "at_most"],
                say!("`at_most` is a share between 0 and 1"),
            );
        }
        let pseudonymizes = policy.makes(Kind::Pseudonymized);
        if pseudonymizes && policy.pseudonymized.project.is_empty() {
            self.advise(
                "P0003",
                &["pseudonymized"],
                say!("`pseudonymized.project` is missing"),
                say!("tokens are derived for a project: two projects cannot be joined"),
            );
        }
        if pseudonymizes && policy.pseudonymized.recipient.is_empty() {
            self.advise(
                "P0003",
                &["pseudonymized"],
                say!("`pseudonymized.recipient` is missing"),
                say!("tokens are derived for a recipient: two recipients cannot join their data"),
            );
        }
        if policy.anonymized.floor.is_some_and(|n| n < 2) {
            let what = say!("`floor` is at least 2: one person alone would be shown");
            self.advise(
                "P0108",
                &["anonymized", "floor"],
                what,
                say!("a single column is exempt with `no_floor = \"why\"`"),
            );
        }
    }

    /// Which tables cannot have the form of their source.
    fn in_source_form(&mut self, tables: &[TablePlan]) {
        let policy = &self.loaded.policy;
        if policy.output.form != ReleaseForm::Source {
            return;
        }
        let output = &policy.output;
        let beside = [
            ("bounds", output.bounds),
            ("measured", output.measured == Some(MeasuredForm::Split)),
            ("cells", output.cells == CellForm::Normalized),
        ];
        for (word, _) in beside.iter().filter(|(_, said)| *said) {
            self.advise(
                "P0351",
                &["output", word],
                say!("the form of the source has no place for what `{}` asks for", name(word)),
                say!("leave it out, or `form`"),
            );
        }
        for table in tables {
            let format = table.source.form().unwrap_or(written::InputFormat::Csv);
            if format.facts().back.is_none() {
                let advice = if crate::is_uke(&table.source) {
                    say!(
                        "leave `form` out; `pseudonymized.receipt_file` writes the receipts as a receipt file beside the tables"
                    )
                } else {
                    say!(
                        "leave `form` out: the tables are then CSV or Parquet; docs/source-form.md says which sources are written back"
                    )
                };
                self.advise(
                    "P0351",
                    &["output", "form"],
                    say!("table `{}`: its source is of the format {}, which is not written back in its own form", table.name, name(format.facts().word)),
                    advice,
                );
            }
            if is_fhir(&table.source) {
                self.in_resources(tables, table);
                continue;
            }
            if table.source.form() == Some(written::InputFormat::Parquet) {
                continue;
            }
            if table.source.encoding == written::Encoding::Utf16 {
                let path = ["tables", table.name.as_str(), "source", "encoding"];
                self.advise(
                    "P0351",
                    &path,
                    say!("table `{}`: UTF-16 is read and not written, so its files cannot have the form of their source", table.name),
                    say!("leave `form` out of `output`"),
                );
            }
        }
    }

    /// Rows that are elements of a resource are written into it: both must say which it is.
    fn in_resources(&mut self, tables: &[TablePlan], table: &TablePlan) {
        let kind = Kind::Pseudonymized;
        let (of, Some(_)) = shape::record(table) else { return };
        if !table.is_released(kind) {
            return;
        }
        let shows = |table: &TablePlan| {
            table
                .columns
                .iter()
                .any(|c| c.treatment(kind).output.is_some() && c.path.iter().any(|p| p == "id"))
        };
        let whole = tables.iter().find(|t| shape::record(t) == (of, None) && t.is_released(kind));
        if !shows(table) || !whole.is_some_and(shows) {
            self.advise(
                "P0351",
                &["tables", table.name.as_str()],
                say!("table `{}`: its rows are elements of resources, and no column says of which", table.name),
                say!("release the column with the path `id` of both tables (pseudonymized = \"pseudonym\"), drop all columns of this one, or leave `form` out of `output`"),
            );
        }
    }

    /// Names of files: of what the release shows, and none that two tables could share.
    fn names_of_files(&mut self, plan: &Plan) {
        for kind in Kind::BOTH {
            let files = shape::files(plan, kind);
            let named: Vec<(Name, Vec<NamePart>)> = files
                .iter()
                .map(|file| {
                    let table = &plan.tables[file.tables[0]];
                    let plain = file.relative.rsplit('/').next().unwrap_or_default().to_owned();
                    let parts = match file.names.as_slice() {
                        [] => vec![NamePart::Text(plain)],
                        parts => parts.to_vec(),
                    };
                    (table.name.clone(), parts)
                })
                .collect();
            for file in &files {
                for &t in &file.tables {
                    let table = &plan.tables[t];
                    for what in super::names::faults(table, kind) {
                        let path = ["tables", table.name.as_str(), "files", kind.word()];
                        self.error("P0352", &path, what);
                    }
                }
            }
            if plan.output.form != ReleaseForm::Source {
                continue;
            }
            for (at, (table, parts)) in named.iter().enumerate() {
                let other = named[..at].iter().find(|(_, other)| super::names::meet(parts, other));
                if let Some((other, _)) = other {
                    self.advise(
                        "P0352",
                        &["tables", table.as_str(), "files", kind.word()],
                        say!(
                            "tables `{}` and `{}` could have files of one name in the {} release",
                            other,
                            table,
                            kind
                        ),
                        say!(
                            "let the names begin with other letters: files = {{ {} = \"...\" }}",
                            kind.word()
                        ),
                    );
                }
            }
        }
    }

    /// How the columns stand in the files: no two have one name, and words about numbers are for files that have numbers.
    fn in_file(&mut self, plan: &Plan) {
        if plan.output.measured == Some(MeasuredForm::Split) && !plan.output.typed() {
            self.advise(
                "P0132",
                &["output", "measured"],
                say!("cells that are kept to the byte are not split into numbers and operators"),
                say!("cells = \"normalized\", or format = \"parquet\""),
            );
        }
        for (t, table) in plan.tables.iter().enumerate() {
            for kind in Kind::BOTH {
                let mut taken: BTreeMap<String, usize> = BTreeMap::new();
                let released = shape::released(plan, t, kind);
                let names = released.iter().map(|r| table.name_in(kind, r.column).to_string());
                taken.extend(names.zip(released.iter().map(|r| r.column)));
                for r in &released {
                    let own = table.name_in(kind, r.column).as_str();
                    for (beside, _) in r.in_file(own).into_iter().skip(1) {
                        if let Some(&other) = taken.get(&beside).filter(|&&o| o != r.column) {
                            let column = &table.columns[other].facts.column;
                            let path = ["tables", table.name.as_str(), "columns", column.as_str()];
                            self.advise(
                                "P0101",
                                &path,
                                say!(
                                    "the file has a column `{}` already, beside column `{}`",
                                    name(&beside),
                                    name(own)
                                ),
                                say!("another `alias`, or output.measured = \"text\""),
                            );
                        }
                    }
                }
            }
        }
    }

    /// Files that may be there unread.
    fn ignore(&mut self) -> Vec<glob::Pattern> {
        let mut patterns = Vec::new();
        for (index, text) in self.loaded.policy.ignore.iter().enumerate() {
            let everything = text.trim_matches(['*', '/', '.']).is_empty();
            match glob::Pattern::new(text) {
                Ok(pattern) if !everything => patterns.push(pattern),
                _ => {
                    let index = index.to_string();
                    self.advise(
                        "P0341",
                        &["ignore", index.as_str()],
                        say!("`ignore`: `{}` is not a pattern of some files", name(text)),
                        say!("such as \"*.xlsx\", \"notes/**\" or \"README.txt\", relative to the input folder"),
                    );
                }
            }
        }
        patterns
    }

    /// The zone in which days are counted.
    fn zone(&mut self) -> i32 {
        let word = self.loaded.policy.zone.as_deref().unwrap_or("Asia/Tokyo");
        crate::text::date::zone(word).unwrap_or_else(|| {
            self.advise(
                "P0342",
                &["zone"],
                say!("`{}` is not a zone that is known", name(word)),
                say!("`Asia/Tokyo`, `UTC`, or the hours that clocks are ahead of UTC, such as `+09:00`"),
            );
            0
        })
    }

    fn table(&mut self, table_name: &str, table: &written::TablePolicy) -> TablePlan {
        let path = ["tables", table_name];
        let plain = table_name.len() <= 64
            && !table_name.is_empty()
            && unicode_normalization::is_nfc(table_name)
            && table_name.chars().all(|c| c == '_' || c.is_alphanumeric() && !c.is_uppercase());
        if !plain {
            self.error("P0101", &path, say!("table `{}`: a table name has letters (of any script, none large), digits and `_`, and at most 64 bytes (its files are named after it)", name(table_name)));
        }
        if table.source.per_folder && table.source.folder_place().is_none() {
            self.advise(
                "P0103",
                &["tables", table_name, "source", "per_folder"],
                say!("table `{}`: its path does not tell which folder makes numbers unique", name(table_name)),
                say!("the first wildcard must be a whole folder, without `**` in or behind it: path = \"*/labs.csv\""),
            );
        }
        for word in misplaced(&table.source) {
            self.advise(
                "P0132",
                &["tables", table_name, "source", word],
                say!(
                    "table `{}`: `{}` says nothing of files of this form",
                    name(table_name),
                    name(word)
                ),
                say!("leave it out; docs/intake.md says which word is for which form of file"),
            );
        }
        let column_names: Vec<&str> = table.columns.keys().map(String::as_str).collect();
        let keys = self.keys(table_name, table, &column_names);
        let person_key = self.person_key(table_name, table);
        let grain = self.grain(table_name, table, person_key);
        let mut columns = Vec::new();
        for (column_name, column) in &table.columns {
            columns.push(self.column(table_name, table, column_name, column, &keys));
        }
        // The form of the source has its names.
        let names = match self.loaded.policy.output.form {
            ReleaseForm::Table => table.names,
            ReleaseForm::Source => written::Names::Column,
        };
        super::long::name_columns(names, &mut columns);
        if !table.set_aside.is_empty() {
            self.warn(
                "W0101",
                &["tables", table_name, "set_aside"],
                say!("table `{}`: rows with defects are set aside and counted", name(table_name)),
                say!("表`{}`: 欠陥のある行は除外して数える", name(table_name)),
            );
        }
        let mut repeats_by = Vec::new();
        for (index, column) in table.repeats_by.iter().enumerate() {
            match table.columns.get_index_of(column) {
                Some(at) => repeats_by.push(at),
                None => {
                    let index = index.to_string();
                    let path = ["tables", table_name, "repeats_by", index.as_str()];
                    self.unknown_column(&path, table_name, column, &column_names);
                }
            }
        }
        let (wrong, files) = super::names::of(table, self.loaded.policy.output.form);
        for (kind, what) in wrong {
            self.error("P0352", &["tables", table_name, "files", kind.word()], what);
        }
        TablePlan {
            name: name(table_name),
            files,
            repeats_by,
            grain,
            source: table.source.clone(),
            keys,
            person_key,
            set_aside: table.set_aside.clone(),
            layout: table.layout.as_deref().map(name),
            part: table.part.as_ref().map(|part| PartPlan {
                of: name(&part.of),
                matching: part
                    .matching
                    .iter()
                    .filter_map(|(column, values)| {
                        Some((table.columns.get_index_of(column)?, values.clone()))
                    })
                    .collect(),
                long: super::long::plans(table, self.loaded.policy.output.form),
            }),
            checks: self.row_checks(table_name, table),
            columns,
        }
    }

    fn keys(
        &mut self,
        table_name: &str,
        table: &written::TablePolicy,
        column_names: &[&str],
    ) -> Vec<KeyPlan> {
        let mut keys = Vec::new();
        for (key_name, key) in &table.keys {
            let mut columns = Vec::new();
            for column in key.columns() {
                match table.columns.get_index_of(column) {
                    Some(index) => columns.push(index),
                    None => self.unknown_column(
                        &["tables", table_name, "keys", key_name],
                        table_name,
                        column,
                        column_names,
                    ),
                }
            }
            if key.columns().is_empty() {
                self.error(
                    "P0103",
                    &["tables", table_name, "keys", key_name],
                    say!("key `{}` has no columns", name(key_name)),
                );
            }
            let token = match key.token() {
                None => columns.last().copied(),
                Some(token) => {
                    let at = table.columns.get_index_of(token);
                    if key.columns().iter().any(|c| c == token) {
                        self.error(
                            "P0103",
                            &["tables", table_name, "keys", key_name],
                            say!("key `{}`: its token needs a column of its own", name(key_name)),
                        );
                    }
                    if at.is_none() {
                        self.advise(
                            "P0103",
                            &["tables", table_name, "keys", key_name],
                            say!("table `{}` has no column `{}` for the token of key `{}`", name(table_name), name(token), name(key_name)),
                            say!("\"{}\" = {{ role = \"link\", pseudonymized = \"pseudonym\", anonymized = \"surrogate\" }}", name(token)),
                        );
                    }
                    at
                }
            };
            keys.push(KeyPlan { name: name(key_name), columns, token: token.unwrap_or(0) });
        }
        keys
    }

    fn person_key(&mut self, table_name: &str, table: &written::TablePolicy) -> usize {
        let person = &self.loaded.policy.person.key;
        match table.keys.get_index_of(person.as_str()) {
            Some(index) => index,
            None => {
                self.advise(
                    "P0103",
                    &["tables", table_name, "keys"],
                    say!(
                        "table `{}` has no key `{}`: every row must belong to a person",
                        name(table_name),
                        name(person)
                    ),
                    say!("name the column: keys = {{ {} = \"...\" }}", name(person)),
                );
                0
            }
        }
    }

    fn grain(
        &mut self,
        table_name: &str,
        table: &written::TablePolicy,
        person_key: usize,
    ) -> Grain {
        match table.grain.as_str() {
            "person" => Grain::Person,
            "event" => Grain::Event,
            other => {
                match table.keys.get_index_of(other) {
                    Some(index) if index == person_key => Grain::Person,
                    Some(index) => Grain::Key(index),
                    None => {
                        self.error(
                        "P0103",
                        &["tables", table_name, "grain"],
                        say!("the grain of table `{}` must be `person`, `event` or one of its keys", name(table_name)),
                    );
                        Grain::Event
                    }
                }
            }
        }
    }

    fn row_checks(&mut self, table_name: &str, table: &written::TablePolicy) -> Vec<RowCheckPlan> {
        let mut checks = Vec::new();
        for (index, check) in table.checks.iter().enumerate() {
            let index = index.to_string();
            let path = ["tables", table_name, "checks", index.as_str()];
            let column = |this: &mut Self, column: &String| {
                let found = table.columns.get_index_of(column);
                match found.map(|c| &table.columns[c]) {
                    // A date that is only compared may be read as text by the policy.
                    Some(_) => {}
                    None => {
                        let known: Vec<&str> = table.columns.keys().map(String::as_str).collect();
                        this.unknown_column(&path, table_name, column, &known);
                    }
                }
                found
            };
            match (&check.not_after, &check.until) {
                (Some([a, b]), None) => {
                    if let (Some(a), Some(b)) = (column(self, a), column(self, b)) {
                        checks.push(RowCheckPlan::NotAfter(a, b));
                    }
                }
                (None, Some([at, day])) => {
                    let zone = self.loaded.policy.zone.as_deref().unwrap_or("Asia/Tokyo");
                    let zone = crate::text::date::zone(zone).unwrap_or(0);
                    let day = crate::text::date::day_in_zone(day, zone);
                    match (column(self, at), day) {
                        (Some(at), Some(day)) => checks.push(RowCheckPlan::Until(at, day)),
                        (Some(_), None) => {
                            self.error(
                                "P0105",
                                &path,
                                say!("`until` needs a column and a day such as 20270331"),
                            );
                        }
                        (None, _) => {}
                    }
                }
                _ => {
                    self.error("P0105", &path, say!("a check is either `not_after` or `until`"));
                }
            }
        }
        checks
    }

    fn linkage(&mut self, tables: &[TablePlan]) -> Vec<LinkagePlan> {
        use crate::policy::model::LinkPart;
        use crate::text::link::Part;
        let mut rules = Vec::new();
        for (index, rule) in self.loaded.policy.person.same.iter().enumerate() {
            let index = index.to_string();
            let path = ["person", "same", index.as_str()];
            let Some(table) = tables.iter().position(|t| t.name.as_str() == rule.table) else {
                let what = say!("person.same: there is no table `{}`", name(&rule.table));
                self.error("P0102", &path, what);
                continue;
            };
            if tables[table].part.is_some() {
                self.error(
                    "P0102",
                    &path,
                    say!(
                        "person.same: `{}` is a part of a long table; it needs a table of its own",
                        name(&rule.table)
                    ),
                );
                continue;
            }
            let mut fields = Vec::new();
            for field in &rule.fields {
                let Some(at) = self.resolve(tables, Some(table), &field.column, &path) else {
                    continue;
                };
                let ColumnAt { table: t, column } = at;
                if t != table {
                    self.error(
                        "P0102",
                        &path,
                        say!(
                            "person.same: `{}` is not a column of table `{}`",
                            name(&field.column),
                            name(&rule.table)
                        ),
                    );
                    continue;
                }
                fields.push((
                    column,
                    match field.part {
                        LinkPart::Date => Part::Date,
                        LinkPart::Kana => Part::Kana,
                        LinkPart::Sex => Part::Sex,
                        LinkPart::Id => Part::Identifier,
                    },
                ));
            }
            let strong = fields.iter().any(|(_, p)| *p == Part::Identifier)
                || [Part::Date, Part::Kana].iter().all(|w| fields.iter().any(|(_, p)| p == w));
            if !strong {
                self.advise(
                    "P0103",
                    &path,
                    say!("person.same: these fields would make one person of many"),
                    say!("a number, or birth date with kana name (and sex)"),
                );
            }
            rules.push(LinkagePlan { table, fields, at_most: rule.at_most });
        }
        rules
    }

    /// Parts of one long table: one file, no row in two parts.
    fn parts(&mut self, tables: &[TablePlan]) {
        for (t, table) in tables.iter().enumerate() {
            let Some(part) = &table.part else { continue };
            let path = ["tables", table.name.as_str(), "part"];
            for other in &tables[..t] {
                let Some(before) = &other.part else { continue };
                if before.of != part.of {
                    continue;
                }
                let apart = part.matching.iter().any(|(column, values)| {
                    before
                        .matching
                        .iter()
                        .any(|(c, v)| c == column && !v.iter().any(|v| values.contains(v)))
                });
                if !apart {
                    self.error(
                        "P0103",
                        &path,
                        say!(
                            "tables `{}` and `{}`: a row of `{}` could be in both",
                            other.name,
                            table.name,
                            part.of
                        ),
                    );
                }
            }
        }
    }

    fn unknown_column(&mut self, path: &[&str], table: &str, column: &str, known: &[&str]) {
        let advice = known
            .iter()
            .map(|k| (strsim::normalized_damerau_levenshtein(column, k), *k))
            .filter(|(score, _)| *score >= 0.4)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, k)| say!("did you mean `{}`?", name(k)));
        self.error(
            "P0102",
            path,
            say!("table `{}` has no column `{}`", name(table), name(column)),
        )
        .advice = advice;
    }

    fn column(
        &mut self,
        table_name: &str,
        table: &written::TablePolicy,
        column_name: &str,
        column: &written::ColumnPolicy,
        keys: &[KeyPlan],
    ) -> ColumnPlan {
        let path = ["tables", table_name, "columns", column_name];
        let facts = ColumnFacts {
            table: name(table_name),
            column: name(column_name),
            role: column.role,
            ty: column.ty,
            date: column.kind,
            code: column.code.as_deref().map(name),
            specials: column.specials.clone(),
        };
        if column.kind.is_some() && !column.ty.is_date() {
            self.error(
                "P0105",
                &path,
                say!("column `{}`: `kind` is for dates; the type is {}", facts.column, facts.ty),
            );
        }
        let index = table.columns.get_index_of(column_name);
        let in_keys: Vec<usize> = (0..keys.len())
            .filter(|&k| Some(keys[k].token) == index && !keys[k].columns.is_empty())
            .collect();
        if in_keys.len() > 1 {
            self.error(
                "P0103",
                &path,
                say!(
                    "column `{}` is the last column of two keys: its token would be ambiguous",
                    facts.column
                ),
            )
            .advice = Some(say!(
                "give one of them a column of its own: {{ columns = [...], token = \"...\" }}"
            ));
        }
        if column.path.is_some() && !is_fhir(&table.source) {
            self.error(
                "P0317",
                &["tables", table_name, "columns", column_name, "path"],
                say!("column `{}` has a `path`, which only a FHIR source reads", facts.column),
            );
        }
        let key = in_keys.first().copied();
        if key.is_some() && column.role != Role::Link {
            self.advise(
                "P0103",
                &["tables", table_name, "columns", column_name, "role"],
                say!(
                    "column `{}` makes the key `{}`, so its role is link",
                    facts.column,
                    key.map(|k| keys[k].name.clone())
                ),
                say!("role = \"link\""),
            );
        }
        let mut treatments = self.treatments(&path, column, &facts);
        let mut stands_in = None;
        let made = table.keys.values().any(|k| k.token() == Some(column_name));
        if made && self.loaded.policy.output.form == ReleaseForm::Source {
            stands_in = self.place_of_token(&path, table, &facts, &mut treatments);
        }
        if column.filler.as_ref().is_some_and(|f| !column.specials.contains(f)) {
            self.error(
                "P0105",
                &path,
                say!("column `{}`: its `filler` is none of its `specials`, so a reader would take it for a value", facts.column),
            );
        }
        let optional = |text: &Option<String>| text.as_deref().map(name);
        self.tell_exempt(&path, column, &facts);
        ColumnPlan {
            facts,
            missing: column.missing.clone(),
            path: column.path.as_ref().map(|p| p.list().to_vec()).unwrap_or_default(),
            made,
            stands_in,
            filler: column.filler.clone(),
            digits: column.digits.clone(),
            alias: column.alias.as_deref().map(name),
            shown: name(column_name),
            key,
            treatments,
            coincides: optional(&column.coincides),
            because: optional(&column.because),
            no_floor: optional(&column.no_floor),
            ends_only: optional(&column.ends_only),
            tied: ByKind::default(),
            meaning: optional(&column.meaning).or_else(|| optional(&column.alias)),
            labels: column.labels.clone(),
            unit: optional(&column.unit),
            reason: optional(&column.reason),
        }
    }

    /// A column that is made for a token stands in no file of the source's form: it is left out, and that is told. In the anonymized
    /// release it may stand in a column that the release leaves out.
    fn place_of_token(
        &mut self,
        path: &[&str; 4],
        table: &written::TablePolicy,
        facts: &ColumnFacts,
        treatments: &mut ByKind<TreatmentPlan>,
    ) -> Option<usize> {
        let key = table.keys.values().find(|k| k.token() == Some(facts.column.as_str()))?;
        let place = key.stands_in().and_then(|c| table.columns.get_full(c));
        if let (Some(written), None) = (key.stands_in(), &place) {
            self.error(
                "P0102",
                path,
                say!("table `{}` has no column `{}`", facts.table, name(written)),
            );
        }
        let free =
            |column: &written::ColumnPolicy| matches!(column.anonymized, Some(Treatment::Drop(_)));
        let place = place.filter(|(_, _, column)| free(column)).map(|(at, _, _)| at);
        let mut told = Vec::new();
        for kind in Kind::BOTH {
            let treatment = &mut treatments[kind];
            if treatment.output.is_none() || (kind == Kind::Anonymized && place.is_some()) {
                continue;
            }
            treatment.treatment = Treatment::Drop(crate::technique::drop::Drop {});
            treatment.output = None;
            told.push(kind);
        }
        for kind in told {
            self.warn(
                "W0171",
                path,
                say!("table `{}`: column `{}` is made for a token and has no place in the form of the source: the {} release does not have it", facts.table, facts.column, kind),
                say!("表`{}`の列`{}`は符号のために作られる列で、元の形に場所がない。{}には含まれない", facts.table, facts.column, kind.ja()),
            );
        }
        place
    }

    /// The treatments of a column as they are written, by kind.
    fn treatments(
        &mut self,
        path: &[&str; 4],
        column: &written::ColumnPolicy,
        facts: &ColumnFacts,
    ) -> ByKind<TreatmentPlan> {
        ByKind::of(|kind| {
            let written = match kind {
                Kind::Pseudonymized => &column.pseudonymized,
                Kind::Anonymized => &column.anonymized,
            };
            let [tables, table_name, columns, column_name] = *path;
            let path = [tables, table_name, columns, column_name, kind.word()];
            let makes = self.loaded.policy.makes(kind);
            if makes && written.is_none() {
                self.advise(
                            "P0003",
                            &path[..4],
                            say!("column `{}` lacks `{}`", facts.column, kind),
                            say!("every column needs a treatment for each release; `\"drop\"` leaves it out; a policy that makes one release only says so: releases = [\"pseudonymized\"]"),
                        );
            }
            let left_out = || Treatment::Drop(crate::technique::drop::Drop {});
            let mut treatment = written.clone().filter(|_| makes).unwrap_or_else(left_out);
            match treatment.attach(self.ladders, facts) {
                Err(what) => {
                    self.error("P0105", &path, say!("column `{}`: {}", facts.column, what));
                }
                Ok(()) => {
                    for what in treatment.check(facts, kind) {
                        self.error("P0105", &path, say!("column `{}`: {}", facts.column, what));
                    }
                }
            }
            let output = treatment.output(facts);
            TreatmentPlan { treatment, dates: Vec::new(), output, scope: ScopePlan::default() }
        })
    }

    /// Warns of columns that the floor or the search for names leaves out.
    fn tell_exempt(
        &mut self,
        path: &[&str; 4],
        column: &written::ColumnPolicy,
        facts: &ColumnFacts,
    ) {
        let [tables, table_name, columns, column_name] = *path;
        if let Some(why) = &column.no_floor {
            if why.trim().is_empty() {
                let what = say!("column `{}`: `no_floor` without a reason", facts.column);
                self.error("P0105", &[tables, table_name, columns, column_name, "no_floor"], what);
            }
            self.warn(
                "W0122",
                path,
                say!("column `{}`.`{}`: its values may be shown for fewer persons than the floor asks: {}", name(table_name), facts.column, name(why)),
                say!("列`{}`.`{}`: 下限の人数に満たない値も表示する（理由: {}）", name(table_name), facts.column, name(why)),
            );
        }
        if let Some(why) = &column.ends_only {
            if why.trim().is_empty() {
                let what = say!("column `{}`: `ends_only` without a reason", facts.column);
                self.error("P0105", &[tables, table_name, columns, column_name, "ends_only"], what);
            } else if !facts.ty.is_number() || facts.code.is_some() {
                self.error(
                    "P0105",
                    &[tables, table_name, columns, column_name, "ends_only"],
                    say!("column `{}`: `ends_only` is for numbers that are measured", facts.column),
                );
            }
            self.warn(
                "W0123",
                path,
                say!("column `{}`.`{}`: its numbers are taken for measured, so only the lowest and the highest have the floor: {}", name(table_name), facts.column, name(why)),
                say!("列`{}`.`{}`: 測定値として扱い、下限の人数は両端にだけ求める（理由: {}）", name(table_name), facts.column, name(why)),
            );
        }
        if column.coincides.is_some() {
            self.warn(
                "W0102",
                path,
                say!(
                    "column `{}`.`{}`: short names are not searched for in it",
                    name(table_name),
                    facts.column
                ),
                say!("列`{}`.`{}`: 短い氏名の残存検査をしない", name(table_name), facts.column),
            );
        }
    }

    /// Resolves `table.column` or `column`.
    pub(crate) fn resolve(
        &mut self,
        tables: &[TablePlan],
        here: Option<usize>,
        text: &str,
        path: &[&str],
    ) -> Option<ColumnAt> {
        let find = |t: usize, column: &str| {
            let columns = &tables[t].columns;
            let alias = || {
                columns.iter().position(|c| c.alias.as_ref().is_some_and(|a| a.as_str() == column))
            };
            columns.iter().position(|c| c.facts.column.as_str() == column).or_else(alias)
        };
        if let Some(here) = here
            && let Some(column) = find(here, text)
        {
            return Some(ColumnAt { table: here, column });
        }
        let direct = text.split_once('.').and_then(|(table, column)| {
            Some((tables.iter().position(|t| t.name.as_str() == table)?, table, column))
        });
        // `ff1.A000010.ペイロード1`: the rows of a long table by the value that they match.
        let part = || {
            let (of, rest) = text.split_once('.')?;
            let (value, column) = rest.split_once('.')?;
            let t = tables.iter().position(|t| {
                t.part.as_ref().is_some_and(|p| {
                    p.of.as_str() == of
                        && p.matching.iter().any(|(_, values)| values.iter().any(|v| v == value))
                })
            })?;
            Some((t, tables[t].name.as_str(), column))
        };
        if let Some((t, table, column)) = direct.or_else(part) {
            if let Some(c) = find(t, column) {
                return Some(ColumnAt { table: t, column: c });
            }
            let known: Vec<&str> =
                tables[t].columns.iter().map(|c| c.facts.column.as_str()).collect();
            self.unknown_column(path, table, column, &known);
            return None;
        }
        let all: Vec<String> = tables
            .iter()
            .flat_map(|t| t.columns.iter().map(|c| format!("{}.{}", t.name, c.facts.column)))
            .collect();
        let advice = all
            .iter()
            .map(|k| (strsim::normalized_damerau_levenshtein(text, k), k))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, k)| say!("did you mean `{}`?", name(k)));
        self.error(
            "P0102",
            path,
            say!("`{}` is not a column of this policy (write `table.column`)", name(text)),
        )
        .advice = advice;
        None
    }

    pub(crate) fn join(tables: &[TablePlan], here: usize, there: usize) -> Join {
        if here == there {
            return Join::SameRow;
        }
        if let Grain::Key(own) = tables[there].grain {
            let wanted = &tables[there].keys[own].name;
            if let Some(k) = tables[here].keys.iter().position(|k| k.name == *wanted) {
                return Join::Key { here: k, there: own };
            }
        }
        Join::Person
    }

    fn date(
        &mut self,
        tables: &[TablePlan],
        t: usize,
        c: usize,
        kind: Kind,
        reference: &ColumnRef,
    ) -> Option<DateRef> {
        let column = &tables[t].columns[c].facts;
        let path =
            ["tables", tables[t].name.as_str(), "columns", column.column.as_str(), kind.word()];
        // Names in a repeated treatment are those of the other column's table.
        let at = tables[t].columns[c].tied[kind].map_or(t, |of| of.table);
        let ColumnAt { table, column: found } =
            self.resolve(tables, Some(at), &reference.0, &path)?;
        if !tables[table].columns[found].facts.ty.is_date() {
            self.error("P0105", &path, say!("`{}` is not a column of dates", name(&reference.0)));
            return None;
        }
        Some(DateRef { table, column: found, join: Self::join(tables, t, table) })
    }

    /// Puts the treatments that `same_as` names in its place.
    fn tie(&mut self, tables: &mut [TablePlan]) {
        for t in 0..tables.len() {
            for c in 0..tables[t].columns.len() {
                for kind in Kind::BOTH {
                    let treatment = &tables[t].columns[c].treatment(kind).treatment;
                    let Some(reference) = treatment.same_as().cloned() else { continue };
                    let facts = tables[t].columns[c].facts.clone();
                    let path = [
                        "tables",
                        facts.table.as_str(),
                        "columns",
                        facts.column.as_str(),
                        kind.word(),
                    ];
                    let Some(tied) = self.resolve(tables, Some(t), &reference.0, &path) else {
                        continue;
                    };
                    let ColumnAt { table: of, column: at } = tied;
                    let mut repeated = tables[of].columns[at].treatment(kind).treatment.clone();
                    if repeated.same_as().is_some() {
                        self.advise(
                            "P0410",
                            &path,
                            say!(
                                "column `{}`: `{}` repeats another column itself",
                                facts.column,
                                name(&reference.0)
                            ),
                            say!("name the column that has a treatment of its own"),
                        );
                        continue;
                    }
                    let mut wrong: Vec<Said> =
                        repeated.attach(self.ladders, &facts).err().into_iter().collect();
                    if wrong.is_empty() {
                        wrong = repeated.check(&facts, kind);
                    }
                    for what in wrong {
                        self.error("P0105", &path, say!("column `{}`: {}", facts.column, what));
                    }
                    let output = repeated.output(&facts);
                    let column = &mut tables[t].columns[c];
                    column.tied[kind] = Some(tied);
                    column.treatments[kind] = TreatmentPlan {
                        treatment: repeated,
                        dates: Vec::new(),
                        scope: ScopePlan::default(),
                        output,
                    };
                }
            }
        }
    }

    /// Findings of detectors that the policy answers for.
    fn waivers(&mut self, tables: &[TablePlan]) -> Vec<Waiver> {
        let policy = &self.loaded.policy;
        let mut waivers = Vec::new();
        for (index, waive) in policy.waive.iter().enumerate() {
            let index = index.to_string();
            let path = ["waive", index.as_str()];
            let detector = crate::detect::find(&waive.detector);
            if detector.is_none() {
                let known = crate::detect::DETECTORS.iter().map(|d| d.doc().name);
                let near = crate::policy::nearest(&waive.detector, known.clone());
                let all: Vec<Said> = known.map(|d| say!("`{}`", d)).collect();
                let advice = near.unwrap_or_else(|| say!("detectors: {}", Said::join(&all, ", ")));
                self.advise(
                    "P0120",
                    &["waive", index.as_str(), "detector"],
                    say!("there is no detector `{}`", name(&waive.detector)),
                    advice,
                );
            }
            let column =
                self.resolve(tables, None, &waive.column, &["waive", index.as_str(), "column"]);
            if waive.reason.trim().is_empty() {
                self.advise(
                    "P0120",
                    &["waive", index.as_str(), "reason"],
                    say!("a finding of a detector is waived without a reason"),
                    say!("say what the values are and why they are nobody's identifier: it stands in the record"),
                );
            }
            if let (Some(detector), Some(ColumnAt { table, column })) = (detector, column) {
                waivers.push(Waiver {
                    detector,
                    table,
                    column,
                    reason: name(&waive.reason),
                    place: self.loaded.place(&path),
                });
            }
        }
        waivers
    }

    /// Fixes the levels that the policy decides among those that treatments offer.
    fn decided(&mut self, tables: &mut [TablePlan]) {
        const KIND: Kind = Kind::Anonymized;
        for (text, level) in &self.loaded.policy.anonymized.search.levels {
            let path = ["anonymized", "search", "levels", text.as_str()];
            let Some(named) = self.resolve(tables, None, text, &path) else { continue };
            // What repeats a column has the level of that.
            let decided = tables[named.table].columns[named.column].tied[KIND].unwrap_or(named);
            let column = &tables[decided.table].columns[decided.column];
            let offered = column.treatment(Kind::Anonymized).treatment.choices();
            if !offered.contains(level) {
                let named: Vec<_> = offered.iter().map(|l| say!("`{}`", name(l))).collect();
                let advice = match named.is_empty() {
                    true => say!(
                        "it offers none: this decides among several `levels`, `widths` or `units` of a column's anonymized treatment"
                    ),
                    false => say!("offered: {}", Said::join(&named, ", ")),
                };
                let what = say!("`{}` does not offer the level `{}`", name(text), name(level));
                self.advise("P0353", &path, what, advice);
                continue;
            }
            for (table, planned) in tables.iter_mut().enumerate() {
                for (at, column) in planned.columns.iter_mut().enumerate() {
                    let here = ColumnAt { table, column: at };
                    if here == decided || column.tied[KIND] == Some(decided) {
                        column.treatments[KIND].treatment.choose(level);
                    }
                }
            }
        }
    }

    fn search(&mut self, tables: &[TablePlan]) -> SearchPlan {
        let search = &self.loaded.policy.anonymized.search;
        let factor = search.factor.unwrap_or(0.5);
        let keep_at_least = search.keep_at_least.unwrap_or(0.0);
        for (key, value) in [("factor", factor), ("keep_at_least", keep_at_least)] {
            if !(0.0..=1.0).contains(&value) {
                self.error(
                    "P0108",
                    &["anonymized", "search", key],
                    say!("`{}` is a number between 0 and 1", key),
                );
            }
        }
        let mut weights = BTreeMap::new();
        for (text, &weight) in &search.weights {
            let path = ["anonymized", "search", "weights", text.as_str()];
            if let Some(at) = self.resolve(tables, None, text, &path) {
                weights.insert(at, weight);
            }
            if !(weight.is_finite() && weight >= 0.0) {
                self.error("P0108", &path, say!("a weight is a number from 0 on"));
            }
        }
        SearchPlan {
            objective: search.objective.key(),
            aggregate: search.aggregate,
            factor,
            keep_at_least,
            weights,
        }
    }

    /// Within what the codes that make no key mean the same.
    fn scopes(&mut self, tables: &mut [TablePlan]) {
        let all = super::scope::Scopes::of(tables);
        for t in 0..tables.len() {
            for c in 0..tables[t].columns.len() {
                for kind in Kind::BOTH {
                    let column = &tables[t].columns[c];
                    let needs = column.treatment(kind).treatment.needs();
                    if !needs.identity || column.key.is_some() {
                        continue;
                    }
                    let scope = match &needs.scope {
                        Scope::Common => ScopePlan::default(),
                        Scope::Local => all.local(tables, t, c, needs.domain.as_deref()),
                        Scope::Within(within) => self.within(tables, t, c, kind, within),
                    };
                    tables[t].columns[c].treatments[kind].scope = scope;
                }
            }
        }
    }

    fn within(
        &mut self,
        tables: &[TablePlan],
        t: usize,
        c: usize,
        kind: Kind,
        within: &[ColumnRef],
    ) -> ScopePlan {
        let table = &tables[t];
        let column = &table.columns[c].facts.column;
        let path = ["tables", table.name.as_str(), "columns", column.as_str(), kind.word()];
        let mut columns = Vec::new();
        for reference in within {
            match self.resolve(tables, Some(t), &reference.0, &path) {
                Some(at) if at.table == t && at.column != c => columns.push(at.column),
                Some(_) => {
                    let named = name(&reference.0);
                    self.error(
                        "P0105",
                        &path,
                        say!(
                            "`within`: `{}` is not another column of table `{}`",
                            named,
                            table.name
                        ),
                    );
                }
                None => {}
            }
        }
        ScopePlan { columns, folder: table.source.per_folder }
    }

    /// Role against treatment, for every column and both releases.
    fn check_columns(&mut self, tables: &[TablePlan], views: &[ViewPlan]) {
        for (t, table) in tables.iter().enumerate() {
            for (c, column) in table.columns.iter().enumerate() {
                let written = self
                    .loaded
                    .policy
                    .tables
                    .get(table.name.as_str())
                    .and_then(|x| x.columns.get(column.facts.column.as_str()));
                let reviewed = written
                    .is_some_and(|w| w.reviewed.as_ref().is_some_and(|r| !r.trim().is_empty()));
                let in_view = views.iter().any(|v| {
                    v.quasi
                        .iter()
                        .chain(v.sensitive.iter().map(|(c, _)| c))
                        .any(|q| q.table == t && q.column == c)
                });
                let policy = &self.loaded.policy;
                for kind in Kind::BOTH.into_iter().filter(|&kind| policy.makes(kind)) {
                    let path = [
                        "tables",
                        table.name.as_str(),
                        "columns",
                        column.facts.column.as_str(),
                        kind.word(),
                    ];
                    let treatment = &column.treatment(kind).treatment;
                    if let Some((what, advice)) =
                        contradiction(&column.facts, kind, treatment, reviewed, in_view)
                    {
                        // A disease may stay for a reason: its values have the floor of the release in any case.
                        let because = column.because.as_ref().filter(|b| {
                            column.facts.role == Role::Sensitive && !b.as_str().trim().is_empty()
                        });
                        if let Some(because) = because {
                            self.warn(
                                "W0153",
                                &path,
                                say!("column `{}`.`{}`: {}; it stays as it is because: {}", table.name, column.facts.column, what, because),
                                say!("列`{}`.`{}`: 機微な値をそのまま残し、どのビューにもない。このままとする理由: {}", table.name, column.facts.column, because),
                            );
                            continue;
                        }
                        self.advise(
                            if matches!(column.facts.role, Role::Quasi)
                                && kind == Kind::Anonymized
                                && !in_view
                            {
                                "P0106"
                            } else {
                                "P0104"
                            },
                            &path,
                            say!(
                                "column `{}` (role {}): {}",
                                column.facts.column,
                                column.facts.role,
                                what
                            ),
                            advice,
                        );
                    }
                    if kind == Kind::Pseudonymized && treatment.outliers() {
                        let technique = treatment.doc().name;
                        self.warn(
                            "W0103",
                            &path,
                            say!("column `{}`: 規則33条 does not ask for {} in the pseudonymized release", column.facts.column, technique),
                            say!("列`{}`: 規則33条は仮名加工において{}を求めていない", column.facts.column, technique),
                        );
                    }
                    if column.facts.role == Role::Text && treatment.shows().kept() {
                        self.warn(
                            "W0104",
                            &path,
                            say!(
                                "column `{}`: free text is kept on the word of a reviewer",
                                column.facts.column
                            ),
                            say!(
                                "列`{}`: 自由記載を、確認者の責任で残している",
                                column.facts.column
                            ),
                        );
                    }
                    if treatment.shows() == Shows::Redacted {
                        self.warn(
                            "W0121",
                            &path,
                            say!("column `{}`.`{}`: free text is redacted, not removed; redaction cannot promise to find everything (docs/detectors.md)", table.name, column.facts.column),
                            say!("列`{}`.`{}`: 自由記載を墨消しして残している。すべてを見つける保証はない（docs/detectors.ja.md）", table.name, column.facts.column),
                        );
                    }
                }
            }
        }
    }

    /// Declarations against names, layouts and the tier: refused, or told with the policy's reason.
    fn check_declared(&mut self, tables: &[TablePlan], views: &[ViewPlan], sets: &[SetPlan]) {
        for (path, at) in declared::blank_reasons(&self.loaded.policy) {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            self.error("P0213", &path, say!("`because` of {} gives no reason", at));
        }
        let anonymizes = self.loaded.policy.makes(Kind::Anonymized);
        for finding in declared::findings(&self.loaded.policy, tables, views, sets) {
            if !anonymizes && finding.path.first().is_some_and(|p| p == "anonymized") {
                continue;
            }
            let path: Vec<&str> = finding.path.iter().map(String::as_str).collect();
            match finding.because {
                Some(because) => self.warn(
                    finding.warning,
                    &path,
                    say!("{}; it stays as it is because: {}", finding.what, because),
                    say!("{}。このままとする理由: {}", finding.ja, because),
                ),
                None if finding.mild => self.warn(finding.warning, &path, finding.what, finding.ja),
                None => self.advise(finding.code, &path, finding.what, finding.advice),
            }
        }
    }

    /// Every released table must show whose rows its rows are, as a token.
    fn check_tables(&mut self, tables: &[TablePlan], views: &[ViewPlan]) {
        for table in tables {
            for kind in Kind::BOTH {
                if table.columns.iter().all(|c| c.treatment(kind).output.is_none()) {
                    continue;
                }
                let wanted = token_word(kind);
                let person = table.columns.iter().find(|c| c.key == Some(table.person_key));
                let fine = person
                    .is_some_and(|c| c.treatment(kind).treatment.shows() == Shows::Token(kind));
                if !fine {
                    let column = person.map(|c| c.facts.column.clone());
                    let path = match &column {
                        Some(c) => {
                            vec!["tables", table.name.as_str(), "columns", c.as_str(), kind.word()]
                        }
                        None => vec!["tables", table.name.as_str(), "keys"],
                    };
                    self.advise(
                        "P0107",
                        &path,
                        say!("table `{}`: the {} release must have the person's token in column `{}`", table.name, kind, column),
                        say!("{} = \"{}\"; rows are sorted by it and k is proved with it (or drop all columns of the table)", kind, wanted),
                    );
                }
            }
        }
        for (v, view) in views.iter().enumerate() {
            let v = v.to_string();
            let path = ["anonymized", "view", v.as_str()];
            if tables[view.table]
                .columns
                .iter()
                .all(|c| c.treatment(Kind::Anonymized).output.is_none())
            {
                self.error(
                    "P0108",
                    &path,
                    say!(
                        "view `{}`: its table `{}` is not in the anonymized release",
                        view.name,
                        tables[view.table].name
                    ),
                );
            }
            for column in view.quasi.iter().chain(view.sensitive.iter().map(|(c, _)| c)) {
                if let Join::Key { here, there } = column.join {
                    for (t, key) in [(view.table, here), (column.table, there)] {
                        if !key_shown(&tables[t], key) {
                            self.advise(
                                "P0108",
                                &path,
                                say!("view `{}` ties tables by the key `{}`, which table `{}` does not release", view.name, tables[t].keys[key].name, tables[t].name),
                                say!("anonymized = \"surrogate\" on the column of that key, so that the view can be proved from the files"),
                            );
                        }
                    }
                }
            }
            for (column, _) in &view.sensitive {
                let c = &tables[column.table].columns[column.column];
                if c.treatment(Kind::Anonymized).output.is_none() {
                    self.error(
                        "P0108",
                        &path,
                        say!(
                            "view `{}`: the sensitive column `{}` is not in the anonymized release",
                            view.name,
                            c.facts.column
                        ),
                    );
                }
            }
        }
    }

    fn law(&mut self, plan: &Plan) {
        let keys: Vec<&str> =
            Kind::BOTH.iter().flat_map(|&k| Item::of(k)).map(|i| i.key()).collect();
        for (english, japanese) in plan.profile.duties() {
            self.warn(
                "W0106",
                &["policy", "profile"],
                say!("profile {}: {}", plan.profile, *english),
                say!("{}", *japanese),
            );
        }
        for (key, reason) in &plan.not_applicable {
            if !keys.contains(&key.as_str()) {
                let known: Vec<Said> = keys.iter().map(|k| say!("`{}`", name(k))).collect();
                self.advise(
                    "P0202",
                    &["not_applicable", key],
                    say!("`{}` is not an item", name(key)),
                    say!("items: {}", Said::join(&known, ", ")),
                );
            } else if reason.as_str().trim().is_empty() {
                self.error(
                    "P0202",
                    &["not_applicable", key],
                    say!("item `{}` is declared not applicable without a reason", name(key)),
                );
            }
        }
        for evidence in legal_evidence(plan) {
            let item = evidence.item;
            let concerned = plan
                .tables
                .iter()
                .flat_map(|t| &t.columns)
                .any(|c| item.roles().contains(&c.facts.role) && !matches!(item, Item::A4));
            let declared = evidence.reason.is_some();
            if item == Item::A4 && declared {
                self.singular(plan, &evidence);
                continue;
            }
            let answered = match item {
                Item::A5 => !evidence.views.is_empty(),
                _ => !evidence.answered_by.is_empty(),
            };
            if item == Item::A5 && declared {
                self.error(
                    "P0202",
                    &["not_applicable", item.key()],
                    say!("{} always applies", plan.profile.cite(item)),
                );
            } else if declared && concerned {
                self.error("P0202", &["not_applicable", item.key()], say!("{} is declared not applicable, but the policy has columns that it concerns", plan.profile.cite(item)));
            } else if !answered && !declared {
                let (title, what) = item.title();
                let advice = match item {
                    Item::A5 => say!("add a view: [[anonymized.view]] with grain, quasi and k"),
                    _ => say!(
                        "give a column the role and treatment that answer it, or say why there is nothing to answer: [not_applicable] \"{}\" = \"...\"",
                        item.key()
                    ),
                };
                self.advise(
                    "P0201",
                    &["policy"],
                    say!("nothing answers {} ({}: {})", plan.profile.cite(item), title, what),
                    advice,
                );
            }
        }
    }
}

impl Builder<'_> {
    /// A word that nothing in the data is singular: not beside columns in which ages, areas, dates or diseases stand.
    fn singular(&mut self, plan: &Plan, evidence: &super::ItemEvidence) {
        let path = ["not_applicable", Item::A4.key()];
        let cite = plan.profile.cite(Item::A4);
        match declared::singular(plan) {
            Some((table, column)) => self.advise(
                "P0202",
                &path,
                say!("{} is declared not applicable, but column `{}`.`{}` can hold singular descriptions, and a word is no measure", cite, table, column),
                say!("leave the word out: the treatments and views of such columns answer the item"),
            ),
            None if !evidence.views.is_empty() || plan.views.iter().any(|v| !v.quasi.is_empty()) => {
                self.warn(
                    "W0155",
                    &path,
                    say!("{} is declared not applicable beside quasi-identifiers: the word is no answer; the views are, which show no value of fewer than k persons", cite),
                    say!("準識別子があるのに{}を該当なしとしている。この記載は答えとならず、k人未満の値を示さないビューが答えとなる", cite),
                );
            }
            None => {}
        }
    }
}

/// What speaks against a treatment for a role, and what to do instead.
fn contradiction(
    facts: &ColumnFacts,
    kind: Kind,
    treatment: &Treatment,
    reviewed: bool,
    in_view: bool,
) -> Option<(Said, Said)> {
    let (shows, technique) = (treatment.shows(), treatment.doc().name);
    let (gone, kept) = (shows.gone(), shows.kept());
    let fine = kept || shows == Shows::Near;
    let anonymized = kind == Kind::Anonymized;
    match facts.role {
        Role::Direct | Role::IdCode | Role::Financial if !gone => Some((
            say!(
                "{} would leave identifying content in the {} release",
                Name::from_policy(technique),
                kind
            ),
            say!(
                "\"drop\", or \"presence\" if only its presence matters; if the column is not identifying, give it another role"
            ),
        )),
        Role::Link if !gone && !shows.token() => Some((
            say!("a linking code cannot be left as `{}`", Name::from_policy(technique)),
            say!("\"{}\" or \"drop\"", token_word(kind)),
        )),
        Role::ThirdParty if fine => Some((
            say!("an identifier of another person or body cannot be kept"),
            say!("\"drop\", a token, or a coarser level"),
        )),
        Role::Text
            if !(gone
                || shows == Shows::Some
                || kept && reviewed
                || shows == Shows::Redacted && !anonymized) =>
        {
            Some((
                say!("free text may name anybody"),
                say!(
                    "\"drop\" or \"presence\" (in the pseudonymized release also \"redact\"); to keep it, say who reviewed it: reviewed = \"name, date\""
                ),
            ))
        }
        Role::Quasi if anonymized && facts.date == Some(DateKind::Birth) && fine => Some((
            say!("a birth date cannot stay in the anonymized release"),
            say!("age_band, or truncate_date to the year"),
        )),
        Role::Quasi if !anonymized && facts.date == Some(DateKind::Birth) && kept => Some((
            say!("a full birth date identifies many persons by itself, with sex and area"),
            say!("{{ truncate_date = \"month\" }} (the day is dropped)"),
        )),
        Role::Quasi if anonymized && !gone && !in_view => Some((
            say!(
                "no view counts this quasi-identifier, so nothing limits how few persons share its value"
            ),
            say!("add it to `quasi` of a view, or drop it"),
        )),
        Role::Sensitive if anonymized && kept && !in_view => Some((
            say!("a sensitive value is kept as it is and in no view"),
            say!(
                "\"rare\" (values of too few persons go to their parent level), or name it under `sensitive` of a view"
            ),
        )),
        Role::Payload if anonymized && kept && facts.ty.is_date() && !in_view => Some((
            say!("a full date is kept in the anonymized release and in no view"),
            say!("days_since an anchor, truncate_date, or role = \"quasi\" in a view"),
        )),
        Role::Payload if anonymized && facts.ty == Type::Datetime && kept => Some((
            say!("a time of day is kept in the anonymized release"),
            say!("days_since an anchor, or truncate_date"),
        )),
        _ => None,
    }
}

/// The words of a source that its form of file has no use for. The form is the one that the policy says, or that the ending
/// tells; where neither does, nothing is known.
fn misplaced(source: &written::Source) -> Vec<&'static str> {
    let Some(format) = source.form() else { return Vec::new() };
    let holds = format.facts().holds;
    let (text, workbook) = (holds == written::Holds::Text, holds == written::Holds::Sheets);
    let said = [
        ("sheet", source.sheet.is_some() && !workbook),
        ("skip_lines", source.skip_lines > 0 && !(text || workbook)),
        ("number_repeats", source.number_repeats && !(text || workbook)),
        ("quotes_after_blanks", source.quotes_after_blanks && !text),
        ("multiline", source.multiline && !text),
        ("line_ends", source.line_ends.is_some() && !text),
        ("quotes", source.quotes.is_some() && !text),
    ];
    said.into_iter().filter(|(_, misplaced)| *misplaced).map(|(word, _)| word).collect()
}
