//! Single settings of `hcd.yaml` or `dse.yaml`, beside what [`NodeConfig`](super::NodeConfig) reads
//! of them as a whole.

use super::document::Document;
use super::settings::{Entry, Form, Setting};

/// What the file says.
pub(super) fn entries(document: &Document) -> Vec<Entry> {
    SETTINGS.iter().map(|setting| setting.in_file(document)).collect()
}

/// The setting with directories of tiers.
pub(super) const TIERS: &str = "tiered_storage_options";

const SETTINGS: [Setting; 11] = [
    Setting::new("kmip_hosts", Form::Names),
    Setting::new("system_key_directory", Form::Text),
    Setting::new("system_info_encryption.enabled", Form::Flag),
    Setting::new("system_info_encryption.cipher_algorithm", Form::Text),
    Setting::new("system_info_encryption.secret_key_strength", Form::Text),
    Setting::new("system_info_encryption.key_provider", Form::Text),
    Setting::new("system_info_encryption.kmip_host", Form::Text),
    Setting::new("config_encryption_active", Form::Flag),
    Setting::new("config_encryption_key_name", Form::Text),
    Setting::new(TIERS, Form::Tiers),
    Setting::new("solr_data_dir", Form::Text),
];
