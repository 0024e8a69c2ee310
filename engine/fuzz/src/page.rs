//! Pages of encrypted indices: any page with a right checksum, and any content under the right key.

use std::sync::Arc;

use rekey_engine::codec::{
    ChunkOpener, ChunkSealer, PageGeometry, PageOpener, PageSealer, page_content,
};
use rekey_engine::crypto::IvSource;
use rekey_engine::keys::KeyHeader;
use rekey_engine::sstable::{PAGE, is_encrypted_page};

use super::chunk::{header_kind, key};
use super::scratch::contents;
use super::statistics::put;

/// `[cipher and form] page`.
pub fn run(bytes: &[u8]) {
    let Some((form, content)) = bytes.split_first() else { return };
    let (key, id) = key(*form);
    let opener = match form & 1 {
        0 => ChunkOpener::with_key(Arc::clone(&key)),
        _ => ChunkOpener::with_ids(
            key.transformation().clone(),
            [(id.clone(), Arc::clone(&key))].into_iter().collect(),
        ),
    };
    let geometry = PageGeometry::new(
        key.transformation(),
        key.transformation().iv_length(),
        header_kind(*form),
        256,
    );
    let usable = geometry.usable();
    let _last = geometry.check_last(content.len());
    let opener = PageOpener::new(opener, geometry.clone());
    let mut out = [0; PAGE];
    let mut page = content.to_vec();
    page.resize(PAGE, 0);
    correct(&mut page);
    let _is = is_encrypted_page(&page);
    if let Ok(content) = page_content(&page) {
        assert!(!content.is_empty() && content.len() <= PAGE - 8);
        let _foreign = opener.open(&page, &mut out);
    }
    let _partial = page_content(content);

    let header = if form & 1 == 0 { KeyHeader::None } else { KeyHeader::Kmip(id) };
    let sealer = PageSealer::new(ChunkSealer::new(&header, key, false), geometry)
        .expect("a header as long as it may be");
    let plain = &content[..content.len().min(usable)];
    let mut image = vec![0; PAGE];
    let prefix = sealer.prefix_length();
    image[prefix..prefix + plain.len()].copy_from_slice(plain);
    let mut ivs = IvSource::from_os().expect("random bytes");
    sealer.seal(&mut image, &[plain.len()], &mut ivs).expect("an image of one page");
    if let Ok((length, _)) = opener.open(&image, &mut out) {
        assert!(out[..length] == *plain);
    } else {
        assert!(plain.is_empty(), "a page of our own does not open");
    }
}

/// Corrects the checksum of each whole page.
pub(crate) fn correct(pages: &mut [u8]) {
    let (pages, _rest) = pages.as_chunks_mut::<PAGE>();
    for page in pages {
        let crc = crc32fast::hash(&page[..PAGE - 4]);
        put(page, PAGE - 4, crc);
    }
}

/// Real pages, and texts.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let pages = contents("cc-kmip-cbc/rk", "Partitions.db").into_iter().take(3);
    let mut seeds: Vec<_> = pages.map(|page| [&[1], &page[..]].concat()).collect();
    seeds.extend((0..8).map(|cipher| [&[cipher << 4 | cipher & 1][..], &[7; 160]].concat()));
    seeds
}
