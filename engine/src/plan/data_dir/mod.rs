//! Whether a directory is a data directory: one that is none would prove that nothing is there.
//!
//! A node's own is known by its system keyspaces. Copied and restored data has none, and neither
//! has every disk of a node with several: since Cassandra 4.0 the local ones lie on the first, or
//! where `local_system_data_file_directory` says. So a directory without them is taken when its
//! shape cannot be mistaken (its tables are `<keyspace>/<table>-<32 hex digits>`), with a warning;
//! one with other tables when it is said to be no node's, and never when it is the folder of a
//! table, of a keyspace or of a snapshot, or the parent. What else lies beside the tables is nobody's
//! live data, so nothing is rewritten there, and its keys are unknown. One without any SSTable is a disk
//! that is not mounted, unless it has folders of tables, and another directory has the node's
//! SSTables: a node makes those folders on every disk.

mod shape;
mod strays;

use std::path::{Path, PathBuf};

use crate::io::Storage;
use crate::sstable::TableDir;
use crate::{Error, Result};
use shape::Shape;
pub(crate) use strays::{DEEPEST, dangling, too_deep};
pub(super) use strays::{Search, unseen};

/// Looks whether each of some directories can be a data directory of one node; `not_a_node` if
/// somebody says that they hold copied or restored data. Gives what is doubtful. The directories
/// must be canonical.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for one that is none, with what it looks like, and
/// [`crate::ErrorKind::Io`] when one cannot be listed.
pub fn check_data_dirs(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    not_a_node: bool,
) -> Result<Vec<Error>> {
    let mut shapes = Vec::with_capacity(data_dirs.len());
    for data_dir in data_dirs {
        shapes.push((data_dir, Shape::of(storage, data_dir)?));
    }
    let has_node = shapes.iter().any(|(_, shape)| shape.has_system);
    let has_data = has_node || not_a_node && shapes.iter().any(|(_, shape)| shape.in_tables > 0);
    for (data_dir, shape) in &shapes {
        let is_bare = shape.tables > 0 && shape.in_tables == 0 && shape.elsewhere.is_empty();
        if !(is_bare && has_data) {
            judge(data_dir, shape, not_a_node)?;
        }
    }
    let doubtful = shapes.first().filter(|_| !has_node && !not_a_node);
    Ok(doubtful.map(|(data_dir, _)| without_system(data_dir)).into_iter().collect())
}

fn judge(data_dir: &Path, shape: &Shape, not_a_node: bool) -> Result<()> {
    if shape.has_system {
        return Ok(());
    }
    let found = shape.in_tables > 0 || !shape.plain.is_empty();
    if !found {
        return Err(nothing(data_dir, shape));
    }
    match shape.plain.first().filter(|_| !not_a_node) {
        None => Ok(()),
        Some(place) => Err(Error::invalid(format!(
            "it has no system keyspace, and tables that are not <keyspace>/<table>-<32 hex digits>, \
             as {}",
            place.display()
        ))
        .at(data_dir)
        .hint(
            "give the data directory of the node; if it holds copied or restored data, say so: \
             --not-a-node",
        )),
    }
}

