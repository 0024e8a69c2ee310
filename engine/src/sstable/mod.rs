//! What an SSTable is on disk: names, versions, components, and the small files around Data.db.
//!
//! This module reads and writes bytes and names; it decides nothing.

mod component;
mod compression_info;
mod crc_table;
mod descriptor;
mod digest;
mod encrypted;
mod id;
mod metadata_body;
mod row_header;
mod statistics;
mod table_dir;
mod time_uuid;
mod toc;
mod version;

pub use component::Component;
pub use compression_info::{CHUNK_CRC_LENGTH, ChunkSlot, ChunkTable, CompressionHeader};
pub(crate) use compression_info::{MAX_COMPRESSED_LENGTH_NONE, MOST_EMPTY_CHUNKS};
pub use crc_table::{CRC_CHUNK_LENGTH, CrcTable};
pub use descriptor::{Descriptor, parse_file_name};
pub use digest::{format_digest, parse_digest};
pub use encrypted::{PAGE, is_encrypted_page};
pub(crate) use id::IdGenerator;
pub use id::SSTableId;
pub use metadata_body::is_body_in_clear;
pub use row_header::{ColumnHeader, RowHeader};
pub(crate) use statistics::STATISTICS_LIMIT;
pub use statistics::{
    BodyKind, StatisticsError, compression_ratio_at, format_statistics, parse_statistics,
};
pub use table_dir::TableDir;
pub use time_uuid::TimeUuid;
pub(crate) use toc::TOC_LIMIT;
pub use toc::{format_toc, parse_toc};
pub use version::{Format, Products, Support, Version};
