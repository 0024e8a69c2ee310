//! Servers that break, each in its own way: the failure is exact, and comes in time.

use std::time::Duration;

use rekey_kmip::Error;
use rekey_kmip::client::choice::KeyRequest;
use rekey_kmip::message::{
    Attribute, Operation, ProtocolVersion, Revocation, RevocationReason, State, Timestamp,
};
use rekey_kmip::transport::{Awaited, End, Failure, Moment, ProtocolFailure, Step};
use rekey_kmip::ttlv::Tag;
use rekey_kmip_sim::{Fault, Quirk, Simulator, SimulatorSettings};

use crate::{aes, client, failure, hasty, within};

const SECOND: Duration = Duration::from_secs(1);

/// The failure of a broken Get on a fresh connection. The batch starts with Get.
fn broken_get(fault: Fault) -> Failure {
    let sim = Simulator::start().unwrap();
    let id = aes(&sim, vec![]);
    sim.fail_always(Operation::GET, fault);
    let mut client = hasty(&sim, 400, 1200);
    within(5 * SECOND, || failure(client.fetch(&id).unwrap_err()))
}

fn wanted() -> KeyRequest {
    KeyRequest { cipher: "AES".parse().unwrap(), strength: 128, namespace: None, template: None }
}

fn cut_off(failure: Failure, wanted: End) -> Awaited {
    match failure {
        Failure::Ended { how, at: Moment::Reply(awaited) } if how == wanted => awaited,
        other => panic!("{other:?}"),
    }
}

#[test]
fn slow_within_the_limit_is_fine_and_beyond_it_is_not() {
    let sim = Simulator::start().unwrap();
    let id = aes(&sim, vec![]);
    sim.fail_once(Operation::GET, Fault::Slow(Duration::from_millis(150)));
    client(&sim).fetch(&id).unwrap();
    assert!(matches!(
        broken_get(Fault::Slow(3 * SECOND)),
        Failure::TimedOut { step: Step::Receive, total: false, after } if after.as_millis() == 400
    ));
}

#[test]
fn silence_times_out() {
    let failure = broken_get(Fault::Silent);
    assert!(matches!(failure, Failure::TimedOut { step: Step::Receive, total: false, .. }));
    assert_eq!(failure.to_string(), "no answer after 400 ms while trying to receive a reply");
    assert!(failure.is_retryable());
}

#[test]
fn a_drip_feed_exceeds_the_total_limit() {
    let failure = broken_get(Fault::DripFed(Duration::from_millis(100)));
    assert!(matches!(failure, Failure::TimedOut { step: Step::Receive, total: true, .. }));
    assert_eq!(failure.to_string(), "gave up after 1200 ms while trying to receive a reply");
}

#[test]
fn a_fast_drip_feed_is_only_slow() {
    let sim = Simulator::start().unwrap();
    let id = aes(&sim, vec![]);
    sim.fail_once(Operation::GET, Fault::DripFed(Duration::ZERO));
    client(&sim).fetch(&id).unwrap();
}

#[test]
fn a_reset_in_the_middle() {
    let awaited = cut_off(broken_get(Fault::ResetMidReply), End::Reset);
    assert!(awaited.received > 8 && !awaited.is_first, "{awaited:?}");
}

#[test]
fn an_end_in_the_middle_says_how_far_it_came() {
    let failure = broken_get(Fault::CloseMidReply);
    assert!(cut_off(failure, End::Closed).received > 8);
}

#[test]
fn an_end_before_the_first_reply_hints_at_the_certificate() {
    let sim = Simulator::start().unwrap();
    for operation in [Operation::DISCOVER_VERSIONS, Operation::QUERY] {
        sim.fail_always(operation, Fault::CloseBeforeReply);
    }
    let failure = failure(client(&sim).connect().unwrap_err());
    assert_eq!(
        failure.to_string(),
        "end of stream after 0 bytes of the reply to Discover Versions"
    );
    assert!(failure.hint().unwrap().contains("does not trust the client's certificate"));
}

/// The server has answered, so it knows the client: there is nothing wrong with the certificate.
#[test]
fn an_end_before_a_later_reply_is_about_the_request() {
    let failure = broken_get(Fault::CloseBeforeReply);
    assert_eq!(failure.to_string(), "end of stream after 0 bytes of the reply to Get");
    let hint = failure.hint().unwrap();
    assert!(hint.contains("log for this request") && !hint.contains("trust"), "{hint}");
}

#[test]
fn a_server_that_closes_at_discover_versions_is_asked_in_1_0() {
    let sim = Simulator::with(SimulatorSettings {
        versions: vec![ProtocolVersion::V1_0],
        ..SimulatorSettings::default()
    })
    .unwrap();
    sim.fail_always(Operation::DISCOVER_VERSIONS, Fault::CloseBeforeReply);
    let mut client = client(&sim);
    assert_eq!(client.connect().unwrap(), ProtocolVersion::V1_0);
    client.list(None).unwrap();
}

