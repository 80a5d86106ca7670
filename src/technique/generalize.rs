//! Generalize: a coarser level of the column's code system or hierarchy table.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::map_code::{Otherwise, other};
use super::prefix::leaves_a_part;
use super::{Cell, Doc, Input, Measure, Needs, Output, Shows, Technique, not_chosen, tails};
use crate::error::{Error, Name, Said};
use crate::law::Item;
use crate::say;
use crate::schema::codes::{ALL, FULL, Held, Ladders};
use crate::schema::{ColumnFacts, Kind, Type};

/// Replaces each value by its value on a level of the column's code system (`code = "icd10"`) or hierarchy table. Every ladder
/// also has the levels `full` (the value as it stands) and `*` (one value for all).
///
/// # Guarantee
/// * Two values that agree on the level have the same output: spellings of one code (with a dot, full-width) become one.
/// * A coarser level never has more distinct values, and is a function of every finer one that it is offered with.
/// * With `otherwise = "refuse"` (the default) a value that the ladder does not cover stops the run before anything is
///   written. No such value is in the output on any level but `*`, where all values are one.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Generalize {
    /// The level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Several levels to choose from, finest first. One alone is the level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
    /// What happens to a value that the ladder does not cover (`keep` is refused).
    #[serde(default)]
    pub otherwise: Otherwise,
    /// The text for it, with `otherwise = "other"`.
    #[serde(default = "other")]
    pub other: String,
    /// The level that the search tries: no part of a policy, and not of the frozen form, which has one level.
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    chosen: Option<String>,
    #[serde(skip)]
    #[schemars(skip)]
    ladder: Held,
}

impl Generalize {
    /// A fixed level.
    #[must_use]
    pub fn to(level: impl Into<String>) -> Self {
        Generalize {
            level: Some(level.into()),
            levels: Vec::new(),
            otherwise: Otherwise::default(),
            other: other(),
            chosen: None,
            ladder: Held::default(),
        }
    }
    /// Levels to choose from, finest first.
    #[must_use]
    pub fn among(levels: Vec<String>) -> Self {
        Generalize { level: None, levels, ..Self::to("") }
    }
    /// The levels that may be applied: the chosen or fixed one, or all that are offered.
    fn candidates(&self) -> Vec<&str> {
        match self.chosen.as_ref().or(self.level.as_ref()) {
            Some(level) => vec![level],
            None => self.levels.iter().map(String::as_str).collect(),
        }
    }
    /// The one level to apply; `None` if there is still a choice.
    fn fixed(&self) -> Option<&str> {
        match self.candidates().as_slice() {
            [level] => Some(level),
            _ => None,
        }
    }
    /// The value on a level. Without a ladder nothing but `*` is covered.
    fn up(&self, text: &str, level: &str) -> Option<String> {
        match self.ladder.get() {
            Some(ladder) => ladder.up(text, level),
            None => (level == ALL).then(|| ALL.to_owned()),
        }
    }
}

