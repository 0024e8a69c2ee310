//! Lists of hosts, and ciphers by the names that KMIP has for them.

use rekey_kmip::client::choice::CipherName;
use rekey_kmip::transport::Host;

/// Any text as both.
pub fn run(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    drop(text.parse::<CipherName>());
    let Ok(hosts) = Host::parse_list(text) else { return };
    assert!(!hosts.is_empty());
    let printed: Vec<_> = hosts.iter().map(ToString::to_string).collect();
    assert_eq!(Host::parse_list(&printed.join(", ")).ok(), Some(hosts));
}

/// Lists with and without ports.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    ["kmip1.example, kmip2.example:5697", "10.0.0.1:1", "AES/CBC/PKCS5Padding", "DESede"]
        .into_iter()
        .map(|text| text.as_bytes().to_vec())
        .collect()
}
