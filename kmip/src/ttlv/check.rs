//! The one walk that checks a message.

use super::{Item, MAX_DEPTH, MAX_ITEMS, MAX_MESSAGE, Reader, TtlvError, Value};

/// Checks a whole message and returns its outermost item.
///
/// Lengths, padding, fixed sizes, depth and item count are checked at every level, so that
/// iteration afterwards cannot fail. Unknown tags and types pass.
///
/// # Errors
/// [`TtlvError`] for anything that no KMIP peer may send.
pub fn parse(message: &[u8]) -> Result<Item<'_>, TtlvError> {
    if message.len() > MAX_MESSAGE {
        return Err(TtlvError::TooLong);
    }
    let mut reader = Reader::new(message);
    let item = Item::take(&mut reader)?;
    if !reader.is_empty() {
        return Err(TtlvError::TrailingBytes);
    }
    let mut seen = 1;
    check(&item, MAX_DEPTH, &mut seen)?;
    Ok(item)
}

/// Walks the items below `item`; recursion is bounded by `levels`.
fn check(item: &Item<'_>, levels: usize, seen: &mut usize) -> Result<(), TtlvError> {
    let Value::Structure(structure) = item.value else { return Ok(()) };
    let levels = levels.checked_sub(1).ok_or(TtlvError::TooDeep)?;
    let mut reader = Reader::new(structure.encoded());
    while !reader.is_empty() {
        *seen = seen.saturating_add(1);
        if *seen > MAX_ITEMS {
            return Err(TtlvError::TooManyItems);
        }
        check(&Item::take(&mut reader)?, levels, seen)?;
    }
    Ok(())
}
