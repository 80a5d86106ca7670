//! Hexadecimal with small letters only, so that every text has one reading and every reading one text.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Bytes as text.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push(&mut text, bytes);
    text
}

/// Appends bytes to a text.
pub(super) fn push(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)] as char);
        text.push(DIGITS[usize::from(byte & 15)] as char);
    }
}

/// Reads exactly as many bytes as `out` has.
pub(super) fn decode_into(text: &str, out: &mut [u8]) -> Option<()> {
    if text.len() != out.len() * 2 {
        return None;
    }
    let digit = |character: u8| DIGITS.iter().position(|&known| known == character);
    for (place, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *place = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_refusals() {
        let mut out = [0; 3];
        assert_eq!(encode(&[0, 0xab, 0xff]), "00abff");
        assert_eq!(decode_into("00abff", &mut out), Some(()));
        assert_eq!(out, [0, 0xab, 0xff]);
        for bad in ["00abf", "00abFF", "00abfg", "00abff0", "", "日本"] {
            assert_eq!(decode_into(bad, &mut out), None);
        }
    }
}
