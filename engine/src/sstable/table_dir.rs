//! The directory of one table or of one of its secondary indices (FORMATS.md 1.5).

use std::fmt;
use std::path::{Path, PathBuf};

/// A directory that holds SSTables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableDir {
    /// Keyspace name.
    pub keyspace: String,
    /// Table name.
    pub table: String,
    /// The 32 hex digits after the table's name; a directory from before 2.1 has none.
    pub table_id: Option<String>,
    /// The index whose own SSTables these are.
    pub index: Option<String>,
    /// The directory.
    pub path: PathBuf,
    /// The data directory that it is in, canonical.
    pub data_dir: PathBuf,
}

impl TableDir {
    /// Parses the name of a table directory.
    #[must_use]
    pub fn new(data_dir: &Path, keyspace: &str, directory: &str) -> Self {
        let (table, table_id) = match directory.rsplit_once('-') {
            Some((table, id)) if id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()) => {
                (table, Some(id.to_owned()))
            }
            _ => (directory, None),
        };
        Self {
            keyspace: keyspace.to_owned(),
            table: table.to_owned(),
            table_id,
            index: None,
            path: data_dir.join(keyspace).join(directory),
            data_dir: data_dir.to_owned(),
        }
    }

    /// The folder of one of its secondary indices.
    #[must_use]
    pub fn index(&self, name: &str) -> Self {
        Self {
            index: Some(name.to_owned()),
            path: self.path.join(format!(".{name}")),
            ..self.clone()
        }
    }

    /// What is the same in every data directory of the table: keyspace, table, id, index.
    #[must_use]
    pub fn identity(&self) -> (String, String, Option<String>, Option<String>) {
        (self.keyspace.clone(), self.table.clone(), self.table_id.clone(), self.index.clone())
    }
}

/// `keyspace.table`, and `keyspace.table.index` as the database names index tables.
impl fmt::Display for TableDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.keyspace, self.table)?;
        self.index.as_ref().map_or(Ok(()), |index| write!(f, ".{index}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_and_index_folders_are_below() {
        let data = Path::new("/data");
        let table = TableDir::new(data, "rk", "t-5ab1e000000011f0800000000000000a");
        assert_eq!(table.to_string(), "rk.t");
        assert_eq!(table.table_id.as_deref(), Some("5ab1e000000011f0800000000000000a"));
        let index = table.index("by_n");
        assert_eq!(index.to_string(), "rk.t.by_n");
        assert_eq!(index.path, Path::new("/data/rk/t-5ab1e000000011f0800000000000000a/.by_n"));
        assert_eq!(TableDir::new(data, "ks", "old").table_id, None);
        assert_eq!(TableDir::new(data, "ks", "with-dash").table, "with-dash");
    }
}
