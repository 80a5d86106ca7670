//! Signed notes, checkpoints and cosignatures of C2SP (`signed-note`, `tlog-checkpoint`, `tlog-cosignature`).
//!
//! A note is a text with signature lines below. A checkpoint is a note that says how many entries a ledger has and
//! what the root of its tree is. A witness on another machine adds a cosignature: it has seen this ledger grow
//! without change.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::merkle::Head;
use crate::error::{Error, Result};
use crate::keys::{PublicKey, Sign};
use crate::say;

/// The most bytes and signatures of a note that is read.
const MOST_BYTES: usize = 1_000_000;
const MOST_SIGNATURES: usize = 100;

/// What a key of a note signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// The text of a note (type 0x01).
    Log,
    /// A checkpoint and the time at which it was seen (type 0x04).
    Witness,
}

impl Role {
    const fn code(self) -> u8 {
        match self {
            Role::Log => 1,
            Role::Witness => 4,
        }
    }
}

/// A named public key, and what it signs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifierKey {
    name: String,
    role: Role,
    key: PublicKey,
    id: u32,
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

fn not_a_key() -> Error {
    Error::policy("R0121", say!("this is not a verifier key"))
        .advice(say!("it looks like `example.com/log+530d903a+Aeky...`; copy the whole line"))
}

impl VerifierKey {
    /// Names a key. Names are like addresses without `https://`: `hospital.example/kakou`.
    ///
    /// # Errors
    /// If the name is empty or has a space, a control character or a `+`.
    pub fn new(name: &str, role: Role, key: PublicKey) -> Result<Self> {
        if !is_name(name) {
            return Err(Error::policy(
                "R0122",
                say!("the name of a key is empty or has a space, a control character or a `+`"),
            )
            .advice(say!("take a name like `hospital.example/ledger`")));
        }
        let hash = Sha256::new_with_prefix(name)
            .chain_update([b'\n', role.code()])
            .chain_update(key.bytes())
            .finalize();
        let id = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
        Ok(VerifierKey { name: name.to_owned(), role, key, id })
    }

    /// Reads the form `NAME+ID+KEY`.
    ///
    /// # Errors
    /// If it is not such a form, of a kind that is not known, or the id is not that of the key.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(not_a_key());
        };
        let bytes = STANDARD.decode(key).map_err(|_| not_a_key())?;
        let (role, key) = match bytes.split_first() {
            Some((1, key)) => (Role::Log, key),
            Some((4, key)) => (Role::Witness, key),
            _ => return Err(not_a_key()),
        };
        let key = key.try_into().ok().and_then(PublicKey::from_bytes).ok_or_else(not_a_key)?;
        let this = Self::new(name, role, key)?;
        if format!("{:08x}", this.id) == id { Ok(this) } else { Err(not_a_key()) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
    /// What it signs.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }
    /// The key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![self.role.code()];
        bytes.extend_from_slice(self.key.bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id, STANDARD.encode(bytes))
    }
}

/// A text and its signatures.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    text: String,
    signatures: Vec<Line>,
}

/// A signature line.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Line {
    name: String,
    id: u32,
    bytes: Vec<u8>,
}

/// A trusted key that has signed a note.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signed<'a> {
    /// The key.
    pub by: &'a VerifierKey,
    /// For a witness: when it saw the checkpoint, seconds since 1970-01-01 UTC.
    pub at: Option<u64>,
}

fn is_text(text: &str) -> bool {
    text.ends_with('\n') && !text.bytes().any(|byte| byte < 0x20 && byte != b'\n')
}

fn not_a_note() -> Error {
    Error::environment("R0123", say!("this is not a signed note"))
        .advice(say!("look whether the file is whole and the right one"))
}