#[test]
fn a_server_that_closes_at_batches_is_asked_singly() {
    let sim = Simulator::with_quirks(&[Quirk::HangsUpAtBatches]).unwrap();
    let id = aes(&sim, vec![]);
    let other = aes(&sim, vec![]);
    let mut client = client(&sim);
    client.fetch(&id).unwrap();
    let listed = client.attributes_of(&[id, other]).unwrap();
    assert!(listed.iter().all(|object| object.attributes.is_ok()), "{listed:?}");
}

#[test]
fn an_oversize_reply_is_not_read() {
    assert!(matches!(
        broken_get(Fault::Oversize),
        Failure::Protocol(ProtocolFailure::TooLarge { announced: 0x1_0000_0000, .. })
    ));
}

#[test]
fn a_wrong_batch_id_is_refused() {
    assert!(matches!(
        broken_get(Fault::WrongBatchId),
        Failure::Protocol(ProtocolFailure::WrongBatchItem)
    ));
}

#[test]
fn a_shorter_batch_is_completed() {
    let sim = Simulator::start().unwrap();
    let id = aes(&sim, vec![]);
    sim.fail_always(Operation::GET, Fault::ShorterBatch);
    let key = client(&sim).fetch(&id).unwrap();
    assert_eq!(key.attributes.length(), Some(128));
    assert_eq!((sim.count(Operation::GET), sim.count(Operation::GET_ATTRIBUTES)), (1, 2));
}

#[test]
fn another_operation_s_answer_is_refused() {
    assert!(matches!(
        broken_get(Fault::WrongOperation),
        Failure::Protocol(ProtocolFailure::OtherOperation { asked: Operation::GET, .. })
    ));
}

#[test]
fn an_empty_reply_is_retried_singly_and_then_given_up() {
    assert!(matches!(broken_get(Fault::EmptyReply), Failure::Protocol(ProtocolFailure::NoAnswer)));
}

#[test]
fn bytes_after_the_reply_are_refused() {
    assert!(matches!(
        broken_get(Fault::TrailingBytes),
        Failure::Protocol(ProtocolFailure::TrailingBytes)
    ));
}

#[test]
fn another_protocol_is_recognised() {
    let failure = broken_get(Fault::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()));
    assert!(matches!(failure, Failure::Protocol(ProtocolFailure::NotKmip)));
    assert_eq!(failure.hint(), Some("is it the key server's KMIP port?"));
}

#[test]
fn a_malformed_reply_is_refused() {
    let mut bytes = vec![0x42, 0x00, 0x7b, 0x01, 0, 0, 0, 8];
    bytes.extend([0x42, 0x00, 0x7a, 0x01, 0xff, 0xff, 0xff, 0xff]);
    assert!(matches!(
        broken_get(Fault::Raw(bytes)),
        Failure::Protocol(ProtocolFailure::Malformed(_))
    ));
}

#[test]
fn a_refusal_keeps_its_number_and_text_safely() {
    let sim = Simulator::start().unwrap();
    let id = aes(&sim, vec![]);
    sim.fail_always(Operation::GET, Fault::Refuse(54, "gone\u{1b}[2J".into()));
    let error = client(&sim).fetch(&id).unwrap_err();
    assert!(error.is_not_found());
    assert!(error.to_string().ends_with("Object Destroyed (54): gone\\u{1b}[2J"), "{error}");
    sim.heal();
    sim.fail_always(Operation::GET, Fault::Refuse(0x9999, "x".repeat(100_000)));
    let text = client(&sim).fetch(&id).unwrap_err().to_string();
    assert!(text.contains("reason 39321: xxx") && text.len() < 1000, "{}", text.len());
}

#[test]
fn an_idle_close_is_reconnected_once_for_reading() {
    let sim = Simulator::start().unwrap();
    let id = aes(&sim, vec![]);
    let mut client = client(&sim);
    sim.fail_once(Operation::GET, Fault::CloseAfterReply);
    client.fetch(&id).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    client.fetch(&id).unwrap();
    assert_eq!(sim.connections(), 2);
    // A server that closes each time is not retried forever.
    client.query().unwrap();
    sim.fail_always(Operation::GET, Fault::CloseBeforeReply);
    let before = sim.count(Operation::GET);
    let awaited = cut_off(failure(client.fetch(&id).unwrap_err()), End::Closed);
    assert_eq!((awaited.received, awaited.operations), (0, 1));
    assert_eq!(sim.count(Operation::GET) - before, 3, "a batch on two connections, and alone");
}

#[test]
fn create_is_never_sent_twice() {
    for fault in
        [Fault::DoneButNoReply, Fault::CloseBeforeReply, Fault::ResetMidReply, Fault::Silent]
    {
        for used_before in [false, true] {
            let sim = Simulator::start().unwrap();
            let mut client = hasty(&sim, 400, 1200);
            if used_before {
                client.query().unwrap();
            }
            sim.fail_always(Operation::CREATE, fault.clone());
            let error = within(4 * SECOND, || client.create(wanted().new_key(None)).unwrap_err());
            assert!(
                matches!(&error, Error::OutcomeUnknown { operation: Operation::CREATE, .. }),
                "{error}"
            );
            assert!(!error.is_retryable() && error.hint().is_some());
            assert_eq!(sim.count(Operation::CREATE), 1, "{fault:?}");
        }
    }
}

