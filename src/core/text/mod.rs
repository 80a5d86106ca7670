//! Japanese text: width, kana, eras, identifiers, numbers with operators.

pub mod date;
pub mod identifier;
pub mod link;
pub mod normalize;
pub mod number;
pub mod romaji;
pub mod spelled;
