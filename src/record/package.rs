//! The package for a recipient: one release with its dictionary, its public statement and a list of digests; never the record.
//! Who may receive what is the law's question (法36条, 43条, 31条; 個情法41条, 43条, 109条以下) and is asked first.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;
use serde_json::{Value, json};

use super::ledger::{Book, EntryKind, Ledger};
use super::making::{self, Making};
use super::state::State;
use super::statement::{STATEMENT, Statement, rfc3339};
use super::verify::{Trust, Verified, package, verify};
use super::{attest, recipients, seal};
use crate::digest;
use crate::error::{Error, Name, Result, Tell};
use crate::keys::Sign;
use crate::law::Profile;
use crate::say;
use crate::schema::Kind;
use crate::system;

/// The list of digests in a package, as `sha256sum -c` reads it.
pub const DIGESTS: &str = "SHA256SUMS";
/// The covering note.
pub const NOTE: &str = "送付書.md";
/// What may stand in a package beside what the public statement names.
pub const BESIDE: [&str; 4] = [DIGESTS, NOTE, seal::APPROVAL_FILE, seal::SEAL_FILE];

/// What a recipient is to the law.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum RecipientKind {
    /// 匿名加工医療情報取扱事業者 (法30条).
    Handler,
    /// 認定仮名加工医療情報利用事業者 (法41条).
    CertifiedUser,
    /// One who may receive the databases to be linked (法31条, 令7条).
    Linkable,
    /// 委託先 or 共同利用者 (個情法41条6項, 42条).
    Entrusted,
    /// One whose proposal was accepted (個情法112条以下).
    Proposer,
    /// Any third party, after publication of the items (個情法43条4項).
    ThirdParty,
}

impl RecipientKind {
    /// In Japanese.
    #[must_use]
    pub const fn ja(self) -> &'static str {
        match self {
            RecipientKind::Handler => "匿名加工医療情報取扱事業者",
            RecipientKind::CertifiedUser => "認定仮名加工医療情報利用事業者",
            RecipientKind::Linkable => "連結対象データベースの提供を受けることができる者（令7条）",
            RecipientKind::Entrusted => "委託先又は共同利用者",
            RecipientKind::Proposer => "提案者（行政機関等匿名加工情報の利用契約）",
            RecipientKind::ThirdParty => "第三者",
        }
    }
    /// Who may receive a release, and where that stands.
    #[must_use]
    pub const fn allowed(profile: Profile, kind: Kind) -> (RecipientKind, &'static str) {
        match (profile, kind) {
            (Profile::Ngmia, Kind::Anonymized) => (RecipientKind::Handler, "法30条"),
            (Profile::NgmiaLinkable, Kind::Anonymized) => {
                (RecipientKind::Linkable, "法31条・令7条")
            }
            (Profile::Ngmia | Profile::NgmiaLinkable, Kind::Pseudonymized) => {
                (RecipientKind::CertifiedUser, "法36条・43条")
            }
            (Profile::Appi | Profile::AppiPublic, Kind::Pseudonymized) => {
                (RecipientKind::Entrusted, "個人情報保護法41条6項・42条1項")
            }
            (Profile::Appi, Kind::Anonymized) => {
                (RecipientKind::ThirdParty, "個人情報保護法43条4項")
            }
            (Profile::AppiPublic, Kind::Anonymized) => {
                (RecipientKind::Proposer, "個人情報保護法109条・115条")
            }
        }
    }
}

impl Tell for RecipientKind {
    fn tell(&self) -> String {
        self.ja().to_owned()
    }
}

/// Who receives.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recipient {
    /// 氏名又は名称.
    pub name: String,
    /// 住所.
    pub address: String,
    /// 法人の代表者の氏名.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub representative: Option<String>,
    /// What the recipient is to the law.
    pub kind: RecipientKind,
    /// 認定番号, where there is one.
    pub certification: Option<String>,
    /// The contract.
    pub contract: Option<String>,
    /// Other names under which the recipient may stand in the ledger.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also_known_as: Vec<String>,
}

