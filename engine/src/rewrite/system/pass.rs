//! One pass over a segment or a hints file: every section and block, in order.
//!
//! The new file has the same sections and blocks as the old one, and after them what the old one has
//! there. A log's markers have other positions, since chunks may have another length; the positions
//! that SSTables keep count bytes of plaintext, and do not change.

use super::super::digest::PlainDigest;
use super::super::scratch::Scratch;
use super::entries::Entries;
use super::unit::{Opened, UnitOpener, UnitSealer, unsound};
use crate::io::OutputFile;
use crate::system::{Block, Head, Next, OpenFile, Protection, Section, Torn, Walk, Why, marker};
use crate::{Error, ErrorKind, Result};

/// What a pass has found.
#[derive(Debug)]
pub(super) struct Passed {
    /// Of all payloads.
    pub(super) digest: PlainDigest,
    /// Chunks and blocks.
    pub(super) units: u64,
    /// What is left after them.
    pub(super) torn: Option<Torn>,
    /// CRC32 as the `.crc32` of hints has it: of descriptor and blocks; of blocks of Apache's encryption
    /// without their lengths (FORMATS.md 10.3).
    pub(super) checksum: u32,
}

/// Takes what a pass has opened.
trait Sink {
    fn unit(&mut self, unit: &Block, opened: Opened, scratch: &mut Scratch) -> Result<()>;

    fn section_begins(&mut self) -> Result<()> {
        Ok(())
    }

    fn section_ended(&mut self, _section: &Section) -> Result<()> {
        Ok(())
    }

    /// The section that began, and has no unit yet, is the torn end.
    fn section_is_torn(&mut self) {}
}

/// Reads a file with what opens it, and changes nothing.
///
/// # Errors
/// [`ErrorKind::Corrupt`] for what is damaged or does not open, with its place.
pub(super) fn read(
    file: &OpenFile,
    opener: &UnitOpener,
    seed: u64,
    scratch: &mut Scratch,
) -> Result<Passed> {
    pass(file, opener, seed, scratch, &mut Nothing)
}

/// Writes the file that takes its place.
///
/// # Errors
/// As [`read`], and of the output.
pub(super) fn write(
    file: &OpenFile,
    opener: &UnitOpener,
    (head, sealer): (&Head, &UnitSealer),
    seed: u64,
    scratch: &mut Scratch,
    output: &dyn OutputFile,
) -> Result<Passed> {
    let bytes = head.encode();
    output.write_at(&bytes, 0)?;
    let at = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&bytes);
    let mut writer = Writer { output, head, sealer, at, section: at, checksum };
    let mut passed = pass(file, opener, seed, scratch, &mut writer)?;
    if let Some(torn) = &passed.torn {
        writer.tail(file, torn)?;
    }
    passed.checksum = writer.checksum.finalize();
    Ok(passed)
}

/// Opens the first chunk or block.
///
/// # Errors
/// As [`read`].
pub(super) fn first(file: &OpenFile, opener: &UnitOpener, scratch: &mut Scratch) -> Result<()> {
    let mut walk = Walk::new(file);
    while let Next::Part(mut part) = walk.next()? {
        if let Some(unit) = part.units.next()? {
            let mut input = std::mem::take(&mut scratch.input);
            let stored = file.source.slice(unit.content, unit.length, &mut input)?;
            let opened = opener.open(stored, unit.plain, None, scratch);
            scratch.input = input;
            let place = |error: Error| error.at(file.source.path()).offset(unit.start);
            return opened.map(|_lengths| ()).map_err(place);
        }
    }
    Ok(())
}

/// What the `.crc32` of a hints file has to say.
///
/// # Errors
/// As the walk over its blocks.
pub(super) fn checksum(file: &OpenFile) -> Result<u32> {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&file.head.encode());
    let is_blocks = matches!(file.head.protection(), Protection::Keystore(_));
    let (mut walk, mut head, mut input) = (Walk::new(file), Vec::new(), Vec::new());
    while let Next::Part(mut part) = walk.next()? {
        while let Some(unit) = part.units.next()? {
            if !is_blocks {
                checksum.update(file.source.slice(unit.start, 8, &mut head)?);
            }
            checksum.update(file.source.slice(unit.content, unit.length, &mut input)?);
        }
    }
    Ok(checksum.finalize())
}

fn pass(
    file: &OpenFile,
    opener: &UnitOpener,
    seed: u64,
    scratch: &mut Scratch,
    sink: &mut dyn Sink,
) -> Result<Passed> {
    let (mut digest, mut units) = (PlainDigest::seeded(seed), 0_u64);
    let mut walk = Walk::new(file);
    let has_entries = file.head.has_entries();
    let mut input = std::mem::take(&mut scratch.input);
    let torn = 'file: loop {
        let mut part = match walk.next()? {
            Next::End(torn) => break torn,
            Next::Part(part) => part,
        };
        sink.section_begins()?;
        let (mut plain, before) = (0_usize, units);
        let mut entries = has_entries.then(Entries::default);
        while let Some(unit) = part.units.next()? {
            let place = |error: Error| error.at(file.source.path()).offset(unit.start);
            let stored = file.source.slice(unit.content, unit.length, &mut input)?;
            let opened = match opener.open(stored, unit.plain, entries.as_mut(), scratch) {
                Ok(opened) => opened,
                Err(error) => match torn_section(part.section.as_ref(), file) {
                    // The key is right: it has opened others.
                    Some(torn) if before > 0 && units == before => {
                        sink.section_is_torn();
                        break 'file Some(torn);
                    }
                    _ => return Err(place(error)),
                },
            };
            let payload = scratch.plain.as_slice().get(..opened.payload).unwrap_or_default();
            digest.add(units, payload);
            units = units.saturating_add(1);
            plain = plain.saturating_add(opened.plain);
            sink.unit(&unit, opened, scratch)?;
        }
        if entries.is_some_and(|entries| !entries.is_whole()) {
            let start = part.section.map_or(0, |section| section.start);
            return Err(unsound().at(file.source.path()).offset(start));
        }
        if let Some(section) = &part.section {
            if plain != section.plain {
                return Err(Error::corrupt("its section declares another length than it has")
                    .at(file.source.path())
                    .offset(section.start));
            }
            sink.section_ended(section)?;
        }
    };
    scratch.input = input;
    file.source.unchanged()?;
    Ok(Passed { digest, units, torn, checksum: 0 })
}

