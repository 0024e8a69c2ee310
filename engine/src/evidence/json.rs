//! Evidence as a file of JSON, which comes back from other machines: foreign bytes.

use std::path::Path;

use serde::Deserialize;

use super::{Evidence, FORMAT};
use crate::{Error, ErrorKind, Result};

/// The longest report that is read, in bytes: one of a node with a million files has some hundred
/// kilobytes, since files are counted and not listed.
pub const MAX_REPORT: u64 = 64 << 20;

impl Evidence {
    /// As it is kept in a file.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`], which is a bug.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| {
            Error::new(ErrorKind::Internal, "the evidence cannot be written as JSON")
                .caused_by(error)
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads what [`Self::to_json`] has written; `path` names it in errors.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for one of another [`FORMAT`], and [`ErrorKind::Invalid`] for what is
    /// no such report, with its line.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let again = "make it again on its node: may-destroy --report FILE";
        let invalid = |error: serde_json::Error| {
            Error::invalid("not a report of may-destroy").at(path).caused_by(error).hint(again)
        };
        let Format { format } = serde_json::from_slice(bytes).map_err(invalid)?;
        if format != FORMAT {
            return Err(Error::unsupported(format!(
                "a report of format {format}, and this release reads format {FORMAT}"
            ))
            .at(path)
            .hint("use the same release on every node"));
        }
        serde_json::from_slice(bytes).map_err(invalid)
    }
}

/// The one field that every format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}
