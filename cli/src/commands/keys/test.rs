//! `keys test`: the connection doctor.
//!
//! Each host of a group is tried for itself, since the database uses the first that answers and an
//! operator wants to know about the others, too.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::keys::kmip::{GroupClient, connect};
use rekey_engine::keys::{KeyId, KeyRef, SecretKey};
use rekey_engine::plan::Selection;
use rekey_engine::upgrade::{self, Archives, Said, Session};
use rekey_engine::{Error, Result};
use rekey_kmip::client::{Client, Listing, Probe, Rest};
use rekey_kmip::message::{ObjectType, Operation, ServerFeatures, State, UniqueIdentifier};
use rekey_kmip::transport::Certificate;

use super::{no_groups, second_file};
use crate::args::TestArgs;
use crate::exit_code::{self, Code};
use crate::ui::{self, Check, Output};

pub(super) fn run(args: &TestArgs) -> Result<Code> {
    let output = Output::new(args.json);
    let path = second_file(args.config.as_deref())?;
    let config = args.servers.config(path)?;
    output.notes(config.warnings().to_vec());
    let groups: Vec<&str> = match &args.group {
        Some(name) => vec![config.kmip_group(name)?.name.as_str()],
        None => config.kmip_groups().iter().map(|group| group.name.as_str()).collect(),
    };
    if groups.is_empty() {
        return Err(no_groups(path));
    }
    let (in_use, unknown) = keys_in_use(output, args)?;
    let mut code = if unknown == 0 { exit_code::DONE } else { exit_code::SOME_FAILED };
    let mut all = Vec::new();
    for group in groups {
        let checks = match connect(&config, group) {
            Err(error) => {
                code = exit_code::of_error(&error);
                vec![Check::failed("", "configuration", &error)]
            }
            Ok(GroupClient { mut client, warnings, .. }) => {
                output.notes(warnings);
                group_checks(group, &mut client, in_use.get(group).map_or(&[], Vec::as_slice))
            }
        };
        let is_fine = code == exit_code::DONE || code == exit_code::SOME_FAILED;
        if is_fine && checks.iter().any(Check::is_failure) {
            code = exit_code::KEY_UNAVAILABLE;
        }
        output.checks(group, &checks);
        all.extend(checks);
    }
    for group in in_use.keys().filter(|_| args.group.is_none()) {
        if let Err(error) = config.kmip_group(group) {
            let check = Check::failed("", "configuration", &error);
            output.checks(group, std::slice::from_ref(&check));
            all.push(check);
            code = exit_code::of_error(&error);
        }
    }
    if unknown > 0 {
        output.note(&format!(
            "{} could not be looked at (census says which): their keys were not tried",
            ui::sstables(unknown)
        ));
    }
    output.checked(&all);
    Ok(code)
}

/// The keys that the SSTables name, by group; and how many could not be looked at.
fn keys_in_use(output: Output, args: &TestArgs) -> Result<(InUse, usize)> {
    if args.data_dirs.is_empty() {
        return Ok((InUse::new(), 0));
    }
    let storage = Box::new(LocalStorage);
    let said = Said { not_a_node: args.not_a_node, ..Said::default() };
    let session = Session::open_as_told(storage, &args.data_dirs, LeaseMode::Shared, true, said)?;
    output.place(&session);
    let threads = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let census = upgrade::census(&session, &Selection::default(), Archives::ALL, threads)?;
    let mut in_use = InUse::new();
    for key in census.keys.into_keys() {
        if let KeyRef::Kmip { group, id } = key {
            in_use.entry(group).or_default().push(id);
        }
    }
    Ok((in_use, census.unknown.len()))
}

/// Each host on its own: the node, and a run, may come to any of them, and need all of it there.
fn group_checks(group: &str, client: &mut Client, in_use: &[KeyId]) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut first_seen = BTreeMap::new();
    for host in client.hosts().to_vec() {
        let name = host.to_string();
        match client.probe(&host) {
            Err(failed) => {
                let failed = rekey_kmip::Error::AllHostsFailed(vec![failed]);
                let error = GroupClient::failed(group, failed);
                checks.push(Check::failed(&name, "connection", &error));
            }
            Ok(probe) => {
                checks.extend(host_checks(&name, &probe));
                client.keep_to(&host);
                checks.push(locate(client, &name));
                checks
                    .extend(in_use.iter().map(|id| key_in_use(client, &name, id, &mut first_seen)));
            }
        }
    }
    checks
}

