//! Which components an SSTable must have, and what its TOC.txt says.
//!
//! A node takes the files that it finds. Of TOC.txt it wants to know one thing: whether a compressor
//! was at work, since Data.db without its CompressionInfo.db would be read as plaintext. Indices are
//! built and dropped while SSTables stay, and leave lists that name too much, too little, or
//! nothing but themselves. Seen with Apache 3.11, 4.0, 4.1 and 5.0 (`testdata/interop/components.bash`):
//!
//! ```text
//! Data.db, Statistics.db          without one of them a node reads nothing
//! BIG  Index.db
//! BTI  Partitions.db, Rows.db
//! CompressionInfo.db              likewise; since 4.0 it says so, if TOC.txt lists the file
//! Filter.db, Summary.db           it builds them again
//! Digest.crc32, CRC.db, TOC.txt   it does not miss them
//! any other                       an index is built again, or ignored
//! ```
//!
//! A Data.db beside which neither CRC.db nor CompressionInfo.db lies may be of either kind, or of pages
//! (FORMATS.md 3.5). A TOC.txt that lists CRC.db and not the other says which; without its word the
//! SSTable is refused, although a node would read it as plaintext: nobody knows what is in it.

use std::borrow::Cow;
use std::path::Path;

use crate::io::Storage;
use crate::sstable::{Component, Format, TOC_LIMIT, parse_toc};
use crate::txn::LiveSSTable;
use crate::{Error, Result};

/// Checks that everything is there that a node needs. What else is missing, or not listed, is worth a
/// warning.
///
/// # Errors
/// [`crate::ErrorKind::Corrupt`] for an SSTable that a node could not read, or whose TOC.txt is longer
/// than any, and [`crate::ErrorKind::Io`].
pub(super) fn check_components(
    storage: &dyn Storage,
    sstable: &LiveSSTable,
    warnings: &mut Vec<Error>,
) -> Result<()> {
    let needed: &[Component] = match sstable.descriptor.format {
        Format::Big => &[Component::Data, Component::Index, Component::Statistics],
        Format::Bti => {
            &[Component::Data, Component::Partitions, Component::Rows, Component::Statistics]
        }
    };
    if let Some(component) = needed.iter().find(|component| !sstable.has(component)) {
        return Err(lost(sstable, component, ""));
    }
    if !sstable.has(&Component::Digest) {
        warnings.push(
            Error::corrupt("the file is missing, so only the chunks' own checksums protect it")
                .at(sstable.path(&Component::Digest)),
        );
    }
    if !sstable.has(&Component::Toc) {
        warnings.push(
            Error::corrupt("the file is missing; the components on disk are taken")
                .at(sstable.path(&Component::Toc)),
        );
        return Ok(());
    }
    let path = sstable.path(&Component::Toc);
    let (listed, is_text) = read_toc(storage, &path)?;
    if !is_text {
        // What it says of compression may still be legible.
        if listed.contains(&Component::CompressionInfo) && !sstable.has(&Component::CompressionInfo)
        {
            return Err(lost(sstable, &Component::CompressionInfo, ", but TOC.txt lists it"));
        }
        warnings.push(
            Error::corrupt("it is not text; the components on disk are taken")
                .at(path)
                .hint("a run rewrites it; some nodes do not open the SSTable before"),
        );
        return Ok(());
    }
    for component in listed.iter().filter(|component| !sstable.has(component)) {
        warnings.push(match component {
            Component::CompressionInfo => {
                return Err(lost(sstable, component, ", but TOC.txt lists it"));
            }
            _ if storage.identity(&sstable.path(component))?.is_some() => {
                return Err(lost(sstable, component, ": what lies there is no file, or a link to nothing"));
            }
            // That has been said.
            Component::Digest => continue,
            // That is.
            Component::Crc if !sstable.has(&Component::CompressionInfo) => continue,
            _ => Error::corrupt(
                "TOC.txt lists the file, and it is missing: the SSTable is whole without it, and is \
                 no longer said to have it",
            )
            .at(sstable.path(component))
            .hint(hint_of(component)),
        });
    }
    let unlisted: Vec<&str> = sstable
        .components
        .iter()
        .filter(|component| !listed.contains(component))
        .map(Component::name)
        .collect();
    if !unlisted.is_empty() {
        warnings.push(
            Error::corrupt(format!(
                "it does not list {}: as a node does, the run goes by what is there",
                unlisted.join(", ")
            ))
            .at(sstable.path(&Component::Toc)),
        );
    }
    Ok(())
}

/// Whether an SSTable without CompressionInfo.db is said by its TOC.txt to be uncompressed.
pub(super) fn is_uncompressed_by_toc(storage: &dyn Storage, sstable: &LiveSSTable) -> Result<bool> {
    if !sstable.has(&Component::Toc) {
        return Ok(false);
    }
    let (listed, is_text) = read_toc(storage, &sstable.path(&Component::Toc))?;
    Ok(is_text && listed.contains(&Component::Crc) && !listed.contains(&Component::CompressionInfo))
}

/// What it lists, and whether it is text as a whole.
fn read_toc(storage: &dyn Storage, path: &Path) -> Result<(Vec<Component>, bool)> {
    let bytes = storage.read(path, TOC_LIMIT)?;
    let text = String::from_utf8_lossy(&bytes);
    let is_text = matches!(text, Cow::Borrowed(_)) && !text.contains('\0');
    let mut listed = Vec::new();
    for component in parse_toc(&text) {
        // Lines may be repeated: an index that is built again appends its own once more.
        if !listed.contains(&component) {
            listed.push(component);
        }
    }
    Ok((listed, is_text))
}

fn lost(sstable: &LiveSSTable, component: &Component, why: &str) -> Error {
    Error::corrupt(format!("the file is missing{why}"))
        .at(sstable.path(component))
        .hint("restore it from a backup or a snapshot, or scrub the SSTable on the node")
}

const fn hint_of(component: &Component) -> &'static str {
    match component {
        Component::Filter | Component::Summary => "the node builds it again when it starts",
        Component::Data
        | Component::CompressionInfo
        | Component::Index
        | Component::Partitions
        | Component::Rows
        | Component::Statistics
        | Component::Digest
        | Component::Toc
        | Component::Crc
        | Component::Other(_) => {
            "if it is of an index that was dropped, nothing is to be done; if the index is in use, \
             rebuild it on the node (nodetool rebuild_index)"
        }
    }
}
