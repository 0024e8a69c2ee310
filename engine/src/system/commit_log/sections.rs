//! The sections of a segment, found by their sync markers (FORMATS.md 10.1).
//!
//! ```text
//! int32    position of the next marker
//! int32    CRC32 of: low half of the id, high half of the id, position of this marker
//! int32    bytes of plaintext in the section          not in segments that are stored as they are
//! rest     one compressor's chunk, or blocks of Apache's encryption
//! ```
//!
//! What a node makes of an end (its reader of segments, in all releases):
//!
//! * Fewer bytes are left than a marker has, or the marker is zeros: the log ends there.
//! * A marker whose CRC is right leads beyond the end of the file: in the last segment it ends the
//!   log, since the node died while it wrote; in others the node refuses to start. The same holds for a
//!   section that ends with the file and cannot be opened. That is taken for damage here, unless it ends
//!   in zeros: a file system knew its length, and not yet its bytes. A block of zeros is no ciphertext's
//!   end; fewer zeros say it of a section that does not open with the key that has opened others.
//! * Any other marker: the node refuses to start.

use crate::error::{Error, Result};
use crate::io::Source;
use crate::system::name::SegmentName;
use crate::system::torn::{Torn, Why};

/// A walk over the sections of a segment.
#[derive(Debug)]
pub(crate) struct Sections<'a> {
    source: &'a Source,
    name: SegmentName,
    position: u64,
    /// Bytes before the content of a section.
    head: u64,
}

/// A section that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section {
    /// Where its marker is.
    pub(crate) start: u64,
    /// Bytes of plaintext that it declares.
    pub(crate) plain: usize,
    /// Where its content is.
    pub(crate) content: u64,
    /// Bytes of its content.
    pub(crate) length: usize,
    /// Whether the file ends with it, and with a zero: some of its bytes may not have reached the disk.
    pub(crate) may_be_torn: bool,
}

/// What comes next in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Section(Section),
    /// The log ends at this byte, with what is left of the file after it.
    End(Option<Torn>),
}

impl<'a> Sections<'a> {
    /// Begins after the header. Sections of a segment that is stored as it is declare no length.
    pub(crate) fn new(
        source: &'a Source,
        name: SegmentName,
        header: usize,
        is_plain: bool,
    ) -> Self {
        let head = if is_plain { MARKER } else { MARKER.saturating_add(LENGTH) };
        Self { source, name, position: u64::try_from(header).unwrap_or(u64::MAX), head }
    }

    /// The next section.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) with the place of the marker, and
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub(crate) fn next(&mut self) -> Result<Step> {
        let (start, end) = (self.position, self.source.length());
        let left = end.saturating_sub(start);
        let torn = |why| Some(Torn { offset: start, bytes: left, why });
        if left < MARKER {
            return Ok(Step::End((left > 0).then(|| torn(Why::Short)).flatten()));
        }
        let mut scratch = Vec::new();
        let head = self.source.slice(start, 8, &mut scratch)?;
        let [next, crc] = pair(head);
        let position = u32::try_from(start).ok().filter(|at| i32::try_from(*at).is_ok());
        let position = position.ok_or_else(|| self.damaged("a segment is longer than 2 GiB"))?;
        if crc != checksum(self.name, position) {
            if (next, crc) == (0, 0) {
                return Ok(Step::End(torn(Why::Unwritten)));
            }
            return Err(self.damaged("the CRC of its sync marker does not match"));
        }
        let next = u64::from(next);
        // A negative number is not within the first 2 GiB either.
        if next < start.saturating_add(self.head) || i32::try_from(next).is_err() {
            return Err(self.damaged("its sync marker leads to no place after it"));
        }
        if next > end {
            return Ok(Step::End(torn(Why::CutOff)));
        }
        let may_be_torn = next == end && self.ends_in_zeros(start, 1)?;
        if may_be_torn && self.ends_in_zeros(start, ZEROS)? {
            return Ok(Step::End(torn(Why::Zeros)));
        }
        self.position = next;
        self.section(start, next, may_be_torn).map(Step::Section)
    }

    /// Whether the section that ends with the file has so many zeros there. What is not encrypted may end
    /// in them.
    fn ends_in_zeros(&self, start: u64, zeros: u64) -> Result<bool> {
        let content = start.saturating_add(self.head);
        let from = self.source.length().saturating_sub(zeros);
        if self.head == MARKER || from < content {
            return Ok(false);
        }
        let mut scratch = Vec::new();
        let length = usize::try_from(zeros).unwrap_or_default();
        Ok(self.source.slice(from, length, &mut scratch)?.iter().all(|byte| *byte == 0))
    }

    fn section(&self, start: u64, next: u64, may_be_torn: bool) -> Result<Section> {
        let content = start.saturating_add(self.head);
        let length = usize::try_from(next.saturating_sub(content)).unwrap_or(usize::MAX);
        let mut scratch = Vec::new();
        let plain = if self.head == MARKER {
            length
        } else {
            let declared = self.source.slice(start.saturating_add(MARKER), 4, &mut scratch)?;
            let declared = declared.first_chunk().map_or(-1, |bytes| i32::from_be_bytes(*bytes));
            usize::try_from(declared).map_err(|_negative| {
                self.damaged("its section declares a negative length").offset(start)
            })?
        };
        Ok(Section { start, plain, content, length, may_be_torn })
    }

    fn damaged(&self, what: &'static str) -> Error {
        Error::corrupt(what).at(self.source.path()).offset(self.position).hint(
            "restore the segment from an archive, or start the node, which says what it makes of it",
        )
    }
}

/// A marker at a place, which leads to the next.
pub(crate) fn marker(name: SegmentName, position: u32, next: u32) -> [u8; 8] {
    let mut bytes = [0; 8];
    let (to, crc) = bytes.split_at_mut(4);
    to.copy_from_slice(&next.to_be_bytes());
    crc.copy_from_slice(&checksum(name, position).to_be_bytes());
    bytes
}

fn checksum(name: SegmentName, position: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&super::halves(name.id));
    hasher.update(&position.to_be_bytes());
    hasher.finalize()
}

fn pair(bytes: &[u8]) -> [u32; 2] {
    let mut words = bytes.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word));
    [words.next().unwrap_or_default(), words.next().unwrap_or_default()]
}

/// Bytes of a sync marker.
const MARKER: u64 = 8;

/// Bytes of the length of the plaintext.
const LENGTH: u64 = 4;

/// As many bytes of zeros, the largest block of a cipher, are no end of a ciphertext.
const ZEROS: u64 = 16;
