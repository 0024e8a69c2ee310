//! A configuration file as a tree: the one place that opens YAML.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::file::read as read_file;
use super::yaml::{self, Mapping, Node, Value, YamlError};
use crate::error::{Error, Result, ResultExt as _};

/// The names and values of one file.
pub(super) struct Document {
    pub(super) file: PathBuf,
    root: Option<Rc<Node>>,
    nothing: Mapping,
}

impl Document {
    /// Reads a file of at most [`MAX_LENGTH`] bytes. `named` says in a hint which files have names
    /// and values at their top.
    pub(super) fn read(file: &Path, named: &'static str) -> Result<Self> {
        let bytes = read_file(file, "the configuration file", MAX_LENGTH)?;
        let text = str::from_utf8(&bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
            Error::invalid(format!("line {line}: not text in UTF-8"))
                .at(file)
                .hint("save the file in UTF-8")
        })?;
        Self::parse(text, file, named)
    }

    /// Reads a text; `file` only names it in messages.
    pub(super) fn parse(text: &str, file: &Path, named: &'static str) -> Result<Self> {
        if text.len() > MAX_LENGTH {
            let what = format!("the configuration file is larger than {MAX_LENGTH} bytes");
            return Err(Error::invalid(what).at(file).hint("check the path"));
        }
        let root = yaml::parse(text).map_err(|error| not_yaml(&error)).at(file)?;
        let document = Self { file: file.to_owned(), root, nothing: Mapping::default() };
        match document.root.as_deref() {
            Some(node) if !node.is_null() && !matches!(node.value, Value::Mapping(_)) => {
                let what = format!("line {}: not a mapping of names to values", node.line);
                Err(Error::invalid(what).at(file).hint(format!("name the database's {named}")))
            }
            _ => Ok(document),
        }
    }

    /// What is at its top; nothing in an empty file.
    pub(super) fn pairs(&self) -> &Mapping {
        match self.root.as_deref().map(|node| &node.value) {
            Some(Value::Mapping(pairs)) => pairs,
            _ => &self.nothing,
        }
    }
}

fn not_yaml(error: &YamlError) -> Error {
    Error::invalid(format!("line {}: not YAML that can be read: {}", error.line, error.what))
        .hint("indent with spaces, and quote values with special characters")
}

/// The longest configuration file that is read; the database's own have some 100 KiB.
pub(super) const MAX_LENGTH: usize = 1 << 20;
