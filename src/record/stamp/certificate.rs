//! Certificates (RFC 5280) as far as a time stamp needs them: who signed, whether that one may, and whether the chain leads to an
//! authority that the user trusts. An extension that is critical and not known here refuses the certificate.

use super::der::{self, BIT_STRING, BOOLEAN, Der, INTEGER, Item, OCTETS, OID, SEQUENCE, SET};
use super::signature::{Algorithm, Hash};

const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
const POLICIES: &[u8] = &[0x55, 0x1d, 0x20];
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
/// Longer chains are nobody's.
const LONGEST: usize = 8;

/// A certificate that was read. Nothing is verified of it yet.
#[derive(Clone, Debug)]
pub(super) struct Certificate<'a> {
    pub(super) whole: &'a [u8],
    signed: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
    pub(super) serial: &'a [u8],
    pub(super) issuer: &'a [u8],
    subject: &'a [u8],
    from: i64,
    until: i64,
    /// SubjectPublicKeyInfo.
    pub(super) key: &'a [u8],
    pub(super) key_id: Option<&'a [u8]>,
    may_issue: bool,
    /// How many authorities may stand below it, if that is bounded.
    depth: Option<u8>,
    only_stamps: bool,
    unknown: bool,
}

/// A time of a certificate or a stamp, in seconds since 1970.
pub(super) fn time(item: Item<'_>) -> Option<i64> {
    let text = std::str::from_utf8(item.content).ok()?.strip_suffix('Z')?;
    let text = match item.tag {
        der::TIME => text.split_once('.').map_or(text, |(whole, _)| whole).to_owned(),
        der::UTC_TIME if text.len() == 12 && text.is_ascii() => {
            let year: u32 = text[..2].parse().ok()?;
            format!("{}{text}", if year < 50 { 20 } else { 19 })
        }
        _ => return None,
    };
    if text.len() != 14 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let time = chrono::NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%S").ok()?;
    Some(time.and_utc().timestamp())
}

impl<'a> Certificate<'a> {
    /// Reads one.
    pub(super) fn parse(whole: &'a [u8]) -> Option<Self> {
        let mut outer = Der::new(whole);
        let mut parts = outer.enter(SEQUENCE)?;
        if !outer.ended() {
            return None;
        }
        let signed = parts.take(SEQUENCE)?;
        let algorithm = parts.take(SEQUENCE)?.whole;
        let signature = parts.take(BIT_STRING)?.content.strip_prefix(&[0])?;
        if !parts.ended() {
            return None;
        }
        let mut inner = signed.inside();
        // Version 3: what stamps are made with has extensions.
        if inner.take(der::numbered(0))?.content != [INTEGER, 1, 2] {
            return None;
        }
        let serial = inner.take(INTEGER)?.content;
        if inner.take(SEQUENCE)?.whole != algorithm {
            return None;
        }
        let issuer = inner.take(SEQUENCE)?.whole;
        let mut validity = inner.enter(SEQUENCE)?;
        let (from, until) = (time(validity.next()?)?, time(validity.next()?)?);
        let subject = inner.take(SEQUENCE)?.whole;
        let key = inner.take(SEQUENCE)?.whole;
        let mut this = Certificate {
            whole,
            signed: signed.whole,
            algorithm,
            signature,
            serial,
            issuer,
            subject,
            from,
            until,
            key,
            key_id: None,
            may_issue: false,
            depth: None,
            only_stamps: false,
            unknown: false,
        };
        for number in [1, 2] {
            let _ = inner.maybe(0x80 | number);
        }
        let mut signs = true;
        if let Some(extensions) = inner.maybe(der::numbered(3)) {
            let mut seen = Vec::new();
            for extension in extensions.inside().enter(SEQUENCE)?.all(SEQUENCE)? {
                let mut extension = extension.inside();
                let name = extension.take(OID)?.content;
                let critical = extension.maybe(BOOLEAN).is_some_and(|b| b.content == [0xff]);
                let mut value = Der::new(extension.take(OCTETS)?.content);
                if seen.contains(&name) {
                    return None;
                }
                seen.push(name);
                match name {
                    BASIC_CONSTRAINTS => {
                        let mut value = value.enter(SEQUENCE)?;
                        this.may_issue = value.maybe(BOOLEAN).is_some_and(|b| b.content == [0xff]);
                        if let Some(depth) = value.maybe(INTEGER) {
                            let [depth @ 0..0x80] = *depth.content else { return None };
                            this.depth = Some(depth);
                        }
                    }
                    // Bit 5: keyCertSign.
                    KEY_USAGE => {
                        let bits = value.take(BIT_STRING)?.content;
                        signs = bits.get(1).is_some_and(|b| b & 0x04 != 0);
                    }
                    EXTENDED_KEY_USAGE => {
                        let uses = value.enter(SEQUENCE)?.all(OID)?;
                        this.only_stamps = critical
                            && matches!(uses.as_slice(), [only] if only.content == TIME_STAMPING);
                    }
                    SUBJECT_KEY_ID => this.key_id = Some(value.take(OCTETS)?.content),
                    POLICIES => {}
                    _ => this.unknown |= critical,
                }
            }
        }
        this.may_issue &= signs;
        inner.ended().then_some(this)
    }

