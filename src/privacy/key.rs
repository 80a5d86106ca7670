//! Code tuples packed into machine words, so that classes are found without touching a text.
//!
//! A column never straddles two words. The code of a missing cell is the column's cardinality: its own category.

use crate::error::{Error, Result};
use crate::frame::MISSING;
use crate::say;

/// Where each column stands in a packed tuple.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Layout {
    places: Vec<Place>,
    words: usize,
    cards: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) word: usize,
    pub(crate) shift: u32,
    pub(crate) mask: u64,
}

/// Widest tuple: 16 words (1,024 bits).
pub(crate) const MOST_WORDS: usize = 16;

impl Layout {
    /// A layout for columns with the given cardinalities (codes `0..cardinality`, and missing).
    ///
    /// # Errors
    /// `V0001` if the columns need more than 1,024 bits together.
    pub fn new(cards: &[u32]) -> Result<Self> {
        let (mut word, mut used) = (0_usize, 0_u32);
        let mut places = Vec::with_capacity(cards.len());
        for &card in cards {
            // The values are 0..=card.
            let width = (u32::BITS - card.leading_zeros()).max(1);
            if used + width > u64::BITS {
                word += 1;
                used = 0;
            }
            places.push(Place { word, shift: used, mask: (1_u64 << width) - 1 });
            used += width;
        }
        let words = word + 1;
        if words > MOST_WORDS {
            return Err(Error::policy(
                "V0001",
                say!("{} columns of a view need more than 1,024 bits together", cards.len()),
            )
            .advice(say!("name fewer quasi-identifiers, or generalize them first")));
        }
        Ok(Layout { places, words, cards: cards.to_vec() })
    }
    /// Machine words a tuple.
    #[must_use]
    pub fn words(&self) -> usize {
        self.words
    }
    /// Columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.places.len()
    }
    /// The cardinality of each column (missing not counted).
    #[must_use]
    pub fn cards(&self) -> &[u32] {
        &self.cards
    }
    /// Bits used in the first word, which is the first in the order of tuples.
    pub(crate) fn first_word_bits(&self) -> u32 {
        let ends =
            self.places.iter().filter(|p| p.word == 0).map(|p| p.shift + p.mask.count_ones());
        ends.max().unwrap_or(0)
    }
    pub(crate) fn place(&self, column: usize) -> Place {
        self.places[column]
    }
    /// The code of a column in a packed tuple; missing is [`MISSING`].
    #[must_use]
    pub fn code(&self, tuple: &[u64], column: usize) -> u32 {
        let place = self.places[column];
        let stored = ((tuple[place.word] >> place.shift) & place.mask) as u32;
        if stored == self.cards[column] { MISSING } else { stored }
    }
}

/// A packed tuple.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key<const N: usize>(pub(crate) [u64; N]);

impl<const N: usize> Key<N> {
    pub(crate) const ZERO: Self = Key([0; N]);
    #[inline]
    pub(crate) fn get(self, place: Place) -> u32 {
        ((self.0[place.word] >> place.shift) & place.mask) as u32
    }
    #[inline]
    pub(crate) fn set(&mut self, place: Place, code: u32) {
        let word = &mut self.0[place.word];
        *word = (*word & !(place.mask << place.shift)) | (u64::from(code) << place.shift);
    }
    #[inline]
    pub(crate) fn mix(self) -> u64 {
        let mut hash = 0_u64;
        for word in self.0 {
            hash = (hash.rotate_left(29) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
        hash ^ (hash >> 31)
    }
}

/// Finds the number of a key; keys are numbered in order of first appearance. Open addressing, no deletion.
pub(crate) struct Numbering<const N: usize> {
    slots: Vec<u32>,
    shift: u32,
    pub(crate) keys: Vec<Key<N>>,
}

const EMPTY: u32 = u32::MAX;

impl<const N: usize> Numbering<N> {
    pub(crate) fn with_capacity(expected: usize) -> Self {
        let bits = (expected.max(8) * 2).next_power_of_two().trailing_zeros();
        Numbering { slots: vec![EMPTY; 1 << bits], shift: 64 - bits, keys: Vec::new() }
    }
    #[inline]
    pub(crate) fn number(&mut self, key: Key<N>) -> u32 {
        if self.keys.len() * 2 > self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut at = (key.mix() >> self.shift) as usize;
        loop {
            match self.slots[at] {
                EMPTY => {
                    let new = self.keys.len() as u32;
                    self.slots[at] = new;
                    self.keys.push(key);
                    return new;
                }
                found if self.keys[found as usize] == key => return found,
                _ => at = (at + 1) & mask,
            }
        }
    }
    fn grow(&mut self) {
        let bits = self.slots.len().trailing_zeros() + 1;
        self.shift = 64 - bits;
        self.slots = vec![EMPTY; 1 << bits];
        let mask = self.slots.len() - 1;
        for (number, key) in self.keys.iter().enumerate() {
            let mut at = (key.mix() >> self.shift) as usize;
            while self.slots[at] != EMPTY {
                at = (at + 1) & mask;
            }
            self.slots[at] = number as u32;
        }
    }
}

/// Calls a function that is generic over the number of words.
macro_rules! with_words {
    ($words:expr, $function:ident $(, $argument:expr)* $(,)?) => {
        match $words {
            0 | 1 => $function::<1>($($argument),*),
            2 => $function::<2>($($argument),*),
            3..=6 => $function::<6>($($argument),*),
            _ => $function::<16>($($argument),*),
        }
    };
}
pub(crate) use with_words;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_do_not_straddle_words_and_come_back() {
        let cards = [1, 2, 3, 1000, u32::MAX - 1, u32::MAX - 1, 7, 0];
        let layout = Layout::new(&cards).unwrap();
        let mut key = Key::<6>::ZERO;
        let codes = [1, 2, 0, 999, 12, u32::MAX - 2, 3, 0];
        for (column, &code) in codes.iter().enumerate() {
            key.set(layout.place(column), code);
        }
        for (column, &code) in codes.iter().enumerate() {
            assert_eq!(key.get(layout.place(column)), code);
        }
        // A code that equals the cardinality is the missing cell.
        assert_eq!(layout.code(&key.0, 0), MISSING);
        assert_eq!(layout.code(&key.0, 7), MISSING);
        assert_eq!(layout.code(&key.0, 3), 999);
        assert_eq!(Layout::new(&[u32::MAX - 1; 40]).unwrap_err().code, "V0001");
    }

    #[test]
    fn numbers_follow_the_first_appearance() {
        let mut numbering = Numbering::<2>::with_capacity(1);
        for round in 0..2 {
            for value in 0..1000_u64 {
                assert_eq!(u64::from(numbering.number(Key([value, value % 3]))), value, "{round}");
            }
        }
    }
}
