//! Object ids of keys and curves, and the length of a number: which identify keys in both
//! certificates and key stores (RFC 3279, 2.3; RFC 5480, 2.1; RFC 5639, 4.1).

/// 1.2.840.113549.1.1.1
pub(crate) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.113549.1.1.10
pub(crate) const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// 1.2.840.10040.4.1
pub(crate) const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
/// 1.2.840.10045.2.1
pub(crate) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// The curves that this program's TLS library has: P-256, P-384 and P-521 (1.2.840.10045.3.1.7,
/// 1.3.132.0.34 and 1.3.132.0.35).
pub(crate) const TLS_CURVES: [&[u8]; 3] = [
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
    &[0x2b, 0x81, 0x04, 0x00, 0x22],
    &[0x2b, 0x81, 0x04, 0x00, 0x23],
];

/// The name of another curve that Java or OpenSSL readily make keys on.
pub(crate) fn other_curve(id: &[u8]) -> Option<&'static str> {
    OTHER_CURVES.iter().find(|(other, _)| *other == id).map(|(_, name)| *name)
}

const OTHER_CURVES: [(&[u8], &str); 6] = [
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01], "P-192"), // 1.2.840.10045.3.1.1
    (&[0x2b, 0x81, 0x04, 0x00, 0x21], "P-224"),                   // 1.3.132.0.33
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], "secp256k1"),               // 1.3.132.0.10
    // 1.3.36.3.3.2.8.1.1.7, .11 and .13
    (&[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07], "brainpoolP256r1"),
    (&[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b], "brainpoolP384r1"),
    (&[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d], "brainpoolP512r1"),
];

/// The bits of a number, without zeros in front.
pub(crate) fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let Some((first, rest)) = number.get(zeros..).and_then(<[u8]>::split_first) else {
        return 0;
    };
    let short = usize::try_from(first.leading_zeros()).unwrap_or(0);
    rest.len().saturating_add(1).saturating_mul(8).saturating_sub(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_the_first_one() {
        assert_eq!(bits(&[]), 0);
        assert_eq!(bits(&[0, 0]), 0);
        assert_eq!(bits(&[0, 0x80]), 8);
        assert_eq!(bits(&[1, 0]), 9);
        assert_eq!(bits(&[[0].as_slice(), &[0xff; 256]].concat()), 2048);
        assert_eq!(bits(&[[0x7f].as_slice(), &[0xff; 255]].concat()), 2047);
    }
}
