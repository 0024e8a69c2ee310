//! Every SSTable version and its features (FORMATS.md 1.3).
//!
//! One row for each version: a new version needs a row and a fixture. A version that is not in the
//! table is refused.

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

    /// The products that may have an SSTable with this id (FORMATS.md 1.2).
    #[must_use]
    pub const fn of_id(id: &SSTableId) -> Self {
        match id {
            SSTableId::Sequence(_) => Self::ALL,
            SSTableId::Uuid(_) => Self::APACHE_4_OR_CORE,
            SSTableId::Ulid(_) => Self::CORE,
        }
    }

    /// The products in both sets.
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
    /// Statistics.db has checksums.
    pub has_metadata_checksums: bool,
    /// Partitions.db and Rows.db may be encrypted beside Data.db; whether they are, their pages
    /// show, since Apache's and Converged Core's `da` have the same name (FORMATS.md 7.1).
    pub may_encrypt_indices: bool,
    /// The bodies of Statistics.db may be encrypted; each body shows whether it is.
    pub may_encrypt_metadata: bool,
    /// Data.db may hold only a slice of the chunks that CompressionInfo.db lists: a zero-copy
    /// slice, streamed as it was on disk (FORMATS.md 2.4).
    pub may_be_slice: bool,
    /// Times of deletion are unsigned, and a partition that is not deleted says so in one byte
    /// (FORMATS.md 11.3).
    pub has_unsigned_deletion_times: bool,
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
    /// The default chunk length of a table: 16 KiB in Apache 4.0 and Converged Core, 64 KiB in
    /// earlier releases.
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
const BEFORE_RELEASE: &str = "no released product writes it, and DSE and Converged Core do not \
                              agree on what is encrypted in it";
const ONE_LETTER: &str = "only DSE 6.8 Labs writes it, and no transaction log can be named after it: a node \
                          wants two letters, and would not finish or undo a swap";
const DICTIONARY: &str = "its compression dictionaries are not handled by this release";

/// BIG: before `na` only Data.db and CompressionInfo.db know about compression, and no component
/// beside Data.db is ever encrypted.
const fn big(letters: &'static str, since_na: bool, support: Support) -> Version {
    // A node reads what its predecessors wrote: SSTables of 3.x may be on any of them.
    let products = if since_na { Products::APACHE_4_OR_CORE } else { Products::ALL };
    Version {
        letters,
        format: Format::Big,
        has_max_compressed_length: since_na,
        has_metadata_checksums: since_na,
        may_encrypt_indices: false,
        may_encrypt_metadata: false,
        may_be_slice: false,
        has_unsigned_deletion_times: matches!(letters.as_bytes(), [b'o' | b'p', ..]),
        products,
        support,
    }
}

const fn bti(
    letters: &'static str,
    products: Products,
    encrypted: Encrypted,
    support: Support,
) -> Version {
    Version {
        letters,
        format: Format::Bti,
        has_max_compressed_length: true,
        has_metadata_checksums: true,
        may_encrypt_indices: !matches!(encrypted, DataOnly),
        may_encrypt_metadata: matches!(encrypted, IndicesAndMetadata),
        may_be_slice: matches!(letters.as_bytes(), [b'b', ..]),
        has_unsigned_deletion_times: matches!(letters.as_bytes(), [b'd' | b'e', ..]),
        products,
        support,
    }
}

/// What a BTI version may encrypt beside Data.db.
#[derive(Clone, Copy)]
enum Encrypted {
    DataOnly,
    Indices,
    IndicesAndMetadata,
}

use Encrypted::{DataOnly, Indices, IndicesAndMetadata};
use Products as P;
use Support::{No, Yes};

static VERSIONS: [Version; 22] = [
    big("la", false, No(ADLER)),
    big("ma", false, Yes),
    big("mb", false, Yes),
    big("mc", false, Yes),
    big("md", false, Yes),
    big("me", false, Yes),
    big("na", true, Yes),
    big("nb", true, Yes),
    big("oa", true, Yes),
    big("pa", true, No(DICTIONARY)),
    bti("aa", P::CORE_OR_DSE, DataOnly, Yes),
    bti("ab", P::CORE_OR_DSE, IndicesAndMetadata, No(BEFORE_RELEASE)),
    bti("ac", P::CORE_OR_DSE, DataOnly, Yes),
    bti("ad", P::CORE_OR_DSE, DataOnly, Yes),
    bti("b", P::CORE_OR_DSE, Indices, No(ONE_LETTER)),
    bti("ba", P::CORE_OR_DSE, IndicesAndMetadata, Yes),
    bti("bb", P::CORE_OR_DSE, IndicesAndMetadata, Yes),
    bti("ca", P::CORE, IndicesAndMetadata, Yes),
    bti("cb", P::CORE, IndicesAndMetadata, Yes),
    bti("cc", P::CORE, IndicesAndMetadata, Yes),
    bti("da", P::APACHE_4_OR_CORE, IndicesAndMetadata, Yes),
    bti("ea", P::APACHE_4_OR_CORE, IndicesAndMetadata, No(DICTIONARY)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_table_has_unique_rows_and_the_length_field() {
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
        for version in &VERSIONS {
            let later = version.format == Format::Bti || has(version.letters);
            assert_eq!(version.has_metadata_checksums, later, "{version}");
        }
        assert_eq!(Version::find("da", Format::Big), None);
        assert_eq!(Version::find("zz", Format::Bti), None);
    }

    /// FORMATS.md 7.1.
    #[test]
    fn the_version_table_says_what_may_be_encrypted() {
        let bti = |letters| Version::find(letters, Format::Bti).unwrap();
        let may = |letters| (bti(letters).may_encrypt_indices, bti(letters).may_encrypt_metadata);
        for letters in ["aa", "ac", "ad"] {
            assert_eq!(may(letters), (false, false), "{letters}");
        }
        assert_eq!(may("b"), (true, false));
        let mut rewritten = VERSIONS.iter().filter(|version| version.support == Yes);
        assert!(
            rewritten.all(|version| version.letters.len() == 2),
            "a log's name has two letters"
        );
        for letters in ["ba", "bb", "ca", "cb", "cc", "da"] {
            assert_eq!(may(letters), (true, true), "{letters}");
        }
        for version in VERSIONS.iter().filter(|version| version.format == Format::Big) {
            assert!(!version.may_encrypt_indices && !version.may_encrypt_metadata, "{version}");
        }
    }

    /// FORMATS.md 11.3.
    #[test]
    fn times_of_deletion_are_unsigned_since_5_0() {
        let unsigned: Vec<_> = VERSIONS
            .iter()
            .filter(|version| version.has_unsigned_deletion_times)
            .map(|version| version.letters)
            .collect();
        assert_eq!(unsigned, ["oa", "pa", "da", "ea"]);
    }

    #[test]
    fn every_refused_version_has_a_reason() {
        let refused: Vec<_> = VERSIONS
            .iter()
            .filter(|version| version.support != Yes)
            .map(|version| version.letters)
            .collect();
        assert_eq!(refused, ["la", "pa", "ab", "b", "ea"]);
    }
}
