//! What becomes of an SSTable, by what it says of itself and by the target.

use std::collections::BTreeSet;

use super::action::SkipReason;
use super::beside::page_geometry;
use super::discover::Selection;
use super::draft::{Decided, Draft, Inspected, Outcome};
use super::facts::{Facts, Shape};
use super::target::Target;
use crate::compress::Codec;
use crate::sstable::Component;
use crate::txn::Flavor;
use crate::{Error, Result};

/// What decides, beside what an SSTable says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) selection: &'a Selection,
    pub(super) target: &'a Target,
    /// The product, if the operator says it.
    pub(super) flavor: Option<Flavor>,
}

impl Rules<'_> {
    /// Decides on those of the selection, and on what was not asked for: what is left alone does not
    /// decide what becomes of the others.
    pub(super) fn decide(
        &self,
        sstables: Vec<Inspected>,
        left: Vec<Inspected>,
    ) -> (Vec<Decided>, Vec<Decided>) {
        let encrypted: BTreeSet<String> = sstables
            .iter()
            .filter(|inspected| may_be_encrypted(inspected))
            .map(|inspected| inspected.subject.table.clone())
            .collect();
        let all = |list: Vec<Inspected>| {
            list.into_iter().map(|inspected| self.decide_one(inspected, &encrypted)).collect()
        };
        (all(sstables), all(left))
    }

    fn decide_one(&self, inspected: Inspected, encrypted: &BTreeSet<String>) -> Decided {
        let expected = self.selection.names_tables()
            || encrypted.contains(&inspected.subject.table)
            || may_be_encrypted(&inspected);
        let Inspected { subject, facts } = inspected;
        let outcome = match facts {
            Ok(facts) => match self.judge(&facts, expected) {
                Ok(None) => Outcome::Rewrite(facts, ()),
                Ok(Some(reason)) => Outcome::Skip(facts, reason),
                Err(error) => Outcome::Refuse(Some(facts), error),
            },
            Err(error) => Outcome::Refuse(None, error),
        };
        Draft { subject, outcome }
    }

    /// Why it is left as it is, or nothing if it is to be rewritten.
    ///
    /// # Errors
    /// Why it cannot be.
    fn judge(&self, facts: &Facts, expected: bool) -> Result<Option<SkipReason>> {
        match &facts.shape {
            Shape::Foreign { .. } if !expected => return Ok(Some(SkipReason::NotEncrypted)),
            Shape::Foreign { why, .. } => return Err(why.clone()),
            Shape::Uncompressed | Shape::Chunked { .. } => {}
        }
        let is_encrypted = facts.shape.is_encrypted();
        if !is_encrypted && !expected {
            return Ok(Some(SkipReason::NotEncrypted));
        }
        if !is_encrypted && self.target.encryptor().is_none() {
            // From clear to clear only what was named one by one.
            if !self.selection.names_tables() {
                return Ok(Some(SkipReason::NotEncrypted));
            }
            if self.target.is_form_of(facts) {
                return Ok(Some(SkipReason::AsTarget));
            }
        }
        if let Some(why) = unknown_to(self.flavor, self.target.codec()) {
            let error = Error::unsupported(why).at(facts.data_path());
            return Err(error.hint("choose a compressor that the node's release has"));
        }
        let is_under_key = facts.keys.iter().all(|used| Some(&used.key) == self.target.key());
        if is_encrypted && is_under_key && self.target.is_form_of(facts) {
            return Ok(Some(SkipReason::UnderTargetKey));
        }
        self.check_geometry(facts).map(|()| None)
    }

    /// Encrypted index pages are re-encrypted in their places, which needs as many usable bytes
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

fn may_be_encrypted(inspected: &Inspected) -> bool {
    inspected.facts.as_ref().is_ok_and(|facts| facts.shape.may_be_encrypted())
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
        (Codec::Adaptive(_), Flavor::ConvergedCore)
        | (Codec::Zstd(_) | Codec::Noop, Flavor::Apache4 | Flavor::ConvergedCore | Flavor::Dse)
        | (Codec::Deflate | Codec::Lz4(_) | Codec::Snappy, _) => None,
    }
}
