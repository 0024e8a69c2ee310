//! Reads partitions, one after the other (FORMATS.md 11.3 to 11.6).
//!
//! ```text
//! partition   uint16 n, key, deletion, [static row], rows and markers, 0x01
//! row         flags, [flags], clustering, uvint n, n bytes of body
//! marker      0x02, kind, uint16 count, values, uvint n, n bytes of body
//! body        uvint: bytes of the row before; then what the flags say
//! ```

use super::body::{Body, clustering};
use super::error::RowError;
use super::model::{Bound, Deletion, Marker, Partition, Row, Unfiltered};
use super::types::Shape;
use crate::schema::limits::Limits;
use crate::sstable::{ColumnHeader, RowHeader, Version};
use crate::wire::Reader;

/// Reads the partitions of one SSTable.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    reader: Reader<'a>,
    header: &'a RowHeader,
    clustering: Vec<Shape>,
    statics: Vec<Shape>,
    columns: Vec<Shape>,
    is_unsigned: bool,
}

impl<'a> Rows<'a> {
    /// Reads `data`, the plaintext of a Data.db.
    pub(crate) fn new(
        data: &'a [u8],
        header: &'a RowHeader,
        version: &Version,
    ) -> Result<Self, RowError> {
        let shapes = |columns: &[ColumnHeader]| -> Result<Vec<Shape>, RowError> {
            columns.iter().map(|column| Shape::of(&column.class)).collect()
        };
        Ok(Self {
            reader: Reader::new(data),
            header,
            clustering: header
                .clustering
                .iter()
                .map(|class| Shape::of(class))
                .collect::<Result<_, _>>()?,
            statics: shapes(&header.statics)?,
            columns: shapes(&header.columns)?,
            is_unsigned: version.has_unsigned_deletion_times,
        })
    }

    /// The types of the clustering.
    pub(crate) fn clustering(&self) -> &[Shape] {
        &self.clustering
    }

    /// Where in the plaintext it is.
    pub(crate) const fn position(&self) -> usize {
        self.reader.position()
    }

    /// The next partition.
    pub(crate) fn next(&mut self, limits: &mut Limits) -> Result<Option<Partition>, RowError> {
        if self.reader.clone().finish().is_ok() {
            return Ok(None);
        }
        limits.row()?;
        let length = usize::from(self.reader.u16("length of a partition key")?);
        let key = self.reader.take(length, "partition key")?.to_vec();
        let deletion = self.partition_deletion()?;
        let statics = match self.statics.is_empty() {
            true => None,
            false => Some(self.static_row(limits)?),
        };
        let mut content = Vec::new();
        let mut open = None;
        loop {
            let flags = self.reader.u8("flags of a row")?;
            if flags & END_OF_PARTITION != 0 {
                if open.is_some() {
                    return Err(RowError::Range);
                }
                return Ok(Some(Partition { key, deletion, statics, content }));
            }
            limits.row()?;
            content.push(if flags & MARKER == 0 {
                Unfiltered::Row(self.row(flags, limits)?)
            } else {
                let marker = self.marker(flags, limits)?;
                if marker.ends.is_some() != open.is_some() {
                    return Err(RowError::Range);
                }
                open = marker.begins;
                Unfiltered::Marker(marker)
            });
        }
    }

    fn partition_deletion(&mut self) -> Result<Deletion, RowError> {
        if self.is_unsigned {
            let mut ahead = self.reader.clone();
            let first = ahead.u8("deletion of a partition")?;
            if first & LIVE_PARTITION != 0 {
                self.reader = ahead;
                return match first {
                    LIVE_PARTITION => Ok(Deletion::NONE),
                    _ => Err(RowError::Flags(first)),
                };
            }
            let timestamp = self.reader.i64("deletion of a partition")?;
            let local = i64::from(self.reader.u32("deletion of a partition")?);
            return Ok(Deletion { timestamp, local });
        }
        let local = self.reader.i32("deletion of a partition")?;
        let timestamp = self.reader.i64("deletion of a partition")?;
        Ok(match (local, timestamp) {
            (i32::MAX, i64::MIN) => Deletion::NONE,
            _ => Deletion { timestamp, local: i64::from(local) },
        })
    }

