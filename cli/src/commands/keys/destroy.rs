//! `keys destroy`: only what nothing is under any more.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

use rekey_engine::Result;
use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::keys::{KeyId, KeyRef, KmipServers};
use rekey_engine::plan::{KeyCensus, Selection};
use rekey_engine::upgrade::{self, Archives, Session};
use rekey_kmip::message::UniqueIdentifier;

use crate::args::DestroyArgs;
use crate::exit_code::{self, Code};
use crate::ui::Style;

pub(super) fn run(args: &DestroyArgs) -> Result<Code> {
    let style = Style::new(args.group.json);
    let servers = args.group.servers()?;
    let (id, group) = (&args.key.id, &args.group.group);
    let key = KeyRef::Kmip { group: group.clone(), id: KeyId::new(id.as_str())? };
    if !args.data_dirs.is_empty() {
        let census = look(style, &args.data_dirs)?;
        let mut in_use = style.in_use(&key, &census, args.force);
        for other in other_names(&servers, group, id, &census) {
            in_use |= style.in_use(other, &census, args.force);
        }
        if in_use && !args.force {
            return Ok(exit_code::IN_USE);
        }
    }
    for note in beside_sstables(&servers, group) {
        style.note(&note);
    }
    args.key.confirm(
        style,
        &format!(
            "Key {} will be destroyed. Whatever is still under it, on any node, in any snapshot \
             or backup, is lost for good.",
            id.escape_debug()
        ),
    )?;
    let unique = UniqueIdentifier::new(id.as_str());
    servers.with(group, |client| client.destroy(&unique))?;
    style.notes(servers.warnings());
    style.done("destroyed", group, id, "");
    Ok(exit_code::DONE)
}

/// Everything below the data directories, snapshots and backups included.
fn look(style: Style, data_dirs: &[PathBuf]) -> Result<KeyCensus> {
    let session = Session::open(Box::new(LocalStorage), data_dirs, LeaseMode::Shared, true)?;
    style.holders(&session);
    let threads = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    upgrade::census(&session, &Selection::default(), Archives::ALL, threads)
}

/// Keys of the same id in other groups that may be this very key: SSTables name a group and not a
/// server, and two groups may have a server in common. Of a group that the configuration does not
/// know nobody can tell.
fn other_names<'a>(
    servers: &KmipServers,
    group: &str,
    id: &str,
    census: &'a KeyCensus,
) -> Vec<&'a KeyRef> {
    let config = servers.config();
    let hosts = |name: &str| config.kmip_group(name).map(|group| group.hosts.as_slice());
    let own = hosts(group).unwrap_or_default();
    let may_be_the_same = |name: &str| {
        name != group && hosts(name).map_or(true, |hosts| hosts.iter().any(|h| own.contains(h)))
    };
    let keys = census.keys.keys();
    keys.filter(|key| match key {
        KeyRef::Kmip { group, id: other } => other.as_str() == id && may_be_the_same(group),
        _ => false,
    })
    .collect()
}

/// What a census of SSTables cannot see.
fn beside_sstables(servers: &KmipServers, group: &str) -> Vec<String> {
    let mut notes = vec![
        "a census reads the names of keys in chunk headers, and the database may have written the \
         wrong name into some (verify finds those); other nodes' data and copies elsewhere are \
         not looked at"
            .to_owned(),
    ];
    let system = servers.config().system_info_encryption();
    if system.enabled && system.uses_kmip() && system.kmip_host.as_deref() == Some(group) {
        notes.push(format!(
            "system_info_encryption uses group '{group}': commit log, hints and saved caches may \
             be under this key; drain the node, and let hints be delivered, first"
        ));
    }
    notes
}
