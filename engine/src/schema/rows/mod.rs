//! The rows of one SSTable, from the plaintext of its Data.db and its HEADER (FORMATS.md 11.1 to 11.6).
//!
//! Nothing is merged and nothing dropped here: what is deleted or has expired comes out as it is.

mod body;
mod error;
mod model;
mod reader;
mod types;

pub(super) use error::RowError;
pub(super) use model::{
    Bound, Cell, ColumnCells, Deletion, Liveness, Marker, Partition, Row, State, Unfiltered, Value,
};
pub(super) use reader::Rows;
pub(super) use types::Shape;
