//! What becomes of an SSTable, by what it says of itself and by the target.

use std::collections::BTreeSet;

use super::beside::page_geometry;
use super::inspect::{Facts, Shape};
use super::planned::{Action, PlannedSSTable, SkipReason};
use super::planner::Planner;
use crate::compress::Codec;
use crate::sstable::Component;
use crate::txn::Flavor;
use crate::{Error, Result};

impl Planner<'_> {
    /// What is left alone does not decide what becomes of the others.
    pub(super) fn decide(&self, sstables: &mut [PlannedSSTable], left: &mut [PlannedSSTable]) {
        let may_be_encrypted = |planned: &PlannedSSTable| {
            planned.facts.as_ref().is_some_and(|facts| facts.shape.may_be_encrypted())
        };
        let encrypted: BTreeSet<String> = sstables
            .iter()
            .filter(|planned| may_be_encrypted(planned))
            .map(|planned| planned.table.clone())
            .collect();
        for planned in sstables.iter_mut().chain(left) {
            let Some(facts) = &planned.facts else { continue };
            let expected = self.selection.names_tables()
                || encrypted.contains(&planned.table)
                || may_be_encrypted(planned);
            planned.action = self.decide_one(facts, expected);
        }
    }

    fn decide_one(&self, facts: &Facts, expected: bool) -> Action {
        match &facts.shape {
            Shape::Foreign { .. } if !expected => return Action::Skip(SkipReason::NotEncrypted),
            Shape::Foreign { why, .. } => return Action::Refuse(why.clone()),
            _ => {}
        }
        let is_encrypted = facts.shape.is_encrypted();
        if !is_encrypted && !expected {
            return Action::Skip(SkipReason::NotEncrypted);
        }
        if !is_encrypted && self.target.encryptor().is_none() {
            // From clear to clear only what was named one by one.
            if !self.selection.names_tables() {
                return Action::Skip(SkipReason::NotEncrypted);
            }
            if self.target.is_form_of(facts) {
                return Action::Skip(SkipReason::AsTarget);
            }
        }
        if let Some(why) = unknown_to(self.flavor, self.target.codec()) {
            let error = Error::unsupported(why).at(facts.data_path());
            return Action::Refuse(error.hint("choose a compressor that the node's release has"));
        }
        let is_under_key = facts.keys.iter().all(|used| Some(&used.key) == self.target.key());
        if is_encrypted && is_under_key && self.target.is_form_of(facts) {
            return Action::Skip(SkipReason::UnderTargetKey);
        }
        match self.check_geometry(facts) {
            Ok(()) => rewrite(facts),
            Err(error) => Action::Refuse(error),
        }
    }

    /// Encrypted index pages are encrypted anew in their places, which needs as many usable bytes
    /// in them as there are; and an index in clear stays in clear, where the version allows that.
    fn check_geometry(&self, facts: &Facts) -> Result<()> {
        let path = || facts.sstable.path(&Component::Partitions);
        if !facts.encrypted_components.contains(&Component::Partitions) {
            return self.check_clear_index(facts);
        }
        let longest = self.target.longest_id();
        let (Some(old), Some(new)) = (facts.shape.encryptor(), self.target.encryptor()) else {
            return Err(Error::unsupported(
                "its encrypted index would have to be laid out again in clear, which is not \
                 handled by this release",
            )
            .at(path())
            .hint("use a node-side upgrade for this table"));
        };
        page_geometry(old, longest)
            .check_same(&page_geometry(new, longest))
            .map_err(|error| Error::from(error).at(path()))
    }

    /// Products that encrypt indices read them by the options of Data.db: they cannot be encrypted
    /// for the first time without being laid out again.
    fn check_clear_index(&self, facts: &Facts) -> Result<()> {
        let is_apache =
            facts.version.products.apache_4 && self.flavor != Some(Flavor::ConvergedCore);
        if !facts.version.may_encrypt_indices
            || is_apache
            || facts.shape.is_encrypted()
            || self.target.encryptor().is_none()
        {
            return Ok(());
        }
        Err(Error::unsupported(
            "its index would have to be encrypted, too, and laid out again for that, which is not \
             handled by this release",
        )
        .at(facts.sstable.path(&Component::Partitions))
        .hint("use a node-side upgrade for this table"))
    }
}

/// The id is given out when everything else is settled.
pub(super) fn rewrite(facts: &Facts) -> Action {
    Action::Rewrite { new: facts.sstable.descriptor.clone() }
}

/// Why the product's nodes cannot read what a codec writes.
fn unknown_to(flavor: Option<Flavor>, codec: Option<Codec>) -> Option<&'static str> {
    match (codec?, flavor?) {
        (Codec::Zstd(_) | Codec::Noop | Codec::Adaptive(_), Flavor::Apache3) => {
            Some("Cassandra 3.x does not have the target's compressor")
        }
        (Codec::Adaptive(_), Flavor::Apache4 | Flavor::Dse) => {
            Some("only Converged Core has class AdaptiveCompressor")
        }
        _ => None,
    }
}
