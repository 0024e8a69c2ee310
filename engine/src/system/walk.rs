//! From the header to the end of a segment or a hints file.

use super::blocks::{self, Block, Blocks, Order};
use super::commit_log::{Section, Sections, Step};
use super::file::{Head, OpenFile};
use super::protection::Protection;
use super::torn::Torn;
use crate::error::{Error, Result};
use crate::io::Source;

/// A walk over a file.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    source: &'a Source,
    shape: Shape<'a>,
}

#[derive(Debug)]
enum Shape<'a> {
    /// Sections, and what they hold.
    Sections(Sections<'a>, Content),
    /// Blocks of a compressor, or of Apache's encryption.
    Blocks(Blocks<'a>),
    /// Nothing of it is looked at.
    Opaque,
}

#[derive(Debug, Clone, Copy)]
enum Content {
    Plain,
    Chunk,
    Blocks,
}

/// A section of a log, or a block of hints.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    /// The section.
    pub(crate) section: Option<Section>,
    /// What is encrypted at once.
    pub(crate) units: Units<'a>,
}

/// What one part has encrypted at once: a chunk, or blocks.
#[derive(Debug)]
pub(crate) enum Units<'a> {
    None,
    One(Block),
    Blocks(Blocks<'a>),
}

/// What comes next in a file.
#[derive(Debug)]
pub(crate) enum Next<'a> {
    Part(Part<'a>),
    End(Option<Torn>),
}

impl<'a> Walk<'a> {
    /// Begins after the header.
    pub(crate) fn new(file: &'a OpenFile) -> Self {
        let (source, protection) = (&file.source, file.head.protection());
        let shape = match (&file.head, protection) {
            (Head::Segment(header), _) => {
                let content = match protection {
                    Protection::Compressor { .. } => Content::Chunk,
                    Protection::Keystore(_) => Content::Blocks,
                    Protection::Clear | Protection::Untold => Content::Plain,
                };
                let is_plain = matches!(content, Content::Plain);
                let sections = Sections::new(source, header.name(), header.length(), is_plain);
                Shape::Sections(sections, content)
            }
            (Head::Hints(_), Protection::Compressor { .. } | Protection::Keystore(_)) => {
                let order = match protection {
                    Protection::Keystore(_) => Order::StoredFirst,
                    _ => Order::PlainFirst,
                };
                let start = u64::try_from(file.head.length()).unwrap_or(u64::MAX);
                Shape::Blocks(Blocks::new(source, start..source.length(), order))
            }
            (Head::Hints(_) | Head::Blank, _) => Shape::Opaque,
        };
        Self { source, shape }
    }

    /// The next part.
    ///
    /// # Errors
    /// As [`Sections::next`] and [`Blocks::next`].
    pub(crate) fn next(&mut self) -> Result<Next<'a>> {
        match &mut self.shape {
            Shape::Opaque => Ok(Next::End(None)),
            Shape::Blocks(blocks) => Ok(match blocks.next()? {
                blocks::Step::End(torn) => Next::End(torn),
                blocks::Step::Block(block) => {
                    Next::Part(Part { section: None, units: Units::One(block) })
                }
            }),
            Shape::Sections(sections, content) => Ok(match sections.next()? {
                Step::End(torn) => Next::End(torn),
                Step::Section(section) => {
                    let units = units(self.source, &section, *content);
                    Next::Part(Part { section: Some(section), units })
                }
            }),
        }
    }
}

fn units<'a>(source: &'a Source, section: &Section, content: Content) -> Units<'a> {
    let Section { start, plain, content: from, length, .. } = *section;
    match content {
        Content::Plain => Units::None,
        Content::Chunk => Units::One(Block { start, plain, content: from, length }),
        Content::Blocks => {
            let end = from.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            Units::Blocks(Blocks::new(source, from..end, Order::StoredFirst))
        }
    }
}

impl Units<'_> {
    /// The next one.
    ///
    /// # Errors
    /// As [`Blocks::next`]; a section ends with a block.
    pub(crate) fn next(&mut self) -> Result<Option<Block>> {
        match self {
            Self::None => Ok(None),
            Self::One(block) => {
                let block = *block;
                *self = Self::None;
                Ok(Some(block))
            }
            Self::Blocks(blocks) => match blocks.next()? {
                blocks::Step::Block(block) => Ok(Some(block)),
                blocks::Step::End(None) => Ok(None),
                blocks::Step::End(Some(torn)) => {
                    Err(Error::corrupt("a block does not end in its section").offset(torn.offset))
                }
            },
        }
    }
}
