//! The parts of a transformation by their Java names.

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

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 5] = [Self::Aes, Self::Blowfish, Self::Des, Self::DesEde, Self::Rc2];

    /// The Java name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes => "AES",
            Self::Blowfish => "Blowfish",
            Self::Des => "DES",
            Self::DesEde => "DESede",
            Self::Rc2 => "RC2",
        }
    }

    /// Bytes in a block.
    #[must_use]
    pub const fn block_size(self) -> usize {
        match self {
            Self::Aes => 16,
            Self::Blowfish | Self::Des | Self::DesEde | Self::Rc2 => 8,
        }
    }

    /// Bytes of a key of so many bits, as Java's key generators make it; none when they make no
    /// such keys.
    #[must_use]
    pub fn key_length(self, strength: u32) -> Option<usize> {
        let bytes = match (self, strength) {
            (Self::Aes, 128 | 192 | 256) => strength / 8,
            // Of the generators this one alone insists on whole bytes.
            (Self::Blowfish, 32..=448) if strength.is_multiple_of(8) => strength / 8,
            (Self::Des, 56) => 8,
            (Self::DesEde, 112 | 168) => 24,
            (Self::Rc2, 40..=128) => strength.div_ceil(8),
            _ => return None,
        };
        usize::try_from(bytes).ok()
    }

    /// Whether a key of so many bytes is one of this cipher.
    pub(in crate::crypto) const fn takes_key_of(self, length: usize) -> bool {
        match self {
            Self::Aes => matches!(length, 16 | 24 | 32),
            Self::Blowfish => matches!(length, 4..=56),
            Self::Des => length == 8,
            Self::DesEde => length == 24,
            Self::Rc2 => matches!(length, 5..=16),
        }
    }

    /// Finds a name without regard to case, as Java does.
    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }
}

/// A mode of operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Cipher block chaining (NIST SP 800-38A 6.2).
    Cbc,
    /// Cipher feedback of whole blocks (NIST SP 800-38A 6.3, with s = b).
    Cfb,
    /// Electronic codebook (NIST SP 800-38A 6.1).
    Ecb,
    /// Output feedback of whole blocks (NIST SP 800-38A 6.4).
    Ofb,
    /// Propagating cipher block chaining, as Kerberos 4 had it.
    Pcbc,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 5] = [Self::Cbc, Self::Cfb, Self::Ecb, Self::Ofb, Self::Pcbc];

    /// The Java name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cbc => "CBC",
            Self::Cfb => "CFB",
            Self::Ecb => "ECB",
            Self::Ofb => "OFB",
            Self::Pcbc => "PCBC",
        }
    }

    /// Whether the mode starts from an IV.
    #[must_use]
    pub const fn has_iv(self) -> bool {
        !matches!(self, Self::Ecb)
    }

    /// Whether the mode makes a keystream, so that messages need not be whole blocks.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        matches!(self, Self::Cfb | Self::Ofb)
    }

    /// Finds a name without regard to case, as Java does.
    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name().eq_ignore_ascii_case(name))
    }
}

/// How the last block is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Padding {
    /// Not at all, in modes that make a keystream: the ciphertext is as long as the plaintext.
    ///
    /// A wrong key opens such a text to rubbish and nothing shows it.
    None,
    /// PKCS #5: 1 to one block of bytes, each the count of them.
    Pkcs5,
}

impl Padding {
    /// All paddings.
    pub const ALL: [Self; 2] = [Self::None, Self::Pkcs5];

    /// The Java name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NoPadding",
            Self::Pkcs5 => "PKCS5Padding",
        }
    }

    /// Finds a name without regard to case, as Java does.
    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|padding| padding.name().eq_ignore_ascii_case(name))
    }
}
