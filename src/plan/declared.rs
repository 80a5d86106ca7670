//! Declarations that contradict themselves or what the names say: found before any data are read.
//!
//! A role is a word that anybody can write. Here every column's role, type and treatments are held against its name
//! ([`names`]), its place in a resource and its published layout, and the thresholds against the tier. What would release
//! identifying content is refused, unless the policy says why it is right (`because`); the reason is then told everywhere.

use std::collections::BTreeMap;

use super::model::{ColumnPlan, SetPlan, TablePlan, ViewPlan};
use crate::error::{Name, Said};
use crate::policy::model::{Policy, Tier};
use crate::say;
use crate::schema::layout::{self, Pack};
use crate::schema::names::{self, Meaning, Suggestion, Sure};
use crate::schema::{ColumnAt, DateKind, Kind, Role, Type};
use crate::technique::suppress::Suppress;
use crate::technique::truncate_date::DateUnit;
use crate::technique::{Shows, Treatment, token_word};

/// Something that speaks against a declaration.
pub(super) struct Finding {
    /// The code of the error.
    pub(super) code: &'static str,
    /// The code of the warning, where a reason is given.
    pub(super) warning: &'static str,
    /// Where in the policy.
    pub(super) path: Vec<String>,
    /// What is wrong.
    pub(super) what: Said,
    /// The same in Japanese.
    pub(super) ja: Said,
    /// What to do.
    pub(super) advice: Said,
    /// The policy's reason why it is right.
    pub(super) because: Option<Name>,
    /// It is told, and stops nothing.
    pub(super) mild: bool,
}

/// The reason of a policy, if it says anything.
pub(super) fn reason(because: Option<&String>) -> Option<Name> {
    because.filter(|b| !b.trim().is_empty()).map(|b| Name::from_policy(b.clone()))
}

/// Reasons that say nothing: where they stand.
pub(super) fn blank_reasons(policy: &Policy) -> Vec<(Vec<String>, Said)> {
    let blank = |because: &Option<String>| because.as_ref().is_some_and(|b| b.trim().is_empty());
    let path = |parts: &[&str]| parts.iter().map(|&p| p.to_owned()).collect::<Vec<_>>();
    let name = |text: &String| Name::from_policy(text.clone());
    let mut found = Vec::new();
    for (t, table) in &policy.tables {
        for (c, _) in table.columns.iter().filter(|(_, c)| blank(&c.because)) {
            let at = say!("column `{}`.`{}`", name(t), name(c));
            found.push((path(&["tables", t, "columns", c, "because"]), at));
        }
    }
    for (v, view) in policy.anonymized.views.iter().enumerate() {
        if blank(&view.because) {
            let at = say!("view `{}`", name(&view.name));
            found.push((path(&["anonymized", "view", &v.to_string(), "because"]), at));
        }
    }
    for (s, set) in policy.anonymized.sets.iter().enumerate() {
        if blank(&set.because) {
            let at = say!("set `{}`", name(&set.name));
            found.push((path(&["anonymized", "set", &s.to_string(), "because"]), at));
        }
    }
    if blank(&policy.anonymized.because) {
        found.push((path(&["anonymized", "because"]), say!("the anonymized release")));
    }
    found
}

/// The name by which a column is judged: what it is called in these rows.
fn called(column: &ColumnPlan) -> &str {
    column.alias.as_ref().unwrap_or(&column.facts.column).as_str()
}

/// What the names of a column, and its place in a resource, suggest.
#[must_use]
pub fn suggestion(table: &TablePlan, column: &ColumnPlan) -> Option<Suggestion> {
    let others = || {
        let own = std::ptr::from_ref(column);
        table.columns.iter().filter(move |c| !std::ptr::eq(*c, own)).map(called)
    };
    let by_alias = names::suggests_among(called(column), others());
    let by_name = || names::suggests_among(column.facts.column.as_str(), others());
    let by_path = || column.path.iter().find_map(|p| names::suggests_path(p));
    let found = [by_alias, by_name(), by_path()].into_iter().flatten();
    found.max_by_key(|s| s.sure)
}

