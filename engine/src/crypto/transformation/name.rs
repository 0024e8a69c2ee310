//! Modes and paddings by their Java names.

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
    /// Propagating cipher block chaining, as in Kerberos 4.
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

    /// Finds a name, ignoring case as Java does.
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
    /// A wrong key decrypts such a text to garbage without any sign of it.
    None,
    /// PKCS #5: from 1 byte to one block, each byte being their count.
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

    /// Finds a name, ignoring case as Java does.
    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|padding| padding.name().eq_ignore_ascii_case(name))
    }
}
