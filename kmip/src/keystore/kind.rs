//! Which private keys are usable: decided here for all formats.
//!
//! Java accepts keys that the TLS library does not, and the library only reports that it could not
//! parse one. This module refuses what the library refuses (a test compares them) and names the
//! kind. Unknown kinds are left to the library.

use std::fmt;

use rustls_pki_types::PrivateKeyDer;

use super::der::{
    self, CONTEXT_0, Element, Flaw, INTEGER, OBJECT_ID, OCTET_STRING, Reader, SEQUENCE,
};
use crate::key_ids::{DSA, EC, RSA, RSA_PSS, TLS_CURVES, bits, other_curve};

/// A kind of private key that this program's TLS library does not accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// RSA, shorter than 2048 or longer than 8192 bits.
    Rsa {
        /// The length of the modulus.
        bits: usize,
    },
    /// RSA of more than two primes.
    RsaOfSeveralPrimes,
    /// RSA for signatures with RSASSA-PSS only.
    RsaPss,
    /// DSA.
    Dsa,
    /// Ed448.
    Ed448,
    /// X25519 or X448: they agree on secrets and sign nothing.
    Agreement,
    /// EC on another curve than P-256, P-384 and P-521.
    Curve {
        /// The curve, where it is a known one.
        name: Option<&'static str>,
    },
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "an RSA key of {bits} bits"),
            Self::RsaOfSeveralPrimes => f.write_str("an RSA key of more than two primes"),
            Self::RsaPss => f.write_str("an RSA key for RSASSA-PSS only"),
            Self::Dsa => f.write_str("a DSA key"),
            Self::Ed448 => f.write_str("an Ed448 key"),
            Self::Agreement => f.write_str("a key for key agreement (X25519 or X448)"),
            Self::Curve { name: Some(name) } => write!(f, "an EC key on the curve {name}"),
            Self::Curve { name: None } => {
                f.write_str("an EC key on another curve than P-256, P-384 and P-521")
            }
        }
    }
}

/// 1.3.101.110 and 1.3.101.111
const X25519: &[u8] = &[0x2b, 0x65, 0x6e];
const X448: &[u8] = &[0x2b, 0x65, 0x6f];
/// 1.3.101.113
const ED448: &[u8] = &[0x2b, 0x65, 0x71];

/// The kind of a key that the TLS library does not accept; `None` for one that it does.
pub(super) fn of_no_use(key: &PrivateKeyDer<'_>) -> Result<Option<KeyKind>, Flaw> {
    match key {
        PrivateKeyDer::Pkcs8(key) => pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(key) => rsa(key.secret_pkcs1_der()),
        PrivateKeyDer::Sec1(key) => sec1(key.secret_sec1_der()),
        _ => Ok(None),
    }
}

const WHAT: &str = "private key";

fn pkcs8(key: &[u8]) -> Result<Option<KeyKind>, Flaw> {
    let (mut algorithm, octets) = der::pkcs8(key)?;
    Ok(match algorithm.element(OBJECT_ID, WHAT)?.content {
        RSA => rsa(octets)?,
        RSA_PSS => Some(KeyKind::RsaPss),
        DSA => Some(KeyKind::Dsa),
        X25519 | X448 => Some(KeyKind::Agreement),
        ED448 => Some(KeyKind::Ed448),
        EC => curve(algorithm.any(WHAT)?),
        _ => None,
    })
}

/// `RSAPrivateKey { version, modulus, … }`, also inside PKCS#8.
fn rsa(key: &[u8]) -> Result<Option<KeyKind>, Flaw> {
    let mut fields = fields(key)?;
    let version = fields.element(INTEGER, WHAT)?.content;
    let bits = bits(fields.element(INTEGER, WHAT)?.content);
    Ok(match (bits, version) {
        (2048..=8192, [0]) => None,
        (2048..=8192, _) => Some(KeyKind::RsaOfSeveralPrimes),
        _ => Some(KeyKind::Rsa { bits }),
    })
}

/// `ECPrivateKey { version, key, [0] curve OPTIONAL, … }`
fn sec1(key: &[u8]) -> Result<Option<KeyKind>, Flaw> {
    let mut fields = fields(key)?;
    fields.element(INTEGER, WHAT)?;
    fields.element(OCTET_STRING, WHAT)?;
    if fields.is_empty() {
        return Ok(None);
    }
    let next = fields.any(WHAT)?;
    if next.tag != CONTEXT_0 {
        return Ok(None);
    }
    Ok(curve(Reader::new(next.content).any(WHAT)?))
}

fn fields(key: &[u8]) -> Result<Reader<'_>, Flaw> {
    let mut outer = Reader::new(key);
    let fields = outer.enter(SEQUENCE, WHAT)?;
    outer.finish(WHAT)?;
    Ok(fields)
}

/// A named curve. One given by explicit parameters is left to the TLS library.
fn curve(curve: Element<'_>) -> Option<KeyKind> {
    if curve.tag != OBJECT_ID || TLS_CURVES.contains(&curve.content) {
        return None;
    }
    Some(KeyKind::Curve { name: other_curve(curve.content) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_the_first_one() {
        for (number, count) in [
            (&[][..], 0),
            (&[0, 0], 0),
            (&[1], 1),
            (&[0, 0x80], 8),
            (&[0, 0xff, 0], 16),
            (&[0x7f, 0, 0], 23),
        ] {
            assert_eq!(bits(number), count, "{number:x?}");
        }
        assert_eq!(bits(&[[0].as_slice(), &[0x80; 256]].concat()), 2048);
    }
}