/// Whether a column is a birth date, by its kind or by its name.
#[must_use]
pub fn is_birth(table: &TablePlan, column: &ColumnPlan) -> bool {
    column.facts.date == Some(DateKind::Birth)
        || suggestion(table, column)
            .is_some_and(|s| s.meaning == Meaning::Birth && s.sure == Sure::Yes)
}

/// Whether a column holds diseases, by its code system or by its name.
#[must_use]
pub fn is_disease(table: &TablePlan, column: &ColumnPlan) -> bool {
    column.facts.code.as_ref().is_some_and(|c| c.as_str() == "icd10")
        || suggestion(table, column)
            .is_some_and(|s| s.meaning == Meaning::Diagnosis && s.sure == Sure::Yes)
}

/// Whether a release shows something of the cells: more than a token, a constant or that there is a value.
#[must_use]
pub fn shows(column: &ColumnPlan, kind: Kind) -> bool {
    let planned = column.treatment(kind);
    let blank = match &planned.treatment {
        Treatment::Suppress(suppress) => *suppress == Suppress::default(),
        _ => false,
    };
    planned.output.is_some()
        && !blank
        && !planned.treatment.shows().gone()
        && !planned.treatment.shows().token()
}

/// A released column in which singular descriptions (施行規則18条4号) can stand: ages, areas, dates and numbers by which persons are
/// known, and diseases. Plain categories that a view counts are none: their values are of k persons.
#[must_use]
pub fn singular(plan: &super::Plan) -> Option<(Name, Name)> {
    let columns = plan.tables.iter().flat_map(|t| t.columns.iter().map(move |c| (t, c)));
    let mut released = columns.filter(|(_, c)| shows(c, Kind::Anonymized));
    let found = released.find(|(table, column)| {
        let facts = &column.facts;
        let ranged = facts.ty.is_date() || facts.ty.is_number() || facts.code.is_some();
        let coarse = !column.treatment(Kind::Anonymized).treatment.shows().kept();
        match facts.role {
            Role::Quasi => ranged || coarse,
            Role::Sensitive => true,
            _ => is_birth(table, column) || is_disease(table, column),
        }
    });
    found.map(|(table, column)| (table.name.clone(), column.facts.column.clone()))
}

/// Everything that speaks against the declarations of a policy.
pub(super) fn findings(
    policy: &Policy,
    tables: &[TablePlan],
    views: &[ViewPlan],
    sets: &[SetPlan],
) -> Vec<Finding> {
    let mut all = Findings { policy, tables, views, sets, found: Vec::new() };
    for t in 0..tables.len() {
        all.columns(t);
    }
    all.shifts();
    all.thresholds();
    all.found
}

struct Findings<'a> {
    policy: &'a Policy,
    tables: &'a [TablePlan],
    views: &'a [ViewPlan],
    sets: &'a [SetPlan],
    found: Vec<Finding>,
}

/// A finding's texts: what is wrong in English and Japanese, and what to do.
struct Texts {
    what: Said,
    ja: Said,
    advice: Said,
}

