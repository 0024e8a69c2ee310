//! `schema`: what the node's own tables say of all others.

use std::path::Path;
use std::time::SystemTime;

use super::session::Session;
use crate::Result;
use crate::keys::KeySources;
use crate::schema::{self, Limits, Schema};

/// Reads the schema below the data directories; an empty one if there is none.
///
/// # Errors
/// As [`schema::read`].
pub fn schema(session: &Session, sources: &KeySources) -> Result<Schema> {
    let (storage, data_dirs) = (session.storage(), session.data_dirs());
    schema::read(storage, data_dirs, sources, Limits::default(), SystemTime::now())
}

/// Reads the schema from a file of CQL, and what the node says of itself from the data directories, if it
/// says anything that can be read.
///
/// # Errors
/// As [`Schema::read_cql`].
pub fn schema_of_file(session: &Session, sources: &KeySources, file: &Path) -> Result<Schema> {
    let (storage, data_dirs) = (session.storage(), session.data_dirs());
    let local = schema::local(storage, data_dirs, sources, Limits::default(), SystemTime::now());
    Ok(Schema::read_cql(file)?.with_local(local.ok().flatten()))
}
