//! Java's modified UTF-8.

use rekey_engine::wire::{Reader, decode_utf, encode_utf};

/// Any bytes as a text, and as fields of the cursor.
pub fn run(bytes: &[u8]) {
    if let Ok(text) = decode_utf(bytes) {
        assert_eq!(encode_utf(&text), bytes);
    }
    if let Ok(text) = str::from_utf8(bytes) {
        assert_eq!(decode_utf(&encode_utf(text)).as_deref(), Ok(text));
    }
    let mut reader = Reader::new(bytes);
    while let Ok(text) = reader.utf("a text") {
        assert!(reader.position() <= bytes.len(), "{text:?}");
    }
    let before = reader.position();
    assert_eq!(before + reader.rest().len(), bytes.len());
}

/// All forms of a character, and lengths in front of them.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    ["", "a", "\0", "é☃", "\u{1f511} key", "AES/CBC/PKCS5Padding"]
        .into_iter()
        .flat_map(|text| {
            let encoded = encode_utf(text);
            let length = u16::try_from(encoded.len()).unwrap_or_default().to_be_bytes();
            [[&length[..], &encoded, &length, &encoded].concat(), encoded]
        })
        .collect()
}