impl Findings<'_> {
    fn in_view(&self, t: usize, c: usize) -> bool {
        let here = |q: &super::model::ViewColumn| q.table == t && q.column == c;
        self.views
            .iter()
            .any(|v| v.quasi.iter().any(here) || v.sensitive.iter().any(|(q, _)| here(q)))
            || self.sets.iter().any(|s| s.table == t && s.column == c)
    }

    fn column_finding(&mut self, code: &'static str, t: usize, c: usize, kind: Kind, texts: Texts) {
        let table = &self.tables[t];
        let column = &table.columns[c];
        let warning = match code {
            "P0210" => "W0150",
            "P0203" => "W0153",
            "P0214" => "W0154",
            _ => "W0151",
        };
        let path =
            ["tables", table.name.as_str(), "columns", column.facts.column.as_str(), kind.word()];
        let shown = match &column.alias {
            Some(alias) if *alias != column.facts.column => {
                say!("`{}`.`{}` ({})", table.name, column.facts.column, alias)
            }
            _ => say!("`{}`.`{}`", table.name, column.facts.column),
        };
        self.found.push(Finding {
            code,
            warning,
            path: path.iter().map(|&p| p.to_owned()).collect(),
            what: say!("column {}, {} release: {}", shown, kind, texts.what),
            ja: say!("列{}（{}）: {}", shown, kind.ja(), texts.ja),
            advice: say!("{}; if it is right as it is, say why: because = \"...\"", texts.advice),
            because: column.because.clone().filter(|b| !b.as_str().trim().is_empty()),
            mild: false,
        });
    }

    fn columns(&mut self, t: usize) {
        let tables = self.tables;
        let table = &tables[t];
        let pack = published(table);
        for (c, column) in table.columns.iter().enumerate() {
            let suggestion = suggestion(table, column);
            for kind in Kind::BOTH {
                if !shows(column, kind) {
                    continue;
                }
                let in_view = self.in_view(t, c);
                let by_name = suggestion.and_then(|s| by_name(column, s, kind, in_view));
                let found = by_name.or_else(|| by_layout(pack.as_ref(), table, column));
                if let Some(texts) = found {
                    self.column_finding("P0210", t, c, kind, texts);
                }
                // Of the role sensitive it is judged by `contradiction`.
                let kept = column.treatment(kind).treatment.shows().kept()
                    && matches!(column.facts.role, Role::Payload | Role::Quasi | Role::ThirdParty);
                if kind == Kind::Anonymized && kept && !in_view && is_disease(table, column) {
                    self.column_finding("P0203", t, c, kind, kept_disease());
                }
                if let Some(texts) = self.birth(t, c, kind, in_view) {
                    self.column_finding("P0211", t, c, kind, texts);
                }
            }
        }
    }

    /// What is done to a birth date, and what is made from one.
    fn birth(&self, t: usize, c: usize, kind: Kind, in_view: bool) -> Option<Texts> {
        let table = &self.tables[t];
        let column = &table.columns[c];
        let planned = column.treatment(kind);
        let anonymized = kind == Kind::Anonymized;
        let of_birth = planned.dates.iter().any(|d| {
            let there = &self.tables[d.table];
            is_birth(there, &there.columns[d.column])
        });
        if of_birth && !matches!(planned.treatment, Treatment::AgeBand(_)) {
            return Some(Texts {
                what: say!(
                    "days from a birth date are the age in days: with any date of the person they give the birth date"
                ),
                ja: say!(
                    "生年月日からの日数は日単位の年齢であり、本人のほかの日付と合わせると生年月日が分かる"
                ),
                advice: say!(
                    "count from an admission or a visit, or use age_band on the birth date"
                ),
            });
        }
        if let Treatment::Band(band) = &planned.treatment
            && anonymized
            && aged(table, column)
            && band.width.iter().chain(&band.widths).any(|w| w.to_f64() <= 1.0)
        {
            return Some(one_year());
        }
        if anonymized
            && aged(table, column)
            && column.facts.ty.is_number()
            && planned.treatment.shows().kept()
        {
            return Some(one_year());
        }
        if !is_birth(table, column) || !column.facts.ty.is_date() {
            return None;
        }
        match &planned.treatment {
            Treatment::AgeBand(band)
                if anonymized && band.width.iter().chain(&band.widths).any(|&w| w <= 1) =>
            {
                return Some(one_year());
            }
            Treatment::DaysSince(_) => {
                return Some(Texts {
                    what: say!(
                        "days from an anchor to a birth date give the birth date with any date of the person"
                    ),
                    ja: say!(
                        "生年月日を基準日からの日数にすると、本人のほかの日付と合わせて生年月日が分かる"
                    ),
                    advice: say!("age_band, or truncate_date to the year"),
                });
            }
            Treatment::TruncateDate(cut)
                if cut.unit.iter().chain(&cut.units).any(|u| *u == DateUnit::Day) =>
            {
                return Some(whole_birth());
            }
            // The role quasi is judged by `contradiction`, with the same words for shift and keep.
            Treatment::Keep(_) | Treatment::ShiftDate(_) if column.facts.role != Role::Quasi => {
                return Some(whole_birth());
            }
            Treatment::ShiftDate(_) if !anonymized => {
                return Some(Texts {
                    what: say!(
                        "a birth date is shifted: birth dates are generalized, never shifted"
                    ),
                    ja: say!("生年月日をずらしている。生年月日は一般化する"),
                    advice: say!("kind = \"birth\" with {{ truncate_date = \"month\" }}"),
                });
            }
            _ => {}
        }
        // The role quasi outside all views is refused in any case (P0106).
        (anonymized && !in_view && column.facts.role != Role::Quasi).then(|| Texts {
            what: say!("a birth date is released, and no view counts it"),
            ja: say!("生年月日に由来する値を、どのビューでも数えずに出している"),
            advice: say!("role = \"quasi\", and name it under `quasi` of a view"),
        })
    }

    /// Dates of one release that do not move together tell by how much the others moved.
    fn shifts(&mut self) {
        let tables = self.tables;
        let kind = Kind::Pseudonymized;
        let columns = tables.iter().enumerate().flat_map(|(table, plan)| {
            (0..plan.columns.len()).map(move |column| ColumnAt { table, column })
        });
        let weeks =
            |at: ColumnAt| match &tables[at.table].columns[at.column].treatment(kind).treatment {
                Treatment::ShiftDate(shift) => Some(shift.weeks),
                _ => None,
            };
        let Some((first, usual)) = columns.clone().find_map(|at| Some((at, weeks(at)?))) else {
            return;
        };
        let neighbour = say!(
            "`{}`.`{}`",
            tables[first.table].name,
            tables[first.table].columns[first.column].facts.column
        );
        for at in columns {
            let ColumnAt { table: t, column: c } = at;
            let column = &tables[t].columns[c];
            if let Treatment::Redact(redact) = &column.treatment(kind).treatment
                && !redact.dates
            {
                let texts = Texts {
                    what: say!(
                        "dates in this text stay as they are: beside those of {}, which are shifted, they tell by how much",
                        neighbour
                    ),
                    ja: say!(
                        "この文の中の日付はそのまま残る。ずらした{}の日付と並べると、ずらした日数が分かる",
                        neighbour
                    ),
                    advice: say!("redact = {{ dates = true }}, or \"drop\""),
                };
                self.column_finding("P0214", t, c, kind, texts);
            }
            if !column.facts.ty.is_date() || !shows(column, kind) || is_birth(&tables[t], column) {
                continue;
            }
            let fine = |u: &DateUnit| matches!(u, DateUnit::Day | DateUnit::Month);
            let stays = match &column.treatment(kind).treatment {
                Treatment::Keep(_) => column.facts.date != Some(DateKind::Admin),
                Treatment::TruncateDate(cut) => {
                    column.facts.date != Some(DateKind::Admin)
                        && cut.unit.iter().chain(&cut.units).any(fine)
                }
                Treatment::ShiftDate(shift) => shift.weeks != usual,
                _ => false,
            };
            if stays {
                let texts = Texts {
                    what: say!(
                        "this date does not move as {} does: where both are of one person, their difference tells the shift of all dates",
                        neighbour
                    ),
                    ja: say!(
                        "この日付は{}と同じだけは動かない。同じ本人の二つの日付の差から、すべての日付のずれが分かる",
                        neighbour
                    ),
                    advice: say!(
                        "\"shift_date\" with the same `weeks`, days_since a shifted date, or \"drop\""
                    ),
                };
                self.column_finding("P0214", t, c, kind, texts);
            }
        }
    }

    /// Limits that are none.
    fn thresholds(&mut self) {
        let anonymized = &self.policy.anonymized;
        let tier = anonymized.tier;
        for view in self.views {
            let written = anonymized.views.iter().position(|v| v.name == view.name.as_str());
            let Some(index) = written else { continue };
            let because = reason(anonymized.views[index].because.as_ref());
            self.below_tier(
                tier,
                view.k,
                &["view", &index.to_string()],
                "view",
                &view.name,
                because,
            );
        }
        for set in self.sets {
            let written = anonymized.sets.iter().position(|v| v.name == set.name.as_str());
            let Some(index) = written else { continue };
            let because = reason(anonymized.sets[index].because.as_ref());
            self.below_tier(tier, set.k, &["set", &index.to_string()], "set", &set.name, because);
        }
        let below = anonymized.floor.zip(tier).filter(|(floor, tier)| *floor < tier.k());
        if let Some((floor, tier)) = below {
            self.found.push(Finding {
                code: "P0212",
                warning: "W0152",
                path: ["anonymized", "floor"].map(str::to_owned).to_vec(),
                what: say!("floor = {} is below the {} persons of the tier `{}`", floor, tier.k(), tier.word()),
                ja: say!("floor = {}は、提供先の段階`{}`の{}人を下回る", floor, tier.word(), tier.k()),
                advice: say!("leave `floor` out, choose the tier that fits the recipients, exempt single columns with `no_floor`, or say why: [anonymized] because = \"...\""),
                because: reason(anonymized.because.as_ref()),
                mild: false,
            });
        }
        let at_most = anonymized.suppress.at_most;
        if at_most > 0.5 && at_most <= 1.0 {
            let whole = at_most >= 1.0;
            self.found.push(Finding {
                code: "P0212",
                warning: "W0152",
                path: ["anonymized", "suppress", "at_most"].map(str::to_owned).to_vec(),
                what: if whole {
                    say!("suppress.at_most = {}: every row may be removed, so the limit is none, and a policy that does not fit the data runs", at_most)
                } else {
                    say!("suppress.at_most = {}: more than half of the rows may be removed", at_most)
                },
                ja: if whole {
                    say!("suppress.at_most = {}: 全行を削除してよいことになり、上限の意味がない", at_most)
                } else {
                    say!("suppress.at_most = {}: 半数を超える行を削除してよいことになる", at_most)
                },
                advice: say!("a share that a reviewer can accept, such as 0.05; or say why: [anonymized] because = \"...\""),
                because: reason(anonymized.because.as_ref()),
                // In a controlled environment, and below all rows, it is told and stops nothing.
                mild: !whole || tier == Some(Tier::Controlled),
            });
        }
    }

    fn below_tier(
        &mut self,
        tier: Option<Tier>,
        k: u64,
        place: &[&str; 2],
        what: &'static str,
        shown: &Name,
        because: Option<Name>,
    ) {
        let Some(tier) = tier.filter(|t| k < t.k()) else { return };
        let mut path = vec!["anonymized".to_owned()];
        path.extend(place.iter().map(|&p| p.to_owned()));
        self.found.push(Finding {
            code: "P0212",
            warning: "W0152",
            path,
            what: say!("{} `{}`: k = {} is below the {} of the tier `{}`", what, shown, k, tier.k(), tier.word()),
            ja: say!("{}「{}」: k = {}は、提供先の段階`{}`の{}を下回る", if what == "view" { "ビュー" } else { "集合" }, shown, k, tier.word(), tier.k()),
            advice: say!("leave `k` out, choose the tier that fits the recipients, or say why at the {}: because = \"...\"", what),
            because,
            mild: false,
        });
    }
}

