//! SSTables: under which keys they are, and what of them is not encrypted.

use std::time::SystemTime;

use super::draft::{Draft, Item};
use super::request::EvidenceRequest;
use crate::crypto::{Mode, Weakness};
use crate::evidence::{FindingKind, KeyName, Place, UnknownKind};
use crate::io::FileStat;
use crate::plan::{self, Archives, Facts, KeyCensus, Selection};
use crate::sstable::Component;
use crate::upgrade::census::look;
use crate::upgrade::session::Session;
use crate::{Error, Result};

/// What was seen of the SSTables as a whole.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) census: KeyCensus,
    /// When the newest live SSTable was written that is encrypted, if there is one.
    pub(super) newest: Option<SystemTime>,
    /// Whether there are some that no node of Apache writes.
    pub(super) is_of_dse_or_core: bool,
}

/// Counts all SSTables, those of snapshots and backups included; or some.
///
/// # Errors
/// As [`crate::upgrade::census()`].
pub(super) fn count(
    session: &Session,
    request: &EvidenceRequest<'_>,
    draft: &mut Draft,
) -> Result<Tables> {
    let (mut newest, mut is_of_dse_or_core, all) = (None, false, Selection::default());
    let (selection, archives) = request.only.unwrap_or((&all, Archives::ALL));
    let tell = &mut |place: &plan::Place, table: &str, facts: &Facts| {
        let modified = stat_of(facts, &Component::Data).map(|stat| stat.modified);
        let products = facts.version.products;
        is_of_dse_or_core |= !products.apache_3 && !products.apache_4;
        if facts.shape.is_encrypted() && *place == plan::Place::Live {
            newest = newest.into_iter().chain(modified).max();
        }
        add(draft, (place, table), facts);
    };
    let census = look(session, selection, archives, request.threads, tell)?;
    census.unknown.iter().for_each(|error| draft.add_unknown(error));
    Ok(Tables { census, newest, is_of_dse_or_core })
}

fn add(draft: &mut Draft, (place, table): (&plan::Place, &str), facts: &Facts) {
    let data = facts.data_path();
    let modified = stat_of(facts, &Component::Data).map(|stat| stat.modified);
    for used in &facts.keys {
        let item = Item {
            place: of(place),
            tag: place.tag(),
            table: Some(table),
            path: data.parent(),
            bytes: used.bytes,
            chunks: used.chunks,
            modified,
        };
        draft.add_use(&KeyName::from(&used.key), item);
    }
    if table.starts_with("system_traces.") {
        let what =
            "traces have queries with their values; TRUNCATE these tables if nobody needs them";
        draft.add_finding(FindingKind::Traces, what.to_owned(), (&data, facts.data_bytes));
    }
    if !facts.shape.is_encrypted() {
        return;
    }
    weakness(draft, facts);
    if facts.clear_chunks > 0 {
        let what = format!(
            "chunks of {table} are in clear, since they hardly got smaller (min_compress_ratio)"
        );
        draft.add_finding(FindingKind::ClearChunks, what, (&data, 0));
    }
    let in_clear = |component: &Component| !facts.encrypted_components.contains(component);
    let index = stat_of(facts, &Component::Index).filter(|_| in_clear(&Component::Index));
    if let Some(stat) = index {
        let what =
            format!("the indices of {table} have its partition keys: the format BIG encrypts none");
        draft.add_finding(FindingKind::ClearIndex, what, (&data, stat.length));
    }
    for (component, stat) in &facts.files {
        if component.is_dse_index() {
            let error = Error::unsupported(
                "an index of DSE 6.8 that may be encrypted, and does not say under which key",
            )
            .at(facts.sstable.path(component))
            .hint(
                "re-encrypt its SSTable, which leaves the index out, and start the node: it builds \
                 the index again",
            );
            draft.add_unknown_of(UnknownKind::DseIndex, &error, Some(stat.modified));
        } else if component.name().starts_with("SAI+") {
            let what =
                format!("the storage-attached indices of {table} have values of its columns");
            draft.add_finding(FindingKind::ClearTerms, what, (&data, stat.length));
        }
    }
}

fn weakness(draft: &mut Draft, facts: &Facts) {
    let Some(options) = facts.shape.encryptor() else { return };
    let (transformation, strength) = (options.transformation(), options.strength());
    let Some(weakness) = Weakness::of(transformation, strength) else { return };
    let kind = match transformation.mode() {
        Mode::Ecb => FindingKind::Ecb,
        _ => FindingKind::LegacyCipher,
    };
    let what = format!("{}, {strength} bits: {weakness}", transformation.text());
    draft.add_finding(kind, what, (&facts.data_path(), facts.data_bytes));
}

const fn of(place: &plan::Place) -> Place {
    match place {
        plan::Place::Live => Place::Live,
        plan::Place::Snapshot(_) => Place::Snapshot,
        plan::Place::Backup => Place::Backup,
    }
}

fn stat_of<'a>(facts: &'a Facts, of: &Component) -> Option<&'a FileStat> {
    facts.files.iter().find(|(component, _)| component == of).map(|(_, stat)| stat)
}