    fn static_row(&mut self, limits: &mut Limits) -> Result<Row, RowError> {
        limits.row()?;
        let flags = self.reader.u8("flags of a static row")?;
        if flags & (END_OF_PARTITION | MARKER) != 0 || flags & EXTENDED == 0 {
            return Err(RowError::Flags(flags));
        }
        match self.reader.u8("flags of a static row")? {
            STATIC => self.body(flags, Form::Static, limits),
            other => Err(RowError::Flags(other)),
        }
    }

    fn row(&mut self, flags: u8, limits: &mut Limits) -> Result<Row, RowError> {
        let extended = match flags & EXTENDED {
            0 => 0,
            _ => self.reader.u8("flags of a row")?,
        };
        if extended & !SHADOWABLE != 0 {
            return Err(RowError::Flags(extended));
        }
        let clustering = clustering(&mut self.reader, &self.clustering, limits)?;
        let mut row = self.body(flags, Form::Row, limits)?;
        row.clustering = clustering;
        row.is_shadowable = extended & SHADOWABLE != 0;
        Ok(row)
    }

    fn body(&mut self, flags: u8, form: Form, limits: &mut Limits) -> Result<Row, RowError> {
        let shapes = match form {
            Form::Static => &self.statics,
            Form::Row => &self.columns,
        };
        let mut body = Body::of(&mut self.reader, self.header)?;
        let liveness = match flags & TIMESTAMP {
            0 => None,
            _ => Some(body.liveness(flags & TTL != 0)?),
        };
        let deletion = match flags & DELETION {
            0 => Deletion::NONE,
            _ => body.deletion()?,
        };
        let present = match flags & ALL_COLUMNS {
            0 => body.subset(shapes.len())?,
            _ => (0..shapes.len()).collect(),
        };
        let has_deletions = flags & COMPLEX_DELETION != 0;
        let mut columns = Vec::new();
        for column in present {
            let shape = shapes.get(column).ok_or(RowError::Columns)?;
            columns.push(body.column(column, shape, has_deletions, liveness, limits)?);
        }
        body.finish()?;
        Ok(Row { clustering: vec![], liveness, deletion, is_shadowable: false, columns })
    }

    fn marker(&mut self, flags: u8, limits: &mut Limits) -> Result<Marker, RowError> {
        if flags != MARKER {
            return Err(RowError::Flags(flags));
        }
        let kind = self.reader.u8("kind of a bound")?;
        // Whether one ends, whether one begins, and whether it is after the rows with the values.
        let (ends, begins, is_after) = match kind {
            0 => (true, false, false),
            1 => (false, true, false),
            2 => (true, true, false),
            5 => (true, true, true),
            6 => (true, false, true),
            7 => (false, true, true),
            other => return Err(RowError::Flags(other)),
        };
        let count = usize::from(self.reader.u16("count of values of a bound")?);
        let shapes = self.clustering.get(..count).ok_or(RowError::Columns)?;
        let values = clustering(&mut self.reader, shapes, limits)?;
        let mut body = Body::of(&mut self.reader, self.header)?;
        let ends = ends.then(|| body.deletion()).transpose()?;
        let begins = begins.then(|| body.deletion()).transpose()?;
        body.finish()?;
        Ok(Marker { bound: Bound { kind, values, is_after }, ends, begins })
    }
}

/// Which columns a row may have.
#[derive(Debug, Clone, Copy)]
enum Form {
    Static,
    Row,
}

const END_OF_PARTITION: u8 = 0x01;
const MARKER: u8 = 0x02;
const TIMESTAMP: u8 = 0x04;
const TTL: u8 = 0x08;
const DELETION: u8 = 0x10;
const ALL_COLUMNS: u8 = 0x20;
const COMPLEX_DELETION: u8 = 0x40;
const EXTENDED: u8 = 0x80;
const STATIC: u8 = 0x01;
const SHADOWABLE: u8 = 0x02;
const LIVE_PARTITION: u8 = 0x80;
