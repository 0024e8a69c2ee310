//! Lists that are longer than one answer, and servers that cut them.

use std::time::Duration;

use rekey_kmip::Error;
use rekey_kmip::client::choice::KeyRequest;
use rekey_kmip::client::{ClientSettings, Listing, Rest};
use rekey_kmip::message::{Operation, ProtocolVersion, UniqueIdentifier};
use rekey_kmip::transport::{Failure, ProtocolFailure};
use rekey_kmip_sim::{Fault, Quirk, Simulator};

use crate::{aes, client, client_with, failure, settings};

fn with_keys(keys: usize, quirks: &[Quirk]) -> Simulator {
    let sim = Simulator::with_quirks(quirks).unwrap();
    for _ in 0..keys {
        aes(&sim, vec![]);
    }
    sim
}

/// How many distinct keys are listed, what is known of the others, and how many requests it took.
fn listed(keys: usize, quirks: &[Quirk]) -> (usize, Rest, usize) {
    listed_by(|settings| settings, keys, quirks)
}

fn listed_by(
    change: impl FnOnce(ClientSettings) -> ClientSettings,
    keys: usize,
    quirks: &[Quirk],
) -> (usize, Rest, usize) {
    let sim = with_keys(keys, quirks);
    let mut client = client_with(&sim.tls_settings(), change(settings(vec![sim.host()])));
    let Listing { mut found, rest } = client.locate_all(&[]).unwrap();
    let all = found.len();
    found.sort();
    found.dedup();
    assert_eq!(found.len(), all, "each once");
    (all, rest, sim.count(Operation::LOCATE))
}

#[test]
fn pages_are_joined_whatever_their_size() {
    use Quirk::{CapsLocate, CountsThePage, IgnoresPaging, NoLocatedItems};
    assert_eq!(listed(2500, &[]), (2500, Rest::None, 3));
    assert_eq!(listed(351, &[CapsLocate(100)]), (351, Rest::None, 4));
    // Without a count, or with a wrong one, an empty page is the end.
    assert_eq!(listed(351, &[CapsLocate(100), NoLocatedItems]), (351, Rest::None, 5));
    assert_eq!(listed(351, &[CapsLocate(100), CountsThePage]), (351, Rest::None, 5));
    assert_eq!(listed(200, &[CapsLocate(100), CountsThePage]), (200, Rest::None, 3));
    assert_eq!(listed(7, &[]), (7, Rest::None, 2));
    assert_eq!(listed(0, &[]), (0, Rest::None, 1));
    // All of them again: they are all there are.
    assert_eq!(listed(1200, &[IgnoresPaging]), (1200, Rest::None, 2));
}

#[test]
fn a_list_that_is_cut_is_reported() {
    use Quirk::{CapsLocate, IgnoresOffset, NoLocatedItems, RefusesOffset, RefusesPaging};
    let cut = Rest::Cut { listed: 100, of: 351 };
    for quirk in [IgnoresOffset, RefusesOffset, RefusesPaging] {
        assert_eq!(listed(351, &[CapsLocate(100), quirk]), (100, cut, 2), "{quirk:?}");
        let (keys, rest, _) = listed(351, &[CapsLocate(100), NoLocatedItems, quirk]);
        assert!(keys == 100 && matches!(rest, Rest::Unknown(_)), "{quirk:?} {rest:?}");
        let (keys, rest, _) = listed(30, &[quirk]);
        assert_eq!((keys, rest), (30, Rest::None), "{quirk:?}");
    }
    assert_eq!(
        cut.to_string(),
        "the list is not whole: the server gives 100 of 351 objects, and no more when it is asked \
         for what follows"
    );
}

/// Before 1.3 there are no offsets, and no count.
#[test]
fn an_old_version_cannot_tell() {
    let old = |mut settings: ClientSettings| {
        settings.versions = vec![ProtocolVersion::V1_2];
        settings
    };
    let (keys, rest, requests) = listed_by(old, 351, &[Quirk::CapsLocate(100)]);
    assert!(keys == 100 && requests == 1 && matches!(rest, Rest::Unknown(_)), "{rest:?}");
    assert_eq!(listed_by(old, 0, &[]), (0, Rest::None, 1));
}

