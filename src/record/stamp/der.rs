//! Just enough of DER (X.690) to read what a time-stamping authority signs: lengths are definite and as short as they can be, tags
//! have one byte. What is otherwise is not read.

/// What is left of an encoding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Der<'a>(&'a [u8]);

/// One element.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Item<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// With tag and length, as it was signed.
    pub(super) whole: &'a [u8],
}

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The tag of an element that is known by its number alone, with others in it.
pub(super) const fn numbered(number: u8) -> u8 {
    0xa0 | number
}

impl<'a> Der<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Der(bytes)
    }
    /// Whether nothing is left.
    pub(super) fn ended(self) -> bool {
        self.0.is_empty()
    }
    /// The tag of the next element.
    pub(super) fn tag(self) -> Option<u8> {
        self.0.first().copied()
    }
    /// The next element.
    pub(super) fn next(&mut self) -> Option<Item<'a>> {
        let [tag, first, ..] = *self.0 else { return None };
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (head, length) = match first {
            0..=0x7f => (2, usize::from(first)),
            0x81..=0x84 => {
                let bytes = self.0.get(2..2 + usize::from(first & 0x7f))?;
                let length = bytes.iter().fold(0_usize, |n, b| n << 8 | usize::from(*b));
                if bytes[0] == 0 || length < 0x80 {
                    return None;
                }
                (2 + bytes.len(), length)
            }
            _ => return None,
        };
        let end = head.checked_add(length)?;
        let whole = self.0.get(..end)?;
        self.0 = &self.0[end..];
        Some(Item { tag, content: &whole[head..], whole })
    }
    /// The next element, which must have this tag.
    pub(super) fn take(&mut self, tag: u8) -> Option<Item<'a>> {
        self.next().filter(|item| item.tag == tag)
    }
    /// The next element if it has this tag.
    pub(super) fn maybe(&mut self, tag: u8) -> Option<Item<'a>> {
        if self.tag() == Some(tag) { self.next() } else { None }
    }
    /// What is in the next element, which must have this tag.
    pub(super) fn enter(&mut self, tag: u8) -> Option<Der<'a>> {
        self.take(tag).map(|item| Der(item.content))
    }
    /// The only element that is left.
    pub(super) fn all_one(mut self) -> Option<Item<'a>> {
        self.next().filter(|_| self.ended())
    }
    /// All that is left, each with this tag.
    pub(super) fn all(mut self, tag: u8) -> Option<Vec<Item<'a>>> {
        let mut found = Vec::new();
        while !self.ended() {
            found.push(self.take(tag)?);
        }
        Some(found)
    }
}

impl<'a> Item<'a> {
    /// What is in it.
    pub(super) fn inside(self) -> Der<'a> {
        Der(self.content)
    }
}

/// An element.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![tag];
    match content.len() {
        short @ 0..=0x7f => bytes.push(short as u8),
        long => {
            let length = long.to_be_bytes();
            let length = &length[length.iter().take_while(|b| **b == 0).count()..];
            bytes.push(0x80 | length.len() as u8);
            bytes.extend(length);
        }
    }
    bytes.extend(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_encoding_of_each_length_is_read() {
        for length in [0, 1, 127, 128, 255, 256, 65_536] {
            let bytes = element(OCTETS, &[&vec![7; length]]);
            let mut der = Der::new(&bytes);
            let item = der.take(OCTETS).unwrap();
            assert_eq!((item.content.len(), item.whole.len()), (length, bytes.len()));
            assert!(der.ended());
            assert!(Der::new(&bytes[..bytes.len() - 1]).next().is_none());
        }
        // Longer than need be, without an end, of a long tag, of more bytes than there are.
        for bad in [
            &[4, 0x81, 1, 0][..],
            &[4, 0x82, 0, 0x81],
            &[0x30, 0x80, 0, 0],
            &[0x1f, 0x81, 0, 0],
            &[4, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[4, 0x85, 1, 0, 0, 0, 0],
            &[4],
            &[],
        ] {
            assert!(Der::new(bad).next().is_none(), "{bad:?}");
        }
    }
}
