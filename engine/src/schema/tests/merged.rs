//! What counts, by rows that are made here (FORMATS.md 11.7).

use std::sync::Arc;

use super::super::merge::{Found, FoundCell, Merge};
use super::super::rows::{
    Bound, Cell, ColumnCells, Deletion, Liveness, Marker, Partition, Row, RowError, Shape, State,
    Unfiltered,
};

const NOW: i64 = 1000;

fn deletion(timestamp: i64) -> Deletion {
    Deletion { timestamp, local: 500 }
}

fn live(timestamp: i64, value: &str) -> Cell {
    Cell { timestamp, state: State::Live, value: value.as_bytes().to_vec() }
}

fn ending(timestamp: i64, until: i64, value: &str) -> Cell {
    Cell { state: State::Expiring { until, ttl: 7 }, ..live(timestamp, value) }
}

fn deleted(timestamp: i64) -> Cell {
    Cell { state: State::Deleted { local: 500 }, ..live(timestamp, "") }
}

/// A row of a table whose clustering is two ints; `v` is column 0.
fn row(a: i32, b: i32) -> Row {
    Row {
        clustering: values(&[a, b]),
        liveness: None,
        deletion: Deletion::NONE,
        is_shadowable: false,
        columns: vec![],
    }
}

fn values(of: &[i32]) -> Vec<Option<Vec<u8>>> {
    of.iter().map(|n| Some(n.to_be_bytes().to_vec())).collect()
}

impl Row {
    fn with(mut self, cell: Cell) -> Self {
        let cells = vec![(None, cell)];
        let deletion = Deletion::NONE;
        self.columns.push(ColumnCells { column: 0, is_multi_cell: false, deletion, cells });
        self
    }

    fn with_many(mut self, deletion: Deletion, cells: &[(&str, Cell)]) -> Self {
        let path = |path: &str| Some(path.as_bytes().to_vec());
        let cells = cells.iter().map(|(key, cell)| (path(key), cell.clone())).collect();
        self.columns.push(ColumnCells { column: 1, is_multi_cell: true, deletion, cells });
        self
    }

    fn written(mut self, timestamp: i64) -> Self {
        self.liveness = Some(Liveness { timestamp, expires: None });
        self
    }

    fn deleted(mut self, timestamp: i64) -> Self {
        self.deletion = deletion(timestamp);
        self
    }
}

impl From<Row> for Partition {
    fn from(row: Row) -> Self {
        partition(vec![Unfiltered::Row(row)])
    }
}

fn partition(content: Vec<Unfiltered>) -> Partition {
    Partition { key: b"k".to_vec(), deletion: Deletion::NONE, statics: None, content }
}

/// A range that a deletion takes, with its ends `(values, whether after them)`.
fn range(from: (&[i32], bool), to: (&[i32], bool), timestamp: i64) -> [Unfiltered; 2] {
    let bound = |(of, is_after): (&[i32], bool)| Bound { kind: 0, values: values(of), is_after };
    let marker = |bound, ends, begins| Unfiltered::Marker(Marker { bound, ends, begins });
    let deletion = Some(deletion(timestamp));
    [marker(bound(from), None, deletion), marker(bound(to), deletion, None)]
}

/// Merges partitions of an SSTable each, in each order that rotation makes, which must not matter.
fn merged(class: &str, partitions: &[Partition], now: i64) -> Result<Vec<Found>, RowError> {
    let shapes = [Shape::of(class).unwrap(), Shape::of("Int32Type").unwrap()];
    let statics = [Arc::from(&b"s"[..])];
    let columns = [Arc::from(&b"v"[..]), Arc::from(&b"many"[..])];
    let mut results = (0..partitions.len()).flat_map(|first| {
        let mut rotated: Vec<Partition> = partitions.to_vec();
        rotated.rotate_left(first);
        let mut turned = rotated.clone();
        turned.reverse();
        [rotated, turned].map(|partitions| {
            let mut merge = Merge::default();
            for (origin, partition) in partitions.into_iter().enumerate() {
                merge.begin(&shapes)?;
                merge.add(partition, &statics, &columns, origin)?;
            }
            merge.finish(now)
        })
    });
    let result = results.next().unwrap();
    for other in results {
        assert_eq!(shown(&result), shown(&other), "the order mattered");
    }
    result
}

fn shown(result: &Result<Vec<Found>, RowError>) -> String {
    match result {
        Err(error) => error.to_string(),
        Ok(rows) => rows.iter().map(one).collect::<Vec<_>>().join("; "),
    }
}

