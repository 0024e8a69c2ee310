//! The few facts of an X.509 certificate that an operator needs to see: names, issuer, validity,
//! and the key and signature, about which TLS libraries differ.
//!
//! This reader decides nothing about trust, with one exception: the dates of a pinned certificate
//! (see `verify`). Trust is decided by webpki; these facts explain why it refused.

mod algorithms;
mod der;

pub use algorithms::PublicKey;

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::message::{Timestamp, printable};
use der::{
    BOOLEAN, Der, GENERALIZED_TIME, INTEGER, OBJECT_ID, OCTET_STRING, SEQUENCE, SET, UTC_TIME,
};

/// Facts of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Certificate {
    /// 1, 2 or 3.
    pub version: u8,
    /// Common name of the subject, made safe to print.
    pub common_name: Option<String>,
    /// Common name of the issuer, made safe to print.
    pub issuer: Option<String>,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
    /// DNS names and addresses of the subject alternative name.
    pub names: Vec<String>,
    /// Whether it is its own issuer, by name.
    pub is_self_issued: bool,
    /// Whether it may issue others (basic constraints, `CA:TRUE`).
    pub is_authority: bool,
    /// Its key.
    pub key: PublicKey,
    /// The algorithm of its signature, where it is one that TLS libraries differ about.
    pub old_signature: Option<&'static str>,
}

/// The bytes are not an X.509 certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an X.509 certificate")]
pub struct NotACertificate;

impl Certificate {
    /// Reads a certificate in DER (RFC 5280, 4.1).
    ///
    /// # Errors
    /// [`NotACertificate`].
    pub fn parse(der: &[u8]) -> Result<Self, NotACertificate> {
        let mut outer = Der(der).expect(SEQUENCE)?;
        let mut body = outer.expect(SEQUENCE)?;
        let version = match body.optional(VERSION)? {
            None => 1,
            Some(mut inner) => match inner.expect(INTEGER)?.0 {
                [number] => number.checked_add(1).ok_or(NotACertificate)?,
                _ => return Err(NotACertificate),
            },
        };
        body.expect(INTEGER)?; // serial number
        let old_signature = algorithms::old_signature(body.expect(SEQUENCE)?);
        let issuer_name = body.expect(SEQUENCE)?;
        let mut validity = body.expect(SEQUENCE)?;
        let not_before = time(validity.next()?)?;
        let not_after = time(validity.next()?)?;
        let subject_name = body.expect(SEQUENCE)?;
        let key = PublicKey::of(body.expect(SEQUENCE)?);
        let mut extensions = Extensions::default();
        while let Ok((tag, mut inner)) = body.next() {
            if tag == EXTENSIONS {
                extensions = Extensions::read(inner.expect(SEQUENCE)?)?;
            }
        }
        Ok(Self {
            version,
            common_name: common_name(subject_name)?,
            issuer: common_name(issuer_name)?,
            not_before,
            not_after,
            names: extensions.names,
            is_self_issued: subject_name.0 == issuer_name.0,
            is_authority: extensions.is_authority,
            key,
            old_signature,
        })
    }

    /// Whether the name is the common name, exactly or by a wildcard for its first label.
    pub(super) fn has_common_name(&self, wanted: &str) -> bool {
        let Some(common_name) = &self.common_name else { return false };
        if common_name.eq_ignore_ascii_case(wanted) {
            return true;
        }
        let is_address = wanted.parse::<std::net::IpAddr>().is_ok();
        match (common_name.strip_prefix("*."), wanted.split_once('.')) {
            (Some(domain), Some((label, rest))) if !is_address && domain.contains('.') => {
                !label.is_empty() && domain.eq_ignore_ascii_case(rest)
            }
            _ => false,
        }
    }
}

/// The last common name of a distinguished name: the most specific one.
fn common_name(mut name: Der<'_>) -> Result<Option<String>, NotACertificate> {
    let mut found = None;
    while !name.is_empty() {
        let mut set = name.expect(SET)?;
        while !set.is_empty() {
            let mut pair = set.expect(SEQUENCE)?;
            let kind = pair.expect(OBJECT_ID)?;
            let (tag, value) = pair.next()?;
            if kind.0 == COMMON_NAME {
                found = text(tag, value.0).map(|text| printable(&text, 200));
            }
        }
    }
    Ok(found)
}

fn text(tag: u8, bytes: &[u8]) -> Option<String> {
    match tag {
        0x0c | 0x13 | 0x16 => Some(String::from_utf8_lossy(bytes).into_owned()),
        0x14 => Some(bytes.iter().copied().map(char::from).collect()), // T61, read as Latin-1
        0x1e => {
            let units = bytes.chunks_exact(2).filter_map(|pair| match pair {
                [high, low] => Some(u16::from_be_bytes([*high, *low])),
                _ => None,
            });
            Some(char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect())
        }
        _ => None,
    }
}

