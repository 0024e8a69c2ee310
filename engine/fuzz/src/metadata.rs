//! Encrypted bodies of Statistics.db: any bodies under the right key, and any bytes in their place.

use std::sync::Arc;

use rekey_engine::codec::{ChunkOpener, ChunkSealer, Metadata, encrypted_bodies};
use rekey_engine::crypto::IvSource;
use rekey_engine::keys::KeyHeader;

use super::chunk::key;
use super::statistics::{self, correct};

/// `[cipher] file`; the checksums are corrected.
pub fn run(bytes: &[u8]) {
    let Some((cipher, file)) = bytes.split_first() else { return };
    let (key, _) = key(*cipher);
    let mut file = file.to_vec();
    correct(&mut file);
    let opener = ChunkOpener::with_key(Arc::clone(&key));
    let _foreign = Metadata::open(&file, true, &opener);

    let Ok(clear) = Metadata::parse_clear(&file, true) else { return };
    let sealer = ChunkSealer::new(&KeyHeader::None, key, false);
    let mut ivs = IvSource::from_os().expect("random bytes");
    let Ok(sealed) = clear.seal(&sealer, &mut ivs) else { return };
    let opened = Metadata::open(&sealed, true, &opener);
    // Bodies that already look encrypted are not accepted as plaintext.
    if encrypted_bodies(&file, true).is_ok_and(|bodies| bodies.is_empty())
        && let Ok(opened) = opened
    {
        assert!(opened.same_content(&clear));
    }
}

/// Those of the container.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let files = statistics::seeds();
    files.iter().map(|file| [&[0], &file[1..]].concat()).collect()
}
