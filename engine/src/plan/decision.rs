//! What becomes of an SSTable, by what it says of itself and by the target.

use std::collections::BTreeSet;

use super::action::SkipReason;
use super::beside_fate::IndexFate;
use super::discover::Selection;
use super::draft::{Decided, Draft, Inspected, Looked, Outcome, Work};
use super::facts::{Facts, Shape};
use super::target::Target;
use super::targets::Aim;
use crate::compress::Codec;
use crate::keys::KeyTable;
use crate::options::{EncryptorOptions, ProviderOptions};
use crate::sstable::Component;
use crate::trie::LEAST_USABLE;
use crate::txn::Flavor;
use crate::{Error, Result};

/// What decides, beside what an SSTable says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) selection: &'a Selection,
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
        let Inspected { subject, looked } = inspected;
        let outcome = match looked {
            Ok(looked) => self.judge(looked, expected),
            Err(error) => Outcome::Refuse(None, error),
        };
        let is_circular =
            matches!(&outcome, Outcome::Rewrite(work, ()) if is_replicated(&work.target));
        match is_circular && holds_keys(&subject.table) {
            true => Draft { subject, outcome }.refuse(circular()),
            false => Draft { subject, outcome },
        }
    }

    fn judge(&self, Looked { facts, aim }: Looked, expected: bool) -> Outcome<()> {
        let target = match aim {
            Aim::Target(target) => target,
            Aim::InClear(_) if !facts.shape.may_be_encrypted() => {
                return Outcome::Skip(facts, SkipReason::NotEncrypted);
            }
            Aim::InClear(error) | Aim::Unknown(error) => {
                let error = error.at(facts.data_path());
                return Outcome::Refuse(Some(facts), error);
            }
        };
        match self.reason_to_skip(&facts, &target, expected) {
            Ok(None) => Outcome::Rewrite(Work { facts, target }, ()),
            Ok(Some(SkipReason::UnderTargetKey)) => Outcome::Under(Work { facts, target }),
            Ok(Some(reason)) => Outcome::Skip(facts, reason),
            Err(error) => Outcome::Refuse(Some(facts), error),
        }
    }

    /// Why it is left as it is, or nothing if it is to be rewritten.
    ///
    /// # Errors
    /// Why it cannot be.
    fn reason_to_skip(
        &self,
        facts: &Facts,
        target: &Target,
        expected: bool,
    ) -> Result<Option<SkipReason>> {
        match &facts.shape {
            Shape::Foreign { .. } if !expected => return Ok(Some(SkipReason::NotEncrypted)),
            Shape::Foreign { why, .. } => return Err(why.clone()),
            Shape::Uncompressed | Shape::Chunked { .. } => {}
        }
        let is_encrypted = facts.shape.is_encrypted();
        if !is_encrypted && !expected {
            return Ok(Some(SkipReason::NotEncrypted));
        }
        if !is_encrypted && target.encryptor().is_none() {
            // From clear to clear only what was named one by one.
            if !self.selection.names_tables() {
                return Ok(Some(SkipReason::NotEncrypted));
            }
            if facts.has_form_of(target) {
                return Ok(Some(SkipReason::AsTarget));
            }
        }
        if let Some(why) = unknown_to(self.flavor, target.codec()) {
            let error = Error::unsupported(why).at(facts.data_path());
            return Err(error.hint("choose a compressor that the node's release has"));
        }
        if is_encrypted && facts.meets(target) {
            return Ok(Some(SkipReason::UnderTargetKey));
        }
        check_geometry(facts, target).map(|()| None)
    }
}

/// Refuses pages that do not hold every node of an index: very long key ids leave so little of them.
fn check_geometry(facts: &Facts, target: &Target) -> Result<()> {
    match facts.index_fate(target) {
        IndexFate::LaidOut { new, .. } if new < LEAST_USABLE => Err(Error::unsupported(format!(
            "the pages of its index would have {new} usable bytes, and need {LEAST_USABLE} to hold \
             every node"
        ))
        .at(facts.sstable.path(&Component::Partitions))
        .hint("check --max-key-id-length; no node can use so long a limit")),
        IndexFate::Kept | IndexFate::InPlace | IndexFate::LaidOut { .. } => Ok(()),
    }
}

fn is_replicated(target: &Target) -> bool {
    let provider = target.encryptor().map(EncryptorOptions::provider);
    matches!(provider, Some(ProviderOptions::Replicated { .. }))
}

/// Whether it is a table of the replicated provider's keys.
fn holds_keys(table: &str) -> bool {
    KeyTable::ALL.iter().any(|of| table == format!("{}.encrypted_keys", of.keyspace()))
}

fn circular() -> Error {
    Error::invalid("the key of this table would lie in the table itself, and nobody could read it")
        .hint("name another key provider for it, or other tables")
}

fn may_be_encrypted(inspected: &Inspected) -> bool {
    inspected.looked.as_ref().is_ok_and(|looked| looked.facts.shape.may_be_encrypted())
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
