//! Servers that break while keys are fetched: the message, the number of attempts, and that
//! SSTables without such keys are done.

use rekey_engine::ErrorKind::KeyUnavailable;
use rekey_kmip::message::Operation;
use rekey_kmip_sim::{Door, Fault};

use super::*;

/// Two SSTables under two keys of the server, and one under a local key.
fn site(settings: SimulatorSettings, timeout: u64) -> Site {
    let site = Site::with(settings).hasty(timeout);
    site.key("a", 9, vec![]);
    site.key("b", 8, vec![]);
    site.sstable("1", &["a"]);
    site.sstable("2", &["b"]);
    site.local_sstable(&Recipe::local("oa", "3", "old-key", vec![3; 16]), "3");
    site
}

/// Moves everything to a local key; the two SSTables of the server are refused for this reason (`#`
/// is any number). Returns how often Get was asked for.
fn refused(site: Site, reason: &str) -> usize {
    let reason = reason.to_owned();
    in_time(move || {
        let before = site.contents();
        let target = site.workspace.new_key("new-key", CBC, 128);
        let sources = site.sources();
        let plan = site.plan(&sources, &target);
        let asked = site.sim.count(Operation::GET);
        let found = findings(&plan);
        assert_eq!(found.len(), 2, "{found:?}");
        for ((severity, text, sstables), (id, data)) in
            found.iter().zip([("a", "oa-1-big-Data.db"), ("b", "oa-2-big-Data.db")])
        {
            let host = site.sim.host();
            // A port that is closed at once may be seen as closed or as reset.
            let text = text.replace(
                "the server reset the connection before",
                "the server closed the connection before",
            );
            let whole = format!(
                "KMIP group 'kmip1' (key kmip kmip1/{id}): no key server could be used: {host}: \
                 {reason}"
            );
            assert_eq!(*severity, Severity::Refusal);
            match whole.split_once('#') {
                None => assert_eq!(text, whole),
                Some((before, after)) => {
                    let number =
                        text.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
                    assert!(number.is_some_and(|n| n.parse::<u32>().is_ok()), "{text}");
                }
            }
            assert_eq!(sstables, &[data]);
        }
        let session = site.workspace.session(LeaseMode::Exclusive).unwrap();
        let all = Selection::default();
        let report = site.workspace.run_on(&session, &all, &target, &sources).unwrap();
        assert_eq!((rewritten(&report), report.failures().count()), (1, 2));
        assert!(report.failures().all(|error| error.kind() == KeyUnavailable));
        let untouched = |files: Vec<(String, Vec<u8>)>| -> Vec<_> {
            let of = |name: &str| name.starts_with("oa-1-") || name.starts_with("oa-2-");
            files.into_iter().filter(|(name, _)| of(name)).collect()
        };
        assert_eq!(untouched(site.contents()), untouched(before));
        asked
    })
}

fn broken(fault: Fault, timeout: u64, reason: &str) -> usize {
    let site = site(SimulatorSettings::default(), timeout);
    site.sim.fail_always(Operation::GET, fault);
    refused(site, reason)
}

/// Each of these takes the group down: it is asked once, not once for each key.
#[test]
fn an_unresponsive_server_is_tried_once() {
    let patient = 20_000;
    for (fault, timeout, reason) in [
        (Fault::Silent, 500, "no answer after 500 ms while trying to receive a reply"),
        (
            Fault::Slow(Duration::from_secs(5)),
            500,
            "no answer after 500 ms while trying to receive a reply",
        ),
        (
            Fault::DripFed(Duration::from_millis(150)),
            300,
            "gave up after 3000 ms while trying to receive a reply",
        ),
    ] {
        assert_eq!(broken(fault.clone(), timeout, reason), 1, "{fault:?}");
    }
    // Where the connection ends, batches may be why: once more without.
    for (fault, reason) in [
        (Fault::ResetMidReply, "the server reset the connection after # bytes of the reply to Get"),
        (Fault::CloseMidReply, "end of stream after # bytes of the reply to Get"),
        (Fault::CloseBeforeReply, "end of stream after 0 bytes of the reply to Get"),
        (Fault::DoneButNoReply, "end of stream after 0 bytes of the reply to Get"),
    ] {
        assert_eq!(broken(fault.clone(), patient, reason), 2, "{fault:?}");
    }
}

