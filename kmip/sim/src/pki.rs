//! Certificates generated at run time.

use std::fmt;
use std::io;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rekey_kmip::transport::Identity;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A root authority with its key.
pub struct Pki {
    root: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate chain, its own first, and the key.
pub struct Credential {
    /// The chain.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key.
    pub key: PrivateKeyDer<'static>,
}

/// The kind of a server's certificate. `localhost` and `127.0.0.1` are the right names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ServerCertificate {
    /// Signed by the root, with both names.
    #[default]
    Good,
    /// Signed by the root, for another name.
    OtherName,
    /// Signed by the root, with `localhost` as the common name and no alternative name.
    CommonNameOnly,
    /// Signed by the root, with `localhost` as the common name and another alternative name.
    CommonNameAndOtherName,
    /// Signed by the root, expired in 2021.
    Expired,
    /// Signed by the root, valid from 2090.
    NotYetValid,
    /// Signed by itself, marked as an authority (what `openssl req -x509` makes), no names.
    SelfSigned,
    /// The same, expired in 2021.
    SelfSignedExpired,
}

impl Pki {
    /// Makes a root.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn new(name: &str) -> io::Result<Self> {
        let mut params = params(&format!("{name} Root"), &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root = CertifiedIssuer::self_signed(params, key()?).map_err(io::Error::other)?;
        Ok(Self { root })
    }

    /// The root's certificate: what a truststore holds.
    #[must_use]
    pub fn root(&self) -> CertificateDer<'static> {
        self.root.der().clone()
    }

    /// Makes a server's certificate.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn server(&self, kind: ServerCertificate) -> io::Result<Credential> {
        let (name, names): (_, &[&str]) = match kind {
            ServerCertificate::OtherName => ("kmip.example", &["kmip.example"]),
            ServerCertificate::CommonNameAndOtherName => ("localhost", &["kmip.example"]),
            ServerCertificate::CommonNameOnly
            | ServerCertificate::SelfSigned
            | ServerCertificate::SelfSignedExpired => ("localhost", &[]),
            _ => ("localhost", &["localhost", "127.0.0.1"]),
        };
        let mut params = params(name, names)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        match kind {
            ServerCertificate::Expired | ServerCertificate::SelfSignedExpired => {
                params.not_after = date_time_ymd(2021, 1, 1);
            }
            ServerCertificate::NotYetValid => params.not_before = date_time_ymd(2090, 1, 1),
            _ => {}
        }
        let key = key()?;
        let certificate = match kind {
            ServerCertificate::SelfSigned | ServerCertificate::SelfSignedExpired => {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                params.self_signed(&key)
            }
            _ => params.signed_by(&key, &self.root),
        };
        Ok(credential(certificate.map_err(io::Error::other)?.der().clone(), &key))
    }

    /// Makes a client's certificate; the name is its identity at the server.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn client(&self, name: &str) -> io::Result<Credential> {
        let mut params = params(name, &[])?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = key()?;
        let certificate = params.signed_by(&key, &self.root).map_err(io::Error::other)?;
        Ok(credential(certificate.der().clone(), &key))
    }
}

impl Credential {
    /// The credential as a client's identity.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity { chain: self.chain.clone(), key: self.key.clone_key() }
    }

    /// The credential's own certificate.
    #[must_use]
    pub fn leaf(&self) -> Option<CertificateDer<'static>> {
        self.chain.first().cloned()
    }
}

impl fmt::Debug for Pki {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pki(key redacted)")
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({} certificates, key redacted)", self.chain.len())
    }
}

fn params(name: &str, names: &[&str]) -> io::Result<CertificateParams> {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2099, 1, 1);
    Ok(params)
}

fn key() -> io::Result<KeyPair> {
    KeyPair::generate().map_err(io::Error::other)
}

fn credential(certificate: CertificateDer<'static>, key: &KeyPair) -> Credential {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    Credential { chain: vec![certificate], key: key.into() }
}
