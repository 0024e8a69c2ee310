//! What an operator should know of the node's settings before its data is re-encrypted.

use super::Node;
use crate::config::{Origin, Product};
use crate::error::Error;

impl Node {
    /// Warnings: settings by which the node writes in clear or passes over what it cannot decrypt, and
    /// what cannot be told.
    #[must_use]
    pub fn warnings(&self) -> Vec<Error> {
        let untold = self.entries.iter().filter_map(|entry| entry.values.as_ref().err().cloned());
        untold.chain(self.flushes()).chain(self.failures()).collect()
    }

    /// The compressor of a flush is not always that of the table, and then the Encryptor is left out.
    fn flushes(&self) -> Option<Error> {
        let set = self.entry("flush_compression")?.value();
        let hint = "set flush_compression: table in cassandra.yaml, and start the node with it";
        let at = |error: Error| match set.map(|fact| &fact.origin) {
            Some(origin) => place(error, origin),
            None => error.at(&self.installation.cassandra_yaml.value),
        };
        let what = match set.map(|fact| fact.value.as_str()) {
            Some("none") => {
                "flush_compression: none: the node flushes in clear, also encrypted tables"
            }
            Some("fast") => {
                "flush_compression: fast: the node may flush in clear, also encrypted tables: it takes \
                 LZ4 where a table's compressor does not count as a fast one"
            }
            None if self.has_fast_flushes() => {
                "flush_compression is not set, which is fast: the node may flush in clear, also \
                 encrypted tables: it takes LZ4 where a table's compressor does not count as a fast one"
            }
            _ => return None,
        };
        Some(at(Error::invalid(what)).hint(hint))
    }

    /// Cassandra has had this default since 4.0.
    fn has_fast_flushes(&self) -> bool {
        let product = self.installed.first().map(|fact| &fact.value);
        let Some(installed) = product.filter(|installed| installed.product == Product::Apache)
        else {
            return false;
        };
        installed.major().is_some_and(|major| major >= 4)
    }

    fn failures(&self) -> Option<Error> {
        let policy = self.entry("disk_failure_policy")?.value()?;
        if !matches!(policy.value.as_str(), "ignore" | "best_effort") {
            return None;
        }
        let what = format!(
            "disk_failure_policy: {}: a node that cannot decrypt an SSTable passes over it, and only \
             its log says so",
            policy.value
        );
        let hint = "look into system.log after the start, or set the policy to stop until then";
        Some(place(Error::invalid(what), &policy.origin).hint(hint))
    }
}

fn place(error: Error, origin: &Origin) -> Error {
    match origin {
        Origin::Line { file, .. } | Origin::Word { file, .. } => error.at(file),
        _ => error,
    }
}
