//! Stores and settings that let a node's configuration reach the simulator.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::Simulator;

impl Simulator {
    /// Writes `client.pem` (certificate and key) and `trust.pem` into a directory, for their owner
    /// only, and returns the `kmip_hosts` of a `hcd.yaml` that uses them for one group.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn node_config(&self, group: &str, directory: &Path) -> io::Result<String> {
        let client = directory.join("client.pem");
        let trust = directory.join("trust.pem");
        let mut own = Zeroizing::new(String::new());
        for certificate in &self.client().chain {
            own.push_str(&block("CERTIFICATE", certificate));
        }
        own.push_str(&Zeroizing::new(block("PRIVATE KEY", self.client().key.secret_der())));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&client)?.write_all(own.as_bytes())?;
        options.open(&trust)?.write_all(block("CERTIFICATE", &self.pki().root()).as_bytes())?;
        Ok(format!(
            "kmip_hosts:\n  {group}:\n    hosts: {}\n    keystore_path: {}\n    \
             truststore_path: {}\n    timeout: 5000\n",
            self.host(),
            quoted(&client),
            quoted(&trust)
        ))
    }
}

/// A path as YAML reads it back.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    match text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)) {
        true => text,
        false => format!("'{}'", text.replace('\'', "''")),
    }
}

fn block(label: &str, der: &[u8]) -> String {
    let text = Zeroizing::new(STANDARD.encode(der));
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}