/// One object a page, forever: the client still stops.
#[test]
fn a_hostile_list_is_abandoned() {
    let sim = with_keys(2001, &[Quirk::CapsLocate(1), Quirk::NoLocatedItems]);
    let mut settings = settings(vec![sim.host()]);
    settings.timeouts.total = Duration::from_secs(60);
    let mut client = client_with(&sim.tls_settings(), settings);
    let trapped = failure(client.locate_all(&[]).unwrap_err());
    assert!(matches!(trapped, Failure::Protocol(ProtocolFailure::TooLong("2,000 pages"))));
}

/// The database asks once and for all: it takes its key from what it then sees.
#[test]
fn the_choice_is_made_from_what_the_database_sees() {
    let sim = with_keys(5, &[Quirk::CapsLocate(3)]);
    let wanted = KeyRequest {
        cipher: "AES".parse().unwrap(),
        strength: 128,
        namespace: None,
        template: None,
    };
    let choice = client(&sim).choose(&wanted, sim.clock().now()).unwrap();
    assert_eq!(choice.verdicts.len(), 3);
    assert_eq!(choice.rest, Rest::Cut { listed: 3, of: 5 });
    sim.store().set_quirk(Quirk::IgnoresOffset, true);
    let choice = client(&sim).choose(&wanted, sim.clock().now()).unwrap();
    assert_eq!((choice.verdicts.len(), choice.rest), (3, Rest::Cut { listed: 3, of: 5 }));
    sim.store().set_quirk(Quirk::CapsLocate(3), false);
    let choice = client(&sim).choose(&wanted, sim.clock().now()).unwrap();
    assert_eq!((choice.verdicts.len(), choice.rest), (5, Rest::None));
}

/// An unknown client is not a matter of versions.
#[test]
fn a_required_credential_is_not_retried_in_other_versions() {
    let sim = Simulator::start().unwrap();
    let refuse = |reason| Fault::Refuse(reason, "who are you".to_owned());
    for operation in [Operation::DISCOVER_VERSIONS, Operation::QUERY] {
        sim.fail_always(operation, refuse(3));
    }
    let error = client(&sim).query().unwrap_err();
    assert!(error.hint().unwrap().contains("user name and password"), "{error}");
    let unknown = failure(error);
    assert!(
        matches!(unknown, Failure::Protocol(ProtocolFailure::NotAuthenticated(_))),
        "{unknown}"
    );
    assert!(unknown.to_string().contains("Authentication Not Successful (3)"), "{unknown}");
    assert_eq!(sim.count(Operation::QUERY), 0);
    // Refused because of its rights, it may still be known.
    let sim = Simulator::start().unwrap();
    for operation in [Operation::DISCOVER_VERSIONS, Operation::QUERY] {
        sim.fail_always(operation, refuse(12));
    }
    let refused = failure(client(&sim).query().unwrap_err());
    assert!(matches!(refused, Failure::Protocol(ProtocolFailure::NotAllowed(_))), "{refused}");
    // A server may let itself be asked for versions, and nothing else.
    let sim = Simulator::start().unwrap();
    sim.fail_always(Operation::GET, refuse(3));
    let error = client(&sim).fetch(&UniqueIdentifier::from("k")).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }));
    assert!(error.hint().unwrap().contains("user name and password"), "{error}");
}

/// A client bound to one host asks no other, even if that host fails.
#[test]
fn a_single_host_can_be_used_alone() {
    let (one, two) = (Simulator::start().unwrap(), Simulator::start().unwrap());
    let mut tls = one.tls_settings();
    tls.trusted.push(two.pki().root());
    let mut client = client_with(&tls, settings(vec![one.host(), two.host()]));
    client.keep_to(&one.host());
    client.query().unwrap();
    one.fail_always(Operation::GET, Fault::CloseMidReply);
    let Error::AllHostsFailed(failures) = client.fetch(&"k".into()).unwrap_err() else { panic!() };
    assert!(failures.iter().all(|failed| failed.host == one.host()), "{failures:?}");
    assert_eq!(two.connections(), 0);
}