/// Reasons for what is refused without one; they stand in the ledger.
#[derive(Clone, Debug, Default)]
pub struct Reasons {
    /// Why the recipient may have both kinds of release.
    pub both: Option<String>,
    /// Why the recipient may have tokens that another recipient has.
    pub same_tokens: Option<String>,
}

/// What goes to whom.
#[derive(Clone, Copy, Debug)]
pub struct Provision<'a> {
    /// Which of the two releases.
    pub kind: Kind,
    /// Who gets it.
    pub recipient: &'a Recipient,
    /// How it is handed over (提供の方法), if the house says so.
    pub method: Option<&'a str>,
    /// Why, where a reason is asked for.
    pub reasons: &'a Reasons,
    /// The folder of the package, which must not exist yet.
    pub out: &'a Path,
}

fn refused(code: &'static str, what: crate::error::Said) -> Error {
    Error::refused(code, what)
}

/// Builds the package in `out`, which must not exist, proves it as its recipient would, and enters the provision.
///
/// # Errors
/// If the release does not verify, is not far enough, is not for release or may not go to this recipient.
pub fn make(
    release: &Path,
    provision: &Provision<'_>,
    trust: Trust<'_>,
    ledger: &Ledger,
    key: &dyn Sign,
) -> Result<PathBuf> {
    let &Provision { kind, recipient, method, reasons, out } = provision;
    let found = verify(release, trust)?;
    if found.package {
        return Err(refused(
            "R0501",
            say!("this is a recipient's package already, not a release folder"),
        ));
    }
    if found.not_for_release {
        return Err(refused("R0502", say!("the release is stamped \"not for release\"")));
    }
    let statement = Statement::read(release)
        .map_err(|_| refused("R0503", say!("{} cannot be read", STATEMENT)))?;
    let profile = statement.profile;
    let cite = may_receive(&found, &statement, kind, recipient)?;
    let parent = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    crate::release::private(parent)?;
    let who = serde_json::to_value(recipient).unwrap_or_default();
    // What a killed one has entered whole gets its name; what it has not is taken back.
    for (place, body) in making::sweep(parent, ledger, key)? {
        let same = body["release"] == statement.release
            && body["kind"] == kind.word()
            && body["recipient"] == who;
        if place == out && same {
            return Ok(place);
        }
    }
    together(&ledger.read(&[])?, &statement, kind, recipient, reasons)?;
    if system::there(out)
        .map_err(|e| Error::io("X0410", say!("making the folder of the package"), &e))?
    {
        return Err(Error::policy(
            "R0507",
            say!("{} exists already", Name::from_policy(out.to_string_lossy().into_owned())),
        ));
    }
    let staging = Making::begin(parent, out)?;
    let public = seal::release_file(kind);
    let bytes = std::fs::read(release.join(&public)).map_err(io("reading the public statement"))?;
    let opened =
        attest::open(&bytes, &Name::from_policy(public.clone()), attest::RELEASE, trust.keys)?;
    let mut paths: Vec<String> = opened.subjects.iter().map(|s| s.name.clone()).collect();
    paths.push(public);
    let mut sums = copy(staging.path(), release, kind, paths)?;
    let at = rfc3339(SystemTime::now());
    let note = note(profile, kind, (recipient, method), &opened.predicate, &at, cite);
    sums.push(format!("{}  {NOTE}\n", digest::hex(&digest::bytes(note.as_bytes()).sha256)));
    std::fs::write(staging.path().join(NOTE), note).map_err(io("writing the covering note"))?;
    std::fs::write(staging.path().join(DIGESTS), sums.concat())
        .map_err(io("writing the digests"))?;
    // As its recipient will: from the files alone.
    let trusted = Trust { keys: trust.keys, ledger: None };
    package(staging.path(), kind, trusted, &BESIDE)?;
    making::to_disk(staging.path())?;
    let items: serde_json::Map<String, Value> = opened.predicate["tables"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|t| (t["table"].as_str().unwrap_or_default().to_owned(), t["items"].clone()))
        .collect();
    let mut body = json!({
        "state": "begun",
        "package": staging.mark(),
        "release": statement.release,
        "kind": kind.word(),
        "term": profile.term(kind),
        "profile": profile,
        "recipient": recipient,
        "recipientJa": recipient.kind.ja(),
        "providedAt": at,
        "method": method,
        "bothBecause": reasons.both,
        "sameTokensBecause": reasons.same_tokens,
        "items": items,
        "persons": statement.persons.released[kind],
        "digests": { "name": DIGESTS, "sha256": digest::hex(&digest::bytes(sums.concat().as_bytes()).sha256) },
    });
    // EntryKind whole before it has its name: no package stands there of which the ledger knows nothing.
    let begun = ledger.append(EntryKind::Provision, &body, key)?;
    body["state"] = json!("done");
    body["begun"] = json!(begun.index);
    let staging = staging.entered();
    ledger.append(EntryKind::Provision, &body, key)?;
    staging.finish(out)?;
    Ok(out.to_owned())
}