fn kept_disease() -> Texts {
    Texts {
        what: say!(
            "a disease is kept as it is: one of few persons is a singular description, which no treatment of other columns answers"
        ),
        ja: say!(
            "傷病をそのまま残している。少数の人の傷病は特異な記述等であり、ほかの列の加工では答えにならない"
        ),
        advice: say!(
            "role = \"sensitive\" with {{ rare = 10 }}, or name it under `sensitive` of a view"
        ),
    }
}

fn one_year() -> Texts {
    Texts {
        what: say!("ages in single years are close to birth years"),
        ja: say!("1歳刻みの年齢は生年に近い"),
        advice: say!(
            "bands of 5 years or more with a top: age_band = {{ at = ..., width = 5, top = 90 }}"
        ),
    }
}

fn whole_birth() -> Texts {
    Texts {
        what: say!("a full birth date identifies many persons by itself, with sex and area"),
        ja: say!("生年月日の全部は、性別や地域と合わせて多くの人を特定する"),
        advice: say!("{{ truncate_date = \"month\" }} or coarser, or age_band"),
    }
}

/// Whether a column tells when a person was born: a birth date or a part of it in any form, or an age.
pub(super) fn tells_birth(table: &TablePlan, column: &ColumnPlan) -> bool {
    let named = suggestion(table, column).filter(|s| s.sure == Sure::Yes).map(|s| s.meaning);
    column.facts.date == Some(DateKind::Birth)
        || matches!(named, Some(Meaning::Birth | Meaning::BirthPart | Meaning::Age))
        || matches!(column.treatment(Kind::Anonymized).treatment, Treatment::AgeBand(_))
}

