//! Telephone numbers.

use super::{Context, Detector, Doc, Found, Number, Prepared, Strength, topic};

/// Fixed, mobile, IP and free numbers of Japan, also with +81. Fixed: area code and exchange have six digits together, the
/// subscriber four. Without hyphens ten or eleven digits are only what they look like unless a word names them.
pub struct Phone;

const DOC: Doc = Doc {
    name: "phone",
    ja: "電話番号・ファクシミリ番号",
    summary: "fixed, mobile, IP, free numbers and +81, by their groups or named",
    summary_ja: "固定・携帯・IP・フリーダイヤル・+81、区切り又は語による",
    mark: "【電話番号】",
    law: "規則18条1号・33条1号",
    chance: 0.1,
    topics: topic::PHONE,
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shape {
    /// In groups as telephone numbers are written.
    Grouped,
    /// Bare digits that could be one.
    Bare,
}

fn shape(n: &Number<'_>) -> Option<Shape> {
    let digits = n.digits.as_bytes();
    if n.plus {
        // +81 90 1234 5678, +81-3-1234-5678, +819012345678
        let rest = n.digits.strip_prefix("81")?;
        let rest = rest.strip_prefix('0').unwrap_or(rest);
        return (matches!(rest.len(), 9 | 10) && !rest.starts_with('0')).then_some(Shape::Grouped);
    }
    // Dialled from abroad: 0081-90-1234-5678, 010-81-3-1234-5678, 81-90-1234-5678.
    let abroad = match n.groups {
        [4, ..] => n.digits.strip_prefix("0081"),
        [3, 2, ..] => n.digits.strip_prefix("01081"),
        [2, 2, 4, 4] => n.digits.strip_prefix("81").filter(|rest| is_mobile(&format!("0{rest}"))),
        [14] => n.digits.strip_prefix("0081").filter(|rest| is_mobile(&format!("0{rest}"))),
        _ => None,
    };
    if let Some(rest) = abroad {
        let zero = rest.starts_with('0');
        let national = if zero { rest.to_owned() } else { format!("0{rest}") };
        let known = is_mobile(&national) && national.len() == 11
            || national.len() == 10 && !national.starts_with("00");
        let shape = if n.groups.len() == 1 { Shape::Bare } else { Shape::Grouped };
        return (known && n.groups.len() != 2).then_some(shape);
    }
    // Numbers whose fourth digit is 0 are not given out today, and are written all the same.
    let mobile = is_mobile(n.digits);
    let free = matches!(digits, [b'0', b'1', b'2', b'0', ..] | [b'0', b'5', b'7', b'0', ..]);
    let fixed = matches!(digits, [b'0', b'1'..=b'9', ..]);
    match (digits.len(), n.groups) {
        (11, [3, 4, 4]) if mobile => Some(Shape::Grouped),
        (11, [4, 3, 4]) if digits.starts_with(b"0800") => Some(Shape::Grouped),
        (10, [4, 3, 3] | [4, 2, 4]) if free => Some(Shape::Grouped),
        (10, [area @ 2..=5, exchange @ 1..=4, 4]) if fixed && area + exchange == 6 => {
            Some(Shape::Grouped)
        }
        (11, [11]) if mobile || digits.starts_with(b"0800") => Some(Shape::Bare),
        (10, [10]) if fixed => Some(Shape::Bare),
        // 090-12345678, 03-12345678: lazily typed.
        (11, [3, 8] | [7, 4]) if mobile => Some(Shape::Bare),
        (10, [2, 8] | [3, 7] | [6, 4]) if fixed => Some(Shape::Bare),
        _ => None,
    }
}

/// Whether a number begins as mobile and IP telephones do.
fn is_mobile(digits: &str) -> bool {
    matches!(digits.as_bytes(), [b'0', b'5' | b'6' | b'7' | b'8' | b'9', b'0', ..])
}

impl Detector for Phone {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        view.marked_numbers(&[10, 11, 12, 13, 14, 15, 16], |n| {
            // 090.1234.5678 is one; 0312.345678 is a decimal.
            if n.is_filler() || n.marked && n.groups.len() < 3 {
                return;
            }
            let Some(shape) = shape(&n) else {
                if matches!(n.groups, [10 | 11]) {
                    found.push((n.start..n.end, Strength::Weak));
                }
                return;
            };
            let spaces = n.groups.len() > 1
                && !n.hyphens
                && !n.plus
                && !view.text[n.start..n.end].contains('(');
            let strength = match (view.context(n.start, n.end, DOC.topics), shape) {
                (Context::Named, _) => Strength::Strong,
                (Context::Silent, Shape::Grouped) if !spaces => Strength::Strong,
                (Context::Silent, Shape::Grouped) => Strength::Good,
                (Context::Silent, _) if n.digits.len() == 11 => Strength::Good,
                (Context::Silent, _) => Strength::Fair,
                (Context::Other, Shape::Grouped)
                    if n.plus || n.groups == [3, 4, 4] && (n.hyphens || n.marked) =>
                {
                    Strength::Strong
                }
                (Context::Other, _) => Strength::Weak,
            };
            let start = n.start - usize::from(n.plus);
            found.push((start..n.end, strength));
        });
    }
}
