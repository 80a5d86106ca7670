//! E-mail addresses.

use super::{Detector, Doc, Found, Prepared, Strength, topic};

/// Local part, `@`, a domain with a dot. With blanks around the `@`, or `(at)` for it, where the domain ends as domains of the
/// net do: `10 mg @ St.Marianna` is none.
pub struct Email;

const DOC: Doc = Doc {
    name: "email",
    ja: "電子メールアドレス",
    summary: "local@domain.tld, also with blanks around the @ or (at)",
    summary_ja: "local@domain.tld の形（@の前後の空白、(at) も）",
    mark: "【メール】",
    law: "規則18条1号・33条1号・3号",
    chance: 0.5,
    topics: topic::OTHER,
};

impl Detector for Email {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        let text = view.text;
        for at in memchr::memchr_iter(b'@', text.as_bytes()) {
            let head = text[..at].trim_end_matches(' ');
            let tail = text[at + 1..].trim_start_matches(' ');
            let apart = head.len() < at || text.len() - tail.len() > at + 1;
            if at - head.len() <= GAP && text.len() - tail.len() - (at + 1) <= GAP {
                found.extend(address(text, head.len(), text.len() - tail.len(), apart));
            }
        }
        for open in memchr::memchr2_iter(b'(', b'[', text.as_bytes()) {
            let word = text.get(open + 1..open + 4).unwrap_or_default();
            if !word.eq_ignore_ascii_case("at)") && !word.eq_ignore_ascii_case("at]") {
                continue;
            }
            let head = text[..open].trim_end_matches(' ').len();
            let tail = text[open + 4..].trim_start_matches(' ');
            if open - head <= GAP && text.len() - tail.len() - (open + 4) <= GAP {
                found.extend(address(text, head, text.len() - tail.len(), true));
            }
        }
    }
}

/// Blanks on one side of the `@` at most.
const GAP: usize = 2;
/// Ends of domains by which a sign with blanks around it is that of an address.
const ENDS: [&str; 12] =
    ["jp", "com", "net", "org", "edu", "gov", "info", "biz", "io", "me", "tokyo", "uk"];

/// The address whose local part ends at `end` and whose domain begins at `from`.
fn address(
    text: &str,
    end: usize,
    from: usize,
    apart: bool,
) -> Option<(std::ops::Range<usize>, Strength)> {
    let bytes = text.as_bytes();
    let local = bytes[..end]
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_alphanumeric() || b"._%+-".contains(b))
        .count();
    let domain =
        bytes[from..].iter().take_while(|b| b.is_ascii_alphanumeric() || b".-".contains(b)).count();
    let name = text[from..from + domain].trim_end_matches(['.', '-']);
    let top = name.rsplit('.').next().unwrap_or_default();
    let good = local > 0
        && name.contains('.')
        && name.split('.').all(|label| !label.is_empty())
        && top.len() >= 2
        && top.bytes().all(|b| b.is_ascii_alphabetic())
        && (!apart || ENDS.iter().any(|end| top.eq_ignore_ascii_case(end)));
    good.then(|| (end - local..from + name.len(), Strength::Strong))
}
