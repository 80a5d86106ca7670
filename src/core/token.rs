//! Crockford's base 32: digits and capitals without I, L, O and U.

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The value of each byte as a copied character; 32 for none.
const VALUES: [u8; 256] = {
    let mut values = [32; 256];
    let mut value = 0;
    while value < 32 {
        let character = ALPHABET[value];
        values[character as usize] = value as u8;
        values[character.to_ascii_lowercase() as usize] = value as u8;
        value += 1;
    }
    (values[b'O' as usize], values[b'o' as usize]) = (0, 0);
    (values[b'I' as usize], values[b'i' as usize]) = (1, 1);
    (values[b'L' as usize], values[b'l' as usize]) = (1, 1);
    values
};

/// Bytes as one big-endian number in as many characters as they need.
pub fn encode(bytes: &[u8]) -> String {
    let characters = (bytes.len() * 8).div_ceil(5);
    let mut text = String::with_capacity(characters);
    for place in (0..characters).rev() {
        let mut digit = 0_usize;
        for bit in (place * 5..place * 5 + 5).rev() {
            let byte = bytes.len().checked_sub(1 + bit / 8).map_or(0, |index| bytes[index]);
            digit = digit << 1 | usize::from(byte >> (bit % 8) & 1);
        }
        text.push(ALPHABET[digit] as char);
    }
    text
}

/// The text of a token: 26 characters, digits and capitals without I, L, O and U. Sorting texts is sorting tokens.
#[must_use]
pub fn token_text(token: &[u8; 16]) -> String {
    let mut number = u128::from_be_bytes(*token);
    let mut text = [0_u8; 26];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(number & 31) as usize];
        number >>= 5;
    }
    // The alphabet is ASCII: nothing is lost.
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads a token as it is written in a file: no other text is this token.
#[must_use]
pub fn written_token(text: &str) -> Option<[u8; 16]> {
    let written =
        |b: u8| matches!(b, b'0'..=b'9' | b'A'..=b'Z') && !matches!(b, b'I' | b'L' | b'O');
    parse_token(text).filter(|_| text.bytes().all(written))
}

/// Reads a token as a person may have copied it: small letters, O for 0, I and L for 1 are understood.
/// `None` if it is not the text of 128 bits.
#[must_use]
pub fn parse_token(text: &str) -> Option<[u8; 16]> {
    if text.len() != 26 {
        return None;
    }
    let mut number = 0_u128;
    for character in text.bytes() {
        let digit = u128::from(VALUES[usize::from(character)]);
        if digit == 32 {
            return None;
        }
        // 26 characters hold 130 bits: the first one is at most 7.
        if number >> 123 != 0 {
            return None;
        }
        number = number << 5 | digit;
    }
    Some(number.to_be_bytes())
}

/// Secrets of one release. The key module implements it; a technique never sees key bytes.
pub trait Secrets: Sync {
    /// The token (128 bits) of an identity in a domain. The identity is normalized and length-prefixed by the caller.
    fn token(&self, domain: &str, identity: &str) -> [u8; 16];
    /// A pseudorandom number for a purpose and an identity, uniform over all `u64`.
    fn draw(&self, purpose: &str, identity: &str) -> u64;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_and_a_known_text() {
        assert_eq!(token_text(&[0; 16]), "0".repeat(26));
        assert_eq!(token_text(&[255; 16]), format!("7{}", "Z".repeat(25)));
        // The example of the ULID specification, which writes 128 bits in the same way:
        // 01ARZ3NDEKTSV4RRFFQ69G5FAV.
        let token = parse_token("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        assert_eq!(u128::from_be_bytes(token), 0x0156_3e3a_b5d3_d676_4c61_efb9_9302_bd5b);
        assert_eq!(parse_token("o1arz3ndektsv4rrffq69g5fav"), Some(token));
        assert_eq!(written_token("01ARZ3NDEKTSV4RRFFQ69G5FAV"), Some(token));
        for copied in ["01arz3ndektsv4rrffq69g5fav", "O1ARZ3NDEKTSV4RRFFQ69G5FAV"] {
            assert_eq!(written_token(copied), None);
        }
        assert_eq!(parse_token("01ARZ3NDEKTSV4RRFFQ69G5FA"), None);
        assert_eq!(parse_token("01ARZ3NDEKTSV4RRFFQ69G5FAU"), None);
        assert_eq!(parse_token("80000000000000000000000000"), None);
        assert_eq!(parse_token("ÅÅÅÅÅÅÅÅÅÅÅÅÅ"), None);
        assert_eq!(encode(&[255; 8]), format!("F{}", "Z".repeat(12)));
        assert_eq!(encode(&[]), "");
    }

    proptest! {
        #[test]
        fn a_token_round_trips_and_keeps_its_order(a: [u8; 16], b: [u8; 16]) {
            let (text_a, text_b) = (token_text(&a), token_text(&b));
            prop_assert_eq!(parse_token(&text_a), Some(a));
            prop_assert_eq!(&text_a, &encode(&a));
            prop_assert_eq!(a.cmp(&b), text_a.cmp(&text_b));
        }
    }
}
