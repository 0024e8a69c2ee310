use rekey_kmip::client::choice::{Candidate, choose};
use rekey_kmip::message::{Attribute, ResultStatus, State};
use rekey_kmip::ttlv::Tag;

use super::super::tests::{NOW, id, key, longer, request};
use super::*;
use crate::ErrorKind;

fn stopped(activated: i64, name: &str) -> Candidate {
    key(name, activated, vec![Attribute::new(Tag::PROTECT_STOP_DATE.into(), NOW)])
}

fn off(activated: i64, name: &str) -> Candidate {
    key(name, activated, vec![Attribute::new(Tag::STATE.into(), State::DEACTIVATED.number())])
}

/// Keys of a server, and what is known of them here.
struct Scene {
    keys: Vec<Candidate>,
    usage: Usage,
    refused: Vec<(String, ResultReason)>,
}

impl Scene {
    fn new(keys: Vec<Candidate>, used: &[&str]) -> Self {
        let used = used
            .iter()
            .map(|id| KeyRef::Kmip { group: "g".to_owned(), id: KeyId::new(*id).unwrap() });
        let usage = Usage { keys: used.collect(), ..Usage::default() };
        Self { keys, usage, refused: vec![] }
    }

    fn recorded(mut self, id: &str) -> Self {
        let began = UNIX_EPOCH + std::time::Duration::from_secs(86_400);
        self.usage.recorded = Some(Recorded { id: KeyId::new(id).unwrap(), began });
        self
    }

    fn refuses(mut self, id: &str, reason: ResultReason) -> Self {
        self.refused.push((id.to_owned(), reason));
        self
    }

    fn settle(&self) -> Result<Settled> {
        let choice = choose(&request(None), self.keys.clone(), NOW);
        let asked = asked("g", &choice, &self.usage);
        let told = asked.iter().map(|id| {
            let refusal = |reason| Refusal {
                status: ResultStatus::OPERATION_FAILED,
                reason: Some(reason),
                message: None,
            };
            let refused = self.refused.iter().find(|(of, _)| of == id.as_str());
            let known = self.keys.iter().find(|key| key.id == *id);
            let attributes = match (refused, known) {
                (Some((_, reason)), _) => Err(refusal(*reason)),
                (None, Some(key)) => Ok(key.attributes.clone()),
                (None, None) => Err(refusal(ResultReason::ITEM_NOT_FOUND)),
            };
            ListedObject { id: id.clone(), attributes }
        });
        let told = Told::from(told.collect::<Vec<_>>());
        settle("g", &request(None), &choice, (&self.usage, &told), NOW)
    }

    /// The key, none for one to be made, and the reason.
    fn settled(&self) -> (Option<String>, String) {
        let settled = self.settle().unwrap();
        (id(&settled).map(str::to_owned), settled.choice.unwrap().reason)
    }

    fn takes(&self, wanted: &str) -> String {
        let (id, reason) = self.settled();
        assert_eq!(id.as_deref(), Some(wanted), "{reason}");
        reason
    }

    fn makes(&self) -> String {
        let (id, reason) = self.settled();
        assert_eq!(id, None, "{reason}");
        reason
    }
}

fn k(activated: i64, name: &str) -> Candidate {
    key(name, activated, vec![])
}

#[test]
fn with_nothing_on_the_server_or_the_old_key_alone_one_is_made() {
    assert_eq!(Scene::new(vec![], &[]).makes(), "made by the run");
    assert_eq!(Scene::new(vec![k(1, "old")], &["old"]).makes(), "made by the run");
    let settled = Scene::new(vec![k(1, "old")], &["old"]).settle().unwrap().choice.unwrap();
    assert!(settled.rotates && !settled.by_rule);
    assert_eq!(settled.warnings[0].key_name(), Some("old"));
}

#[test]
fn a_key_that_waits_is_taken_only_if_it_is_younger_than_all_in_use() {
    let reason = Scene::new(vec![k(1, "old"), k(5, "new")], &["old"]).takes("new");
    assert!(reason.starts_with("made on 1970-01-01T00:00:05Z, not by this run"), "{reason}");
    assert!(reason.contains("other nodes may use it already"), "{reason}");
    // One from before the key in use, and one of the same second.
    for born in [1, 5] {
        let reason = Scene::new(vec![k(born, "stale"), k(5, "used")], &["used"]).makes();
        assert!(reason.contains("no younger than a key in use"), "{reason}");
    }
    // Younger than the key of its own kind is not enough.
    let keys = vec![k(1, "old"), k(5, "w"), longer("long", 9)];
    Scene::new(keys.clone(), &["old", "long"]).makes();
    Scene::new(keys, &["old"]).takes("w");
    // Two wait: the one that the database would come to first.
    Scene::new(vec![k(1, "old"), k(9, "b"), k(5, "a")], &["old"]).takes("a");
    // What cannot encrypt does not wait.
    Scene::new(vec![k(1, "old"), stopped(5, "a"), off(6, "b")], &["old"]).makes();
}

