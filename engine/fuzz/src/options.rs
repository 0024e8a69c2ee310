//! Option maps as operators write them, and what they mean.

use rekey_engine::options::{
    ChunkScheme, CompressionParams, CompressorClass, EncryptorOptions, OptionMap,
};
use rekey_engine::plan::Target;

/// Any text as a CQL map.
pub fn run(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(options) = OptionMap::parse_cql(text) else { return };
    let again = OptionMap::parse_cql(&options.to_cql());
    assert_eq!(again.ok().as_ref(), Some(&options), "what is written must read the same");
    let _typed = EncryptorOptions::from_options(&options);
    let class = CompressorClass::parse(options.get("class").unwrap_or_default());
    let _scheme = ChunkScheme::from_options(&class, &options);
    if let Ok(params) = CompressionParams::from_cql_options(&options) {
        let _words = (params.warning(), params.scheme());
        let _target = Target::new(params, None);
    }
}

/// A map of each kind of provider and compressor.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "{'class': 'Encryptor', 'cipher_algorithm': 'AES/CBC/PKCS5Padding', 'secret_key_strength': \
         256, 'chunk_length_in_kb': 64, 'key_provider': 'LocalFileSystemKeyProviderFactory', \
         'secret_key_file': '/etc/it''s'}",
        "{'class': 'EncryptingLZ4Compressor', 'cipher_algorithm': 'AES', 'secret_key_strength': \
         128, 'key_provider': 'KmipKeyProviderFactory', 'kmip_host': 'vault', 'key_namespace': \
         'n'}",
        "{'class': 'Encryptor', 'cipher_algorithm': 'DESede', 'secret_key_strength': 112, \
         'key_provider': 'ReplicatedKeyProviderFactory', 'system_key_file': 'k'}",
        "{'class' : 'ZstdCompressor', 'compression_level': -3, 'min_compress_ratio': 1.1e0}",
        "{'enabled': false}",
        "{'sstable_compression': '', 'crc_check_chance': 1.0}",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect()
}
