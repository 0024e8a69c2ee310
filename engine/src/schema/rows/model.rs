//! Partitions, rows and cells as one SSTable has them.

/// A value of the clustering; none where a compact table has none.
pub(crate) type Value = Option<Vec<u8>>;

/// A time of deletion; what it deletes has the same timestamp at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deletion {
    /// Microseconds.
    pub(crate) timestamp: i64,
    /// Seconds: when it was made.
    pub(crate) local: i64,
}

impl Deletion {
    /// Deletes nothing.
    pub(crate) const NONE: Self = Self { timestamp: i64::MIN, local: i64::MIN };

    /// Whether it deletes what was written then. Timestamps of cells are those of clients, and may be
    /// the smallest there is.
    pub(crate) fn deletes(self, timestamp: i64) -> bool {
        self != Self::NONE && timestamp <= self.timestamp
    }
}

/// That a row is there, whatever its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Liveness {
    pub(crate) timestamp: i64,
    /// When it ends, and the TTL.
    pub(crate) expires: Option<(i64, i64)>,
}

/// What a cell is; in the order in which one wins over another of the same timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Live,
    /// Until then; with the TTL.
    Expiring {
        until: i64,
        ttl: i64,
    },
    /// Since then.
    Deleted {
        local: i64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) timestamp: i64,
    pub(crate) state: State,
    pub(crate) value: Vec<u8>,
}

/// The cells of a column in a row: several, with paths, if the type is a collection that is not
/// frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnCells {
    /// The number of the column in HEADER.
    pub(crate) column: usize,
    pub(crate) is_multi_cell: bool,
    /// Of all that the collection had before.
    pub(crate) deletion: Deletion,
    pub(crate) cells: Vec<(Option<Vec<u8>>, Cell)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) clustering: Vec<Value>,
    pub(crate) liveness: Option<Liveness>,
    pub(crate) deletion: Deletion,
    /// The deletion ends with a newer liveness of the row.
    pub(crate) is_shadowable: bool,
    pub(crate) columns: Vec<ColumnCells>,
}

/// A place between rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    /// The number of its kind, for whoever must tell them all.
    pub(crate) kind: u8,
    pub(crate) values: Vec<Value>,
    /// Whether it lies after all rows that begin with the values, not before them.
    pub(crate) is_after: bool,
}

/// Where a range tombstone ends, one begins, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) bound: Bound,
    pub(crate) ends: Option<Deletion>,
    pub(crate) begins: Option<Deletion>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfiltered {
    Row(Row),
    Marker(Marker),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) key: Vec<u8>,
    pub(crate) deletion: Deletion,
    pub(crate) statics: Option<Row>,
    pub(crate) content: Vec<Unfiltered>,
}