/// What a directory looks like in which no SSTable lies where a node has them.
fn nothing(data_dir: &Path, shape: &Shape) -> Error {
    let wrong = |what: &str, hint: String| Error::invalid(what.to_owned()).at(data_dir).hint(hint);
    if let Some((above, levels, what)) = in_a_table(data_dir) {
        let place = above.display();
        let hint = format!("give the data directory: the one {levels} levels up, {place}");
        return wrong(&format!("{what}, and no data directory"), hint);
    }
    let names = |path: &Path| -> Vec<String> {
        let below = path.strip_prefix(data_dir).unwrap_or(path);
        below.iter().map(|name| name.to_string_lossy().into_owned()).collect()
    };
    let places: Vec<Vec<String>> = shape.elsewhere.iter().map(|path| names(path)).collect();
    let parent =
        |levels: usize| data_dir.ancestors().nth(levels).unwrap_or(data_dir).display().to_string();
    if places.iter().any(Vec::is_empty) {
        let what = "files of SSTables lie in it: it looks like the directory of a table, or a folder \
                    of a snapshot, and not like a data directory";
        return wrong(
            what,
            format!("give the data directory: of a table two levels up, {}", parent(2)),
        );
    }
    let is_table = |names: &Vec<String>| names.first().is_some_and(|name| is_table_name(name));
    if places.iter().any(is_table) || shape.has_tables_at_top {
        let what = "this is the directory of a keyspace, and no data directory";
        return wrong(what, format!("give the one above it, {}", parent(1)));
    }
    let deeper = places.iter().find_map(|names| {
        let at = names.iter().position(|name| is_table_name(name))?;
        let above: PathBuf = names.get(..at.checked_sub(1)?)?.iter().collect();
        (!above.as_os_str().is_empty()).then(|| data_dir.join(above))
    });
    if let Some(deeper) = deeper {
        let what = "no SSTable lies in it where a node has them, but deeper ones do: it is above a \
                    data directory";
        return wrong(what, format!("the data directory seems to be {}", deeper.display()));
    }
    let error = match (shape.elsewhere.first(), shape.is_empty, shape.tables) {
        (Some(place), ..) => wrong(
            "SSTables lie in it, but none where a node has them",
            format!("look at {}: what is it of?", place.display()),
        ),
        (None, true, _) => wrong(
            "an empty directory",
            "is the disk mounted? Give the data directory of the node".to_owned(),
        ),
        (None, false, 0) => wrong(
            "no SSTable is in it, and no table",
            "give the directory that holds keyspaces, such as /var/lib/cassandra/data; is the disk \
             mounted?"
                .to_owned(),
        ),
        (None, false, _) => wrong(
            "it has folders of tables, and no SSTable in any of them",
            "check that it is the right directory, and give all data directories of the node"
                .to_owned(),
        ),
    };
    match &shape.unreadable {
        Some(unreadable) => error.caused_by(unreadable.clone()),
        None => error,
    }
}

/// If a directory is that of a table, or lies in one: its data directory, so many levels up, and
/// what it is.
fn in_a_table(path: &Path) -> Option<(&Path, usize, String)> {
    let is_table =
        |path: &&Path| path.file_name().and_then(|n| n.to_str()).is_some_and(is_table_name);
    let table = path.ancestors().find(is_table)?;
    let depth = path.ancestors().position(|above| above == table)?;
    let inner = path.strip_prefix(table).ok()?.iter().next().and_then(|name| name.to_str());
    let what = match inner {
        None => "this is the directory of a table".to_owned(),
        Some("snapshots") => "this is a folder of snapshots of a table".to_owned(),
        Some("backups") => "this is the folder of a table's incremental backups".to_owned(),
        Some(_) => "this lies in the directory of a table".to_owned(),
    };
    Some((table.ancestors().nth(2)?, depth.saturating_add(2), what))
}

fn without_system(data_dir: &Path) -> Error {
    Error::invalid(
        "no system keyspace lies in it, so it is copied or restored data, or not all of a node's",
    )
    .at(data_dir)
    .hint("give all data directories of the node; for other data say so: --not-a-node")
}

/// Whether a name is one that a table's directory has: a keyspace's never is.
pub(super) fn is_table_name(name: &str) -> bool {
    TableDir::new(Path::new(""), "", name).table_id.is_some()
}

/// Whether a folder of a data directory may be a keyspace: it has the name of one, of letters, digits
/// and underscores. How long that may be differs by release. What is in another folder is no table
/// (`rk.bak` is somebody's copy, which no node loads), so nothing is ever rewritten there.
pub(super) fn may_be_keyspace(data_dir: &Path, name: &str) -> bool {
    let own_name = data_dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_of_table = is_archive(name) && is_table_name(own_name);
    is_word(name) && !is_of_table
}

/// Whether a folder of a keyspace may be a table. Without an id, as before 2.1, it has the name of
/// one: `t.bak` is somebody's copy, which no node loads.
pub(super) fn may_be_table(name: &str) -> bool {
    is_table_name(name) || is_word(name) && !is_archive(name)
}

/// Whether the database would take a name for a keyspace or a table.
fn is_word(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_archive(name: &str) -> bool {
    matches!(name, "snapshots" | "backups")
}

/// What a file system keeps for itself, on each of its own.
pub(super) const LOST_AND_FOUND: &str = "lost+found";

#[cfg(test)]
mod tests;
