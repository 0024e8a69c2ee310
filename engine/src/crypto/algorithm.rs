//! The block ciphers, and all facts about each. A new cipher is added here, and gets its kernels in
//! [`schedule`](super::schedule).

use std::borrow::Cow;

/// A block cipher, by its Java name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// `AES` with 128, 192 or 256 key bits (FIPS 197).
    Aes,
    /// `Blowfish` with 32 to 448 key bits, in steps of 8.
    Blowfish,
    /// `DES` with 56 key bits, written as 8 bytes (FIPS 46-3).
    Des,
    /// `DESede`, three times DES, with 112 or 168 key bits; both are written as 24 bytes
    /// (SP 800-67).
    DesEde,
    /// `RC2` with 40 to 128 key bits, all of which are effective (RFC 2268).
    Rc2,
}

/// The facts about a cipher.
#[derive(Debug)]
struct Facts {
    /// The Java name.
    name: &'static str,
    /// Bytes in a block.
    block_size: usize,
    keys: Keys,
    speed_up: SpeedUp,
    /// Whether new data should not be encrypted with it.
    is_legacy: bool,
}

/// The keys of a cipher.
#[derive(Debug)]
struct Keys {
    /// The shortest and the longest key in bits, and the step between lengths, as Java's key
    /// generators have them.
    least: u32,
    most: u32,
    step: u32,
    /// Bytes of a key with a parity bit in each byte, whatever its strength; keys of the other
    /// ciphers have no extra bits.
    with_parity: Option<usize>,
}

