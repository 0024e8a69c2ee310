//! Protects what a journal keeps about a plaintext, as the new SSTable protects the plaintext
//! itself.
//!
//! A digest of the plaintext, its seed, and the checksums of an old Data.db would let anyone who
//! finds the journal test guesses: a short range has few possible contents. So they are sealed like
//! a chunk, under the new key with the target's own cipher. The journal then reveals no more than
//! the staged file beside it. Nothing is derived from key bytes, which need not be available. For a
//! target in clear they are in clear, too.

use zeroize::Zeroizing;

use crate::codec::{ChunkLengths, ChunkOpener, ChunkSealer};
use crate::crypto::IvSource;
use crate::keys::KeyRing;
use crate::plan::{Target, target_encryptor};
use crate::sstable::CHUNK_CRC_LENGTH;
use crate::{Error, ErrorKind, Result};

/// Seals and opens it.
#[derive(Debug)]
pub(in crate::rewrite) struct Envelope {
    encryptor: Option<(ChunkSealer, ChunkOpener)>,
}

impl Envelope {
    /// For one target.
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnavailable`] when the ring lacks the target key.
    pub(in crate::rewrite) fn new(target: &Target, ring: &KeyRing) -> Result<Self> {
        let encrypts = target.encryptor().is_some();
        let encryptor = encrypts.then(|| target_encryptor(target, ring)).transpose()?;
        Ok(Self { encryptor })
    }

    /// Seals content.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the system gives no random bytes.
    pub(in crate::rewrite) fn seal(&self, content: &[u8]) -> Result<Vec<u8>> {
        let plain = padded(content);
        let Some((sealer, _)) = &self.encryptor else { return Ok(plain.to_vec()) };
        let mut record = vec![0; sealer.record_length(plain.len())];
        record
            .get_mut(sealer.prefix_length()..)
            .and_then(|room| room.get_mut(..plain.len()))
            .ok_or_else(|| Error::new(ErrorKind::Internal, "an envelope has no room"))?
            .copy_from_slice(&plain);
        let lengths = ChunkLengths { plain: plain.len(), payload: plain.len() };
        sealer.seal(&mut record, &[lengths], &mut IvSource::from_os()?)?;
        Ok(record)
    }

    /// Opens content of a known length.
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnavailable`] when it was sealed under another key, or is damaged.
    pub(in crate::rewrite) fn open(
        &self,
        sealed: &[u8],
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let plain_length = padded_length(length);
        let opened = match &self.encryptor {
            None => Zeroizing::new(sealed.to_vec()),
            Some((_, opener)) => {
                let stored = sealed.len().checked_sub(CHUNK_CRC_LENGTH);
                let stored = stored.and_then(|length| sealed.get(..length)).ok_or_else(wrong)?;
                let mut out = Zeroizing::new(vec![0; opener.working_length(plain_length)]);
                opener.open(stored, plain_length, &mut out).map_err(|_no_detail| wrong())?;
                out
            }
        };
        let content = opened.get(..plain_length).and_then(|plain| plain.strip_prefix(&CHECK));
        let content = content.and_then(|content| content.get(..length)).ok_or_else(wrong)?;
        Ok(Zeroizing::new(content.to_vec()))
    }
}

/// Whole blocks of every cipher: some have no padding.
fn padded(content: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(padded_length(content.len())));
    plain.extend_from_slice(&CHECK);
    plain.extend_from_slice(content);
    plain.resize(padded_length(content.len()), 0);
    plain
}

const fn padded_length(content: usize) -> usize {
    content.saturating_add(CHECK.len()).next_multiple_of(16)
}

fn wrong() -> Error {
    Error::key_unavailable("what the journal keeps does not open under the target key").hint(
        "the key of this name is another one than when the run began: give that one back, or \
         abandon the run, which throws away what was staged",
    )
}

/// Distinguishes the right key from a wrong one, which padding does not.
const CHECK: [u8; 8] = *b"rekeyed?";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{CipherKey, Transformation};
    use crate::keys::KeyRef;
    use crate::options::{CompressionParams, OptionMap};

    fn envelope(cipher: &str, bits: u32, key: u8) -> Envelope {
        let cql = format!(
            "{{'class': 'EncryptingLZ4Compressor', 'cipher_algorithm': '{cipher}', \
             'secret_key_strength': {bits}, \
             'key_provider': 'LocalFileSystemKeyProviderFactory', 'secret_key_file': '/k'}}"
        );
        let map = OptionMap::parse_cql(&cql).unwrap();
        let params = CompressionParams::from_cql_options(&map).unwrap();
        let target = Target::new(params, None).unwrap();
        let transformation = Transformation::parse(cipher).unwrap();
        let name = KeyRef::LocalFile {
            file: "/k".to_owned(),
            transformation: cipher.to_owned(),
            strength: bits,
        };
        let bytes = vec![key; usize::try_from(bits / 8).unwrap()];
        let ring = [(name, CipherKey::new(&transformation, &bytes).unwrap())].into_iter().collect();
        Envelope::new(&target, &ring).unwrap()
    }

    #[test]
    fn it_opens_under_its_own_key_only_and_shows_nothing() {
        for (cipher, bits) in [
            ("AES/CBC/PKCS5Padding", 256),
            ("AES/ECB/PKCS5Padding", 128),
            ("AES/CFB/NoPadding", 128),
            ("Blowfish/CBC/PKCS5Padding", 128),
        ] {
            let own = envelope(cipher, bits, 1);
            for length in [0, 1, 7, 8, 9, 48, 100] {
                let content = vec![0x5a; length];
                let sealed = own.seal(&content).unwrap();
                assert_eq!(*own.open(&sealed, length).unwrap(), content, "{cipher} {length}");
                assert!(!sealed.windows(8).any(|eight| eight == [0x5a; 8]), "{cipher}");
                assert!(!sealed.windows(8).any(|eight| eight == CHECK), "{cipher}");
                let other = envelope(cipher, bits, 2).open(&sealed, length).unwrap_err();
                assert_eq!(other.kind(), ErrorKind::KeyUnavailable);
                assert!(own.open(&sealed[..sealed.len() - 1], length).is_err());
                assert!(own.open(&sealed, length + 16).is_err());
            }
        }
    }

    #[test]
    fn in_clear_it_is_in_clear() {
        let open = Envelope { encryptor: None };
        let sealed = open.seal(b"content").unwrap();
        assert_eq!(**open.open(&sealed, 7).unwrap(), *b"content");
        assert!(open.open(&sealed[1..], 7).is_err());
    }
}