#[test]
fn what_could_not_be_looked_at_may_be_under_anything() {
    let mut scene = Scene::new(vec![k(1, "old"), k(5, "new")], &["old"]);
    scene.usage.unknown = 2;
    assert!(scene.makes().contains("SSTables that could not be looked at: 2"));
    // Nor is a key taken for younger than one whose age is not told.
    for reason in [ResultReason::PERMISSION_DENIED, ResultReason::ITEM_NOT_FOUND] {
        let scene = Scene::new(vec![k(5, "new")], &["old"]).refuses("old", reason);
        assert!(scene.makes().contains("how old key old is"));
    }
}

#[test]
fn several_keys_in_use_go_to_the_youngest_and_never_back() {
    let reason = Scene::new(vec![k(1, "old"), k(5, "new")], &["old", "new"]).takes("new");
    assert!(reason.starts_with("the youngest of 2 keys in use"), "{reason}");
    // Also with the old one expired, or gone.
    Scene::new(vec![stopped(1, "old"), k(5, "new")], &["old", "new"]).takes("new");
    Scene::new(vec![k(5, "new")], &["old", "new"]).takes("new");
    // And although a younger one waits: one thing after the other.
    Scene::new(vec![k(1, "old"), k(5, "new"), k(7, "w")], &["old", "new"]).takes("new");
    // If the youngest cannot encrypt, the next rotation begins.
    Scene::new(vec![k(1, "old"), stopped(5, "new")], &["old", "new"]).makes();
    Scene::new(vec![k(1, "old"), off(5, "new"), k(7, "w")], &["old", "new"]).takes("w");
    // Keys for other options are no part of it.
    Scene::new(vec![k(1, "old"), longer("long", 5)], &["old", "long"]).makes();
}

#[test]
fn what_no_date_tells_apart_the_operator_must_say() {
    let error = Scene::new(vec![k(5, "a"), k(5, "b")], &["a", "b"]).settle().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.hint_text().unwrap().contains("--key-id"));
    let denied = ResultReason::PERMISSION_DENIED;
    let scene = Scene::new(vec![k(5, "a"), k(1, "b")], &["a", "b"]).refuses("b", denied);
    let error = scene.settle().unwrap_err();
    assert_eq!((error.kind(), error.key_name()), (ErrorKind::KeyUnavailable, Some("b")));
}

#[test]
fn a_rotation_that_was_begun_is_gone_on_with() {
    let keys = || vec![k(1, "old"), k(5, "new"), k(7, "w")];
    // Nothing is under it yet, some is, all is.
    for used in [&["old"][..], &["old", "new"], &["new"], &[]] {
        let reason = Scene::new(keys(), used).recorded("new").takes("new");
        assert_eq!(reason, "the key of the rotation that a run of 1970-01-02T00:00:00Z has begun");
    }
    // What could not be looked at is no matter then.
    let mut scene = Scene::new(keys(), &["old"]).recorded("new");
    scene.usage.unknown = 1;
    scene.takes("new");
    // Expired, revoked or gone, it is over: a new key, and none from before.
    for gone in [vec![k(1, "old"), stopped(5, "new")], vec![k(1, "old"), off(5, "new")]] {
        Scene::new(gone.clone(), &["new"]).recorded("new").makes();
        Scene::new(gone, &["old", "new"]).recorded("new").makes();
    }
    Scene::new(vec![k(1, "old")], &["old"]).recorded("new").makes();
    Scene::new(keys(), &["w"]).recorded("gone").makes();
    // Somebody has gone to a younger one since.
    Scene::new(keys(), &["w"]).recorded("new").makes();
    Scene::new(keys(), &["new", "w"]).recorded("new").takes("w");
    // What the server does not tell is no reason to begin another.
    let denied = ResultReason::PERMISSION_DENIED;
    let error = Scene::new(keys(), &["old"]).recorded("new").refuses("new", denied).settle();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::KeyUnavailable);
}
