//! Blocks with two lengths before them: those of a hints file (FORMATS.md 10.2), and those of a
//! section under Apache's encryption (FORMATS.md 10.3).
//!
//! ```text
//! compressed   int32 bytes of plaintext, int32 bytes stored, stored bytes
//! encrypted    int32 bytes stored, int32 bytes that are encrypted, stored bytes
//! ```

use std::ops::Range;

use super::torn::{Torn, Why};
use crate::error::{Error, Result};
use crate::io::Source;

/// A walk over blocks.
#[derive(Debug)]
pub(crate) struct Blocks<'a> {
    source: &'a Source,
    position: u64,
    end: u64,
    order: Order,
}

/// In which order a block has its lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// A compressor's: first that of the plaintext.
    PlainFirst,
    /// Apache's encryption: first that of what is stored.
    StoredFirst,
}

/// A block that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    /// Where its lengths are.
    pub(crate) start: u64,
    /// Bytes that it declares beside those stored.
    pub(crate) plain: usize,
    /// Where its stored bytes are.
    pub(crate) content: u64,
    /// How many they are.
    pub(crate) length: usize,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Block(Block),
    /// No block follows, only what is left of one.
    End(Option<Torn>),
}

impl<'a> Blocks<'a> {
    /// The blocks of a part of a file.
    pub(crate) const fn new(source: &'a Source, part: Range<u64>, order: Order) -> Self {
        Self { source, position: part.start, end: part.end, order }
    }

    /// The next block.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) with its place, and
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub(crate) fn next(&mut self) -> Result<Step> {
        let start = self.position;
        let left = self.end.saturating_sub(start);
        let torn = |why| Ok(Step::End(Some(Torn { offset: start, bytes: left, why })));
        match left {
            0 => return Ok(Step::End(None)),
            1..HEAD => return torn(Why::Short),
            _ => {}
        }
        let mut scratch = Vec::new();
        let head = self.source.slice(start, 8, &mut scratch)?;
        let mut lengths = head.as_chunks::<4>().0.iter().map(|word| i32::from_be_bytes(*word));
        let (first, second) = (lengths.next().unwrap_or(-1), lengths.next().unwrap_or(-1));
        let (plain, stored) = match self.order {
            Order::PlainFirst => (first, second),
            Order::StoredFirst => (second, first),
        };
        if (plain, stored) == (0, 0) && self.is_zeros(start)? {
            return torn(Why::Unwritten);
        }
        let (Ok(plain), Ok(length)) = (usize::try_from(plain), usize::try_from(stored)) else {
            return Err(self.damaged("a block declares a negative length"));
        };
        if length == 0 {
            return Err(self.damaged("a block has no bytes"));
        }
        let content = start.saturating_add(HEAD);
        let end = content.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        if end > self.end {
            return torn(Why::CutOff);
        }
        self.position = end;
        Ok(Step::Block(Block { start, plain, content, length }))
    }

    /// Whether only zeros follow: a machine that lost power leaves such ends.
    fn is_zeros(&self, mut from: u64) -> Result<bool> {
        let mut scratch = Vec::new();
        while from < self.end {
            let length = self.end.saturating_sub(from).min(PIECE);
            let bytes = usize::try_from(length).unwrap_or_default();
            if self.source.slice(from, bytes, &mut scratch)?.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            from = from.saturating_add(length);
        }
        Ok(true)
    }

    fn damaged(&self, what: &'static str) -> Error {
        Error::corrupt(what).at(self.source.path()).offset(self.position)
    }
}

/// Bytes of the two lengths.
const HEAD: u64 = 8;

/// Bytes that are searched at once.
const PIECE: u64 = 1 << 20;