impl Technique for Generalize {
    const DOC: Doc = Doc {
        name: "generalize",
        ja: "一般化（階層）",
        summary: "Replaces values by a coarser level of their code system or hierarchy.",
        summary_ja: "コード体系または階層表の上位の区分に置き換える。",
        items: &[Item::A1, Item::A4, Item::A5, Item::P1],
        example: "{ generalize = \"category\" }",
        shorthand: Some("level"),
        keyed: false,
        shows: Shows::Coarser,
        ranges: true,
    };
    fn check(&self, facts: &ColumnFacts, _: Kind) -> Vec<Said> {
        let mut against = Vec::new();
        if self.level.is_some() != self.levels.is_empty() {
            against.push(say!("generalize needs `level` or `levels`, one of them"));
        }
        if self.otherwise == Otherwise::Keep {
            against
                .push(say!("generalize: `otherwise = \"keep\"` would release values as they are"));
        }
        against.extend(leaves_a_part(facts.role));
        against
    }
    fn remainder(&self) -> Option<&str> {
        (self.otherwise == Otherwise::Other).then_some(self.other.as_str())
    }
    fn needs(&self) -> Needs {
        let all = self.candidates().iter().all(|level| *level == ALL);
        Needs { statistics: self.otherwise == Otherwise::Refuse && !all, ..Needs::default() }
    }
    fn attach(&mut self, ladders: &Ladders, facts: &ColumnFacts) -> Result<(), Said> {
        let wanted: Vec<&String> = self.level.iter().chain(&self.levels).collect();
        let ladder = match &facts.code {
            Some(code) => ladders.find(code)?,
            None if !wanted.is_empty() && wanted.iter().all(|level| *level == ALL) => return Ok(()),
            None => {
                return Err(say!(
                    "generalize needs `code = ...` on the column: a code system or a hierarchy of the policy"
                ));
            }
        };
        if let Some(level) = wanted.into_iter().find(|level| !ladder.has(level)) {
            let known: Vec<Said> = [FULL.to_owned()]
                .into_iter()
                .chain(ladder.levels())
                .chain([ALL.to_owned()])
                .map(|known| say!("`{}`", Name::from_policy(known)))
                .collect();
            return Err(say!(
                "`{}` has no level `{}`; it has: {}",
                ladder.name(),
                Name::from_policy(level.clone()),
                Said::join(&known, ", ")
            ));
        }
        let twice = self.levels.windows(2).any(|pair| pair[0] == pair[1]);
        if twice || !ladder.nested(&self.levels) {
            return Err(say!(
                "`levels` of `{}` must go from the finest to the coarsest in one chain (a prefix of a postal code may span prefectures)",
                ladder.name()
            ));
        }
        self.ladder = Held::of(ladder);
        Ok(())
    }
    fn output(&self, facts: &ColumnFacts) -> Option<Type> {
        let as_is = self.fixed() == Some(FULL) && self.otherwise != Otherwise::Other;
        Some(if as_is { facts.ty } else { Type::Code })
    }
    fn choices(&self) -> Vec<String> {
        if self.fixed().is_some() { Vec::new() } else { self.levels.clone() }
    }
    fn choose(&mut self, choice: &str) {
        self.chosen = Some(choice.to_owned());
    }
    fn measure(&self, input: &Input<'_>) -> Measure {
        let levels = self.candidates();
        tails::uncovered(input, |text| levels.iter().all(|level| self.up(text, level).is_some()))
    }
    fn merge(&self, left: Measure, right: Measure) -> Measure {
        tails::merge(left, right, 0)
    }
    fn freeze(&self, statistics: &Measure, facts: &ColumnFacts) -> Result<Self, Error> {
        let Some(level) = self.fixed() else { return Err(not_chosen()) };
        let column = say!("column `{}.{}`", facts.table, facts.column);
        let offered = self.level.iter().chain(&self.levels).any(|l| l == level);
        if !offered {
            let level = Name::from_policy(level);
            return Err(Error::policy(
                "P0402",
                say!("{}: level `{}` is not offered", column, level),
            ));
        }
        if level != ALL && self.ladder.get().is_none() {
            return Err(Error::policy("P0403", say!("{}: generalize has no ladder", column)));
        }
        if self.needs().statistics {
            let Measure::Persons(_) = statistics else {
                return Err(Error::policy(
                    "P0404",
                    say!("{}: the coverage was not measured", column),
                ));
            };
            tails::refuse_uncovered(statistics, "the code system or hierarchy")?;
        }
        let level = Some(level.to_owned());
        Ok(Generalize { level, levels: Vec::new(), chosen: None, ..self.clone() })
    }
    fn restore(&self, written: &serde_json::Value) -> Option<Self> {
        let (read, chosen): (Self, _) = super::apart(written, "chosen")?;
        Some(Generalize { chosen, ladder: self.ladder.clone(), ..read })
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        let level = self.fixed();
        input.map_values(|text| match (level.and_then(|l| self.up(text, l)), self.otherwise) {
            (Some(new), _) => Cell::Text(new),
            (None, Otherwise::Other) => Cell::Text(self.other.clone()),
            // Whether to refuse was decided by `freeze`; a value that is not covered is never shown.
            (None, _) => Cell::Missing,
        })
    }
    fn describe(&self) -> (String, String) {
        let levels = self.candidates();
        let ladder = self.ladder.get();
        let term = |level: &&str| {
            let ja = ladder.and_then(|l| l.level_ja(level));
            ja.map_or_else(|| (*level).to_owned(), |ja| ja.as_str().to_owned())
        };
        let ja: Vec<String> = levels.iter().map(term).collect();
        let (of_ja, of_en) = ladder.map_or_else(Default::default, |l| {
            let (name, version) = (l.name(), l.version());
            (format!("（{name} {version}）"), format!(" of {name} ({version})"))
        });
        let (rest_ja, rest_en) = match self.otherwise {
            Otherwise::Refuse | Otherwise::Keep => Default::default(),
            Otherwise::Suppress => (
                "、対応のない値は削除".to_owned(),
                ", values not covered are suppressed".to_owned(),
            ),
            Otherwise::Other => (
                format!("、対応のない値は「{}」", self.other),
                format!(", values not covered become `{}`", self.other),
            ),
        };
        let (some_ja, some_en) =
            if levels.len() > 1 { ("のいずれか", "one of ") } else { ("", "") };
        (
            format!("「{}」{some_ja}に一般化{of_ja}{rest_ja}", ja.join("」「")),
            format!("generalized to {some_en}`{}`{of_en}{rest_en}", levels.join("`, `")),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::error::Family;
    use crate::schema::Role;
    use crate::schema::codes::Hierarchy;
    use crate::testing::{Rows, facts, frozen};

    fn ladders() -> Ladders {
        let fixed = Name::fixed;
        let text = "a;ab;abcd\nb;ab;abcd\nc;cd;abcd\nd;cd;abcd\ne;ef;ef\nf;ef;ef\n";
        let levels = vec![fixed("pair"), fixed("quad")];
        let table =
            Hierarchy::parse(fixed("letters"), text, b';', false, levels, fixed("1"), fixed("-"));
        let mut ladders = Ladders::new();
        ladders.add(table.unwrap()).unwrap();
        ladders
    }
    fn of(code: &'static str) -> ColumnFacts {
        ColumnFacts { code: Some(Name::fixed(code)), ..facts(Type::Code) }
    }
    fn among(levels: &[&str]) -> Generalize {
        Generalize::among(levels.iter().map(|l| (*l).to_owned()).collect())
    }
    fn attached(mut config: Generalize, facts: &ColumnFacts) -> Generalize {
        config.attach(&ladders(), facts).unwrap();
        config
    }
    type Cells = Vec<Option<String>>;
    fn run(
        config: &Generalize,
        facts: &ColumnFacts,
        rows: &[(u8, Option<&str>)],
    ) -> Result<Cells, Error> {
        let rows = Rows::new(rows.iter().map(|(p, t)| (*p, t.map(str::to_owned))));
        let (_, output) = frozen(&attached(config.clone(), facts), &rows, facts)?;
        Ok(output.cells.cells().map(|t| t.map(str::to_owned)).collect())
    }
    fn texts(cells: &[Option<&str>]) -> Cells {
        cells.iter().map(|c| c.map(str::to_owned)).collect()
    }

    #[test]
    fn the_policy_forms() {
        let read = |text: &str| serde_json::from_str::<Generalize>(text);
        assert_eq!(read(r#"{"level":"category"}"#).unwrap(), Generalize::to("category"));
        assert_eq!(read(r#"{"levels":["a","b"]}"#).unwrap().choices(), ["a", "b"]);
        assert!(read(r#"{"levels":["a"]}"#).unwrap().choices().is_empty());
        let suppress = read(r#"{"level":"a","otherwise":"suppress"}"#).unwrap();
        assert_eq!(suppress.otherwise, Otherwise::Suppress);
        for text in [
            r#"{"level":"a","otherwise":"guess"}"#,
            r#"{"level":"a","chosen":"a"}"#,
            r#"{"ladder":null}"#,
        ] {
            assert!(read(text).is_err());
        }
        // The ladder is no part of the configuration.
        let held = attached(Generalize::to("category"), &of("icd10"));
        assert_eq!(held, Generalize::to("category"));
        assert_eq!(
            serde_json::from_str::<Generalize>(&serde_json::to_string(&held).unwrap()).unwrap(),
            held
        );
    }

    #[test]
    fn a_level_is_applied_and_specials_pass() {
        let facts = ColumnFacts { specials: vec!["0000".to_owned()], ..of("icd10") };
        let cells = [Some("A41.9"), Some("a419"), None, Some("0000"), Some("Ｉ１０")];
        let rows: Vec<_> = cells.iter().map(|c| (0, *c)).collect();
        let expected = texts(&[Some("A41"), Some("A41"), None, Some("0000"), Some("I10")]);
        assert_eq!(run(&Generalize::to("category"), &facts, &rows).unwrap(), expected);
        let expected = texts(&[Some("*"), Some("*"), None, Some("0000"), Some("*")]);
        assert_eq!(run(&Generalize::to("*"), &facts, &rows).unwrap(), expected);
        assert!(!Generalize::to("*").needs().statistics);
        assert_eq!(run(&Generalize::to("full"), &facts, &rows).unwrap(), texts(&cells));
    }

    #[test]
    fn an_uncovered_value_stops_the_run_and_is_not_named() {
        let rows = [(0, Some("A41")), (0, Some("secret")), (1, Some("secret")), (2, Some("B20"))];
        for level in ["full", "category", "chapter"] {
            let config = Generalize::to(level);
            let error = run(&config, &of("icd10"), &rows).unwrap_err();
            assert_eq!(error.family, Family::Refused);
            let text = error.to_string();
            assert!(text.contains("<10 persons") && !text.contains("secret"), "{text}");
            let nothing =
                attached(config.clone(), &of("icd10")).freeze(&Measure::Nothing, &of("icd10"));
            assert!(nothing.is_err());
            let suppress = Generalize { otherwise: Otherwise::Suppress, ..config.clone() };
            assert_eq!(run(&suppress, &of("icd10"), &rows).unwrap()[1], None);
            let other = Generalize { otherwise: Otherwise::Other, ..config.clone() };
            assert_eq!(run(&other, &of("icd10"), &rows).unwrap()[1].as_deref(), Some("other"));
            let keep = Generalize { otherwise: Otherwise::Keep, ..config };
            assert_eq!(keep.check(&of("icd10"), Kind::Anonymized).len(), 1);
            // Even unchecked, it shows nothing that is not covered.
            assert_eq!(run(&keep, &of("icd10"), &rows).unwrap()[1], None);
        }
    }

    #[test]
    fn a_choice_must_be_made() {
        let rows = [(0, Some("100-0001"))];
        let mut config = among(&["municipality", "prefecture"]);
        assert_eq!(config.choices(), ["municipality", "prefecture"]);
        assert_eq!(run(&config, &of("postal"), &rows).unwrap_err().family, Family::Policy);
        config.choose("region");
        assert_eq!(run(&config, &of("postal"), &rows).unwrap_err().family, Family::Policy);
        config.choose("prefecture");
        assert_eq!(run(&config, &of("postal"), &rows).unwrap(), texts(&[Some("13")]));
        let measured = Measure::Persons(BTreeMap::new());
        let fixed = attached(config, &of("postal")).freeze(&measured, &of("postal")).unwrap();
        assert_eq!(fixed, Generalize::to("prefecture"));
    }

    #[test]
    fn what_it_refuses() {
        let attach =
            |levels: &[&str], facts: &ColumnFacts| among(levels).attach(&ladders(), facts).is_ok();
        assert!(attach(&["full", "municipality", "prefecture", "region", "*"], &of("postal")));
        assert!(attach(&["prefix3", "*"], &of("postal")));
        assert!(attach(&["*"], &facts(Type::Code)));
        for levels in [
            ["prefix3", "prefecture"],
            ["region", "prefecture"],
            ["region", "region"],
            ["district", "*"],
        ] {
            assert!(!attach(&levels, &of("postal")));
        }
        assert!(!attach(&["region"], &facts(Type::Code)));
        assert!(!attach(&["region"], &of("no such ladder")));
        let against = |config: Generalize, role| {
            config.check(&ColumnFacts { role, ..of("postal") }, Kind::Anonymized).len()
        };
        assert_eq!(against(Generalize::to("region"), Role::Quasi), 0);
        assert_eq!(against(among(&[]), Role::Quasi), 1);
        assert_eq!(
            against(Generalize { level: Some("region".into()), ..among(&["*"]) }, Role::Quasi),
            1
        );
        for role in [Role::Direct, Role::IdCode, Role::Financial, Role::Link, Role::Text] {
            assert_eq!(against(Generalize::to("region"), role), 1);
        }
    }

    #[test]
    fn it_says_what_it_does() {
        let config = Generalize { otherwise: Otherwise::Suppress, ..Generalize::to("block") };
        let (ja, en) = attached(config, &of("icd10")).describe();
        assert_eq!(ja, "「中間分類」に一般化（icd10 WHO 2013）、対応のない値は削除");
        assert_eq!(
            en,
            "generalized to `block` of icd10 (WHO 2013), values not covered are suppressed"
        );
    }

    proptest! {
        #[test]
        fn coarser_is_a_function_of_finer_and_specials_are_untouched(
            cells in proptest::collection::vec((0_u8..9, proptest::option::of("[a-h]")), 1..20),
            special in "[a-h]",
        ) {
            let facts = ColumnFacts { specials: vec![special.clone()], ..of("letters") };
            let rows: Vec<(u8, Option<&str>)> = cells.iter().map(|(p, t)| (*p, t.as_deref())).collect();
            let mut finer: Option<Cells> = None;
            for level in ["full", "pair", "quad", "*"] {
                let config = Generalize { otherwise: Otherwise::Suppress, ..Generalize::to(level) };
                let coarser = run(&config, &facts, &rows).unwrap();
                // `g` and `h` are not in the table: to refuse is to refuse exactly then.
                let uncovered = |t: &str| t > "f" && t != special && level != "*";
                let refused = run(&Generalize::to(level), &facts, &rows).is_err();
                prop_assert_eq!(refused, rows.iter().any(|(_, t)| t.is_some_and(uncovered)));
                for ((_, old), new) in rows.iter().zip(&coarser) {
                    prop_assert_eq!(new.is_none(), old.is_none_or(uncovered));
                    if *old == Some(special.as_str()) {
                        prop_assert_eq!(new.as_deref(), *old);
                    }
                }
                if let Some(finer) = &finer {
                    let mut parent = BTreeMap::new();
                    for (f, c) in finer.iter().zip(&coarser).filter(|(f, _)| f.is_some()) {
                        prop_assert_eq!(parent.entry(f).or_insert(c), &c);
                    }
                    let distinct = |cells: &Cells| cells.iter().flatten().collect::<BTreeSet<_>>().len();
                    // `*` also takes in what the finer levels do not cover.
                    prop_assert!(distinct(&coarser) <= distinct(finer) + usize::from(level == "*"));
                }
                finer = Some(coarser);
            }
        }
    }
}