/// A server that breaks the protocol over one key may be right about the next.
#[test]
fn a_server_that_answers_nonsense_is_tried_for_each_key() {
    let patient = 20_000;
    let too_large = format!(
        "the reply announces 4294967296 bytes, more than the {} that are accepted",
        rekey_kmip::ttlv::MAX_MESSAGE
    );
    for (fault, reason) in [
        (Fault::Oversize, too_large.as_str()),
        (Fault::WrongBatchId, "the reply answers a batch item that was not sent, or one twice"),
        (Fault::WrongOperation, "the reply is for Archive instead of Get"),
        (Fault::TrailingBytes, "bytes follow the end of the reply"),
        (
            Fault::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            "the answer is not a KMIP message",
        ),
    ] {
        assert_eq!(broken(fault.clone(), patient, reason), 2, "{fault:?}");
    }
    // Asked in a batch, and then alone.
    assert_eq!(broken(Fault::EmptyReply, patient, "the reply has no answer"), 4);
}

#[test]
fn a_refusal_is_about_one_key_only() {
    let site = site(SimulatorSettings::default(), 20_000);
    site.sim.fail_once(Operation::GET, Fault::Refuse(0x0c, "not yours\u{1b}[2J".to_owned()));
    let target = site.workspace.new_key("new-key", CBC, 128);
    let sources = site.sources();
    let plan = site.plan(&sources, &target);
    // A batch that is refused as a whole is asked again, item by item.
    assert_eq!(findings(&plan), []);
    site.sim.fail_once(Operation::GET, Fault::Refuse(0x0c, "not yours\u{1b}[2J".to_owned()));
    site.sim.fail_once(Operation::GET, Fault::Refuse(0x0c, "not yours\u{1b}[2J".to_owned()));
    let sources = site.sources();
    let plan = site.plan(&sources, &target);
    let found = findings(&plan);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        found[0].1,
        "KMIP group 'kmip1' (key kmip kmip1/a): the key server refused Get of a: \
         Permission Denied (12): not yours\\u{1b}[2J (key a)"
    );
    assert_eq!(found[0].2, ["oa-1-big-Data.db"]);
    let report = site.upgrade(&site.sources(), &target).unwrap();
    assert_eq!((failures(&report), rewritten(&report)), (vec![], 3));
}

#[test]
fn recoverable_faults_are_completed_or_awaited() {
    for fault in [
        Fault::ShorterBatch,
        Fault::Slow(Duration::from_millis(50)),
        Fault::DripFed(Duration::ZERO),
        Fault::CloseAfterReply,
    ] {
        let site = site(SimulatorSettings::default(), 20_000);
        site.sim.fail_always(Operation::GET, fault.clone());
        let report = in_time(move || {
            let target = site.workspace.new_key("new-key", CBC, 128);
            site.upgrade(&site.sources(), &target).unwrap()
        });
        assert_eq!((failures(&report), rewritten(&report)), (vec![], 3), "{fault:?}");
    }
}

#[test]
fn a_single_broken_answer_costs_at_most_one_key() {
    let once = |fault: Fault| {
        let site = site(SimulatorSettings::default(), 20_000);
        site.sim.fail_once(Operation::GET, fault);
        in_time(move || {
            let target = site.workspace.new_key("new-key", CBC, 128);
            rewritten(&site.upgrade(&site.sources(), &target).unwrap())
        })
    };
    for fault in [Fault::WrongBatchId, Fault::Oversize, Fault::TrailingBytes] {
        assert_eq!(once(fault.clone()), 2, "{fault:?}");
    }
    // Answered again where a single request is left.
    assert_eq!(once(Fault::EmptyReply), 3);
}

#[test]
fn a_failed_connection_takes_the_group_down() {
    for (door, timeout, reason) in [
        (Door::Silent, 300, "no answer after 300 ms while trying to agree on TLS"),
        (Door::Slammed, 20_000, "the server closed the connection before it said a word of TLS"),
        (Door::PlainText, 20_000, "the port does not speak TLS"),
    ] {
        let site = site(SimulatorSettings { door, ..SimulatorSettings::default() }, timeout);
        assert_eq!(refused(site, reason), 0, "{door:?}");
    }
    for (door, connections) in [(Door::Slammed, 1), (Door::PlainText, 1)] {
        let site = site(SimulatorSettings { door, ..SimulatorSettings::default() }, 20_000);
        let target = site.workspace.new_key("new-key", CBC, 128);
        site.plan(&site.sources(), &target);
        assert_eq!(site.sim.connections(), connections, "{door:?}");
    }
}

#[test]
fn unreachable_and_distrusted_servers_are_reported() {
    let site = site(SimulatorSettings::default(), 20_000);
    let target = site.workspace.new_key("new-key", CBC, 128);
    let Site { sim, workspace } = site;
    let port = sim.address().port();
    drop(sim);
    let plan = workspace.plan(&target).unwrap();
    for (_, text, _) in findings(&plan) {
        assert!(text.contains(&format!("localhost:{port}: cannot connect: ")), "{text}");
    }
    assert_eq!(plan.rewrites().count(), 1);
    assert_eq!(
        plan.findings[0].error.hint_text(),
        Some("check that the key server runs, its port, and the firewall")
    );
    for only_tls_1_2 in [false, true] {
        let settings = SimulatorSettings {
            distrusts_client: true,
            only_tls_1_2,
            ..SimulatorSettings::default()
        };
        let site = self::site(settings, 20_000);
        let plan = site.plan(&site.sources(), &site.workspace.new_key("new-key", CBC, 128));
        assert!(plan.findings[0].error.hint_text().unwrap().contains("register the client's"));
        assert_eq!((plan.rewrites().count(), site.sim.count(Operation::GET)), (1, 0));
    }
}