/// Refuses a recipient who must not have the release by law, without the contract or yet; gives where the law allows it.
fn may_receive(
    found: &Verified,
    statement: &Statement,
    kind: Kind,
    recipient: &Recipient,
) -> Result<&'static str> {
    let profile = statement.profile;
    let (wanted, cite) = RecipientKind::allowed(profile, kind);
    if recipient.kind != wanted {
        return Err(refused(
            "R0504",
            say!(
                "{} under the profile `{}` may go to {} only, not to {} ({})",
                profile.term(kind),
                profile,
                wanted,
                recipient.kind,
                cite
            ),
        ));
    }
    if wanted == RecipientKind::CertifiedUser && recipient.certification.is_none() {
        return Err(refused(
            "R0505",
            say!("a certified recipient has a certification number (--certification)"),
        ));
    }
    if recipient.contract.is_none() {
        return Err(refused("R0505", say!("a provision rests on a contract (--contract)")));
    }
    // The anonymized release is sealed first: nothing that could repeat it may exist when it leaves the house.
    let least = match kind {
        Kind::Anonymized => State::Sealed,
        Kind::Pseudonymized => State::Approved,
    };
    if found.state < least {
        return Err(refused(
            "R0506",
            say!(
                "the release is {} so far; it must be {} before it leaves the house",
                found.state,
                least
            ),
        )
        .advice(say!("kakou verify --attest, kakou approve, kakou seal")));
    }
    Ok(cite)
}

fn io(what: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |e| Error::io("X0410", say!("{}", what), &e)
}

/// Copies the files of the release into the package; gives their digests.
fn copy(package: &Path, release: &Path, kind: Kind, mut paths: Vec<String>) -> Result<Vec<String>> {
    let mut sums = Vec::new();
    // So that the recipient's own `verify` says how far it has come.
    for name in [seal::APPROVAL_FILE, seal::SEAL_FILE] {
        // A seal without its approval says nothing.
        if !super::state::names_release(release, name, kind)? {
            break;
        }
        paths.push(name.to_owned());
    }
    paths.sort();
    for path in &paths {
        let to = package.join(path);
        if let Some(folder) = to.parent() {
            crate::release::private(folder)?;
        }
        std::fs::copy(release.join(path), &to).map_err(io("copying a file of the release"))?;
        sums.push(format!("{}  {path}\n", digest::hex(&digest::file(&to)?.sha256)));
    }
    Ok(sums)
}