/// Whether a column holds ages, by its name.
fn aged(table: &TablePlan, column: &ColumnPlan) -> bool {
    suggestion(table, column).is_some_and(|s| s.meaning == Meaning::Age && s.sure == Sure::Yes)
}

/// The pack of a table's published layout.
fn published(table: &TablePlan) -> Option<Pack> {
    let (id, _) = table.layout.as_ref()?.as_str().split_once('@')?;
    toml::from_str(layout::shipped(id)?.text).ok()
}

/// What the published layout says of a column of these rows.
fn in_pack<'a>(
    pack: &'a Pack,
    table: &TablePlan,
    column: &ColumnPlan,
) -> Option<&'a layout::LayoutColumn> {
    let name = column.facts.column.as_str();
    let values: BTreeMap<&str, &[String]> = table
        .part
        .iter()
        .flat_map(|p| &p.matching)
        .map(|(c, values)| (table.columns[*c].facts.column.as_str(), values.as_slice()))
        .collect();
    let same_rows = |when: &layout::When| {
        when.matching.iter().all(|(c, v)| {
            values.get(c.as_str()).is_some_and(|have| have.iter().all(|h| v.list().contains(h)))
        })
    };
    let rows = pack.when.iter().filter(|w| same_rows(w)).flat_map(|w| &w.list);
    rows.chain(&pack.columns.list).find(|c| c.name == name)
}

