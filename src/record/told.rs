//! What the law has the house write down and no program can see: provisions from one recipient to another, what went to or came from
//! another certified house, what was taken in and how, requests to stop. An entry says who says so; names of persons and what
//! identifies them never stand in it, only where the paper is.

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::ledger::{Appended, Book, EntryKind, Ledger};
use super::seal;
use super::state::folded;
use crate::digest;
use crate::error::{Error, Name, Result, Said};
use crate::keys::Sign;
use crate::say;
use crate::schema::Kind;
use crate::text::date;

/// What is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Fact {
    /// A recipient gave a release of ours to another one (規則12条1項2号).
    Onward,
    /// 医療情報 went to another certified house (規則12条1項4号, 法27条).
    Sent,
    /// 医療情報 came from another certified house (規則12条1項5号, 法27条).
    Received,
    /// 医療情報 was taken in from a provider (法55条3項, 規則57条).
    Intake,
    /// A person asked to stop the provision (法53条, 規則51条).
    Stop,
}

impl Fact {
    /// The word in entries.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Fact::Onward => "onward",
            Fact::Sent => "sent",
            Fact::Received => "received",
            Fact::Intake => "intake",
            Fact::Stop => "stop",
        }
    }
    /// In Japanese.
    #[must_use]
    pub const fn ja(self) -> &'static str {
        match self {
            Fact::Onward => "取扱事業者間の提供",
            Fact::Sent => "他の認定事業者への提供",
            Fact::Received => "他の認定事業者からの受領",
            Fact::Intake => "医療情報の受領",
            Fact::Stop => "停止の求め",
        }
    }
    /// Where it stands that this is written down.
    #[must_use]
    pub const fn article(self) -> &'static str {
        match self {
            Fact::Onward => "規則12条1項2号",
            Fact::Sent => "規則12条1項4号",
            Fact::Received => "規則12条1項5号",
            Fact::Intake => "法55条3項・規則57条",
            Fact::Stop => "法53条・規則51条",
        }
    }
    /// What must be said of it.
    const fn asks(self) -> &'static [Part] {
        match self {
            Fact::Onward => &[Part::From, Part::To, Part::Release],
            Fact::Sent => &[Part::To, Part::Items],
            Fact::Received => &[Part::From, Part::Items],
            Fact::Intake => &[Part::From, Part::How, Part::Items, Part::Reference],
            Fact::Stop => &[Part::How, Part::Reference, Part::Stopped],
        }
    }
}

/// A part of what is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    From,
    To,
    Release,
    Items,
    How,
    Reference,
    Stopped,
}

/// A person or body by name and address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Party {
    /// 氏名又は名称.
    pub name: String,
    /// 住所.
    pub address: Option<String>,
    /// 法人の代表者の氏名.
    pub representative: Option<String>,
}

impl Party {
    fn told(&self) -> Value {
        json!({ "name": self.name, "address": self.address, "representative": self.representative })
    }
}

/// All that is told of a fact.
#[derive(Clone, Debug, Default)]
pub struct Telling {
    /// The day on which it happened, `2026-04-01`.
    pub on: String,
    /// From whom.
    pub from: Option<Party>,
    /// To whom.
    pub to: Option<Party>,
    /// Which release.
    pub release: Option<(String, Option<Kind>)>,
    /// The items (項目).
    pub items: Vec<String>,
    /// How: the way in which it was obtained (取得の経緯), or in which it was asked (in writing, orally).
    pub how: Option<String>,
    /// Where the paper is that names the persons.
    pub reference: Option<String>,
    /// The number of persons.
    pub persons: Option<u64>,
    /// The day on which the provision was stopped.
    pub stopped: Option<String>,
    /// The day of the paper that was given to the person.
    pub paper: Option<String>,
    /// What was published or notified, and where (公表されている旨).
    pub published: Option<String>,
    /// The bytes of a list of persons, of which a commitment is entered.
    pub list: Option<Vec<u8>>,
    /// Who says so.
    pub by: String,
}

fn wrong(what: Said) -> Error {
    Error::policy("R0251", what)
}

fn day(text: &str, today: NaiveDate) -> Result<()> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
    match day {
        Some(day) if day <= today => Ok(()),
        Some(_) => Err(wrong(say!(
            "`{}` has not come yet: what will be is not entered",
            Name::from_policy(text)
        ))),
        None => {
            Err(wrong(say!("`{}` is no day", Name::from_policy(text)))
                .advice(say!("as 2026-04-01")))
        }
    }
}