/// `a b: column=value column[path]=value`
fn one(row: &Found) -> String {
    let int = |value: &Option<Vec<u8>>| {
        let bytes: [u8; 4] = value.as_deref().unwrap().try_into().unwrap();
        i32::from_be_bytes(bytes).to_string()
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut shown = row.clustering.iter().map(int).collect::<Vec<_>>().join(" ") + ":";
    let statics = row.statics.iter().flat_map(|statics| &statics.columns);
    for (name, cells) in row.columns.iter().chain(statics) {
        for FoundCell { path, value } in cells {
            shown.push_str(&format!(" {}", text(name)));
            path.iter().for_each(|path| shown.push_str(&format!("[{}]", text(path))));
            shown.push_str(&format!("={}", text(value)));
        }
    }
    shown
}

fn merge(partitions: &[Partition]) -> String {
    shown(&merged("Int32Type", partitions, NOW))
}

#[test]
fn the_later_cell_counts_and_at_one_time_what_the_database_prefers() {
    let two =
        |one: Cell, other: Cell| merge(&[row(1, 1).with(one).into(), row(1, 1).with(other).into()]);
    assert_eq!(two(live(5, "old"), live(6, "new")), "1 1: v=new");
    assert_eq!(two(live(6, "z"), deleted(5)), "1 1: v=z");
    assert_eq!(two(live(5, "z"), deleted(5)), "");
    assert_eq!(two(live(5, "z"), deleted(6)), "");
    assert_eq!(two(ending(5, 2000, "z"), deleted(5)), "");
    assert_eq!(two(live(5, "z"), ending(5, 2000, "a")), "1 1: v=a");
    assert_eq!(two(live(5, "z"), ending(5, 900, "a")), "");
    assert_eq!(two(ending(5, 2001, "a"), ending(5, 2000, "z")), "1 1: v=a");
    assert_eq!(two(live(5, "a"), live(5, "b")), "1 1: v=b");
    assert_eq!(two(live(5, "a"), live(5, "aa")), "1 1: v=aa");
    assert_eq!(two(live(i64::MIN, "first"), live(i64::MIN, "")), "1 1: v=first");
}

#[test]
fn a_deletion_takes_its_own_time_and_what_was_before() {
    let with = |timestamp| Partition::from(row(1, 1).with(live(timestamp, "x")));
    let of_partition = Partition { deletion: deletion(5), ..partition(vec![]) };
    let of_row = Partition::from(row(1, 1).deleted(5));
    for deletion in [of_partition, of_row] {
        for (timestamp, left) in [(4, ""), (5, ""), (6, "1 1: v=x")] {
            assert_eq!(merge(&[with(timestamp), deletion.clone()]), left, "{timestamp}");
        }
    }
    let of_old = Partition { deletion: deletion(9), ..partition(vec![]) };
    assert_eq!(merge(&[with(7), Partition::from(row(1, 1).deleted(5)), of_old]), "");
}

#[test]
fn what_ends_has_ended_from_that_second_on() {
    let cell = Partition::from(row(1, 1).with(ending(5, 1000, "x")));
    let mut only_row = row(1, 1);
    only_row.liveness = Some(Liveness { timestamp: 5, expires: Some((1000, 7)) });
    let only_row = Partition::from(only_row);
    let at = |partition: &Partition, now| {
        shown(&merged("Int32Type", std::slice::from_ref(partition), now))
    };
    assert_eq!((at(&cell, 999), at(&cell, 1000)), ("1 1: v=x".to_owned(), String::new()));
    assert_eq!((at(&only_row, 999), at(&only_row, 1000)), ("1 1:".to_owned(), String::new()));
}

#[test]
fn a_row_is_there_by_itself_or_by_a_cell() {
    assert_eq!(merge(&[row(1, 1).written(5).into()]), "1 1:");
    assert_eq!(merge(&[row(1, 1).written(5).with(deleted(6)).into()]), "1 1:");
    assert_eq!(merge(&[row(1, 1).written(5).into(), row(1, 1).deleted(5).into()]), "");
    assert_eq!(merge(&[row(1, 1).with(deleted(6)).into()]), "");
    assert_eq!(merge(&[row(2, 1).written(1).into(), row(1, 2).written(1).into()]), "1 2:; 2 1:");
}

#[test]
fn a_shadowable_deletion_ends_with_a_newer_liveness() {
    let mut shadowable = row(1, 1).deleted(5);
    shadowable.is_shadowable = true;
    let shadowable = Partition::from(shadowable);
    let old = Partition::from(row(1, 1).with(live(3, "x")));
    assert_eq!(merge(&[old.clone(), shadowable.clone()]), "");
    assert_eq!(merge(&[old.clone(), shadowable.clone(), row(1, 1).written(5).into()]), "");
    assert_eq!(merge(&[old, shadowable, row(1, 1).written(6).into()]), "1 1: v=x");
}

#[test]
fn a_collection_is_deleted_as_a_whole_and_by_its_elements() {
    let old = Partition::from(row(1, 1).with_many(
        Deletion::NONE,
        &[("a", live(3, "1")), ("b", live(6, "2")), ("c", live(6, "3"))],
    ));
    let set = Partition::from(row(1, 1).with_many(deletion(5), &[("d", live(6, "4"))]));
    let less = Partition::from(row(1, 1).with_many(Deletion::NONE, &[("c", deleted(7))]));
    assert_eq!(merge(&[old, set, less]), "1 1: many[b]=2 many[d]=4");
}

#[test]
fn statics_are_of_all_rows_of_a_partition_and_a_row_of_their_own_without_any() {
    let with = |deletion| Partition {
        statics: Some(Row { clustering: vec![], ..row(0, 0).with(live(5, "s")) }),
        deletion,
        ..partition(vec![])
    };
    assert_eq!(merge(&[with(Deletion::NONE)]), ": s=s");
    assert_eq!(merge(&[with(deletion(5))]), "");
    let rows = [row(1, 1).written(9).into(), row(2, 2).with(live(9, "x")).into()];
    let all = [&rows[..], &[with(Deletion::NONE)]].concat();
    assert_eq!(merge(&all), "1 1: s=s; 2 2: v=x s=s");
    assert_eq!(merge(&[&rows[..], &[with(deletion(5))]].concat()), "1 1:; 2 2: v=x");
}

/// Rows 1 1, 1 2, 2 1, 2 2 and 3 1 at time 5.
fn grid() -> Partition {
    let rows = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)];
    partition(rows.map(|(a, b)| Unfiltered::Row(row(a, b).written(5))).to_vec())
}