/// A policy that makes a published identifier content.
fn by_layout(pack: Option<&Pack>, table: &TablePlan, column: &ColumnPlan) -> Option<Texts> {
    let known = in_pack(pack?, table, column)?;
    let guarded = matches!(
        known.role,
        Role::Direct | Role::IdCode | Role::Financial | Role::Link | Role::Text | Role::ThirdParty
    ) && !known.per_row;
    let milder = matches!(column.facts.role, Role::Quasi | Role::Sensitive | Role::Payload);
    // What must be a number or a date is no free text.
    let read = known.role == Role::Text && !matches!(column.facts.ty, Type::String | Type::Code);
    // A coarser level of a body is what the role third_party allows too.
    let coarse = known.role == Role::ThirdParty
        && Kind::BOTH
            .iter()
            .all(|&k| !shows(column, k) || !column.treatment(k).treatment.shows().kept());
    (guarded && milder && !read && !coarse).then(|| Texts {
        what: say!(
            "the layout `{}` says role {}, the policy says {}",
            table.layout,
            known.role,
            column.facts.role
        ),
        ja: say!(
            "レイアウト`{}`では{}の列だが、方針では{}とされている",
            table.layout,
            known.role.ja(),
            column.facts.role.ja()
        ),
        advice: say!("leave the role to the layout, or drop the column"),
    })
}

