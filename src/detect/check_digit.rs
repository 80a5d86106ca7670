//! Check digits.

/// Σ of digits times weights, the weights from the left.
pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(d, w)| d * w).sum()
}

/// The remainder modulo 11 of the eleven (or ten) digits before the check digit, weights 2 to 7 from the right and again from 2.
pub(super) fn modulus_11(before: &[u32]) -> u32 {
    before.iter().rev().zip([2, 3, 4, 5, 6, 7].iter().cycle()).map(|(d, w)| d * w).sum::<u32>() % 11
}

/// Modulus 10 with weights 2 and 1 from the right, digits of the products added (保険者番号等設定要領; the same sum as Luhn).
pub(super) fn modulus_10(before: &[u32]) -> u32 {
    let sum: u32 = before
        .iter()
        .rev()
        .zip([2, 1].iter().cycle())
        .map(|(d, w)| {
            let product = d * w;
            product / 10 + product % 10
        })
        .sum();
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u32> {
        text.bytes().map(|b| u32::from(b - b'0')).collect()
    }

    #[test]
    fn published_examples() {
        // 保険者番号 33120015 (the example of the published rule), card test numbers of the industry.
        assert_eq!(modulus_10(&digits("3312001")), 5);
        assert_eq!(modulus_10(&digits("411111111111111")), 1);
        assert_eq!(modulus_10(&digits("37828224631000")), 5);
        // 983205673214: a published example of 個人番号.
        assert_eq!(11 - modulus_11(&digits("98320567321")), 4);
        assert_eq!(weighted(&[1, 2, 3], &[3, 2, 1]), 10);
    }
}
