//! Every SSTable version and what it has (FORMATS.md 1.3).
//!
//! One row a version: adding one is a row and a fixture. A version that is not in the table is
//! refused.

use std::fmt;

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

/// A version with its features.
#[derive(Debug, PartialEq, Eq)]
pub struct Version {
    /// The letters in file names.
    pub letters: &'static str,
    /// The format that the letters belong to.
    pub format: Format,
    /// CompressionInfo.db has the field "max compressed length".
    pub has_max_compressed_length: bool,
    /// Converged Core alone writes it, which decides the form of the transaction log.
    pub converged_core_only: bool,
    /// Apache Cassandra 3.x can have written and can read it.
    pub apache_3: bool,
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

const fn big(letters: &'static str, has_max: bool, apache_3: bool, support: Support) -> Version {
    Version {
        letters,
        format: Format::Big,
        has_max_compressed_length: has_max,
        converged_core_only: false,
        apache_3,
        support,
    }
}

const fn bti(letters: &'static str, converged_core_only: bool, support: Support) -> Version {
    Version {
        letters,
        format: Format::Bti,
        has_max_compressed_length: true,
        converged_core_only,
        apache_3: false,
        support,
    }
}

static VERSIONS: [Version; 22] = [
    big("la", false, true, Support::No(ADLER)),
    big("ma", false, true, Support::Yes),
    big("mb", false, true, Support::Yes),
    big("mc", false, true, Support::Yes),
    big("md", false, true, Support::Yes),
    big("me", false, true, Support::Yes),
    big("na", true, false, Support::Yes),
    big("nb", true, false, Support::Yes),
    big("oa", true, false, Support::Yes),
    big("pa", true, false, Support::No(DICTIONARY)),
    bti("aa", false, Support::No(DSE_6)),
    bti("ab", false, Support::No(DSE_6)),
    bti("ac", false, Support::No(DSE_6)),
    bti("ad", false, Support::No(DSE_6)),
    bti("b", false, Support::No(ENCRYPTED_INDEX)),
    bti("ba", false, Support::No(ENCRYPTED_INDEX)),
    bti("bb", false, Support::No(ENCRYPTED_INDEX)),
    bti("ca", true, Support::No(ENCRYPTED_INDEX)),
    bti("cb", true, Support::No(ENCRYPTED_INDEX)),
    bti("cc", true, Support::No(ENCRYPTED_INDEX)),
    bti("da", false, Support::Yes),
    bti("ea", false, Support::No(DICTIONARY)),
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