/// What a witness signs.
fn seen(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

impl Note {
    /// A note without signatures.
    ///
    /// # Errors
    /// If the text does not end with a line end, or has control characters.
    pub fn new(text: String) -> Result<Self> {
        if is_text(&text) { Ok(Note { text, signatures: Vec::new() }) } else { Err(not_a_note()) }
    }

    /// Reads a note. Nothing is verified.
    ///
    /// # Errors
    /// If it is not one.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let note = (bytes.len() <= MOST_BYTES).then_some(bytes);
        let note = note.and_then(|bytes| std::str::from_utf8(bytes).ok()).ok_or_else(not_a_note)?;
        if !is_text(note) {
            return Err(not_a_note());
        }
        let empty_line = note.rfind("\n\n").ok_or_else(not_a_note)?;
        let (text, lines) = (&note[..=empty_line], &note[empty_line + 2..]);
        let signatures: Option<Vec<Line>> = lines.lines().map(Line::parse).collect();
        let signatures = signatures.ok_or_else(not_a_note)?;
        // A line that stands twice was put there by somebody.
        let again = |(at, line): (usize, &Line)| signatures[..at].contains(line);
        if signatures.is_empty()
            || signatures.len() > MOST_SIGNATURES
            || signatures.iter().enumerate().any(again)
        {
            return Err(not_a_note());
        }
        Ok(Note { text: text.to_owned(), signatures })
    }

    /// Adds the signature of the log.
    ///
    /// # Errors
    /// If the signer fails or the name is not one.
    pub fn sign(&mut self, name: &str, signer: &dyn Sign) -> Result<()> {
        let key = VerifierKey::new(name, Role::Log, *signer.public())?;
        let bytes = signer.sign(self.text.as_bytes())?.to_vec();
        self.signatures.push(Line { name: key.name, id: key.id, bytes });
        Ok(())
    }

    /// Adds the signature of a witness, with the time (seconds since 1970-01-01 UTC). The witness must have verified
    /// the note and its consistency with the last one it saw.
    ///
    /// # Errors
    /// If the note is not a checkpoint, the signer fails or the name is not one.
    pub fn cosign(&mut self, name: &str, signer: &dyn Sign, seconds: u64) -> Result<()> {
        let key = VerifierKey::new(name, Role::Witness, *signer.public())?;
        Checkpoint::parse(&self.text)?;
        if i64::try_from(seconds).is_err() {
            return Err(Error::environment("R0124", say!("the clock of this machine is wrong")));
        }
        let mut bytes = seconds.to_be_bytes().to_vec();
        bytes.extend_from_slice(&signer.sign(seen(&self.text, seconds).as_bytes())?);
        self.signatures.push(Line { name: key.name, id: key.id, bytes });
        Ok(())
    }

    /// The trusted keys that signed the note, each once, in the order in which they were given. Lines of other keys
    /// are ignored; with a wrong line of a trusted key the whole note is refused.
    ///
    /// # Errors
    /// If a line of a trusted key is wrong, or there is no line of a trusted key.
    pub fn verify<'a>(&self, trusted: &'a [VerifierKey]) -> Result<Vec<Signed<'a>>> {
        let mut found = Vec::new();
        for key in trusted {
            let mut signed = None;
            for line in &self.signatures {
                if line.name == key.name && line.id == key.id {
                    signed = Some(self.check(line, key).ok_or_else(|| {
                        Error::refused(
                            "R0125",
                            say!("the signature of a trusted key does not fit the note"),
                        )
                        .advice(say!("the text or the signature was changed"))
                    })?);
                }
            }
            found.extend(signed);
        }
        if found.is_empty() {
            return Err(Error::refused("R0126", say!("no trusted key has signed the note"))
                .advice(say!("look whether the right verifier keys were given")));
        }
        Ok(found)
    }

    fn check<'a>(&self, line: &Line, key: &'a VerifierKey) -> Option<Signed<'a>> {
        let (signed, at) = match key.role {
            Role::Log => (key.key.verifies(self.text.as_bytes(), &line.bytes), None),
            Role::Witness => {
                let (time, signature) = line.bytes.split_first_chunk::<8>()?;
                let seconds = u64::from_be_bytes(*time);
                i64::try_from(seconds).ok()?;
                Checkpoint::parse(&self.text).ok()?;
                let signed = key.key.verifies(seen(&self.text, seconds).as_bytes(), signature);
                (signed, Some(seconds))
            }
        };
        signed.then_some(Signed { by: key, at })
    }

    /// The text, not verified: call [`Self::verify`] first.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = STANDARD.decode(base64).ok()?;
        let (id, bytes) = bytes.split_first_chunk::<4>()?;
        let whole = is_name(name) && !bytes.is_empty();
        whole.then(|| Line {
            name: name.to_owned(),
            id: u32::from_be_bytes(*id),
            bytes: bytes.to_vec(),
        })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for line in &self.signatures {
            let mut bytes = line.id.to_be_bytes().to_vec();
            bytes.extend_from_slice(&line.bytes);
            writeln!(f, "— {} {}", line.name, STANDARD.encode(bytes))?;
        }
        Ok(())
    }
}

/// The state of a ledger: whose it is, how many entries it has and the root of its tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// The name of the ledger, one line.
    pub origin: String,
    /// The size and root of the tree.
    pub head: Head,
    /// Further lines; their meaning is not defined.
    pub extensions: Vec<String>,
}

fn not_a_checkpoint() -> Error {
    Error::environment("R0127", say!("this is not a checkpoint of a ledger"))
        .advice(say!("look whether the file is whole and the right one"))
}

