//! Disk space: what each SSTable needs beside the old one.

use std::path::Path;

use super::beside_fate::{IndexFate, MetadataFate};
use super::facts::Facts;
use super::target::Target;
use crate::codec::record_length;
use crate::compress::ChainFraming;
use crate::sstable::{CHUNK_CRC_LENGTH, Component, MAX_COMPRESSED_LENGTH_NONE, MOST_EMPTY_CHUNKS};
use crate::{Error, ErrorKind};

/// What an SSTable takes of its file system until the old one is deleted, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    /// The number of the file system.
    pub file_system: u64,
    /// At the most: every chunk at its longest, and no component linked.
    pub most: u64,
    /// As far as it can be told: compressed chunks as long as they are now, and links cost
    /// nothing.
    pub least: u64,
}

impl Space {
    /// What a file takes beside its content, at the most: the rest of its last block. Directories
    /// that grow and transaction logs take one, too.
    pub const BLOCK: u64 = 4096;

    /// What is only taken for the time of the work: two directories that may grow, the staging
    /// directory, the log.
    pub(super) const PASSING: u64 = 4 * Self::BLOCK;

    /// Of what an SSTable says of itself.
    pub(super) fn of(facts: &Facts, target: &Target, file_system: u64) -> Self {
        let plain = facts.plain_bytes();
        let length = u64::from(target.chunk_length_of(facts).bytes());
        let chunks = plain.div_ceil(length).saturating_add(MOST_EMPTY_CHUNKS);
        let around = record_overhead(target);
        let as_now = facts.data_bytes.saturating_add(chunks.saturating_mul(around));
        let stays = target.codec() == facts.shape.codec()
            && facts.header.as_ref().is_some_and(|header| {
                u64::from(header.chunk_length.bytes()) == length
                    && header.max_compressed_length == MAX_COMPRESSED_LENGTH_NONE
            });
        let (most, least) = match target.codec() {
            None => {
                let exactly = plain.saturating_add(chunks.saturating_mul(around));
                (exactly, exactly)
            }
            // What the compressor made is carried over.
            Some(_) if stays => (as_now, as_now),
            Some(codec) => {
                let full = usize::try_from(length).unwrap_or(usize::MAX);
                let chunk = u64::try_from(codec.max_compressed_length(full)).unwrap_or(u64::MAX);
                let most = chunks.saturating_mul(chunk.saturating_add(around));
                // Nobody knows what another compressor makes of it. But what one has made small, the
                // next one will.
                (most, if facts.shape.codec().is_some() { as_now.min(most) } else { most })
            }
        };
        // An offset or a checksum for each chunk, and a block each for what goes with it: the file
        // that it is in, Digest and TOC, two directories that grow, the staging directory, the log.
        let beside = chunks.saturating_mul(8).saturating_add(8_u64.saturating_mul(Self::BLOCK));
        let bytes_of = |is_taken: &dyn Fn(&Component) -> bool| {
            let taken = facts.files.iter().filter(|(component, _)| is_taken(component));
            taken.fold(0, |sum: u64, (_, stat)| {
                sum.saturating_add(stat.length).saturating_add(Self::BLOCK)
            })
        };
        let rest = bytes_of(&|component| *component != Component::Data);
        let rewritten = bytes_of(&|component| {
            *component == Component::Statistics || facts.encrypted_components.contains(component)
        });
        let anew = match facts.index_fate(target) {
            IndexFate::LaidOut { new, .. } => {
                let is_index =
                    |of: &Component| matches!(of, Component::Partitions | Component::Rows);
                let old = bytes_of(&is_index);
                index_at_most(old, new).saturating_sub(old)
            }
            IndexFate::Kept | IndexFate::InPlace => 0,
        };
        // Each body grows by a header, an IV and a padding.
        let metadata = match facts.metadata_fate(target) {
            MetadataFate::Encrypted => Self::BLOCK,
            MetadataFate::AsTheyAre | MetadataFate::InClear => 0,
        };
        let grown = anew.saturating_add(metadata);
        Self {
            file_system,
            most: most.saturating_add(beside).saturating_add(rest).saturating_add(grown),
            least: least.saturating_add(beside).saturating_add(rewritten).saturating_add(grown),
        }
    }

    /// The error of an SSTable that cannot be begun, where so many bytes are free beside those that
    /// are left to others.
    #[must_use]
    pub fn too_little(needed: u64, free: u64, data: &Path) -> Error {
        Error::new(
            ErrorKind::NoSpace,
            format!(
                "it needs {needed} bytes beside the old one, and {free} are free beside what is left \
                 to others"
            ),
        )
        .at(data)
        .hint("free space on that file system, then run the same command again")
    }
}

/// Bytes around a payload in its record, at the most.
fn record_overhead(target: &Target) -> u64 {
    let bytes = match target.encryptor() {
        None if target.is_compressed() => CHUNK_CRC_LENGTH,
        None => 0,
        Some(options) => {
            let prefix = target.key_header_length().saturating_add(CHAIN);
            // The padding of nothing is the longest.
            record_length(prefix, options.transformation(), 0)
        }
    };
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Bytes of an index that is laid out anew, for pages of so many usable bytes: two pages that follow one
/// another hold more than those of one together (FORMATS.md 7.8). Each of its files has two pages more.
fn index_at_most(old: u64, usable: usize) -> u64 {
    let usable = u64::try_from(usable).unwrap_or(u64::MAX).max(1);
    let pages = old.saturating_mul(2).div_ceil(usable).saturating_add(4);
    pages.saturating_mul(Space::BLOCK)
}

/// Both lengths of a chain.
const CHAIN: usize = 2 * ChainFraming::PREFIX_LENGTH;
