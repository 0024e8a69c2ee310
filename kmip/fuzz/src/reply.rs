//! Replies of a key server, and the attributes in them.

use rekey_kmip::client::choice::{Candidate, KeyRequest, choose};
use rekey_kmip::message::{Reply, ReplyMessage, Timestamp};

use super::form::{assemble, hex, take_apart};
use super::oasis;

/// Any bytes as a reply, and as the steps of one.
pub fn run(bytes: &[u8]) {
    for message in [bytes.to_vec(), assemble(bytes)] {
        let Ok(read) = ReplyMessage::decode(&message) else { continue };
        // As for requests: the second round trip gives the same as the first.
        if let Some(first) = written(&read) {
            let second = written(&first).expect("it was written before");
            assert_eq!(format!("{second:?}"), format!("{first:?}"));
        }
        let mut candidates = Vec::new();
        for reply in read.items.into_iter().filter_map(|item| item.result.ok()) {
            match reply {
                Reply::GetAttributes(id, attributes) => {
                    candidates.push(Candidate { id, attributes });
                }
                Reply::Query(features) => drop(features.missing_for_the_database()),
                _ => {}
            }
        }
        for cipher in ["AES/CBC/PKCS5Padding", "Blowfish"] {
            let wanted = KeyRequest {
                cipher: cipher.parse().expect("a cipher of KMIP"),
                strength: 256,
                namespace: Some("n".to_owned()),
                template: None,
            };
            let again = candidates
                .iter()
                .map(|of| Candidate { id: of.id.clone(), attributes: of.attributes.clone() });
            let choice = choose(&wanted, again.collect(), Timestamp::now());
            if let Some(chosen) = choice.chosen {
                assert!(candidates.iter().any(|of| of.id == chosen));
            }
        }
    }
}

/// A message as it is read when it was written; some cannot be written in their version.
fn written(message: &ReplyMessage) -> Option<ReplyMessage> {
    let encoded = message.encode().ok()?;
    Some(ReplyMessage::decode(encoded.as_slice()).expect("a message of our own"))
}

/// Replies of the standard's use cases, in both forms.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let messages = [
        oasis::CREATE_REPLY,
        oasis::ATTR_REPLY,
        oasis::ACTIVATE_REPLY,
        oasis::LOCATE_REPLY,
        oasis::GET_REPLY,
    ];
    messages.into_iter().map(hex).flat_map(|message| [take_apart(&message), message]).collect()
}
