//! SSTables of which only the headers of their chunks are there: what a census looks at.

use rekey_engine::Result;
use rekey_engine::io::{LocalStorage, Storage as _};
use rekey_engine::options::ChunkLength;
use rekey_engine::plan::target_codec;
use rekey_engine::sstable::Component;

use super::{Site, Written, descriptor};

/// Where the headers of an SSTable lie in its Data.db.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headers {
    /// Bytes of a header.
    pub length: usize,
    /// Bytes from one to the next.
    pub stride: u64,
    /// How many there are.
    pub count: u64,
}

impl Site {
    /// Writes an SSTable of `length` plaintext bytes in whole chunks, whose ciphertext is a hole in
    /// the file. It can be counted and nothing else.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_sparse(&self, id: u32, length: u64, chunk_length: ChunkLength) -> Result<Headers> {
        let [target, _] = &self.targets;
        let (sealer, _) = target_codec(target, &self.ring)?;
        let plain = usize::try_from(chunk_length.bytes()).unwrap_or(usize::MAX);
        let stride = u64::try_from(sealer.record_length(plain)).unwrap_or(u64::MAX);
        let count = length / u64::from(chunk_length.bytes());
        let header = target.key_header().map_or_else(Vec::new, |header| header.encode());

        let descriptor = descriptor(id)?;
        let data = LocalStorage.create(&descriptor.path(&self.table(), &Component::Data))?;
        data.set_length(count.saturating_mul(stride))?;
        let mut written = Written::default();
        for chunk in 0..count {
            let offset = chunk.saturating_mul(stride);
            if !header.is_empty() {
                data.write_at(&header, offset)?;
            }
            written.offsets.push(offset);
        }
        let length = count.saturating_mul(u64::from(chunk_length.bytes()));
        self.write_others(&descriptor, length, chunk_length, written)?;
        Ok(Headers { length: header.len(), stride, count })
    }
}
