//! Values, and what is in the body of a row: times, columns, cells (FORMATS.md 11.2, 11.4, 11.5).

use super::error::RowError;
use super::model::{Cell, ColumnCells, Deletion, Liveness, State, Value};
use super::types::Shape;
use crate::schema::limits::Limits;
use crate::sstable::RowHeader;
use crate::wire::Reader;

/// Values, 32 at a time after two bits for each: the lower one if it is empty, the upper one if it is
/// missing.
pub(super) fn clustering(
    reader: &mut Reader<'_>,
    shapes: &[Shape],
    limits: &mut Limits,
) -> Result<Vec<Value>, RowError> {
    limits.cells(u64::try_from(shapes.len()).unwrap_or(u64::MAX))?;
    let mut values = Vec::with_capacity(shapes.len());
    for batch in shapes.chunks(32) {
        let mut bits = reader.uvint("clustering")?;
        for shape in batch {
            values.push(match bits & 3 {
                0 => Some(value(reader, shape.fixed)?),
                1 => Some(vec![]),
                _ => None,
            });
            bits >>= 2;
        }
    }
    Ok(values)
}

fn value(reader: &mut Reader<'_>, fixed: Option<usize>) -> Result<Vec<u8>, RowError> {
    Ok(match fixed {
        Some(length) => reader.take(length, "value")?,
        None => reader.sized("value")?,
    }
    .to_vec())
}

/// The part of a row or a marker whose length it says.
#[derive(Debug)]
pub(super) struct Body<'a> {
    reader: Reader<'a>,
    header: &'a RowHeader,
}

impl<'a> Body<'a> {
    /// Takes it from `reader`.
    pub(super) fn of(reader: &mut Reader<'a>, header: &'a RowHeader) -> Result<Self, RowError> {
        let mut reader = Reader::new(reader.sized("row")?);
        reader.uvint("length of the row before")?;
        Ok(Self { reader, header })
    }

    /// Ends it.
    pub(super) fn finish(self) -> Result<(), RowError> {
        Ok(self.reader.finish()?)
    }

    fn timestamp(&mut self) -> Result<i64, RowError> {
        let delta = self.reader.uvint("timestamp")?;
        Ok(delta.cast_signed().wrapping_add(self.header.min_timestamp))
    }

    fn deletion_time(&mut self) -> Result<i64, RowError> {
        let delta = self.reader.uvint("deletion time")?;
        Ok(delta.cast_signed().wrapping_add(self.header.min_deletion_time))
    }

    fn ttl(&mut self) -> Result<i64, RowError> {
        let delta = self.reader.uvint("TTL")?;
        Ok(delta.cast_signed().wrapping_add(self.header.min_ttl))
    }

    /// A deletion of a row, a range or a column.
    pub(super) fn deletion(&mut self) -> Result<Deletion, RowError> {
        Ok(Deletion { timestamp: self.timestamp()?, local: self.deletion_time()? })
    }

    /// The liveness of a row.
    pub(super) fn liveness(&mut self, is_expiring: bool) -> Result<Liveness, RowError> {
        let timestamp = self.timestamp()?;
        let expires = match is_expiring {
            true => {
                let ttl = self.ttl()?;
                Some((self.deletion_time()?, ttl))
            }
            false => None,
        };
        Ok(Liveness { timestamp, expires })
    }

