//! The rows of several SSTables as one table (FORMATS.md 11.7).
//!
//! Of two versions of anything the one with the later timestamp counts, and what is deleted or has
//! expired is gone. The order in which SSTables come makes no difference.

mod ranges;

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::ranges::{RangeTombstone, by_ranges};
use super::rows::{
    Bound, Cell, ColumnCells, Deletion, Liveness, Marker, Partition, Row, RowError, Shape, State,
    Unfiltered, Value,
};

/// A row that CQL would show.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The partition key.
    pub(super) key: Arc<[u8]>,
    /// The clustering.
    pub(super) clustering: Vec<Value>,
    /// The cells of each column; several, with paths, of a collection that is not frozen.
    pub(super) columns: BTreeMap<Arc<[u8]>, Vec<FoundCell>>,
    /// The numbers of the SSTables that they are from.
    pub(super) origins: BTreeSet<usize>,
    /// What all rows of the partition share: many rows may share much.
    pub(super) statics: Option<Arc<Self>>,
}

/// What is left of a cell.
#[derive(Debug, Clone)]
pub(super) struct FoundCell {
    /// Which element of a collection it is.
    pub(super) path: Option<Vec<u8>>,
    /// Its value.
    pub(super) value: Vec<u8>,
}

/// Gathers partitions.
#[derive(Debug, Default)]
pub(super) struct Merge {
    clustering: Option<Vec<Shape>>,
    partitions: BTreeMap<Vec<u8>, Merged>,
}

#[derive(Debug)]
struct Merged {
    deletion: Deletion,
    statics: MergedRow,
    rows: BTreeMap<Vec<Value>, MergedRow>,
    ranges: Vec<RangeTombstone>,
}

#[derive(Debug)]
struct MergedRow {
    liveness: Option<Liveness>,
    deletion: Deletion,
    shadowable: Deletion,
    columns: BTreeMap<Arc<[u8]>, MergedColumn>,
}

#[derive(Debug)]
struct MergedColumn {
    deletion: Deletion,
    cells: BTreeMap<Option<Vec<u8>>, (Cell, usize)>,
}

impl Merge {
    /// Begins with an SSTable whose clustering has these types.
    ///
    /// # Errors
    /// [`RowError::Type`] when another one had other types.
    pub(super) fn begin(&mut self, clustering: &[Shape]) -> Result<(), RowError> {
        match self.clustering.get_or_insert_with(|| clustering.to_vec()) == clustering {
            true => Ok(()),
            false => Err(RowError::Type),
        }
    }

    /// Takes a partition of SSTable number `origin`, whose columns have these names.
    ///
    /// # Errors
    /// [`RowError::Range`] and [`RowError::Columns`].
    pub(super) fn add(
        &mut self,
        partition: Partition,
        statics: &[Arc<[u8]>],
        columns: &[Arc<[u8]>],
        origin: usize,
    ) -> Result<(), RowError> {
        let merged = self.partitions.entry(partition.key).or_insert_with(|| Merged {
            deletion: Deletion::NONE,
            statics: MergedRow::new(),
            rows: BTreeMap::new(),
            ranges: vec![],
        });
        merged.deletion = merged.deletion.max(partition.deletion);
        if let Some(row) = partition.statics {
            merged.statics.add(row, statics, origin)?;
        }
        let mut open: Option<(Bound, Deletion)> = None;
        for unfiltered in partition.content {
            match unfiltered {
                Unfiltered::Row(mut row) => {
                    let clustering = std::mem::take(&mut row.clustering);
                    let merged = merged.rows.entry(clustering).or_insert_with(MergedRow::new);
                    merged.add(row, columns, origin)?;
                }
                Unfiltered::Marker(Marker { bound, begins, .. }) => {
                    if let Some((from, deletion)) = open.take() {
                        merged.ranges.push(RangeTombstone { from, to: bound.clone(), deletion });
                    }
                    open = begins.map(|deletion| (bound, deletion));
                }
            }
        }
        Ok(())
    }

