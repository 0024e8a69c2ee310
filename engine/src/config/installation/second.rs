//! The second file of DSE and HCD: where it is, seen from `cassandra.yaml`.

use std::path::{Path, PathBuf};

use super::super::fact::{Fact, Origin};
use super::{is_there, resolved};
use crate::error::{Error, Result};

/// Its names.
pub(super) const NAMES: [&str; 2] = ["hcd.yaml", "dse.yaml"];

/// The second file of the installation with this `cassandra.yaml`, if it has one.
pub(super) fn of(cassandra_yaml: &Path) -> Result<Option<Fact<PathBuf>>> {
    let mut found: Vec<PathBuf> = Vec::new();
    for file in [cassandra_yaml.to_owned(), resolved(cassandra_yaml)] {
        let Some(folder) = file.parent() else { continue };
        for place in places(folder) {
            let is_known = found.iter().any(|known| resolved(known) == resolved(&place));
            if !is_known && is_there(&place)? {
                found.push(place);
            }
        }
    }
    match found.as_slice() {
        [_, _, ..] => {
            let names: Vec<_> = found.iter().map(|file| file.display().to_string()).collect();
            Err(Error::invalid(format!("files of two products are here: {}", names.join(", ")))
                .at(cassandra_yaml)
                .hint("say which one the node reads: --config FILE"))
        }
        _ => {
            let origin = || Origin::rule("with the configuration");
            Ok(found.into_iter().next().map(|file| Fact::new(file, origin())))
        }
    }
}

/// Beside `cassandra.yaml` (a pod); above it (packages); beside its branch (tarballs).
fn places(folder: &Path) -> Vec<PathBuf> {
    let mut places: Vec<_> = NAMES.iter().map(|name| folder.join(name)).collect();
    let above = folder.parent();
    if let Some(above) = above
        && (above.ends_with("hcd") || above.ends_with("dse"))
        && folder.ends_with("cassandra")
    {
        places.extend(NAMES.iter().map(|name| above.join(name)));
    }
    if folder.ends_with("resources/cassandra/conf")
        && let Some(resources) = above.and_then(Path::parent)
    {
        places.push(resources.join("hcd/conf/hcd.yaml"));
        places.push(resources.join("dse/conf/dse.yaml"));
    }
    places
}
