//! The encoding of messages, item by item.

use rekey_kmip::ttlv::{Item, parse};

use super::form::{assemble, hex, take_apart};
use super::oasis;

/// Any bytes as a message, and as the steps of one.
pub fn run(bytes: &[u8]) {
    for message in [bytes.to_vec(), assemble(bytes)] {
        if let Ok(item) = parse(&message) {
            walk(&item);
            drop(format!("{item:?}"));
        }
    }
}

fn walk(item: &Item<'_>) {
    _ = item.text();
    if let Some(structure) = item.structure() {
        structure.items().for_each(|item| walk(&item));
    }
}

/// Messages of the standard's use cases, in both forms.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let messages =
        [oasis::TEMPLATE_REQUEST, oasis::CREATE_REPLY, oasis::LOCATE_REPLY, oasis::GET_REPLY];
    messages.into_iter().map(hex).flat_map(|message| [take_apart(&message), message]).collect()
}
