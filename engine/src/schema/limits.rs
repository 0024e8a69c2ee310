//! How much of a table is read before it is refused.

use super::rows::RowError;

/// What a table of the schema may have, in all of its SSTables. A real one has some hundred kilobytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of plaintext.
    pub bytes: u64,
    /// Partitions, rows, and ends of range tombstones.
    pub rows: u64,
    /// Cells, and values of clusterings.
    pub cells: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 64 << 20, rows: 1 << 19, cells: 1 << 21 }
    }
}

impl Limits {
    /// Takes a partition, a row or a range's end away.
    pub(super) fn row(&mut self) -> Result<(), RowError> {
        self.rows = self.rows.checked_sub(1).ok_or(RowError::TooMany("rows"))?;
        Ok(())
    }

    /// Takes cells away.
    pub(super) fn cells(&mut self, count: u64) -> Result<(), RowError> {
        self.cells = self.cells.checked_sub(count).ok_or(RowError::TooMany("cells"))?;
        Ok(())
    }
}