    /// The numbers of the columns that a row has, out of so many: a bitmap of the missing ones, or, of
    /// 64 columns and more, how many are missing, and then the numbers of the fewer: those that are
    /// there, or those that are not.
    pub(super) fn subset(&mut self, of: usize) -> Result<Vec<usize>, RowError> {
        let encoded = self.reader.uvint("columns of the row")?;
        if encoded == 0 {
            return Ok((0..of).collect());
        }
        if of < 64 {
            return match encoded.checked_shr(u32::try_from(of).unwrap_or(u32::MAX)) {
                Some(0) => Ok((0..of).filter(|column| encoded >> column & 1 == 0).collect()),
                _ => Err(RowError::Columns),
            };
        }
        let missing = usize::try_from(encoded).map_err(|_beyond| RowError::Columns)?;
        let there = of.checked_sub(missing).ok_or(RowError::Columns)?;
        let lists_present = there < of / 2;
        let mut listed = Vec::new();
        for _ in 0..if lists_present { there } else { missing } {
            let column = self.reader.uvint("column of the row")?;
            let column = usize::try_from(column).map_err(|_beyond| RowError::Columns)?;
            if column >= of || listed.last().is_some_and(|last| *last >= column) {
                return Err(RowError::Columns);
            }
            listed.push(column);
        }
        if lists_present {
            return Ok(listed);
        }
        let mut listed = listed.into_iter().peekable();
        Ok((0..of).filter(|column| listed.next_if_eq(column).is_none()).collect())
    }

    /// The cells of a column of a row.
    pub(super) fn column(
        &mut self,
        column: usize,
        shape: &Shape,
        has_deletions: bool,
        row: Option<Liveness>,
        limits: &mut Limits,
    ) -> Result<ColumnCells, RowError> {
        let is_multi_cell = shape.is_multi_cell;
        let mut of = ColumnCells { column, is_multi_cell, deletion: Deletion::NONE, cells: vec![] };
        limits.cells(1)?;
        if !is_multi_cell {
            of.cells.push(self.cell(shape, row)?);
            return Ok(of);
        }
        if has_deletions {
            of.deletion = self.deletion()?;
            // "None" is written with the times that mean it.
            if of.deletion.timestamp == i64::MIN {
                of.deletion = Deletion::NONE;
            }
        }
        for _ in 0..self.reader.uvint("count of cells")? {
            limits.cells(1)?;
            of.cells.push(self.cell(shape, row)?);
        }
        Ok(of)
    }

    fn cell(
        &mut self,
        shape: &Shape,
        row: Option<Liveness>,
    ) -> Result<(Option<Vec<u8>>, Cell), RowError> {
        let flags = self.reader.u8("flags of a cell")?;
        if flags & !CELL_FLAGS != 0
            || flags & (CELL_DELETED | CELL_EXPIRING) == CELL_DELETED | CELL_EXPIRING
        {
            return Err(RowError::Flags(flags));
        }
        let of_row = row.ok_or(RowError::Flags(flags));
        let timestamp = match flags & CELL_ROW_TIMESTAMP {
            0 => self.timestamp()?,
            _ => of_row?.timestamp,
        };
        let state = if flags & CELL_ROW_TTL != 0 {
            let (until, ttl) = of_row?.expires.ok_or(RowError::Flags(flags))?;
            match flags & CELL_EXPIRING {
                0 => return Err(RowError::Flags(flags)),
                _ => State::Expiring { until, ttl },
            }
        } else if flags & CELL_DELETED != 0 {
            State::Deleted { local: self.deletion_time()? }
        } else if flags & CELL_EXPIRING != 0 {
            let until = self.deletion_time()?;
            State::Expiring { until, ttl: self.ttl()? }
        } else {
            State::Live
        };
        let path = match shape.is_multi_cell {
            true => Some(self.reader.sized("path of a cell")?.to_vec()),
            false => None,
        };
        let value = match flags & CELL_EMPTY {
            0 => value(&mut self.reader, shape.fixed)?,
            _ => vec![],
        };
        Ok((path, Cell { timestamp, state, value }))
    }
}

const CELL_DELETED: u8 = 0x01;
const CELL_EXPIRING: u8 = 0x02;
const CELL_EMPTY: u8 = 0x04;
const CELL_ROW_TIMESTAMP: u8 = 0x08;
const CELL_ROW_TTL: u8 = 0x10;
const CELL_FLAGS: u8 = 0x1f;