#[test]
fn the_next_host_of_a_group_takes_over() {
    let mut site = site(SimulatorSettings::default(), 20_000);
    let gone = Simulator::start().unwrap();
    let dead = gone.host();
    drop(gone);
    let host = site.sim.host();
    site.configure(&format!("hosts: {host}"), &format!("hosts: {dead}, {host}"));
    let target = site.workspace.new_key("new-key", CBC, 128);
    let report = site.upgrade(&site.sources(), &target).unwrap();
    assert_eq!((failures(&report), rewritten(&report)), (vec![], 3));
    // Both down: both are named.
    let mut site = self::site(
        SimulatorSettings { door: Door::Slammed, ..SimulatorSettings::default() },
        20_000,
    );
    let host = site.sim.host();
    site.configure(&format!("hosts: {host}"), &format!("hosts: {dead}, {host}"));
    let plan = site.plan(&site.sources(), &target);
    let text = plan.findings[0].error.chain();
    let first = text.find(&format!("{dead}: cannot connect: ")).unwrap();
    let second = text.find(&format!("; {host}: the server ")).unwrap();
    assert!(first < second, "{text}");
}

/// The choice of the target key asks the server, too.
#[test]
fn a_choice_that_cannot_be_made_ends_the_command() {
    for (fault, timeout, part) in [
        (Fault::Silent, 300, "no answer after 300 ms"),
        (Fault::Oversize, 20_000, "the reply announces 4294967296 bytes"),
        (Fault::WrongOperation, 20_000, "the reply is for Archive instead of Locate"),
        (Fault::Refuse(0x0c, "no".to_owned()), 20_000, "the key server refused Locate"),
    ] {
        let site = site(SimulatorSettings::default(), timeout);
        site.sim.fail_always(Operation::LOCATE, fault);
        let part = part.to_owned();
        in_time(move || {
            let sources = site.sources();
            let error = site.find(&sources, KeyWish::AsTheDatabase).unwrap_err();
            assert_eq!(error.kind(), KeyUnavailable);
            assert!(error.chain().starts_with("KMIP group 'kmip1': "), "{error:?}");
            assert!(error.chain().contains(&part), "{error:?}");
        });
    }
}

/// Only chunks with wrong headers need the further keys of a group, so a server that does not list
/// them does not stop the run.
#[test]
fn a_group_that_cannot_be_listed_is_a_warning() {
    let site = site(SimulatorSettings::default(), 20_000);
    site.sim.fail_always(Operation::LOCATE, Fault::Refuse(0x0c, "no".to_owned()));
    let target = site.workspace.new_key("new-key", CBC, 128);
    let sources = site.sources();
    let found = findings(&site.plan(&sources, &target));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, Severity::Warning);
    assert_eq!(
        found[0].1,
        "a chunk whose header names the wrong key could not be read: the other keys of its group \
         cannot be had, or not all of them: KMIP group 'kmip1': the key server refused Locate: \
         Permission Denied (12): no"
    );
    // A verification reports it, too.
    let session = site.workspace.session(LeaseMode::Shared).unwrap();
    let verified = upgrade::verify(
        &session,
        &Selection::default(),
        upgrade::Archives::default(),
        &sources,
        site.workspace.threads,
        &mut NoObserver,
    )
    .unwrap();
    let warnings: Vec<_> = verified.warnings.iter().map(|warning| warning.chain()).collect();
    assert_eq!(warnings, [found[0].1.clone()]);
    drop(session);
    let report = site.upgrade(&sources, &target).unwrap();
    assert_eq!((failures(&report), rewritten(&report)), (vec![], 3));
}

#[test]
fn an_unknown_group_is_named_with_the_known_ones() {
    let mut site = site(SimulatorSettings::default(), 20_000);
    site.configure("  kmip1:", "  vault:");
    let target = site.workspace.new_key("new-key", CBC, 128);
    let plan = site.plan(&site.sources(), &target);
    assert_eq!(plan.rewrites().count(), 1);
    let error = &plan.findings[0].error;
    let text = format!("{} {}", error.chain(), error.hint_text().unwrap_or_default());
    assert!(text.contains("kmip1") && text.contains("vault"), "{text}");
}
