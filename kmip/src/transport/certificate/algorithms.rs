//! Keys and signatures of certificates, as far as TLS libraries differ about them.

use std::fmt;

use crate::key_ids::{DSA, EC, RSA, RSA_PSS, TLS_CURVES, bits, other_curve};

use super::der::{BIT_STRING, Der, INTEGER, OBJECT_ID, SEQUENCE};

/// A certificate's key (RFC 3279, 2.3; RFC 5480, 2.1; RFC 8410, 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKey {
    /// RSA, with the length of its modulus in bits.
    Rsa(usize),
    /// An elliptic curve; the name of a curve that this program's TLS library does not have.
    Ec(Option<&'static str>),
    /// DSA, which TLS 1.3 dropped.
    Dsa,
    /// Anything else.
    Other,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo. What is not understood is [`Self::Other`]; this reader does
    /// not decide whether it is a key at all.
    pub(super) fn of(info: Der<'_>) -> Self {
        Self::read(info).unwrap_or(Self::Other)
    }

    fn read(mut info: Der<'_>) -> Option<Self> {
        let mut algorithm = info.expect(SEQUENCE).ok()?;
        let kind = algorithm.expect(OBJECT_ID).ok()?;
        Some(match kind.0 {
            RSA | RSA_PSS => {
                let (_unused_bits, key) = info.expect(BIT_STRING).ok()?.0.split_first()?;
                let modulus = Der(key).expect(SEQUENCE).ok()?.expect(INTEGER).ok()?;
                Self::Rsa(bits(modulus.0))
            }
            EC => {
                let curve = algorithm.expect(OBJECT_ID).ok()?;
                let other = other_curve(curve.0).unwrap_or(UNNAMED);
                Self::Ec((!TLS_CURVES.contains(&curve.0)).then_some(other))
            }
            DSA => Self::Dsa,
            _ => Self::Other,
        })
    }

    /// Whether this program's TLS library verifies no signature of such a key, although Java does.
    #[must_use]
    pub const fn is_for_java_only(self) -> bool {
        match self {
            Self::Rsa(bits) => bits < SHORTEST_RSA,
            Self::Ec(other) => other.is_some(),
            Self::Dsa => true,
            Self::Other => false,
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA with {bits} bits"),
            Self::Ec(None) => f.write_str("an elliptic curve"),
            Self::Ec(Some(UNNAMED)) => write!(f, "an elliptic curve {UNNAMED}"),
            Self::Ec(Some(curve)) => write!(f, "the elliptic curve {curve}"),
            Self::Dsa => f.write_str("DSA"),
            Self::Other => write!(f, "an algorithm {UNNAMED}"),
        }
    }
}

/// The name of a signature algorithm that Java still verifies below a private authority and this
/// program's TLS library does not (RFC 3279, 2.2; RFC 5758).
pub(super) fn old_signature(mut algorithm: Der<'_>) -> Option<&'static str> {
    let kind = algorithm.expect(OBJECT_ID).ok()?;
    OLD_SIGNATURES.iter().find(|(oid, _)| *oid == kind.0).map(|(_, name)| *name)
}

/// The key is on a curve that has an id and is not known here.
const UNNAMED: &str = "without a common name";

/// Below this many bits aws-lc-rs verifies no RSA signature.
const SHORTEST_RSA: usize = 2048;

const OLD_SIGNATURES: [(&[u8], &str); 6] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5], "SHA-1 and RSA"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4], "MD5 and RSA"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], "SHA-1 and ECDSA"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3], "SHA-1 and DSA"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 2], "SHA-256 and DSA"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 1], "SHA-224 and DSA"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junk_is_a_key_of_no_known_kind() {
        for junk in [&[][..], &[0x30], &[0x30, 2, 6, 0], &[0x30, 0x80, 1]] {
            assert_eq!(PublicKey::of(Der(junk)), PublicKey::Other);
            assert_eq!(old_signature(Der(junk)), None);
        }
    }
}
