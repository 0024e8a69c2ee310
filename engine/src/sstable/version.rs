//! Every SSTable version and what it has (FORMATS.md 1.3).
//!
//! One row a version: adding one is a row and a fixture. A version that is not in the table is
//! refused.

use std::fmt;

use super::id::SSTableId;
use crate::options::ChunkLength;

/// The index format of an SSTable, the third part of its file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// `big`: Index.db and Summary.db.
    Big,
    /// `bti`: Partitions.db and Rows.db.
    Bti,
}

impl Format {
    /// The text in file names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Big => "big",
            Self::Bti => "bti",
        }
    }
}

/// Whether this release rewrites a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Support {
    /// It does.
    Yes,
    /// It does not, for the reason given.
    No(&'static str),
}

/// A set of products, as far as their transaction logs differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Products {
    /// Apache Cassandra 3.0 and 3.11.
    pub apache_3: bool,
    /// Apache Cassandra 4.0 and later.
    pub apache_4: bool,
    /// Converged Core.
    pub converged_core: bool,
    /// DSE 6.
    pub dse: bool,
}

impl Products {
    /// Every product.
    pub const ALL: Self = Self::new(true, true, true, true);
    const APACHE_4_OR_CORE: Self = Self::new(false, true, true, false);
    const CORE_OR_DSE: Self = Self::new(false, false, true, true);
    const CORE: Self = Self::new(false, false, true, false);

    const fn new(apache_3: bool, apache_4: bool, converged_core: bool, dse: bool) -> Self {
        Self { apache_3, apache_4, converged_core, dse }
    }

    /// Those that may have an SSTable of this id (FORMATS.md 1.2).
    #[must_use]
    pub const fn of_id(id: &SSTableId) -> Self {
        match id {
            SSTableId::Sequence(_) => Self::ALL,
            SSTableId::Uuid(_) => Self::APACHE_4_OR_CORE,
            SSTableId::Ulid(_) => Self::CORE,
        }
    }

    /// Those in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self::new(
            self.apache_3 && other.apache_3,
            self.apache_4 && other.apache_4,
            self.converged_core && other.converged_core,
            self.dse && other.dse,
        )
    }
}

/// A version with its features.
#[derive(Debug, PartialEq, Eq)]
pub struct Version {
    /// The letters in file names.
    pub letters: &'static str,
    /// The format that the letters belong to.
    pub format: Format,
    /// CompressionInfo.db has the field "max compressed length".
    pub has_max_compressed_length: bool,
    /// The products whose nodes may have it.
    pub products: Products,
    /// Whether this release rewrites it.
    pub support: Support,
}

impl Version {
    /// Looks a version up by the letters and the format in a file name.
    #[must_use]
    pub fn find(letters: &str, format: Format) -> Option<&'static Self> {
        VERSIONS.iter().find(|version| version.letters == letters && version.format == format)
    }
}

impl Version {
    /// The chunk length that a table has when nobody gives one: 16 KiB in Apache 4.0 and Converged
    /// Core, 64 KiB in what came before.
    #[must_use]
    pub fn default_chunk_length(&self) -> ChunkLength {
        let is_new = self.products.apache_4 || self.products.converged_core;
        let is_old = self.products.apache_3 || self.products.dse;
        if is_new && !is_old { ChunkLength::KIB_16 } else { ChunkLength::KIB_64 }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.letters, self.format.name())
    }
}

const ADLER: &str = "its checksums are Adler-32, which this release does not write; \
                     run nodetool upgradesstables on a 3.x node first";
const DSE_6: &str = "DSE's own trie versions are not handled by this release";
const ENCRYPTED_INDEX: &str =
    "its indices and metadata are encrypted too, which this release does not handle";
const DICTIONARY: &str = "its compression dictionaries are not handled by this release";

const fn big(letters: &'static str, has_max: bool, support: Support) -> Version {
    // A node reads what its predecessors wrote: SSTables of 3.x may lie on any of them.
    let products = if has_max { Products::APACHE_4_OR_CORE } else { Products::ALL };
    Version { letters, format: Format::Big, has_max_compressed_length: has_max, products, support }
}

const fn bti(letters: &'static str, products: Products, support: Support) -> Version {
    Version { letters, format: Format::Bti, has_max_compressed_length: true, products, support }
}

static VERSIONS: [Version; 22] = [
    big("la", false, Support::No(ADLER)),
    big("ma", false, Support::Yes),
    big("mb", false, Support::Yes),
    big("mc", false, Support::Yes),
    big("md", false, Support::Yes),
    big("me", false, Support::Yes),
    big("na", true, Support::Yes),
    big("nb", true, Support::Yes),
    big("oa", true, Support::Yes),
    big("pa", true, Support::No(DICTIONARY)),
    bti("aa", Products::CORE_OR_DSE, Support::No(DSE_6)),
    bti("ab", Products::CORE_OR_DSE, Support::No(DSE_6)),
    bti("ac", Products::CORE_OR_DSE, Support::No(DSE_6)),
    bti("ad", Products::CORE_OR_DSE, Support::No(DSE_6)),
    bti("b", Products::CORE_OR_DSE, Support::No(ENCRYPTED_INDEX)),
    bti("ba", Products::CORE_OR_DSE, Support::No(ENCRYPTED_INDEX)),
    bti("bb", Products::CORE_OR_DSE, Support::No(ENCRYPTED_INDEX)),
    bti("ca", Products::CORE, Support::No(ENCRYPTED_INDEX)),
    bti("cb", Products::CORE, Support::No(ENCRYPTED_INDEX)),
    bti("cc", Products::CORE, Support::No(ENCRYPTED_INDEX)),
    bti("da", Products::APACHE_4_OR_CORE, Support::Yes),
    bti("ea", Products::APACHE_4_OR_CORE, Support::No(DICTIONARY)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_no_row_twice_and_knows_the_length_field() {
        for (i, version) in VERSIONS.iter().enumerate() {
            assert_eq!(
                VERSIONS
                    .iter()
                    .position(|v| { (v.letters, v.format) == (version.letters, version.format) }),
                Some(i)
            );
        }
        let has = |letters| Version::find(letters, Format::Big).unwrap().has_max_compressed_length;
        assert!(!has("me"));
        assert!(has("na") && has("nb") && has("oa"));
        assert_eq!(Version::find("da", Format::Big), None);
        assert_eq!(Version::find("zz", Format::Bti), None);
    }
}