/// UTCTime `YYMMDDHHMMSSZ` or GeneralizedTime `YYYYMMDDHHMMSSZ` (RFC 5280, 4.1.2.5).
fn time((tag, content): (u8, Der<'_>)) -> Result<Timestamp, NotACertificate> {
    let text = std::str::from_utf8(content.0).map_err(|_not_text| NotACertificate)?;
    let digits = text.strip_suffix('Z').filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let digits = digits.ok_or(NotACertificate)?;
    let digits = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            let century = if digits < "5" { "20" } else { "19" };
            format!("{century}{digits}")
        }
        (GENERALIZED_TIME, 14) => digits.to_owned(),
        _ => return Err(NotACertificate),
    };
    let part = |range: std::ops::Range<usize>| digits.get(range).ok_or(NotACertificate);
    let (date, clock) = (
        format!("{}-{}-{}", part(0..4)?, part(4..6)?, part(6..8)?),
        format!("{}:{}:{}", part(8..10)?, part(10..12)?, part(12..14)?),
    );
    format!("{date}T{clock}Z").parse().map_err(|_not_a_date| NotACertificate)
}

/// What is read of the extensions (RFC 5280, 4.2).
#[derive(Default)]
struct Extensions {
    names: Vec<String>,
    is_authority: bool,
}

impl Extensions {
    fn read(mut list: Der<'_>) -> Result<Self, NotACertificate> {
        let mut found = Self::default();
        while !list.is_empty() {
            let mut extension = list.expect(SEQUENCE)?;
            let kind = extension.expect(OBJECT_ID)?;
            extension.optional(BOOLEAN)?;
            let mut value = extension.expect(OCTET_STRING)?;
            if kind.0 == SUBJECT_ALTERNATIVE_NAME {
                found.names = alternative_names(value.expect(SEQUENCE)?)?;
            } else if kind.0 == BASIC_CONSTRAINTS {
                let says = value.expect(SEQUENCE)?.optional(BOOLEAN)?;
                found.is_authority = says.is_some_and(|says| says.0 != [0]);
            }
        }
        Ok(found)
    }
}

fn alternative_names(mut list: Der<'_>) -> Result<Vec<String>, NotACertificate> {
    let mut names = Vec::new();
    while !list.is_empty() {
        let (tag, name) = list.next()?;
        match tag {
            DNS_NAME => names.push(printable(&String::from_utf8_lossy(name.0), 255)),
            IP_ADDRESS => names.extend(address(name.0)),
            _ => {}
        }
    }
    Ok(names)
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(four).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|sixteen| Ipv6Addr::from(sixteen).to_string())
}

/// `[0]` of TBSCertificate.
const VERSION: u8 = 0xa0;
/// `[3]` of TBSCertificate.
const EXTENSIONS: u8 = 0xa3;
/// `[2]` of GeneralName.
const DNS_NAME: u8 = 0x82;
/// `[7]` of GeneralName.
const IP_ADDRESS: u8 = 0x87;
/// 2.5.4.3
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
/// 2.5.29.19
const BASIC_CONSTRAINTS: [u8; 3] = [0x55, 0x1d, 0x13];
/// 2.5.29.17
const SUBJECT_ALTERNATIVE_NAME: [u8; 3] = [0x55, 0x1d, 0x11];

#[cfg(test)]
mod tests {
    use super::*;

    fn named(common_name: &str) -> Certificate {
        Certificate {
            version: 3,
            common_name: Some(common_name.into()),
            issuer: None,
            not_before: Timestamp::from_seconds(0),
            not_after: Timestamp::from_seconds(1),
            names: vec![],
            is_self_issued: false,
            is_authority: false,
            key: PublicKey::Other,
            old_signature: None,
        }
    }

    #[test]
    fn common_names_match_whole_or_by_their_first_label() {
        assert!(named("KMIP.example").has_common_name("kmip.EXAMPLE"));
        assert!(named("*.a.example").has_common_name("kmip.a.example"));
        assert!(!named("*.a.example").has_common_name("x.kmip.a.example"));
        assert!(!named("*.a.example").has_common_name("a.example"));
        assert!(!named("*.example").has_common_name("kmip.example"));
        assert!(!named("*.0.0.1").has_common_name("127.0.0.1"));
        assert!(named("127.0.0.1").has_common_name("127.0.0.1"));
        assert!(!named("*").has_common_name("kmip"));
    }

    #[test]
    fn both_forms_of_time_are_read() {
        let read = |tag, text: &'static str| time((tag, Der(text.as_bytes())));
        let moment = "2026-11-24T12:34:56Z".parse().unwrap();
        assert_eq!(read(UTC_TIME, "261124123456Z"), Ok(moment));
        assert_eq!(read(GENERALIZED_TIME, "20261124123456Z"), Ok(moment));
        assert_eq!(read(UTC_TIME, "991231235959Z").unwrap().to_string(), "1999-12-31T23:59:59Z");
        for bad in ["261124123456", "2611241234Z", "26112412345éZ", "261324123456Z"] {
            assert_eq!(read(UTC_TIME, bad), Err(NotACertificate), "{bad}");
        }
    }

    #[test]
    fn junk_is_refused() {
        for junk in [&[][..], &[0x30], &[0x30, 0x80], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0]] {
            assert_eq!(Certificate::parse(junk), Err(NotACertificate));
        }
    }
}