/// Enters a fact.
///
/// # Errors
/// If something that the law asks for is missing, a day is none, the release or its recipient is not known to the ledger; those of
/// [`Ledger::append`].
pub fn enter(fact: Fact, telling: &Telling, ledger: &Ledger, key: &dyn Sign) -> Result<Appended> {
    let today = date::in_japan(chrono::Utc::now());
    let body = body(fact, telling, &ledger.read(&[])?, today)?;
    ledger.append(EntryKind::Told, &body, key)
}

fn body(fact: Fact, telling: &Telling, book: &Book, today: NaiveDate) -> Result<Value> {
    let blank = |text: &Option<String>| text.as_ref().is_none_or(|t| t.trim().is_empty());
    let nobody = |party: &Option<Party>| {
        party.as_ref().is_none_or(|p| p.name.trim().is_empty() || blank(&p.address))
    };
    for part in fact.asks() {
        let (missing, option) = match part {
            Part::From => (nobody(&telling.from), "--from NAME --from-address ADDRESS"),
            Part::To => (nobody(&telling.to), "--to NAME --to-address ADDRESS"),
            Part::Release => (telling.release.is_none(), "--release ID --kind KIND"),
            Part::Items => (telling.items.is_empty(), "--item ITEM"),
            Part::How => (blank(&telling.how), "--how TEXT"),
            Part::Reference => (blank(&telling.reference), "--reference TEXT"),
            Part::Stopped => (telling.stopped.is_none(), "--stopped DAY"),
        };
        if missing {
            return Err(wrong(say!("an entry by {} needs {}", fact.article(), option)));
        }
    }
    if telling.by.trim().is_empty() {
        return Err(wrong(say!("an entry by {} needs {}", fact.article(), "--by NAME")));
    }
    for text in [Some(&telling.on), telling.stopped.as_ref(), telling.paper.as_ref()] {
        text.map_or(Ok(()), |text| day(text, today))?;
    }
    let mut body = json!({
        "fact": fact.word(), "article": fact.article(), "on": telling.on, "toldBy": telling.by,
        // Never the program's own word.
        "seen": false,
    });
    let optional = [
        ("from", telling.from.as_ref().map(Party::told)),
        ("to", telling.to.as_ref().map(Party::told)),
        ("how", telling.how.as_ref().map(|t| json!(t))),
        ("reference", telling.reference.as_ref().map(|t| json!(t))),
        ("persons", telling.persons.map(|n| json!(n))),
        ("stoppedOn", telling.stopped.as_ref().map(|t| json!(t))),
        ("paperOn", telling.paper.as_ref().map(|t| json!(t))),
        ("published", telling.published.as_ref().map(|t| json!(t))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    if !telling.items.is_empty() {
        body["items"] = json!(telling.items);
    }
    if let Some((release, kind)) = &telling.release {
        let unknown = || {
            Error::refused(
                "R0252",
                say!(
                    "the ledger has no release `{}` of this kind",
                    Name::from_policy(release.clone())
                ),
            )
        };
        let run = book.run(release).ok_or_else(unknown)?;
        body["release"] = json!(release);
        if let Some(kind) = kind {
            let told = &run.body["releases"][kind.word()];
            body["kind"] = json!(kind.word());
            body["items"] = told["items"].clone();
            if told.is_null() {
                return Err(unknown());
            }
        }
    }
    if let (Fact::Onward, Some(from)) = (fact, &telling.from) {
        holds(book, from, telling)?;
    }
    if let Some(list) = &telling.list {
        // Not the digest itself: few persons could be tried out.
        let commitment = seal::commit(&digest::bytes(list).sha3_256)?;
        body["list"] = json!({ "bytes": list.len(), "commitment": commitment });
    }
    Ok(body)
}

/// Who passes a release on has it: from us, or from one who passed it on.
fn holds(book: &Book, from: &Party, telling: &Telling) -> Result<()> {
    let Some((release, kind)) = &telling.release else { return Ok(()) };
    let about = |body: &Value| {
        body["release"] == release.as_str() && kind.is_none_or(|k| body["kind"] == k.word())
    };
    let named = |value: &Value| value.as_str().is_some_and(|n| folded(n) == folded(&from.name));
    let found = book.entries.iter().filter(|e| about(&e.body)).any(|e| match e.kind {
        EntryKind::Provision => e.body["state"] == "done" && named(&e.body["recipient"]["name"]),
        EntryKind::Told => e.body["fact"] == Fact::Onward.word() && named(&e.body["to"]["name"]),
        _ => false,
    });
    if found {
        return Ok(());
    }
    Err(Error::refused("R0253", say!("by the ledger this release was not given to the one who is said to pass it on"))
        .advice(say!("the name as it stands in the entry of the provision: `kakou ledger list LEDGER --kind provision --json`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;

    #[test]
    fn what_the_law_asks_for_must_be_told() {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_test_seed([1; 32]);
        let ledger = Ledger::init(&folder.path().join("l"), "test.example/l", &key).unwrap();
        let release = json!({ "release": "r1", "startedAt": "2026-01-01T00:00:00Z",
            "releases": { "anonymized": { "items": { "stays": ["性別"] } } } });
        ledger.append(EntryKind::Run, &release, &key).unwrap();
        let given = json!({ "release": "r1", "kind": "anonymized", "state": "done", "recipient": { "name": "甲社" } });
        ledger.append(EntryKind::Provision, &given, &key).unwrap();
        let party = |name: &str| {
            Some(Party { name: name.into(), address: Some("東京".into()), representative: None })
        };
        let whole = Telling {
            on: "2026-04-01".into(),
            from: party("甲社"),
            to: party("乙社"),
            release: Some(("r1".into(), Some(Kind::Anonymized))),
            items: vec!["傷病名".into()],
            how: Some("書面".into()),
            reference: Some("受付 3号".into()),
            stopped: Some("2026-04-02".into()),
            by: "記録係".into(),
            ..Telling::default()
        };
        let today = NaiveDate::from_ymd_opt(2026, 5, 1).unwrap();
        let told = |fact, telling: &Telling| {
            body(fact, telling, &ledger.read(&[]).unwrap(), today).map_err(|e| e.code)
        };
        let onward = told(Fact::Onward, &whole).unwrap();
        assert_eq!(onward["items"], json!({ "stays": ["性別"] }));
        assert_eq!(onward["seen"], false);
        for fact in [Fact::Sent, Fact::Received, Fact::Intake, Fact::Stop] {
            assert_eq!(told(fact, &whole).unwrap()["article"], fact.article());
        }
        // Each part that is asked for, left out.
        for (fact, left_out) in [
            (Fact::Onward, Telling { to: None, ..whole.clone() }),
            (Fact::Onward, Telling { release: None, ..whole.clone() }),
            (Fact::Sent, Telling { items: vec![], ..whole.clone() }),
            (
                Fact::Received,
                Telling {
                    from: Some(Party { name: "甲".into(), ..Party::default() }),
                    ..whole.clone()
                },
            ),
            (Fact::Intake, Telling { how: Some(" ".into()), ..whole.clone() }),
            (Fact::Stop, Telling { reference: None, ..whole.clone() }),
            (Fact::Stop, Telling { stopped: None, ..whole.clone() }),
            (Fact::Stop, Telling { by: String::new(), ..whole.clone() }),
            (Fact::Stop, Telling { on: "2026-5-1".into(), ..whole.clone() }),
            (Fact::Stop, Telling { on: "2026-05-02".into(), ..whole.clone() }),
        ] {
            assert_eq!(told(fact, &left_out).unwrap_err(), "R0251", "{fact:?}");
        }
        let other =
            |id: &str, kind| Telling { release: Some((id.into(), Some(kind))), ..whole.clone() };
        assert_eq!(told(Fact::Onward, &other("r2", Kind::Anonymized)).unwrap_err(), "R0252");
        assert_eq!(told(Fact::Onward, &other("r1", Kind::Pseudonymized)).unwrap_err(), "R0252");
        // Nobody passes on what he does not have; whoever got it may.
        let stranger = Telling { from: party("乙社"), to: party("丙社"), ..whole.clone() };
        assert_eq!(told(Fact::Onward, &stranger).unwrap_err(), "R0253");
        enter(Fact::Onward, &whole, &ledger, &key).unwrap();
        told(Fact::Onward, &stranger).unwrap();
        // Of a list of persons there is a commitment, twice another one.
        let list = Telling { list: Some(b"P1\nP2\n".to_vec()), ..whole.clone() };
        let (one, two) = (told(Fact::Intake, &list).unwrap(), told(Fact::Intake, &list).unwrap());
        assert_ne!(one["list"], two["list"]);
        assert!(!one.to_string().contains("P1"));
    }
}
