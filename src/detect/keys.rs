//! Numbers that occur as keys in a run, as hashes: to find them in text without holding them.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashSet};

use crate::text::identifier;

/// A set of normalized identifiers, remembered as 64-bit hashes under a key of this process.
#[derive(Default)]
pub struct Keys {
    hasher: DefaultHashBuilder,
    set: HashSet<u64>,
}

/// Shorter identifiers cannot be told from other content.
const SHORTEST: usize = 5;

impl Keys {
    /// Adds an identifier in any spelling. Shorter ones than five characters are passed over.
    pub fn add(&mut self, text: &str) {
        for form in
            [identifier::normalize(text, false, None), identifier::normalize(text, true, None)]
        {
            if let Some(form) = form
                && form.chars().count() >= SHORTEST
            {
                self.set.insert(self.hash(&form));
            }
        }
    }
    /// Whether a text is one of them, leading zeros or not.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        if self.set.is_empty() || text.len() < SHORTEST {
            return false;
        }
        [identifier::normalize(text, false, None), identifier::normalize(text, true, None)]
            .into_iter()
            .flatten()
            .any(|form| form.chars().count() >= SHORTEST && self.set.contains(&self.hash(&form)))
    }
    /// How many spellings are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.set.len()
    }
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }
    fn hash(&self, text: &str) -> u64 {
        let mut state = self.hasher.build_hasher();
        state.write(text.as_bytes());
        state.finish()
    }
}