/// Its outcome would otherwise be unknown, so the client waits as long as an attempt may take.
#[test]
fn a_request_that_is_sent_once_is_awaited() {
    let sim = Simulator::start().unwrap();
    let mut client = hasty(&sim, 200, 3000);
    for operation in [Operation::CREATE, Operation::ACTIVATE, Operation::REVOKE] {
        sim.fail_once(operation, Fault::Slow(Duration::from_millis(600)));
    }
    let id = client.create_active(wanted().new_key(None)).unwrap();
    client
        .revoke(Revocation {
            id: id.clone(),
            reason: RevocationReason::SUPERSEDED,
            message: None,
            occurred: None,
        })
        .unwrap();
    sim.fail_once(Operation::GET, Fault::Slow(Duration::from_millis(600)));
    assert!(matches!(failure(client.fetch(&id).unwrap_err()), Failure::TimedOut { .. }));
}

#[test]
fn an_activation_without_an_answer_is_checked() {
    for fault in [Fault::DoneButNoReply, Fault::CloseBeforeReply] {
        let sim = Simulator::start().unwrap();
        sim.fail_once(Operation::ACTIVATE, fault.clone());
        let id = client(&sim).create_active(wanted().new_key(None)).unwrap();
        let state = client(&sim).get_attributes(&id, vec![]).unwrap().state();
        assert_eq!(state, Some(State::ACTIVE), "{fault:?}");
        assert_eq!(sim.store().len(), 1);
    }
}

#[test]
fn an_unactivated_key_is_named_and_reused() {
    let sim = Simulator::start().unwrap();
    sim.fail_always(Operation::ACTIVATE, Fault::CloseBeforeReply);
    let error = client(&sim).create_active(wanted().new_key(None)).unwrap_err();
    let Error::NotActivated { id, cause } = &error else { panic!("{error}") };
    assert!(matches!(**cause, Error::OutcomeUnknown { operation: Operation::ACTIVATE, .. }));
    assert!(error.to_string().contains(id.as_str()) && error.hint().unwrap().contains("again"));
    let now = sim.clock().now();
    assert!(client(&sim).take_up(&wanted(), now).is_err(), "and the next run fails as well");
    sim.heal();
    let taken = client(&sim).take_up(&wanted(), now).unwrap().unwrap();
    assert_eq!(taken, *id);
    assert_eq!(client(&sim).choose(&wanted(), now).unwrap().chosen, Some(taken));
    assert_eq!((sim.store().len(), client(&sim).take_up(&wanted(), now).unwrap()), (1, None));
}

/// A key with a date was planned by an operator, and a key that does not fit belongs to another
/// use.
#[test]
fn keys_of_others_are_not_reused() {
    let sim = Simulator::start().unwrap();
    let now = sim.clock().now();
    let other = KeyRequest { strength: 256, ..wanted() };
    client(&sim).create(other.new_key(None)).unwrap();
    let mut planned = wanted().new_key(None);
    let later = Timestamp::from_seconds(now.seconds() + 1000);
    planned.attributes.push(Attribute::new(Tag::ACTIVATION_DATE.into(), later));
    client(&sim).create(planned).unwrap();
    aes(&sim, vec![]);
    assert_eq!(client(&sim).take_up(&wanted(), now).unwrap(), None);
    assert_eq!(sim.count(Operation::ACTIVATE), 0);
}

#[test]
fn create_is_not_sent_on_an_idle_connection() {
    let sim = Simulator::start().unwrap();
    let mut client = client(&sim);
    sim.fail_once(Operation::QUERY, Fault::CloseAfterReply);
    client.query().unwrap();
    std::thread::sleep(Duration::from_millis(2100));
    client.create(wanted().new_key(None)).unwrap();
    assert_eq!((sim.connections(), sim.count(Operation::CREATE)), (2, 1));
}

#[test]
fn no_error_shows_the_key() {
    let sim = Simulator::start().unwrap();
    let id = aes(&sim, vec![]);
    let key = sim.store().key_bytes(&id).unwrap();
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    for fault in [
        Fault::WrongBatchId,
        Fault::TrailingBytes,
        Fault::CloseMidReply,
        Fault::ShorterBatch,
        Fault::WrongOperation,
    ] {
        sim.fail_once(Operation::GET, fault);
        let mut client = client(&sim);
        let shown = match client.fetch(&id) {
            Ok(key) => format!("{key:?} {client:?}"),
            Err(error) => format!("{error} {error:?} {client:?}"),
        };
        let list = format!("{:?}", &key[..]);
        assert!(!shown.to_lowercase().contains(&hex[..8]), "{shown}");
        assert!(!shown.contains(&list[1..12]), "{shown}");
    }
}
