//! The files of an SSTable (FORMATS.md 1.4).

use std::fmt;

/// One file of an SSTable, by the last part of its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Component {
    /// The rows.
    Data,
    /// Compressor, options, chunk offsets.
    CompressionInfo,
    /// BIG: keys to positions.
    Index,
    /// BIG: samples of the index.
    Summary,
    /// BTI: the partition trie.
    Partitions,
    /// BTI: the row tries; may be empty.
    Rows,
    /// Bloom filter.
    Filter,
    /// Metadata.
    Statistics,
    /// CRC32 of Data.db in decimal.
    Digest,
    /// The list of the others.
    Toc,
    /// Checksums of an uncompressed Data.db.
    Crc,
    /// Secondary indices and whatever else a product adds; carried over unchanged.
    Other(String),
}

impl Component {
    /// Parses the last part of a file name.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match name {
            "Data.db" => Self::Data,
            "CompressionInfo.db" => Self::CompressionInfo,
            "Index.db" => Self::Index,
            "Summary.db" => Self::Summary,
            "Partitions.db" => Self::Partitions,
            "Rows.db" => Self::Rows,
            "Filter.db" => Self::Filter,
            "Statistics.db" => Self::Statistics,
            "Digest.crc32" => Self::Digest,
            "TOC.txt" => Self::Toc,
            "CRC.db" => Self::Crc,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The last part of the file name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Data => "Data.db",
            Self::CompressionInfo => "CompressionInfo.db",
            Self::Index => "Index.db",
            Self::Summary => "Summary.db",
            Self::Partitions => "Partitions.db",
            Self::Rows => "Rows.db",
            Self::Filter => "Filter.db",
            Self::Statistics => "Statistics.db",
            Self::Digest => "Digest.crc32",
            Self::Toc => "TOC.txt",
            Self::Crc => "CRC.db",
            Self::Other(name) => name,
        }
    }

    /// Whether this program rewrites the component instead of carrying it over.
    #[must_use]
    pub const fn is_rewritten(&self) -> bool {
        matches!(self, Self::Data | Self::CompressionInfo | Self::Crc | Self::Digest | Self::Toc)
    }

    /// Whether it is of a storage-attached index of DSE 6.8, which encrypts parts of it with the
    /// key of Data.db (FORMATS.md 7.6). Those of Converged Core and Apache are called `SAI+...`.
    #[must_use]
    pub fn is_dse_index(&self) -> bool {
        matches!(self, Self::Other(name) if name.starts_with("SAI_"))
    }

    /// The storage-attached index that it is of, in Converged Core and Apache: what all of an SSTable's
    /// share has no name of its own.
    #[must_use]
    pub fn storage_attached_index(&self) -> Option<&str> {
        let Self::Other(name) = self else { return None };
        let rest = name.strip_prefix("SAI+")?;
        match rest.split('+').collect::<Vec<_>>()[..] {
            [_version, index, _component] => Some(index),
            _ => None,
        }
    }

    /// Whether it is a checksum of Data.db other than the one this program writes (`Digest.crc32c`,
    /// `Digest.crc64nvme`, `Digest.adler32`, `Digest.sha1`), which a new Data.db makes stale.
    #[must_use]
    pub fn is_foreign_digest(&self) -> bool {
        matches!(self, Self::Other(name) if name.starts_with("Digest."))
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in [
            "Data.db",
            "CompressionInfo.db",
            "Index.db",
            "Summary.db",
            "Partitions.db",
            "Rows.db",
            "Filter.db",
            "Statistics.db",
            "Digest.crc32",
            "TOC.txt",
            "CRC.db",
            "SAI+ca+idx+Meta.db",
        ] {
            assert_eq!(Component::parse(name).name(), name);
        }
        assert!(Component::parse("Digest.crc32c").is_foreign_digest());
        assert!(!Component::parse("Digest.crc32").is_foreign_digest());
        let index = |name| Component::parse(name).storage_attached_index().map(str::to_owned);
        assert_eq!(index("SAI+ca+by_n+TermsData.db").as_deref(), Some("by_n"));
        for name in ["SAI+ca+ColumnCompletionMarker.db", "SAI_by_n_Meta.db", "Data.db"] {
            assert_eq!(index(name), None, "{name}");
        }
    }
}
