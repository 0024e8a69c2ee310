//! Entry points for fuzzers: each takes any bytes and must return. Tests drive them too.

use crate::message::{ReplyMessage, RequestMessage};
use crate::transport::Certificate;
use crate::ttlv;

/// Checks a message's encoding and walks every item.
pub fn ttlv(bytes: &[u8]) {
    fn walk(item: &ttlv::Item<'_>) {
        _ = item.text();
        if let Some(structure) = item.structure() {
            structure.items().for_each(|item| walk(&item));
        }
    }
    if let Ok(item) = ttlv::parse(bytes) {
        walk(&item);
        drop(format!("{item:?}"));
    }
}

/// Decodes a request, as the simulator does; what decodes must encode and decode again.
pub fn request(bytes: &[u8]) {
    if let Ok(message) = RequestMessage::decode(bytes) {
        drop(format!("{message:?}"));
        if let Ok(again) = message.encode() {
            assert!(RequestMessage::decode(again.as_slice()).is_ok());
        }
    }
}

/// Decodes a reply, as the client does; what decodes must encode and decode again.
pub fn reply(bytes: &[u8]) {
    if let Ok(message) = ReplyMessage::decode(bytes) {
        drop(format!("{message:?}"));
        if let Ok(again) = message.encode() {
            assert!(ReplyMessage::decode(again.as_slice()).is_ok());
        }
    }
}

/// Reads the facts of a certificate, as the doctor does.
pub fn certificate(bytes: &[u8]) {
    drop(Certificate::parse(bytes));
}
