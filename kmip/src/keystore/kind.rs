//! Which private keys are of use: one place decides, for all formats.
//!
//! Java takes keys that the TLS library does not, and the library only says that it could not
//! parse one. What is refused here is what it refuses (a test compares them), by a name. What is
//! not known here is left to the library.

use std::fmt;

use rustls_pki_types::PrivateKeyDer;

use super::StoreType;
use super::der::{
    self, CONTEXT_0, Element, Flaw, INTEGER, OBJECT_ID, OCTET_STRING, Reader, SEQUENCE,
};
use super::error::KeyStoreError;

/// A kind of private key that this program's TLS library does not take.
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

/// 1.2.840.113549.1.1.1
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.113549.1.1.10
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// 1.2.840.10040.4.1
const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
/// 1.2.840.10045.2.1
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.3.101.110 and 1.3.101.111
const X25519: &[u8] = &[0x2b, 0x65, 0x6e];
const X448: &[u8] = &[0x2b, 0x65, 0x6f];
/// 1.3.101.113
const ED448: &[u8] = &[0x2b, 0x65, 0x71];

/// 1.2.840.10045.3.1.7, 1.3.132.0.34 and 1.3.132.0.35
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
/// The other curves that Java or OpenSSL make keys on without being asked for something odd.
const OTHER_CURVES: &[(&[u8], &str)] = &[
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01], "P-192"), // 1.2.840.10045.3.1.1
    (&[0x2b, 0x81, 0x04, 0x00, 0x21], "P-224"),                   // 1.3.132.0.33
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], "secp256k1"),               // 1.3.132.0.10
    // 1.3.36.3.3.2.8.1.1.7, .11 and .13
    (&[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07], "brainpoolP256r1"),
    (&[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b], "brainpoolP384r1"),
    (&[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d], "brainpoolP512r1"),
];

/// Refuses what is no key, and keys of a kind that the TLS library has no use for.
pub(super) fn check(format: StoreType, key: &PrivateKeyDer<'_>) -> Result<(), KeyStoreError> {
    let kind = match key {
        PrivateKeyDer::Pkcs8(key) => pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(key) => rsa(key.secret_pkcs1_der()),
        PrivateKeyDer::Sec1(key) => sec1(key.secret_sec1_der()),
        _ => Ok(None),
    };
    match kind {
        Ok(None) => Ok(()),
        Ok(Some(kind)) => Err(KeyStoreError::KeyOfNoUse(kind)),
        Err(_flaw) => Err(KeyStoreError::Damaged { format, part: "private key" }),
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

/// A curve is named. One that is described by its numbers is left to the TLS library.
fn curve(curve: Element<'_>) -> Option<KeyKind> {
    if curve.tag != OBJECT_ID || [P256, P384, P521].contains(&curve.content) {
        return None;
    }
    let known = OTHER_CURVES.iter().find(|(id, _)| *id == curve.content);
    Some(KeyKind::Curve { name: known.map(|(_, name)| *name) })
}

/// The bits of a number, without zeros in front.
fn bits(number: &[u8]) -> usize {
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