    /// What is there at a moment, in seconds since 1970; the rows of a partition in the order of their
    /// clustering.
    ///
    /// # Errors
    /// [`RowError::Range`] for ranges that end before they begin, and [`RowError::Type`] for some of a
    /// clustering whose order is not known here.
    pub(super) fn finish(self, now: i64) -> Result<Vec<Found>, RowError> {
        let shapes = self.clustering.unwrap_or_default();
        let mut found = Vec::new();
        for (key, partition) in self.partitions {
            let key: Arc<[u8]> = key.into();
            let deletions = by_ranges(&shapes, &partition.ranges, partition.rows.keys())?;
            let rows = partition.rows.into_iter().zip(deletions);
            let before = found.len();
            for ((clustering, row), by_range) in rows {
                let shadowed = row.shadowable_at();
                let deletion = partition.deletion.max(by_range).max(row.deletion).max(shadowed);
                if let Some(mut row) = row.live(deletion, now) {
                    (row.key, row.clustering) = (Arc::clone(&key), clustering);
                    found.push(row);
                }
            }
            let of_partition = found.get_mut(before..).unwrap_or_default();
            of_partition.sort_by(|one, other| by_clustering(&shapes, one, other));
            let Some(statics) = partition.statics.live(partition.deletion, now) else { continue };
            if found.len() == before {
                found.push(Found { key, ..Found::default() });
            }
            let statics = Arc::new(statics);
            for row in found.iter_mut().skip(before) {
                row.statics = Some(Arc::clone(&statics));
            }
        }
        Ok(found)
    }
}

impl MergedRow {
    const fn new() -> Self {
        Self {
            liveness: None,
            deletion: Deletion::NONE,
            shadowable: Deletion::NONE,
            columns: BTreeMap::new(),
        }
    }

    fn add(&mut self, row: Row, names: &[Arc<[u8]>], origin: usize) -> Result<(), RowError> {
        self.liveness = self.liveness.max(row.liveness);
        let deletion = if row.is_shadowable { &mut self.shadowable } else { &mut self.deletion };
        *deletion = row.deletion.max(*deletion);
        for ColumnCells { column, deletion, cells, .. } in row.columns {
            let name = names.get(column).ok_or(RowError::Columns)?;
            let merged = self.columns.entry(Arc::clone(name)).or_insert_with(|| MergedColumn {
                deletion: Deletion::NONE,
                cells: BTreeMap::new(),
            });
            merged.deletion = merged.deletion.max(deletion);
            for (path, cell) in cells {
                match merged.cells.entry(path) {
                    std::collections::btree_map::Entry::Vacant(place) => {
                        place.insert((cell, origin));
                    }
                    std::collections::btree_map::Entry::Occupied(mut place) => {
                        if rank(&cell) > rank(&place.get().0) {
                            place.insert((cell, origin));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Its shadowable deletion, unless the row was written again since.
    fn shadowable_at(&self) -> Deletion {
        match self.liveness {
            Some(liveness) if liveness.timestamp > self.shadowable.timestamp => Deletion::NONE,
            _ => self.shadowable,
        }
    }

    /// What is left of it under a deletion, if anything is.
    fn live(self, deletion: Deletion, now: i64) -> Option<Found> {
        let mut found = Found::default();
        for (name, MergedColumn { deletion: of_column, cells }) in self.columns {
            let deletion = deletion.max(of_column);
            let mut left = Vec::new();
            for (path, (cell, origin)) in cells {
                let is_there = match cell.state {
                    State::Live => true,
                    State::Expiring { until, .. } => now < until,
                    State::Deleted { .. } => false,
                };
                if is_there && !deletion.deletes(cell.timestamp) {
                    left.push(FoundCell { path, value: cell.value });
                    found.origins.insert(origin);
                }
            }
            if !left.is_empty() {
                found.columns.insert(name, left);
            }
        }
        let is_live = self.liveness.is_some_and(|liveness| {
            !deletion.deletes(liveness.timestamp)
                && liveness.expires.is_none_or(|(until, _)| now < until)
        });
        (is_live || !found.columns.is_empty()).then_some(found)
    }
}

/// As the database sorts them.
fn by_clustering(shapes: &[Shape], one: &Found, other: &Found) -> Ordering {
    let values = one.clustering.iter().zip(&other.clustering);
    let compared = shapes.iter().zip(values);
    let orders =
        compared.map(|(shape, (one, other))| shape.compare(one.as_deref(), other.as_deref()));
    orders.fold(Ordering::Equal, Ordering::then)
}

/// Which of two cells wins: the later one; at one time a deleted one, then one that expires; of two
/// of these that of the later time, then that with the shorter TTL; then the greater value.
fn rank(cell: &Cell) -> (i64, u8, i64, Reverse<i64>, &[u8]) {
    let (state, time, ttl) = match cell.state {
        State::Live => (0, 0, 0),
        State::Expiring { until, ttl } => (1, until, ttl),
        State::Deleted { local } => (2, local, 0),
    };
    (cell.timestamp, state, time, Reverse(ttl), &cell.value)
}