/// Refuses what a recipient must not have together, unless a reason goes into the ledger.
fn together(
    book: &Book,
    statement: &Statement,
    kind: Kind,
    recipient: &Recipient,
    reasons: &Reasons,
) -> Result<()> {
    let blank = |reason: &Option<String>| reason.as_ref().is_some_and(|r| r.trim().is_empty());
    if blank(&reasons.both) || blank(&reasons.same_tokens) {
        return Err(Error::policy("R0511", say!("a reason has words")));
    }
    let who = serde_json::to_value(recipient).unwrap_or_default();
    let mut errors = Vec::new();
    if let (Some(entry), None) = (recipients::has_other_kind(book, &who, kind), &reasons.both) {
        let joins = statement.proof.joins.as_ref();
        let much = joins.map(|j| Name::from_policy(j.share(j.both.persons)));
        errors.push(
            refused(
                "R0508",
                say!(
                    "by entry {} of the ledger this recipient (or one who is known there by the same name, certification number or contract) has a release of the other kind: no code joins the two, content can (of this release's persons: {})",
                    entry,
                    much
                ),
            )
            .advice(say!(
                "give one kind to one recipient; if the law and the board allow both: --both-because \"...\", which is entered in the ledger"
            )),
        );
    }
    if let (Some(entry), None) =
        (recipients::has_same_tokens(book, &who, kind, statement), &reasons.same_tokens)
    {
        let advice = match kind {
            Kind::Pseudonymized => say!(
                "run with a `[pseudonymized] recipient` of this recipient's own; if both may hold the same tokens: --same-tokens-because \"...\", which is entered in the ledger; if it is the same recipient under another name: --also-known-as NAME"
            ),
            Kind::Anonymized => say!(
                "run again for this recipient (every run has new tokens); if both may hold the same release: --same-tokens-because \"...\", which is entered in the ledger; if it is the same recipient under another name: --also-known-as NAME"
            ),
        };
        errors.push(
            refused(
                "R0509",
                say!("by entry {} of the ledger another recipient has these tokens: two recipients never get the same", entry),
            )
            .advice(advice),
        );
    }
    Error::all(errors).map_or(Ok(()), Err)
}

/// The covering note. It tells items and obligations, nothing of the method.
fn note(
    profile: Profile,
    kind: Kind,
    (recipient, method): (&Recipient, Option<&str>),
    told: &Value,
    at: &str,
    cite: &str,
) -> String {
    let mut text = format!("# 送付書（{}）\n\n", profile.term(kind));
    text.push_str(&format!(
        "- 提供日時: {at}\n- 提供先: {}（{}）\n",
        recipient.name,
        recipient.kind.ja()
    ));
    text.push_str(&format!("- 住所: {}\n", recipient.address));
    let method = method.map(str::to_owned);
    for (word, value) in [
        ("代表者", &recipient.representative),
        ("認定番号", &recipient.certification),
        ("契約", &recipient.contract),
        ("提供の方法", &method),
    ] {
        if let Some(value) = value {
            text.push_str(&format!("- {word}: {value}\n"));
        }
    }
    text.push_str(&format!(
        "- 根拠: {cite}\n- 提供番号: {}\n\n## 項目\n\n",
        told["release"].as_str().unwrap_or_default()
    ));
    for table in told["tables"].as_array().into_iter().flatten() {
        let items: Vec<&str> =
            table["items"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        text.push_str(&format!(
            "- {}（{} 行）: {}\n",
            table["table"].as_str().unwrap_or_default(),
            table["rows"].as_str().unwrap_or("—"),
            items.join("、")
        ));
    }
    text.push_str("\n## 受領者の義務\n\n");
    text.push_str(match (profile, kind) {
        (Profile::Ngmia | Profile::NgmiaLinkable, Kind::Anonymized) => {
            "本人を識別するために、削除された記述等・個人識別符号・加工の方法に関する情報を取得してはならず、他の情報と照合してはならない（法30条1項。連結可能匿名加工医療情報は法32条1項）。\n"
        }
        (Profile::Ngmia | Profile::NgmiaLinkable, Kind::Pseudonymized) => {
            "本人を識別するために他の情報と照合してはならない（法42条2項）。連絡先その他の情報を利用して連絡してはならない（法42条3項）。第三者に提供してはならない。\n"
        }
        (_, Kind::Anonymized) => {
            "本人を識別するために、削除された記述等・個人識別符号・加工の方法に関する情報を取得してはならず、他の情報と照合してはならない（個人情報保護法45条・121条）。\n"
        }
        (_, Kind::Pseudonymized) => {
            "本人を識別するために他の情報と照合してはならない（個人情報保護法41条7項）。連絡のために利用してはならない（同条8項）。\n"
        }
    });
    text.push_str(
        "\n## 確認の方法\n\n`sha256sum -c SHA256SUMS`（または `kakou verify このフォルダ`）\n",
    );
    text
}
