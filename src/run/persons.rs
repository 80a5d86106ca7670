//! Who must not be in the releases: the exclusion lists and the eligibility file of a run or of its replay.

use std::path::PathBuf;
use std::time::SystemTime;

use super::shown;
use crate::engine::eligibility::Eligibility;
use crate::engine::exclude::Lists;
use crate::engine::roll::Key;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::record::statement::Statement;
use crate::schema::Kind;
use crate::{say, text};

/// Lists of persons and who was notified.
#[derive(Clone, Debug, Default)]
pub struct Persons {
    /// Persons who must be in neither release.
    pub exclude: Vec<PathBuf>,
    /// Persons who must not be in the pseudonymized release.
    pub exclude_pseudonymized: Vec<PathBuf>,
    /// Persons who must not be in the anonymized release.
    pub exclude_anonymized: Vec<PathBuf>,
    /// Who was notified, when, and who asked that it stop, apart for both releases (docs/eligibility.md). Whoever is not in it is
    /// in no release.
    pub eligibility: Vec<PathBuf>,
    /// The day at which enough days must have passed since the notification; by default today.
    pub as_of: Option<String>,
    /// Run although a list matches nobody, or names a person in another spelling; the record tells it.
    pub allow_unmatched: bool,
}

impl Persons {
    /// The files.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let all = [
            &self.exclude,
            &self.exclude_pseudonymized,
            &self.exclude_anonymized,
            &self.eligibility,
        ];
        all.into_iter().flatten()
    }
    /// Reads the files.
    ///
    /// # Errors
    /// If one cannot be read or is none, or the policy asks for an eligibility file and there is none.
    pub fn read(&self, plan: &Plan) -> Result<Lists> {
        let today = today();
        let as_of = match &self.as_of {
            None => today,
            Some(given) => {
                let day = text::date::day_in_zone(given, plan.zone);
                day.filter(|&day| day <= today).ok_or_else(|| {
                    Error::policy("P0331", say!("--as-of is no whole date, or later than today"))
                })?
            }
        };
        self.read_as_of(plan, as_of)
    }

    /// Reads the files as a run with this statement did.
    ///
    /// # Errors
    /// See [`Persons::read`]; another date than that of the run.
    pub fn read_as_in(&self, plan: &Plan, statement: &Statement) -> Result<Lists> {
        let told = statement.eligibility.as_ref().and_then(|e| e.as_of.as_deref());
        let told = told.and_then(text::date::parse);
        let told = told.and_then(|when| when.days());
        let mut lists = match (told, &self.as_of) {
            (Some(day), None) => self.read_as_of(plan, day)?,
            _ => self.read(plan)?,
        };
        let given = lists.eligibility.as_ref().map(|e| e.as_of);
        if self.as_of.is_some() && given != told {
            return Err(Error::refused(
                "R0601",
                say!("the run had another reference date (--as-of)"),
            ));
        }
        // The record says whether the run was allowed to go on; a replay only compares.
        lists.allow_unmatched = true;
        Ok(lists)
    }

    fn read_as_of(&self, plan: &Plan, as_of: i32) -> Result<Lists> {
        let mut lists = Lists::default();
        lists.allow_unmatched = self.allow_unmatched;
        let key = Key::of(plan);
        let paths = [&self.exclude, &self.exclude_pseudonymized, &self.exclude_anonymized];
        for (paths, kinds) in
            paths.into_iter().zip([&Kind::BOTH[..], &Kind::BOTH[..1], &Kind::BOTH[1..]])
        {
            for path in paths {
                lists.add(path, &shown(path), kinds, &key)?;
            }
        }
        if !self.eligibility.is_empty() {
            let days = u32::from(plan.eligibility.notice_days);
            let mut eligibility = Eligibility::new(as_of, days, plan.zone);
            for path in &self.eligibility {
                eligibility.add(path, &shown(path), &key)?;
            }
            lists.eligibility = Some(eligibility);
        } else if plan.eligibility.required {
            return Err(Error::refused(
                "C0613",
                say!("the policy asks for an eligibility file ([eligibility] required = true): --eligibility FILE"),
            )
            .advice(say!("policies/eligibility.csv is a template; docs/eligibility.md has the format")));
        }
        Ok(lists)
    }
}

/// Today in Japan, in days since 1970-01-01.
fn today() -> i32 {
    let today = text::date::in_japan(SystemTime::now().into());
    i32::try_from(today.signed_duration_since(chrono::NaiveDate::default()).num_days())
        .unwrap_or(i32::MAX)
}
