//! The node's configuration: hcd.yaml or dse.yaml, and cassandra.yaml beside it.

use rekey_engine::config::NodeConfig;

use super::scratch::with_file;

/// Any bytes as both.
pub fn run(bytes: &[u8]) {
    with_file("cassandra.yaml", bytes, |_beside| {
        with_file("hcd.yaml", bytes, |path| {
            let Ok(config) = NodeConfig::read(path) else { return };
            let _shown = (config.warnings().len(), format!("{config:?}"));
            for group in config.kmip_groups() {
                let found = config.kmip_group(&group.name).expect("a group that it lists");
                assert_eq!(found.name, group.name);
            }
            let _encryption =
                (config.system_info_encryption().uses_kmip(), config.config_encryption());
            let _directories = config.data_directories();
        });
    });
}

/// What either file may have.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "kmip_hosts:\n  vault:\n    hosts: kmip1.example, kmip2.example:5697\n    keystore_path: \
         /etc/k.jks\n    keystore_type: jks\n    keystore_password: secret\n    timeout: 1000\n",
        "system_key_directory: /etc/keys\nconfig_encryption_active: true\n\
         config_encryption_key_name: kmip://vault/id\nsystem_info_encryption:\n  enabled: true\n  \
         cipher_algorithm: AES\n  secret_key_strength: 128\n  key_provider: KmipKeyProviderFactory\n",
        "data_file_directories: [/var/lib/a, \"/var/lib/b\"]\nlocal_system_data_file_directory: /c\n",
        "tiered_storage_options:\n  one:\n    tiers:\n      - paths:\n          - /d1\n",
        "a: &x [1, 'two', \"\\u0033\"]\nb: *x\n? c\n: |\n  text\n",
        "{kmip_hosts: {v: {hosts: [a, b]}}}",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect()
}