fn host_checks(host: &str, probe: &Probe) -> Vec<Check> {
    let facts = &probe.connection;
    let ok = |step, text: String| Check::passed(host, step, text);
    let mut checks = vec![
        ok("connection", facts.address.to_string()),
        ok("TLS", format!("{} {}", facts.protocol, facts.cipher_suite)),
    ];
    if let Some((leaf, issuers)) = facts.server_chain.split_first() {
        checks.push(ok("server certificate", described(leaf, issuers, facts.pinned)));
    }
    checks.push(match facts.asked_for_client_certificate {
        true => ok("client certificate", "asked for, and accepted".to_owned()),
        false => Check::warning(
            host,
            "client certificate",
            "the server asks for none: whoever reaches its port may use its keys",
        ),
    });
    checks.push(ok("KMIP version", probe.version.to_string()));
    checks.push(match &probe.features {
        Ok(features) => query(host, features),
        Err(refusal) => Check::failed(
            host,
            "Query",
            &Error::key_unavailable(format!("the server refuses Query: {refusal}")).hint(
                "allow the client's certificate to Query; the database does not start without",
            ),
        ),
    });
    checks.extend(probe.clock_skew.map(|skew| clock(host, skew)));
    checks
}

fn described(leaf: &Certificate, issuers: &[Certificate], pinned: bool) -> String {
    let name = leaf.common_name.as_deref().unwrap_or("no common name");
    let names = match leaf.names.as_slice() {
        [] => "no alternative names".to_owned(),
        names => names.join(", "),
    };
    let issuer = match (pinned, leaf.issuer.as_deref()) {
        (true, _) => "itself in the truststore".to_owned(),
        (false, Some(issuer)) => format!("issued by {issuer}"),
        (false, None) => "issuer without a name".to_owned(),
    };
    format!(
        "{name} ({names}), {issuer}, valid until {}; issuers sent: {}",
        leaf.not_after,
        issuers.len()
    )
}

/// The database starts only with a server whose Query lists all of these (KMIP.md 1.1).
fn query(host: &str, features: &ServerFeatures) -> Check {
    let mut missing: Vec<String> = NEEDED
        .iter()
        .filter(|operation| !features.operations.contains(operation))
        .map(ToString::to_string)
        .collect();
    if !features.object_types.contains(&ObjectType::SYMMETRIC_KEY) {
        missing.push("object type Symmetric Key".to_owned());
    }
    let vendor = features.vendor.as_deref().unwrap_or("vendor not told");
    if missing.is_empty() {
        return Check::passed(
            host,
            "Query",
            format!("{vendor}; everything that the database needs"),
        );
    }
    Check::failed(
        host,
        "Query",
        &Error::key_unavailable(format!("{vendor}; it does not list {}", missing.join(", "))).hint(
            "the database does not start with such a server: grant the operations to the client, \
             or use another server",
        ),
    )
}

fn clock(host: &str, skew: i64) -> Check {
    let seconds = skew.unsigned_abs();
    let which = if skew > 0 { "ahead of" } else { "behind" };
    match seconds {
        0..=TOLERATED => {
            Check::passed(host, "clock", format!("{seconds} s {which} this machine's"))
        }
        _ => Check::warning(
            host,
            "clock",
            &format!(
                "the server is {seconds} s {which} this machine: the database goes by its own \
                 clock when a key expires; set both by NTP"
            ),
        ),
    }
}