/// What makes a cipher faster on some processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SpeedUp {
    /// The instructions for AES, in CBC mode.
    AesInCbc,
    /// Nothing: its rounds are table look-ups.
    None,
    /// Wider vectors, in any mode.
    Vectors,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 5] = [Self::Aes, Self::Blowfish, Self::Des, Self::DesEde, Self::Rc2];

    const fn facts(self) -> Facts {
        match self {
            Self::Aes => Facts {
                name: "AES",
                block_size: 16,
                keys: Keys { least: 128, most: 256, step: 64, with_parity: None },
                speed_up: SpeedUp::AesInCbc,
                is_legacy: false,
            },
            Self::Blowfish => Facts {
                name: "Blowfish",
                block_size: 8,
                // Among the generators that take any length, only this one requires whole bytes.
                keys: Keys { least: 32, most: 448, step: 8, with_parity: None },
                speed_up: SpeedUp::None,
                is_legacy: true,
            },
            Self::Des => Facts {
                name: "DES",
                block_size: 8,
                keys: Keys { least: 56, most: 56, step: 1, with_parity: Some(8) },
                speed_up: SpeedUp::Vectors,
                is_legacy: true,
            },
            Self::DesEde => Facts {
                name: "DESede",
                block_size: 8,
                keys: Keys { least: 112, most: 168, step: 56, with_parity: Some(24) },
                speed_up: SpeedUp::Vectors,
                is_legacy: true,
            },
            Self::Rc2 => Facts {
                name: "RC2",
                block_size: 8,
                keys: Keys { least: 40, most: 128, step: 1, with_parity: None },
                speed_up: SpeedUp::Vectors,
                is_legacy: true,
            },
        }
    }

    /// The Java name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// Bytes in a block.
    #[must_use]
    pub const fn block_size(self) -> usize {
        self.facts().block_size
    }

    /// Bytes of a key with this many bits, as Java's key generators make it; `None` if they do not
    /// make such keys.
    #[must_use]
    pub fn key_length(self, strength: u32) -> Option<usize> {
        let Keys { least, most, step, with_parity } = self.facts().keys;
        let beyond = strength.checked_sub(least)?;
        if strength > most || !beyond.is_multiple_of(step) {
            return None;
        }
        with_parity.or_else(|| usize::try_from(strength.div_ceil(8)).ok())
    }

    /// Whether this cipher has keys of this many bytes.
    pub(super) fn takes_key_of(self, length: usize) -> bool {
        match self.facts().keys.with_parity {
            Some(only) => length == only,
            None => {
                let bits = u32::try_from(length).ok().and_then(|length| length.checked_mul(8));
                bits.and_then(|bits| self.key_length(bits)).is_some()
            }
        }
    }

    /// Turns random bytes into a key (KMIP.md 4): keys of the DES family have a parity bit in each
    /// byte, and in `DESede` with 112 bits the third key equals the first. For the other ciphers
    /// every string of bits is a key.
    pub(crate) fn shape_key(self, strength: u32, key: &mut [u8]) {
        if self.facts().keys.with_parity.is_none() {
            return;
        }
        if strength == 112
            && let ([first, _, third], []) = key.as_chunks_mut::<8>()
        {
            third.copy_from_slice(first);
        }
        for byte in key {
            *byte ^= u8::from(byte.count_ones().is_multiple_of(2));
        }
    }

    /// Whether this is one of the sixteen weak and semi-weak keys of DES (SP 800-67, 3.4.2), which
    /// Java's generator never gives. It does not check weak keys of other ciphers.
    pub(crate) fn is_weak_key(self, key: &[u8]) -> bool {
        self == Self::Des && des::weak_key_test(key).is_err()
    }

    /// What makes it faster on some processors.
    pub(super) const fn speed_up(self) -> SpeedUp {
        self.facts().speed_up
    }

    /// Whether new data should not be encrypted with it: with blocks of 8 bytes, ciphertexts
    /// collide after a few GiB.
    pub(super) const fn is_legacy(self) -> bool {
        self.facts().is_legacy
    }

    /// Bits of security of a key strength: NIST SP 800-57 part 1, table 2, for AES and `DESede`;
    /// otherwise the bits of the key.
    pub(super) const fn security_bits(self, strength: u32) -> u32 {
        match (self, strength) {
            (Self::DesEde, ..=112) => 80,
            (Self::DesEde, _) => 112,
            (_, strength) => strength,
        }
    }

    /// Why new data should not be encrypted with it in any mode; `None` for AES.
    pub(super) fn weakness(self, strength: u32) -> Option<Cow<'static, str>> {
        Some(match (self, strength) {
            (Self::Aes, _) => return None,
            (Self::Blowfish | Self::Rc2, bits) => Cow::Owned(format!(
                "{} with {bits}-bit keys has blocks of 8 bytes and is no NIST cipher",
                self.name()
            )),
            (Self::Des, _) => Cow::Borrowed(
                "DES keys of 56 bits can be found by trying them all (FIPS 46-3, withdrawn in 2005)",
            ),
            (Self::DesEde, ..=112) => Cow::Borrowed(
                "DESede with two keys has 80 bits of security (NIST SP 800-57 part 1, 5.6.1) and \
                 is disallowed (SP 800-131A)",
            ),
            (Self::DesEde, _) => Cow::Borrowed(
                "DESede has 112 bits of security (NIST SP 800-57 part 1, 5.6.1) and is disallowed \
                 for encryption since 2024 (SP 800-131A)",
            ),
        })
    }

    /// Finds a name without regard to case, as Java does.
    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn des_keys_have_odd_parity_in_the_lowest_bit() {
        let mut secret: Vec<u8> = (0..=255).collect();
        Algorithm::Des.shape_key(56, &mut secret);
        for (before, after) in (0..=255_u8).zip(secret) {
            assert_eq!(after.count_ones() % 2, 1);
            assert_eq!(after & 0xfe, before & 0xfe);
        }
    }

    #[test]
    fn weak_keys_of_des_are_known() {
        for weak in [0x0101_0101_0101_0101, 0xfefe_fefe_fefe_fefe, 0x01fe_01fe_01fe_01fe_u64] {
            assert!(Algorithm::Des.is_weak_key(&weak.to_be_bytes()), "{weak:x}");
            assert!(!Algorithm::Blowfish.is_weak_key(&weak.to_be_bytes()));
            let near = weak ^ 0x06;
            assert!(!Algorithm::Des.is_weak_key(&near.to_be_bytes()), "{near:x}");
        }
        assert!(!Algorithm::DesEde.is_weak_key(&[1; 24]));
    }

    #[test]
    fn three_keys_are_two_for_112_bits() {
        let random: Vec<u8> = (100..124).collect();
        let mut two = random.clone();
        Algorithm::DesEde.shape_key(112, &mut two);
        assert_eq!(two[..8], two[16..]);
        let mut three = random.clone();
        Algorithm::DesEde.shape_key(168, &mut three);
        assert_eq!(two[..16], three[..16]);
        assert_ne!(three[..8], three[16..]);
        for (byte, before) in three.iter().zip(&random) {
            assert_eq!((byte.count_ones() % 2, byte & 0xfe), (1, before & 0xfe));
        }
    }

    #[test]
    fn other_keys_stay_as_random_as_they_are() {
        for algorithm in [Algorithm::Aes, Algorithm::Blowfish, Algorithm::Rc2] {
            let mut secret: Vec<u8> = (0..24).collect();
            algorithm.shape_key(112, &mut secret);
            assert_eq!(secret, (0..24).collect::<Vec<u8>>());
        }
    }

    #[test]
    fn keys_have_the_lengths_of_java_s_generators() {
        for algorithm in Algorithm::ALL {
            for strength in 0..=1024_u32 {
                let bytes = match (algorithm, strength) {
                    (Algorithm::Aes, 128 | 192 | 256) => strength / 8,
                    (Algorithm::Blowfish, 32..=448) if strength % 8 == 0 => strength / 8,
                    (Algorithm::Des, 56) => 8,
                    (Algorithm::DesEde, 112 | 168) => 24,
                    (Algorithm::Rc2, 40..=128) => strength.div_ceil(8),
                    _ => {
                        assert_eq!(algorithm.key_length(strength), None);
                        continue;
                    }
                };
                assert_eq!(algorithm.key_length(strength), usize::try_from(bytes).ok());
            }
            let lengths: Vec<_> =
                (0..200).filter(|length| algorithm.takes_key_of(*length)).collect();
            let expected: Vec<usize> = match algorithm {
                Algorithm::Aes => vec![16, 24, 32],
                Algorithm::Blowfish => (4..=56).collect(),
                Algorithm::Des => vec![8],
                Algorithm::DesEde => vec![24],
                Algorithm::Rc2 => (5..=16).collect(),
            };
            assert_eq!(lengths, expected, "{algorithm:?}");
        }
    }
}
