//! Long tables as one long file of a release: what the policy asks for, and what keeps it from being done.
//!
//! The rows of a long file are told apart by the columns that the `when` of its parts match on; so a part that is in the
//! file releases these columns as they are. ADR 0007 says why the order of the source is not a default in the anonymized release.

use super::model::{ColumnPlan, LongPlan, TablePlan, deciding};
use crate::error::{Name, Said};
use crate::policy::model::{
    self as written, Form, Names, Order, OutputFormat, Policy, ReleaseForm,
};
use crate::say;
use crate::schema::{ByKind, Kind};

/// How the releases have a long table.
pub(super) fn plans(table: &written::TablePolicy, form: ReleaseForm) -> ByKind<Option<LongPlan>> {
    // In the form of its source a long table is long.
    let source = written::LongFile { form: Form::Layout, ..Default::default() };
    let own = (form == ReleaseForm::Source && table.part.is_some()).then_some(&source);
    ByKind::of(|kind| {
        let long = table.long.as_ref();
        let file = match kind {
            Kind::Pseudonymized => long.and_then(|l| l.pseudonymized.as_ref()),
            Kind::Anonymized => long.and_then(|l| l.anonymized.as_ref()),
        };
        let file = file.or(own)?;
        let order = file.order.unwrap_or(match kind {
            Kind::Pseudonymized => Order::Source,
            Kind::Anonymized => Order::Content,
        });
        Some(LongPlan {
            form: file.form,
            order,
            reason: file.reason.as_deref().map(Name::from_policy),
        })
    })
}

/// Names the columns by their labels where no other column of the table has the name.
pub(super) fn name_columns(names: Names, columns: &mut [ColumnPlan]) {
    if names == Names::Column {
        return;
    }
    let taken = |name: &Name, columns: &[ColumnPlan]| {
        let same = |other: &Name| other.as_str() == name.as_str();
        columns.iter().any(|c| same(&c.facts.column))
            || columns.iter().filter(|c| c.alias.as_ref().is_some_and(same)).count() > 1
    };
    for c in 0..columns.len() {
        let Some(alias) = columns[c].alias.clone() else { continue };
        if !taken(&alias, columns) {
            columns[c].shown = alias;
        }
    }
}

/// A contradiction, with its place.
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) path: Vec<String>,
    pub(super) what: Said,
    pub(super) advice: Said,
}

/// What keeps a long file from being written or proved.
pub(super) fn faults(policy: &Policy, tables: &[TablePlan]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (t, table) in tables.iter().enumerate() {
        let Some(written) = policy.tables.get(table.name.as_str()) else { continue };
        let path = |rest: &[&str]| {
            let head = ["tables", table.name.as_str()];
            head.iter().chain(rest).map(|&w| w.to_owned()).collect::<Vec<_>>()
        };
        if written.long.is_some() && table.part.is_none() {
            faults.push(Fault {
                code: "P0105",
                path: path(&["long"]),
                what: say!("table `{}`: `long` is for tables with `when`", table.name),
                advice: say!("this table is one file in any case: leave `long` out"),
            });
        }
        let Some(part) = &table.part else { continue };
        // What holds for the whole table is said once, at its first part.
        let first = tables
            .iter()
            .find(|t| t.part.as_ref().is_some_and(|p| p.of == part.of))
            .is_some_and(|t| t.name == table.name);
        for kind in Kind::BOTH {
            let Some(long) = table.long(kind) else { continue };
            let word = kind.word();
            if first && kind == Kind::Anonymized && long.order == Order::Source {
                let told = long.reason.as_ref().is_some_and(|r| !r.as_str().trim().is_empty());
                if !told {
                    faults.push(Fault {
                        code: "P0107",
                        path: path(&["long", word, "order"]),
                        what: say!("table `{}`: the order of the source tells what the treatments hide; in the anonymized release it needs a `reason`", part.of),
                        advice: say!("order = \"content\", or reason = \"why it tells nobody anything (規則18条5号)\""),
                    });
                }
            }
            let source = policy.output.form == ReleaseForm::Source;
            if first
                && long.form == Form::Layout
                && matches!(policy.output.format, OutputFormat::Parquet | OutputFormat::Xlsx)
                && !source
            {
                faults.push(Fault {
                    code: "P0105",
                    path: path(&["long", word, "form"]),
                    what: say!(
                        "table `{}`: the form of a layout is text, but `output.format` is {}",
                        part.of,
                        super::shape::extension(policy.output.format)
                    ),
                    advice: say!("form = \"table\" (all columns text), or output.format = \"csv\""),
                });
            }
            if first && long.form == Form::Layout && table.layout.is_none() && !source {
                faults.push(Fault {
                    code: "P0105",
                    path: path(&["long", word, "form"]),
                    what: say!("table `{}` has no `layout`, so there is no form of it", part.of),
                    advice: say!("form = \"table\""),
                });
            }
            if first && tables.iter().any(|t| t.name == part.of && t.long(kind).is_none()) {
                faults.push(Fault {
                    code: "P0101",
                    path: path(&["long", word]),
                    what: say!("two files of the {} release would be named `{}`", kind, part.of),
                    advice: say!("give the other table another name (`as`)"),
                });
            }
            if !table.is_released(kind) {
                continue;
            }
            for c in deciding(tables, t, kind) {
                let column = &table.columns[c];
                if !column.treatment(kind).treatment.shows().kept() {
                    faults.push(Fault {
                        code: "P0107",
                        path: path(&["columns", column.facts.column.as_str(), word]),
                        what: say!("table `{}`: column `{}` says what a row of the long file `{}` is, so it must be in the {} release as it is", table.name, column.facts.column, part.of, kind),
                        advice: say!("{} = \"keep\", or leave `long.{}` out of the table", word, word),
                    });
                }
            }
            for column in table.columns.iter().filter(|c| c.made && long.form == Form::Layout) {
                if column.treatment(kind).output.is_some() && column.stands_in.is_none() {
                    faults.push(Fault {
                        code: "P0107",
                        path: path(&["columns", column.facts.column.as_str(), word]),
                        what: say!("table `{}`: the layout has no place for column `{}`, which is made for a token", table.name, column.facts.column),
                        advice: say!("{} = \"drop\", or form = \"table\"", word),
                    });
                }
            }
        }
    }
    faults
}
