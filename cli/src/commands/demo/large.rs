//! A large table for those who want to watch: the chunks of a small SSTable, again and again.
//!
//! A node could not read it, since its partitions are not in order. The engine decodes no
//! partitions, and to it this is an SSTable as good as any.

use std::path::Path;

use include_dir::Dir;
use rekey_engine::io::{LocalStorage, Storage as _};
use rekey_engine::sstable::{
    Component, CompressionHeader, Descriptor, format_digest, parse_file_name,
};
use rekey_engine::{Error, Result};

use super::failure::missing;
use super::files::write;

/// Bytes of plaintext of the large SSTable; both passes over it take [`super::SLOW`].
pub(super) const LENGTH: u64 = 64 << 20;

/// Writes the first SSTable of a bundled table to a directory, with its chunks repeated.
pub(super) fn table(from: &Dir<'_>, to: &Path) -> Result<()> {
    LocalStorage.create_directory(to, None)?;
    let mut data = None;
    let mut info = None;
    for file in from.files() {
        let name = file.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some((descriptor, component)) = parse_file_name(name) else { continue };
        if descriptor.id.to_string() != FIRST {
            continue;
        }
        match component {
            Component::Data => data = Some((descriptor, file.contents())),
            Component::CompressionInfo => info = Some(file.contents()),
            Component::Digest => {}
            _ => write(&to.join(name), file.contents())?,
        }
    }
    let (Some((descriptor, data)), Some(info)) = (data, info) else {
        return Err(missing("an SSTable"));
    };
    repeat(&descriptor, data, info, to)?;
    LocalStorage.sync_directory(to)
}

/// Writes Data.db, CompressionInfo.db and Digest.crc32. All chunks but the last have the same
/// length of plaintext, and are what is repeated; the last one comes last again.
fn repeat(descriptor: &Descriptor, data: &[u8], info: &[u8], to: &Path) -> Result<()> {
    let strange = || Error::corrupt("the bundled SSTable is not what it should be");
    let version = descriptor.version().ok_or_else(strange)?;
    let (mut header, length) = CompressionHeader::parse(info, version)?;
    let offsets = info.get(length..).ok_or_else(strange)?.as_chunks::<8>().0;
    let offsets: Vec<u64> = offsets.iter().map(|offset| u64::from_be_bytes(*offset)).collect();
    let last = offsets.last().and_then(|at| usize::try_from(*at).ok()).ok_or_else(strange)?;
    let (full, rest) = data.split_at_checked(last).ok_or_else(strange)?;
    let chunks = header.chunk_count.saturating_sub(1);
    let plain = chunks.saturating_mul(u64::from(header.chunk_length.bytes()));
    let times = LENGTH.checked_div(plain).ok_or_else(strange)?;
    let file = LocalStorage.create(&descriptor.path(to, &Component::Data))?;
    let step = u64::try_from(full.len()).unwrap_or_default();
    let mut crc = crc32fast::Hasher::new();
    let mut places = Vec::new();
    for time in 0..times {
        let at = time.saturating_mul(step);
        file.stream_at(full, at)?;
        crc.update(full);
        places.extend(offsets.iter().take(offsets.len().saturating_sub(1)).map(|place| at + place));
    }
    let at = times.saturating_mul(step);
    file.write_at(rest, at)?;
    crc.update(rest);
    places.push(at);
    file.sync()?;
    header.data_length =
        header.data_length.saturating_add(plain.saturating_mul(times.saturating_sub(1)));
    header.chunk_count = chunks.saturating_mul(times).saturating_add(1);
    let mut info = header.encode(version)?;
    info.extend(places.iter().flat_map(|place| place.to_be_bytes()));
    write(&descriptor.path(to, &Component::CompressionInfo), &info)?;
    write(&descriptor.path(to, &Component::Digest), format_digest(crc.finalize()).as_bytes())
}

/// The id of the SSTable that is taken.
const FIRST: &str = "1";
