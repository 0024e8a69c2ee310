//! The CRC32 of a Data.db whose ranges are done in any order, and the file that stores it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::io::Storage;
use crate::sstable::parse_digest;
use crate::{Error, ErrorKind, Result};

/// Combines the CRC32 values of pieces in the order of the file. Pieces that arrive early wait; the
/// scheduler's limits bound their number.
#[derive(Debug, Default)]
pub(in crate::rewrite) struct OrderedCrc {
    combined: crc32fast::Hasher,
    next: u64,
    /// How many pieces, and their CRC32, by the first piece.
    early: BTreeMap<u64, (u64, crc32fast::Hasher)>,
}

impl OrderedCrc {
    /// Adds a piece; each number may be added once.
    pub(in crate::rewrite) fn add(&mut self, piece: u64, crc: crc32fast::Hasher) {
        self.add_run(piece, 1, crc);
    }

    /// Adds consecutive pieces.
    pub(in crate::rewrite) fn add_run(&mut self, first: u64, count: u64, crc: crc32fast::Hasher) {
        self.early.insert(first, (count, crc));
        while let Some((count, crc)) = self.early.remove(&self.next) {
            self.combined.combine(&crc);
            self.next = self.next.saturating_add(count);
        }
    }

    /// The CRC32 of everything, or `None` while a piece is missing.
    pub(in crate::rewrite) fn value(&self, pieces: u64) -> Option<u32> {
        (self.next == pieces && self.early.is_empty()).then(|| self.combined.clone().finalize())
    }
}

/// Compares a Digest.crc32 with the CRC32 of its Data.db.
///
/// # Errors
/// `kind` when they differ: [`ErrorKind::Corrupt`] for damaged input, [`ErrorKind::Mismatch`] where
/// the comparison itself was requested.
pub(in crate::rewrite) fn check_digest(
    storage: &dyn Storage,
    path: &Path,
    crc: Option<u32>,
    kind: ErrorKind,
) -> Result<()> {
    let bytes = storage.read(path, DIGEST_LIMIT)?;
    let found = match parse_digest(&bytes) {
        Some(digest) if crc == Some(digest) => return Ok(()),
        Some(digest) => format!("it says {digest}"),
        None => "it is not a checksum".to_owned(),
    };
    let crc = crc.unwrap_or_default();
    Err(Error::new(kind, format!("{found}, but the CRC32 of Data.db is {crc}")).at(path).hint(
        "every chunk of Data.db is sound by its own checksum: restore the SSTable from a backup or \
         a replica, or, if only this file was damaged, move it away: a node can do without",
    ))
}

const DIGEST_LIMIT: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn crc(bytes: &[u8]) -> crc32fast::Hasher {
        let mut crc = crc32fast::Hasher::new();
        crc.update(bytes);
        crc
    }

    #[test]
    fn any_order_gives_the_crc_of_the_whole() {
        let pieces: [&[u8]; 4] = [b"one", b"", b"three three", b"4"];
        let whole = crc32fast::hash(&pieces.concat());
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            let mut ordered = OrderedCrc::default();
            for (done, &i) in order.iter().enumerate() {
                assert_eq!(ordered.value(4), None, "{done} pieces are not all");
                ordered.add(i as u64, crc(pieces[i]));
            }
            assert_eq!(ordered.value(4), Some(whole));
        }
        let mut ordered = OrderedCrc::default();
        ordered.add_run(1, 2, crc(&pieces[1..3].concat()));
        ordered.add(3, crc(pieces[3]));
        ordered.add(0, crc(pieces[0]));
        assert_eq!(ordered.value(4), Some(whole));
    }
}