/// A role or type that the name contradicts, where the treatment would release the content.
fn by_name(
    column: &ColumnPlan,
    suggestion: Suggestion,
    kind: Kind,
    in_view: bool,
) -> Option<Texts> {
    let Suggestion { meaning, sure } = suggestion;
    let facts = &column.facts;
    let treatment = &column.treatment(kind).treatment;
    let anonymized = kind == Kind::Anonymized;
    let keep = treatment.shows().kept();
    let coarse =
        matches!(treatment, Treatment::Generalize(_) | Treatment::Map(_) | Treatment::Rare(_));
    let texts = |advice: Said| {
        Some(Texts {
            what: say!(
                "its name suggests {}, and it is declared {} of type {}: `{}` would release that",
                meaning.en(),
                facts.role,
                facts.ty,
                treatment.doc().name
            ),
            ja: say!(
                "列名は{}を示すが、役割{}・型{}とされ、`{}`ではその内容が出る",
                meaning.ja(),
                facts.role.ja(),
                facts.ty,
                treatment.doc().name
            ),
            advice,
        })
    };
    // Of these roles the treatments are judged already.
    let guarded = matches!(facts.role, Role::Direct | Role::IdCode | Role::Financial | Role::Link);
    let words = matches!(facts.ty, Type::String | Type::Code);
    if sure == Sure::Maybe || guarded {
        return None;
    }
    let read = treatment.shows() == Shows::Redacted || facts.role == Role::Text;
    if sure == Sure::Likely {
        let claims = meaning == Meaning::Text && facts.ty == Type::Code && keep && !read;
        return if claims { texts(say!("role = \"text\"")) } else { None };
    }
    match meaning {
        Meaning::IdCode => texts(say!("role = \"id_code\" and \"drop\"")),
        Meaning::Financial => texts(say!("role = \"financial\" and \"drop\"")),
        Meaning::Name if words && !read => texts(say!("role = \"direct\" and \"drop\"")),
        Meaning::Contact if !read => texts(say!("role = \"direct\" and \"drop\"")),
        Meaning::Address if words && !read && !coarse => texts(say!(
            "role = \"direct\" and \"drop\"; areas come from the postal code (generalize)"
        )),
        Meaning::Patient | Meaning::Number if !read => {
            texts(say!("role = \"link\" and \"{}\" or \"drop\"", token_word(kind)))
        }
        Meaning::Staff if facts.role != Role::ThirdParty && !read && !coarse => {
            texts(say!("role = \"third_party\", and a token or \"drop\""))
        }
        Meaning::Facility if keep && matches!(facts.role, Role::Payload | Role::Sensitive) => {
            texts(say!(
                "role = \"third_party\" with a token or \"drop\", or role = \"quasi\" in a view"
            ))
        }
        Meaning::Text if words && !read && !coarse => texts(say!("role = \"text\"")),
        Meaning::Birth if !facts.ty.is_date() => {
            // A day of the month, or the year at the beginning of a text, is a part of it alone.
            let part = matches!(treatment, Treatment::Prefix(p) if p.length <= 6)
                || facts.ty == Type::Integer && !keep;
            if part && (in_view || !anonymized) {
                return None;
            }
            texts(say!("type = \"date\", kind = \"birth\", and a treatment for birth dates"))
        }
        Meaning::Date
            if matches!(facts.ty, Type::Code | Type::String | Type::Integer)
                && facts.role != Role::Text =>
        {
            let part = matches!(treatment, Treatment::Prefix(p) if p.length <= 6);
            if part || coarse {
                return None;
            }
            texts(say!(
                "type = \"date\" (or partial_date, datetime) with its `kind`, and a treatment for dates"
            ))
        }
        Meaning::BirthPart | Meaning::Sex | Meaning::Age | Meaning::Postal | Meaning::Area
            if anonymized && !in_view && matches!(facts.role, Role::Payload | Role::ThirdParty) =>
        {
            texts(say!("role = \"quasi\", and name it under `quasi` of a view"))
        }
        _ => None,
    }
}
