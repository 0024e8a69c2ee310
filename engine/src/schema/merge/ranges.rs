//! Which rows a range tombstone takes.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::schema::rows::{Bound, Deletion, RowError, Shape, Value};

/// A range of rows that were deleted at once.
#[derive(Debug)]
pub(super) struct RangeTombstone {
    pub(super) from: Bound,
    pub(super) to: Bound,
    pub(super) deletion: Deletion,
}

/// For each row, in the order in which they come, what deletes it as a part of a range.
///
/// All ends and all rows are put in order, and gone through once.
pub(super) fn by_ranges<'a>(
    shapes: &[Shape],
    ranges: &'a [RangeTombstone],
    rows: impl ExactSizeIterator<Item = &'a Vec<Value>>,
) -> Result<Vec<Deletion>, RowError> {
    let mut deletions = vec![Deletion::NONE; rows.len()];
    if ranges.is_empty() {
        return Ok(deletions);
    }
    if !shapes.iter().all(Shape::has_order) {
        return Err(RowError::Type);
    }
    let side = |bound: &Bound| if bound.is_after { Ordering::Greater } else { Ordering::Less };
    let mut events: Vec<(&[Value], Ordering, Event)> = Vec::new();
    for RangeTombstone { from, to, deletion } in ranges {
        events.push((&from.values, side(from), Event::Begins(*deletion)));
        events.push((&to.values, side(to), Event::Ends(*deletion)));
    }
    for (number, clustering) in rows.enumerate() {
        events.push((clustering, Ordering::Equal, Event::Row(number)));
    }
    // At one place, what begins comes before what ends: a range may be empty.
    events.sort_by(|(one, side, event), (other, other_side, other_event)| {
        compare(shapes, (one, *side), (other, *other_side))
            .then_with(|| event.rank().cmp(&other_event.rank()))
    });
    let mut open: BTreeMap<Deletion, usize> = BTreeMap::new();
    for (_, _, event) in events {
        match event {
            Event::Begins(deletion) => {
                let count = open.entry(deletion).or_default();
                *count = count.saturating_add(1);
            }
            Event::Ends(deletion) => match open.get_mut(&deletion) {
                None => return Err(RowError::Range),
                Some(1) => {
                    open.remove(&deletion);
                }
                Some(count) => *count = count.saturating_sub(1),
            },
            Event::Row(number) => {
                let newest = open.last_key_value().map_or(Deletion::NONE, |(newest, _)| *newest);
                if let Some(deletion) = deletions.get_mut(number) {
                    *deletion = newest;
                }
            }
        }
    }
    Ok(deletions)
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Begins(Deletion),
    Ends(Deletion),
    Row(usize),
}

impl Event {
    const fn rank(self) -> u8 {
        match self {
            Self::Begins(_) => 0,
            Self::Ends(_) => 1,
            Self::Row(_) => 2,
        }
    }
}

/// Compares places: rows, and ends of ranges before or after all rows that begin with their values.
fn compare(
    shapes: &[Shape],
    (one, side): (&[Value], Ordering),
    (other, other_side): (&[Value], Ordering),
) -> Ordering {
    for ((left, right), shape) in one.iter().zip(other).zip(shapes) {
        let order = shape.compare(left.as_deref(), right.as_deref());
        if order.is_ne() {
            return order;
        }
    }
    match one.len().cmp(&other.len()) {
        Ordering::Equal => side.cmp(&other_side),
        Ordering::Less => side.then(Ordering::Less),
        Ordering::Greater => other_side.then(Ordering::Less).reverse(),
    }
}