#[test]
fn a_range_takes_what_lies_between_its_ends() {
    const BEFORE: bool = false;
    const AFTER: bool = true;
    let left = |ranges: &[[Unfiltered; 2]]| {
        let ranges = ranges.iter().map(|range| partition(range.to_vec()));
        merge(&[vec![grid()], ranges.collect()].concat()).replace(':', "")
    };
    let all = "1 1; 1 2; 2 1; 2 2; 3 1";
    assert_eq!(left(&[]), all);
    assert_eq!(left(&[range((&[1], BEFORE), (&[1], AFTER), 5)]), "2 1; 2 2; 3 1");
    assert_eq!(left(&[range((&[1], AFTER), (&[3], BEFORE), 5)]), "1 1; 1 2; 3 1");
    assert_eq!(left(&[range((&[1, 2], BEFORE), (&[2, 1], AFTER), 5)]), "1 1; 2 2; 3 1");
    assert_eq!(left(&[range((&[1, 2], AFTER), (&[2, 2], BEFORE), 5)]), "1 1; 1 2; 2 2; 3 1");
    assert_eq!(left(&[range((&[], BEFORE), (&[2, 1], BEFORE), 5)]), "2 1; 2 2; 3 1");
    assert_eq!(left(&[range((&[], BEFORE), (&[], AFTER), 5)]), "");
    assert_eq!(left(&[range((&[], BEFORE), (&[], AFTER), 4)]), all);
    // One lies in the other, and only the smaller is late enough; in one place two of the same time.
    let small = range((&[2], BEFORE), (&[2, 1], AFTER), 9);
    let large = range((&[1], BEFORE), (&[3], AFTER), 4);
    assert_eq!(left(&[small.clone(), large]), "1 1; 1 2; 2 2; 3 1");
    let same = range((&[1, 2], BEFORE), (&[2, 1], AFTER), 9);
    assert_eq!(left(&[small, same]), "1 1; 2 2; 3 1");
    // Empty ones take nothing.
    assert_eq!(left(&[range((&[2, 1], BEFORE), (&[2, 1], BEFORE), 9)]), all);
    assert_eq!(left(&[range((&[7], BEFORE), (&[9], AFTER), 9)]), all);
}

#[test]
fn a_boundary_ends_one_range_and_begins_another() {
    let [from, to] = range((&[1], false), (&[3], true), 5);
    let bound = Bound { kind: 2, values: values(&[2, 2]), is_after: false };
    let (ends, begins) = (Some(deletion(5)), Some(deletion(4)));
    let boundary = Unfiltered::Marker(Marker { bound, ends, begins });
    let Unfiltered::Marker(to) = to else { panic!() };
    let to = Unfiltered::Marker(Marker { ends: begins, ..to });
    assert_eq!(merge(&[grid(), partition(vec![from, boundary, to])]), "2 2:; 3 1:");
}

#[test]
fn in_a_reversed_clustering_ranges_are_reversed() {
    let reversed = range((&[2], true), (&[1], true), 5).to_vec();
    let grid = grid();
    let rows = merged("ReversedType(Int32Type)", &[grid.clone(), partition(reversed.clone())], NOW);
    assert_eq!(shown(&rows), "3 1:; 2 1:; 2 2:");
    // What ends before it begins is refused, where the order is known and where it is not.
    let error = merged("Int32Type", &[grid.clone(), partition(reversed.clone())], NOW);
    assert_eq!(error.unwrap_err(), RowError::Range);
    let error = merged("DoubleType", &[grid.clone(), partition(reversed)], NOW);
    assert_eq!(error.unwrap_err(), RowError::Type);
    assert_eq!(merged("DoubleType", &[grid], NOW).unwrap().len(), 5);
}
