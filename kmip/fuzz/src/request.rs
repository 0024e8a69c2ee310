//! Requests, as the simulator reads them.

use rekey_kmip::message::RequestMessage;

use super::form::{assemble, hex, take_apart};
use super::oasis;

/// Any bytes as a request, and as the steps of one.
pub fn run(bytes: &[u8]) {
    for message in [bytes.to_vec(), assemble(bytes)] {
        // A name that only 1.x can have becomes one of 2.x when it is written, and then stays.
        let Some(first) = RequestMessage::decode(&message).ok().as_ref().and_then(written) else {
            continue;
        };
        let second = written(&first).expect("it was written before");
        assert_eq!(format!("{second:?}"), format!("{first:?}"));
    }
}

/// A message as it is read when it was written; some cannot be written in their version.
fn written(message: &RequestMessage) -> Option<RequestMessage> {
    let encoded = message.encode().ok()?;
    Some(RequestMessage::decode(encoded.as_slice()).expect("a message of our own"))
}

/// Requests of the standard's use cases, in both forms.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let messages = [
        oasis::CREATE_REQUEST,
        oasis::ATTR_REQUEST,
        oasis::ACTIVATE_REQUEST,
        oasis::GET_REQUEST,
        oasis::REVOKE_REQUEST,
    ];
    messages.into_iter().map(hex).flat_map(|message| [take_apart(&message), message]).collect()
}