fn locate(client: &mut Client, host: &str) -> Check {
    match client.list(None) {
        Err(error) => Check::failed(host, "Locate", &error.into()),
        Ok(Listing { found: objects, rest }) => {
            let count = |state| {
                let has =
                    |attributes: &rekey_kmip::message::Attributes| attributes.state() == state;
                objects.iter().filter(|object| object.attributes.as_ref().is_ok_and(has)).count()
            };
            let keys =
                format!("{} symmetric keys, {} active", objects.len(), count(Some(State::ACTIVE)));
            match rest {
                Rest::Cut { .. } => Check::warning(host, "Locate", &format!("{keys}; {rest}")),
                _ => Check::passed(host, "Locate", keys),
            }
        }
    }
}

/// Hosts of one group are replicas of each other, or should be.
fn key_in_use<'a>(
    client: &mut Client,
    host: &str,
    id: &'a KeyId,
    first_seen: &mut BTreeMap<&'a KeyId, (String, SecretKey)>,
) -> Check {
    let failed = |error: Error| Check::failed(host, "key in use", &error.key(id));
    let key = match client.fetch(&UniqueIdentifier::new(id.as_str())) {
        Err(error) if error.is_not_found() => {
            return failed(Error::from(error).hint(
                "the database, and a run, may come to this host of the group: replicate the keys \
                 to it, let the client's certificate see them there, or take it out of kmip_hosts",
            ));
        }
        Err(error) => return failed(error.into()),
        Ok(key) => key,
    };
    let state = key.attributes.state();
    let state = state.map_or_else(|| "state not told".to_owned(), |state| state.to_string());
    let secret = SecretKey::from(key.material.into_inner());
    let bits = secret.bits();
    match first_seen.get(id) {
        Some((other, first)) if !first.same_as(&secret) => {
            return failed(
                Error::key_unavailable(format!("it has other bytes here than on {other}"))
                    .hint("find out which of the two has the key that the SSTables are under"),
            );
        }
        Some(_same) => {}
        None => {
            first_seen.insert(id, (host.to_owned(), secret));
        }
    }
    Check::passed(host, "key in use", format!("{id}: {state}, {bits} bits, can be read"))
}

type InUse = BTreeMap<String, Vec<KeyId>>;

/// Seconds by which clocks may differ without a word.
const TOLERATED: u64 = 60;

/// What the database asks of a server.
const NEEDED: [Operation; 6] = [
    Operation::LOCATE,
    Operation::GET,
    Operation::GET_ATTRIBUTES,
    Operation::CREATE,
    Operation::ACTIVATE,
    Operation::ADD_ATTRIBUTE,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(check: &Check) -> String {
        format!("{check:?}")
    }

    #[test]
    fn a_minute_between_clocks_is_no_news() {
        for (skew, part) in [
            (0, "Passed(\"0 s behind this machine's\")"),
            (60, "Passed(\"60 s ahead of this machine's\")"),
            (-60, "Passed(\"60 s behind this machine's\")"),
            (61, "Warning(\"the server is 61 s ahead of this machine: "),
            (-61, "Warning(\"the server is 61 s behind this machine: "),
            (i64::MIN, "Warning(\"the server is 9223372036854775808 s behind"),
        ] {
            assert!(shown(&clock("h", skew)).contains(part), "{}", shown(&clock("h", skew)));
            assert!(!clock("h", skew).is_failure());
        }
    }

    #[test]
    fn every_operation_that_the_database_needs_is_missed_by_its_name() {
        let features = |without: Option<Operation>, kinds: Vec<ObjectType>| ServerFeatures {
            operations: NEEDED
                .into_iter()
                .filter(|operation| Some(*operation) != without)
                .collect(),
            object_types: kinds,
            vendor: None,
        };
        let keys = || vec![ObjectType::SYMMETRIC_KEY];
        let good = query("h", &features(None, keys()));
        assert!(!good.is_failure() && shown(&good).contains("vendor not told; everything"));
        for operation in NEEDED {
            let check = query("h", &features(Some(operation), keys()));
            assert!(check.is_failure());
            assert!(shown(&check).contains(&format!("it does not list {operation}")), "{check:?}");
        }
        let check = query("h", &features(Some(Operation::GET), vec![ObjectType::SECRET_DATA]));
        assert!(
            shown(&check).contains("does not list Get, object type Symmetric Key"),
            "{check:?}"
        );
    }
}