/// The rest of a file that begins with a section some of whose bytes may not have reached the disk.
fn torn_section(section: Option<&Section>, file: &OpenFile) -> Option<Torn> {
    let offset = section.filter(|section| section.may_be_torn)?.start;
    let bytes = file.source.length().saturating_sub(offset);
    Some(Torn { offset, bytes, why: Why::Zeros })
}

struct Nothing;

impl Sink for Nothing {
    fn unit(&mut self, _unit: &Block, _opened: Opened, _scratch: &mut Scratch) -> Result<()> {
        Ok(())
    }
}

struct Writer<'a> {
    output: &'a dyn OutputFile,
    head: &'a Head,
    sealer: &'a UnitSealer,
    /// Where the next byte goes.
    at: u64,
    /// Where the current section begins.
    section: u64,
    checksum: crc32fast::Hasher,
}

impl Writer<'_> {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.output.write_at(bytes, self.at)?;
        self.at = self.at.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// What no node reads is kept. A marker that leads beyond the end, or to it, still does.
    fn tail(&mut self, file: &OpenFile, torn: &Torn) -> Result<()> {
        let mut from = torn.offset;
        if let (Head::Segment(header), Why::CutOff | Why::Zeros) = (self.head, torn.why) {
            let mut scratch = Vec::new();
            let old = file.source.slice(from, 4, &mut scratch)?;
            let next = old.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
            let length = u64::from(next).saturating_sub(from);
            let next = position(self.at.saturating_add(length))?;
            let marker = marker(header.name(), position(self.at)?, next);
            self.append(&marker)?;
            from = from.saturating_add(SYNC_MARKER);
        }
        let mut scratch = Vec::new();
        while from < file.source.length() {
            let piece = file.source.length().saturating_sub(from).min(PIECE);
            let length = usize::try_from(piece).unwrap_or_default();
            let bytes = file.source.slice(from, length, &mut scratch)?;
            self.append(bytes)?;
            from = from.saturating_add(piece);
        }
        Ok(())
    }
}

impl Sink for Writer<'_> {
    fn section_begins(&mut self) -> Result<()> {
        if let Head::Segment(_) = self.head {
            self.section = self.at;
            self.at = self.at.saturating_add(SECTION_HEAD);
        }
        Ok(())
    }

    fn unit(&mut self, unit: &Block, opened: Opened, scratch: &mut Scratch) -> Result<()> {
        let length = self.sealer.seal(opened, scratch)?;
        let sealed = scratch.output.as_slice().get(..length).unwrap_or_default();
        let lengths = match (self.head, self.sealer.is_blocks()) {
            // A section has one chunk, to its end.
            (Head::Segment(_) | Head::Blank, false) => None,
            (Head::Hints(_), false) => Some((unit.plain, sealed.len())),
            (_, true) => Some((sealed.len(), opened.payload)),
        };
        if let Some((first, second)) = lengths {
            let mut bytes = [0; 8];
            let (one, two) = bytes.split_at_mut(4);
            one.copy_from_slice(&int(first)?);
            two.copy_from_slice(&int(second)?);
            self.append(&bytes)?;
            if !self.sealer.is_blocks() {
                self.checksum.update(&bytes);
            }
        }
        self.checksum.update(sealed);
        self.append(sealed)
    }

    fn section_is_torn(&mut self) {
        self.at = self.section;
    }

    fn section_ended(&mut self, section: &Section) -> Result<()> {
        let Head::Segment(header) = self.head else { return Ok(()) };
        let marker = marker(header.name(), position(self.section)?, position(self.at)?);
        let mut bytes = marker.to_vec();
        bytes.extend_from_slice(&int(section.plain)?);
        self.output.write_at(&bytes, self.section)
    }
}

fn int(length: usize) -> Result<[u8; 4]> {
    i32::try_from(length).map(i32::to_be_bytes).map_err(|_too_long| too_long())
}

fn position(at: u64) -> Result<u32> {
    i32::try_from(at).map(i32::cast_unsigned).map_err(|_too_long| too_long())
}

fn too_long() -> Error {
    Error::new(ErrorKind::Unsupported, "it would become longer than 2 GiB")
        .hint("start the node, which replays the segment or delivers the hints")
}

/// Bytes of a sync marker.
const SYNC_MARKER: u64 = 8;

/// A marker and the length of the plaintext.
const SECTION_HEAD: u64 = 12;

/// Bytes that are copied at once.
const PIECE: u64 = 1 << 20;