    /// Whether it may sign time stamps and nothing else, and was valid then.
    pub(super) fn stamps(&self, at: i64) -> bool {
        self.only_stamps && !self.unknown && self.valid(at)
    }

    fn valid(&self, at: i64) -> bool {
        self.from <= at && at <= self.until
    }

    /// Whether another one issued it.
    fn issued_by(&self, other: &Certificate<'_>) -> bool {
        let algorithm = Algorithm::of(self.algorithm, None);
        self.issuer == other.subject
            && algorithm.is_some_and(|a| a.verify(other.key, self.signed, self.signature))
    }

    /// Whether a chain leads from it to one of the anchors, through the others, each valid at that time.
    pub(super) fn leads_to(
        &self,
        anchors: &[Certificate<'_>],
        others: &[Certificate<'_>],
        at: i64,
    ) -> bool {
        // A certificate that was given is trusted as it is.
        if anchors.iter().any(|a| a.whole == self.whole) {
            return self.valid(at);
        }
        let may = |above: &Certificate<'_>, below: usize| {
            above.may_issue
                && !above.unknown
                && above.valid(at)
                && above.depth.is_none_or(|d| usize::from(d) >= below)
        };
        // Those that were reached, each once and by its shortest way: a crowd that signs one another costs no more.
        let mut left: Vec<&Certificate<'_>> = others.iter().collect();
        let mut reached = vec![self];
        for below in 0..LONGEST {
            let leads =
                |c: &&Certificate<'_>| anchors.iter().any(|a| may(a, below) && c.issued_by(a));
            if reached.iter().any(leads) {
                return true;
            }
            let (next, rest) = left
                .into_iter()
                .partition(|o| may(o, below) && reached.iter().any(|c| c.issued_by(o)));
            (reached, left) = (next, rest);
        }
        false
    }

    /// Whose it is: the common name and the organization of the subject.
    pub(super) fn name(&self) -> String {
        let mut named = Vec::new();
        let parts = Der::new(self.subject).enter(SEQUENCE).and_then(|s| s.all(SET));
        for part in parts.into_iter().flatten() {
            let mut pair = match part.inside().enter(SEQUENCE) {
                Some(pair) => pair,
                None => continue,
            };
            let (Some(oid), Some(value)) = (pair.take(OID), pair.next()) else { continue };
            // CN, O.
            if let [0x55, 4, 3 | 10] = oid.content
                && let Ok(text) = std::str::from_utf8(value.content)
            {
                named.push(text.chars().filter(|c| !c.is_control()).collect::<String>());
            }
        }
        if named.is_empty() {
            let digest = crate::digest::hex(&Hash::Sha256.digest(self.whole));
            return digest[..16].to_owned();
        }
        named.reverse();
        named.join(", ")
    }
}
