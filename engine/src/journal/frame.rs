//! Frames of a journal: where each begins and ends, and what remains of the last ones.

use std::ops::Range;

use crate::wire::{Put as _, Reader};
use crate::{Error, ErrorKind};

/// The version of the format that is written. Older ones stay readable: 1 has no records of copies, and
/// 2 has absolute paths, and neither progress nor ends.
pub(super) const FORMAT: u16 = 3;

/// What is wrong with a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file is something else.
    #[error("it is not a journal of this program")]
    Foreign,
    /// A newer release wrote it.
    #[error("it is of format {0}, and this release reads format {FORMAT}")]
    Format(u16),
    /// Bytes that were durable are damaged.
    #[error("it is damaged at byte {0}, in the middle")]
    Damaged(u64),
    /// A record is intact but makes no sense in its place.
    #[error("its record {number} does not fit: {what}")]
    Record {
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl From<JournalError> for Error {
    fn from(error: JournalError) -> Self {
        let kind = match error {
            JournalError::Format(_) => ErrorKind::Unsupported,
            JournalError::Foreign => ErrorKind::Invalid,
            _ => ErrorKind::Corrupt,
        };
        let hint = match error {
            JournalError::Format(_) => {
                "finish the run with the release that began it, or abandon it"
            }
            JournalError::Foreign => "name another --state-dir, or find out what the file is",
            _ => {
                "no SSTable is harmed: each is wholly old or wholly new; abandon the run, which \
                 throws away what was staged, then run again"
            }
        };
        Self::new(kind, error.to_string()).hint(hint)
    }
}

/// The intact frames of a journal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frames {
    /// Milliseconds since 1970, and the place of the payload.
    pub(super) frames: Vec<(i64, Range<usize>)>,
    /// Where the last one ends. What follows it was never durable.
    pub(super) end: usize,
}

/// Starts a journal.
pub(super) fn head() -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.put_u16(FORMAT);
    bytes
}

/// Puts a frame around a payload; a payload that is too long is refused.
pub(super) fn frame(payload: &[u8], durable: u64, time: i64) -> Option<Vec<u8>> {
    let length = u32::try_from(payload.len()).ok().filter(|length| *length <= LONGEST)?;
    let mut bytes = MARKER.to_vec();
    bytes.put_u32(length);
    bytes.put_u64(durable);
    bytes.put_i64(time);
    bytes.extend_from_slice(payload);
    let crc = crc32fast::hash(&bytes);
    bytes.put_u32(crc);
    Some(bytes)
}

/// Finds the frames. `None` means a journal whose beginning never became durable: its run has not
/// begun.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Frames>, JournalError> {
    let start = if has_head(bytes)? { head().len() } else { 0 };
    let mut found = Frames { frames: vec![], end: start };
    if start > 0 {
        while let Some(frame) = at(bytes, found.end) {
            found.frames.push((frame.time, frame.payload));
            found.end = frame.end;
        }
    }
    if knows_better(bytes, found.end) {
        return Err(JournalError::Damaged(offset(found.end)));
    }
    Ok((!found.frames.is_empty()).then_some(found))
}

/// Whether the head is complete; otherwise it is torn.
fn has_head(bytes: &[u8]) -> Result<bool, JournalError> {
    let mut reader = Reader::new(bytes);
    let (Ok(magic), Ok(version)) = (reader.take(MAGIC.len(), "magic"), reader.u16("version"))
    else {
        return if is_torn(bytes) { Ok(false) } else { Err(JournalError::Foreign) };
    };
    match (magic == MAGIC, version) {
        (true, 1..=FORMAT) => Ok(true),
        (true, 1..) => Err(JournalError::Format(version)),
        _ if is_torn(magic) => Ok(false),
        _ => Err(JournalError::Foreign),
    }
}

/// Bytes that were written, or zeros where they were not.
fn is_torn(head: &[u8]) -> bool {
    head.iter().zip(head_bytes()).all(|(found, written)| *found == 0 || *found == written)
}

fn head_bytes() -> impl Iterator<Item = u8> {
    MAGIC.iter().copied().chain(FORMAT.to_be_bytes())
}

struct Frame {
    durable: u64,
    time: i64,
    payload: Range<usize>,
    end: usize,
}

/// The intact frame at an offset.
fn at(bytes: &[u8], start: usize) -> Option<Frame> {
    let mut reader = Reader::new(bytes.get(start..)?);
    if reader.take_array("marker").ok()? != MARKER {
        return None;
    }
    let length = reader.u32("length").ok()?;
    let length = usize::try_from(length).ok().filter(|_| length <= LONGEST)?;
    let durable = reader.u64("durable").ok()?;
    let time = reader.i64("time").ok()?;
    let from = start.checked_add(reader.position())?;
    reader.take(length, "payload").ok()?;
    let to = start.checked_add(reader.position())?;
    let crc = reader.u32("checksum").ok()?;
    let end = start.checked_add(reader.position())?;
    (crc32fast::hash(bytes.get(start..to)?) == crc).then_some(Frame {
        durable,
        time,
        payload: from..to,
        end,
    })
}

/// Whether an intact frame after `bad` was written when `bad` was already durable, or so much
/// follows that some of it must have been durable.
fn knows_better(bytes: &[u8], bad: usize) -> bool {
    let tail = bytes.get(bad..).unwrap_or_default();
    if tail.len() > LONGEST_TAIL {
        return true;
    }
    let places = tail.windows(MARKER.len()).enumerate().filter(|(_, four)| *four == MARKER);
    places
        .filter_map(|(place, _)| at(bytes, bad.checked_add(place)?))
        .any(|frame| frame.durable > offset(bad))
}

fn offset(at: usize) -> u64 {
    u64::try_from(at).unwrap_or(u64::MAX)
}

/// Payloads are shorter than this.
pub(super) const LONGEST: u32 = 64 << 10;

/// The writer syncs the file before more than this is not durable.
pub(super) const MOST_NOT_DURABLE: u64 = 128 << 10;

/// The most that a power loss can tear: it bounds a reader's search.
const LONGEST_TAIL: usize = (128 << 10) + 2 * (65 << 10);

const MAGIC: [u8; 8] = *b"SSTRKJNL";
const MARKER: [u8; 4] = [0x9d, b'R', b'e', 0xc5];
