//! Which node it is, of which cluster, and what its servers say of its keys.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use rekey_kmip::message::UniqueIdentifier;

use super::draft::Draft;
use super::request::EvidenceRequest;
use super::settings;
use crate::Error;
use crate::config::Node;
use crate::evidence::{Identity, KeyName, KeyUses, Member, UnknownKind};
use crate::io::{EntryKind, Storage};
use crate::keys::KmipServers;
use crate::schema::{self, Limits, Local, Schema};
use crate::upgrade::product::starting;
use crate::upgrade::session::Session;

/// What the node's own tables say.
#[derive(Debug, Default)]
pub(super) struct Who {
    pub(super) local: Option<Local>,
    pub(super) product: Option<String>,
    pub(super) ring: Option<Vec<Member>>,
}

/// Reads the node's own tables. Counts what they, and its configuration, put under keys: what of that cannot
/// be read may put anything under any key.
pub(super) fn who(
    session: &Session,
    request: &EvidenceRequest<'_>,
    draft: &mut Draft,
    notes: &mut Vec<String>,
) -> Who {
    let (storage, data_dirs, keys) = (session.storage(), session.data_dirs(), request.keys);
    let (limits, now) = (Limits::default(), SystemTime::now());
    let unread = |error: &Error, draft: &mut Draft| {
        draft.add_unknown_of(UnknownKind::Unreadable, error, None);
    };
    let rows =
        schema::encrypted_keys(storage, data_dirs, keys, limits, now).unwrap_or_else(|error| {
            unread(&error, draft);
            vec![]
        });
    settings::key_table(&rows, None, draft);
    match schema::archived_keys(storage, data_dirs, keys, limits, now) {
        Err(error) => unread(&error, draft),
        Ok(archives) => {
            for archive in archives {
                match archive.rows {
                    Err(error) => unread(&error, draft),
                    Ok(rows) => settings::key_table(&rows, archive.tag.as_deref(), draft),
                }
            }
        }
    }
    settings::configuration(request, draft);
    let schema = schema::read(storage, data_dirs, keys, limits, now).unwrap_or_else(|error| {
        unread(&error, draft);
        Schema::default()
    });
    settings::next_writes(&schema, &rows, draft);
    let local = schema.local().cloned();
    let ring = match schema::peers(storage, data_dirs, keys, limits, now) {
        // Every node has a folder for them, even if it is alone.
        Ok(peers) if peers.is_empty() && !has_peers_folder(storage, data_dirs) => {
            let note = "the nodes of the cluster are not known: there is no system.peers";
            notes.extend(local.is_some().then(|| note.to_owned()));
            None
        }
        Ok(peers) => local.as_ref().and_then(|local| {
            let own = Member {
                host_id: local.host_id.clone()?,
                address: None,
                data_center: local.data_center.clone(),
                rack: local.rack.clone(),
            };
            let others = peers.into_iter().map(|peer| Member {
                host_id: peer.host_id,
                address: Some(peer.address),
                data_center: peer.data_center,
                rack: peer.rack,
            });
            Some(std::iter::once(own).chain(others).collect())
        }),
        Err(error) => {
            notes.push(format!("the nodes of the cluster are not known: {}", error.chain()));
            None
        }
    };
    let installed = request.node.map_or(&[][..], Node::installed);
    let product = starting(installed, local.as_ref()).product;
    let product = product.map(|fact| format!("{} ({})", fact.value, fact.origin));
    Who { local, product, ring }
}

fn has_peers_folder(storage: &dyn Storage, data_dirs: &[PathBuf]) -> bool {
    let of_system = data_dirs.iter().map(|data_dir| data_dir.join("system"));
    let mut entries = of_system.flat_map(|folder| storage.list(&folder).unwrap_or_default());
    entries.any(|entry| {
        entry.kind == EntryKind::Directory
            && matches!(entry.name.split('-').next(), Some("peers" | "peers_v2"))
    })
}

impl Who {
    pub(super) fn identity(&self) -> Option<Identity> {
        let local = self.local.as_ref()?;
        Some(Identity {
            host_id: local.host_id.clone(),
            cluster: local.cluster_name.clone(),
            data_center: local.data_center.clone(),
            rack: local.rack.clone(),
            release_version: local.release_version.clone(),
        })
    }
}

/// Asks for the states of keys; a server that does not answer is a note.
pub(super) fn states(servers: &KmipServers, keys: &mut [KeyUses], notes: &mut Vec<String>) {
    let mut by_group: BTreeMap<&str, Vec<UniqueIdentifier>> = BTreeMap::new();
    for uses in keys.iter() {
        if let KeyName::Kmip { group, id } = &uses.key
            && servers.config().kmip_group(group).is_ok()
        {
            by_group.entry(group).or_default().push(UniqueIdentifier::new(id.as_str()));
        }
    }
    let mut told: BTreeMap<(String, String), String> = BTreeMap::new();
    for (group, ids) in &by_group {
        match servers.describe(group, ids) {
            Ok(objects) => {
                for object in objects {
                    let key = ((*group).to_owned(), object.id.as_str().to_owned());
                    match object.attributes.map(|attributes| attributes.state()) {
                        Ok(Some(state)) => drop(told.insert(key, state.to_string())),
                        Ok(None) => {}
                        Err(refusal) => notes.push(format!(
                            "the server tells nothing about {}/{}: {refusal}",
                            key.0, key.1
                        )),
                    }
                }
            }
            Err(error) => {
                notes.push(format!("the states of keys are not known: {}", error.chain()));
            }
        }
    }
    notes.extend(servers.take_warnings());
    for uses in keys {
        if let KeyName::Kmip { group, id } = &uses.key {
            uses.state = told.get(&(group.clone(), id.clone())).cloned();
        }
    }
}