impl Checkpoint {
    /// The text of the note.
    ///
    /// # Errors
    /// If a line is empty or has control characters.
    pub fn text(&self) -> Result<String> {
        let mut text =
            format!("{}\n{}\n{}\n", self.origin, self.head.size, STANDARD.encode(self.head.root));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        let same = Self::parse(&text).is_ok_and(|read| read == *self);
        if same { Ok(text) } else { Err(not_a_checkpoint()) }
    }

    /// Reads the text of a note.
    ///
    /// # Errors
    /// If it is not a checkpoint.
    pub fn parse(text: &str) -> Result<Self> {
        let lines: Vec<&str> =
            text.strip_suffix('\n').ok_or_else(not_a_checkpoint)?.split('\n').collect();
        let [origin, size, root, extensions @ ..] = lines.as_slice() else {
            return Err(not_a_checkpoint());
        };
        let number: u64 = size.parse().map_err(|_| not_a_checkpoint())?;
        let hash = STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok());
        let root = hash.ok_or_else(not_a_checkpoint)?;
        let valid = is_text(text) && number.to_string() == **size && !lines.contains(&"");
        if !valid {
            return Err(not_a_checkpoint());
        }
        Ok(Checkpoint {
            origin: (*origin).to_owned(),
            head: Head { size: number, root },
            extensions: extensions.iter().map(|line| (*line).to_owned()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;

    /// The example of `signed-note`.
    const EXAMPLE_KEY: &str =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const EXAMPLE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    /// A checkpoint of a public log with lines of the log and of four witnesses, and one of a kind not known here.
    const PUBLIC: &str = "arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
";
    const PUBLIC_KEYS: [&str; 5] = [
        "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f",
        "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
        "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
    ];

    fn keys(texts: &[&str]) -> Vec<VerifierKey> {
        texts.iter().map(|text| VerifierKey::parse(text).unwrap()).collect()
    }

    #[test]
    fn the_example_of_the_specification() {
        let keys = keys(&[EXAMPLE_KEY]);
        assert_eq!(keys[0].to_string(), EXAMPLE_KEY);
        let note = Note::parse(EXAMPLE.as_bytes()).unwrap();
        let signed = note.verify(&keys).unwrap();
        assert_eq!((signed[0].by, signed[0].at), (&keys[0], None));
        assert_eq!(note.text(), "This is an example message.\n");
        assert_eq!(note.to_string(), EXAMPLE);
    }

    /// The signing example of the Go package `sumdb/note`: a key with a seed of zeros signs below another.
    #[test]
    fn the_example_of_the_go_package() {
        let peter = "If you think cryptography is the answer to your problem,\n\
            then you don't know what your problem is.\n\n\
            — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let enoch = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";
        let mut note = Note::parse(peter.as_bytes()).unwrap();
        note.sign("EnochRoot", &SigningKey::from_test_seed([0; 32])).unwrap();
        assert_eq!(note.to_string(), format!("{peter}{enoch}"));
        let keys = keys(&[
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
        ]);
        assert_eq!(note.verify(&keys).unwrap().len(), 2);
    }

    #[test]
    fn a_public_checkpoint_with_its_witnesses() {
        let keys = keys(&PUBLIC_KEYS);
        let note = Note::parse(PUBLIC.as_bytes()).unwrap();
        let signed = note.verify(&keys).unwrap();
        assert_eq!(signed.len(), 5);
        assert_eq!(signed[0].at, None);
        assert!(signed[1..].iter().all(|signed| signed.at == Some(0x6a12_2120)));
        assert_eq!(note.to_string(), PUBLIC);
        let checkpoint = Checkpoint::parse(note.text()).unwrap();
        assert_eq!(checkpoint.head.size, 1_432_088_532);
        assert_eq!(checkpoint.text().unwrap(), note.text());
        for (key, text) in keys.iter().zip(PUBLIC_KEYS) {
            assert_eq!(key.to_string(), text);
            let smaller = PUBLIC.replace("1432088532", "1432088531");
            let note = Note::parse(smaller.as_bytes()).unwrap();
            assert_eq!(note.verify(std::slice::from_ref(key)).unwrap_err().code, "R0125");
        }
    }

    fn own() -> (Checkpoint, SigningKey, SigningKey) {
        let head = Head { size: 3, root: [9; 32] };
        let origin = "病院.example/ledger".to_owned();
        let checkpoint = Checkpoint { origin, head, extensions: Vec::new() };
        (checkpoint, SigningKey::from_test_seed([1; 32]), SigningKey::from_test_seed([2; 32]))
    }

    #[test]
    fn a_ledger_signs_and_a_witness_cosigns() {
        let (checkpoint, log, witness) = own();
        let mut note = Note::new(checkpoint.text().unwrap()).unwrap();
        note.sign("病院.example/ledger", &log).unwrap();
        note.cosign("witness.example", &witness, 1_679_315_147).unwrap();
        let log_key = VerifierKey::new("病院.example/ledger", Role::Log, *log.public()).unwrap();
        let witness_key =
            VerifierKey::new("witness.example", Role::Witness, *witness.public()).unwrap();
        let keys = [log_key.clone(), witness_key.clone()];
        let read = Note::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(read, note);
        let signed = read.verify(&keys).unwrap();
        assert_eq!(
            signed,
            [
                Signed { by: &log_key, at: None },
                Signed { by: &witness_key, at: Some(1_679_315_147) },
            ]
        );
        // The key of a witness does not speak for the log, nor under another name.
        let wrong_role = VerifierKey::new("witness.example", Role::Log, *witness.public()).unwrap();
        let wrong_name =
            VerifierKey::new("witness2.example", Role::Witness, *witness.public()).unwrap();
        assert_eq!(read.verify(&[wrong_role]).unwrap_err().code, "R0126");
        assert_eq!(read.verify(&[wrong_name]).unwrap_err().code, "R0126");
        assert_eq!(read.verify(&[]).unwrap_err().code, "R0126");
        // A witness signs checkpoints only.
        let mut other = Note::new("any text\n".to_owned()).unwrap();
        assert_eq!(other.cosign("w", &witness, 1).unwrap_err().code, "R0127");
        assert_eq!(note.cosign("w", &witness, u64::MAX).unwrap_err().code, "R0124");
        assert_eq!(note.sign("two words", &log).unwrap_err().code, "R0122");
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_found() {
        let (checkpoint, log, _) = own();
        let mut note = Note::new(checkpoint.text().unwrap()).unwrap();
        note.sign("病院.example/ledger", &log).unwrap();
        let keys = [VerifierKey::new("病院.example/ledger", Role::Log, *log.public()).unwrap()];
        let whole = note.to_string().into_bytes();
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[place] ^= 1 << bit;
                let verified = Note::parse(&bytes).and_then(|note| note.verify(&keys).map(|_| ()));
                assert!(verified.is_err(), "byte {place}, bit {bit}");
            }
            let cut = Note::parse(&whole[..place]).and_then(|note| note.verify(&keys).map(|_| ()));
            assert!(cut.is_err(), "cut at {place}");
        }
    }

    #[test]
    fn what_is_not_a_note_a_key_or_a_checkpoint_is_refused() {
        let (many, big) = (EXAMPLE_LINE.repeat(MOST_SIGNATURES + 1), "x\n".repeat(MOST_BYTES));
        for bad in [
            "",
            "text\n",
            "text\n\n",
            "text\n\nno line\n",
            "te\txt\n\n— a AAAAAAAA\n",
            "text\n\n— a AAAAAAAA",
            "text\n\n— a AAAAAAAA\n— a AAAAAAAA\n",
            "text\n\n— a+b AAAAAAAA\n",
            "text\n\n— a\u{3000}b AAAAAAAA\n",
            "text\n\n— a AAAAAA==\n",
            "text\n\n— a  AAAAAAAA\n",
            &format!("text\n\n{many}"),
            &format!("{big}\n{EXAMPLE_LINE}"),
        ] {
            assert_eq!(Note::parse(bad.as_bytes()).unwrap_err().code, "R0123");
        }
        assert!(Note::parse(format!("text\n\n{EXAMPLE_LINE}").as_bytes()).is_ok());
        for bad in [
            "",
            "example.com/foo",
            "example.com/foo+530d903a",
            "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U",
        ] {
            assert_eq!(VerifierKey::parse(bad).unwrap_err().code, "R0121");
        }
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        assert!(Checkpoint::parse(&format!("o\n0\n{root}\nmore\n")).is_ok());
        for bad in [
            format!("o\n1\n{root}"),
            format!("\n1\n{root}\n"),
            format!("o\n01\n{root}\n"),
            format!("o\n+1\n{root}\n"),
            format!("o\n-1\n{root}\n"),
            format!("o\n18446744073709551616\n{root}\n"),
            format!("o\n1\n{root}\n\n"),
            format!("o\n1\n{}\n", &root[4..]),
            "o\n1\n".to_owned(),
        ] {
            assert_eq!(Checkpoint::parse(&bad).unwrap_err().code, "R0127");
        }
        let (mut checkpoint, _, _) = own();
        checkpoint.origin = "two\nlines".to_owned();
        assert_eq!(checkpoint.text().unwrap_err().code, "R0127");
    }

    const EXAMPLE_LINE: &str = "— a AAAAAAAA\n";
}
