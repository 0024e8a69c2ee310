//! What an SSTable is, in a few words.

use rekey_engine::plan::{Facts, Shape};

/// Its class and cipher, without its keys.
pub(super) fn now(facts: &Facts) -> String {
    let class = match &facts.shape {
        Shape::Uncompressed => return "uncompressed".to_owned(),
        Shape::Chunked { class, .. } | Shape::Foreign { class, .. } => class.clone(),
        _ => return String::new(),
    };
    let length = facts.header.as_ref().map_or(0, |header| header.chunk_length.bytes() / 1024);
    match facts.shape.encryptor() {
        Some(options) => format!(
            "{class} {} {} bits, {length} KiB chunks",
            options.transformation(),
            options.strength(),
        ),
        None => format!("{class}, {length} KiB chunks"),
    }
}
