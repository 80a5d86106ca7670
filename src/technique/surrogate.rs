//! Surrogate: a token under a key that exists for this run only

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ColumnRefs, Doc, Input, Needs, Output, Scope, Shows, Technique};
use crate::error::Said;
use crate::law::Item;
use crate::say;
use crate::schema::{ColumnFacts, Kind, Role, Type};

/// Replaces an identifier by a token of 128 bits (26 characters, Crockford base32): under a key that is random, exists in memory for this run only and is destroyed.
///
/// Identifiers are normalized first (width, case, blanks, hyphens), so two spellings of one number give one token. Special
/// values do not pass: of a linking code nothing may remain. A code that is unique within a facility only (a doctor's) has a token a
/// facility, unless it is `common`.
///
/// # Guarantee
/// * One identity has one token in all tables of the release; two identities never share one (checked in every run).
/// * Without the key nothing is learnt from a token but equality.
/// * What cannot identify (blank, all nines, a word for missing) becomes missing.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Surrogate {
    /// The name of the key whose tokens these are, for a column that is not itself part of that key (the number of a
    /// previous stay has the domain `stay`). By default the key that the column belongs to, else the column itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The code means the same in every facility (a national code). Without it, a code that makes no key means somebody within what the
    /// person's number is unique in (the columns of the person's key before the last, the folder of `per_folder`): the doctor `0001`
    /// of two hospitals has two tokens.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub common: bool,
    /// Columns of the table within which the code means the same, instead of those of the person's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<ColumnRefs>,
}

impl Technique for Surrogate {
    const DOC: Doc = Doc {
        name: "surrogate",
        ja: "連結することができない符号への置換",
        summary: "a token under a key that exists for this run only",
        summary_ja: "識別子を、この実行限りの鍵による符号に置き換える。鍵は残さない。",
        items: &[Item::A1, Item::A2, Item::A3],
        example: "\"surrogate\"",
        shorthand: Some("domain"),
        keyed: true,
        shows: Shows::Token(Kind::Anonymized),
        ranges: false,
    };
    fn check(&self, facts: &ColumnFacts, kind: Kind) -> Vec<Said> {
        let mut said = Vec::new();
        if kind != Kind::Anonymized {
            said.push(say!("surrogate belongs to the anonymized release: the two releases must never share a token; use `pseudonym` here"));
        }
        if self.common && self.within.is_some() {
            said.push(say!("a code is either common or means the same within some columns: `common` or `within`"));
        }
        if !matches!(facts.role, Role::Link | Role::ThirdParty) {
            said.push(say!("surrogate is for linking codes and identifiers of third parties; a column of role {} would give its values away by their frequency", facts.role));
        }
        said
    }
    fn needs(&self) -> Needs {
        Needs {
            identity: true,
            key: true,
            scope: Scope::of(self.common, self.within.as_ref()),
            domain: self.domain.clone(),
            ..Needs::default()
        }
    }
    fn output(&self, _: &ColumnFacts) -> Option<Type> {
        Some(Type::Code)
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        super::tokens(input, self.domain.as_deref())
    }
    fn describe(&self) -> (String, String) {
        (
            "連結することができない符号への置換".into(),
            "a token under a key that exists for this run only".into(),
        )
    }
}
