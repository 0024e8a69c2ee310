//! The key header in front of an encrypted chunk.

use rekey_engine::keys::{HeaderKind, KeyHeader, KeyId};

/// `[kind] chunk`.
pub fn run(bytes: &[u8]) {
    let Some((kind, chunk)) = bytes.split_first() else { return };
    let kind = [HeaderKind::Kmip, HeaderKind::None, HeaderKind::Replicated][usize::from(*kind) % 3];
    let Ok(header) = kind.parse(chunk) else { return };
    assert!(header.length() <= chunk.len());
    assert_eq!(header.id().is_some(), header.length() > 0);
    if let (HeaderKind::Kmip, Some(id)) = (kind, header.id()) {
        let id = KeyId::new(id).expect("an id that was read is one");
        let encoded = KeyHeader::Kmip(id).encode();
        assert_eq!(encoded, &chunk[..header.length()]);
    }
    assert_eq!(header.to_key_id().as_ref().map(KeyId::as_str), header.id());
}

/// A header of each kind.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let id = |text: &str| KeyHeader::Kmip(KeyId::new(text).expect("an id")).encode();
    // The UUID of sixteen zeros and its MD5.
    let replicated = b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x4a\xe7\x13\x36\xe4\x4b\xf9\xbf\x79\xd2\x75\x2e\x23\x48\x18\xa5";
    vec![
        [&[0], &id("02-449")[..], b"rest"].concat(),
        [&[0], &id(&"k".repeat(256))[..]].concat(),
        [&[2], &replicated[..], b"rest"].concat(),
        vec![1, 2, 3],
    ]
}
