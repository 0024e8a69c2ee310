//! Commit log segments and hints, walked over without a key. Checksums are corrected.

use rekey_engine::io::{Access, LocalStorage};
use rekey_engine::system::{HintsDescriptor, SegmentHeader, SystemFileName, inspect};

use super::scratch::with_file;

/// `[kind, 1 byte] file`.
pub fn run(bytes: &[u8]) {
    let Some((kind, file)) = bytes.split_first() else { return };
    let mut file = file.to_vec();
    let name = if kind % 2 == 0 { segment(&mut file) } else { hints(&mut file) };
    let Some(name) = name else { return };
    if let Ok(header) = SegmentHeader::decode(&file) {
        assert!(file.starts_with(&header.encode()));
    }
    if let Ok(descriptor) = HintsDescriptor::decode(&file) {
        assert!(file.starts_with(&descriptor.encode()));
    }
    let Some(parsed) = SystemFileName::parse(&name) else { return };
    let length = u64::try_from(file.len()).unwrap_or(u64::MAX);
    with_file(&name, &file, |path| {
        let Ok(found) = inspect(path, parsed, Access::Positional, &LocalStorage) else { return };
        assert_eq!(found.bytes, length);
        let under_keys: u64 = found.keys.values().map(|used| used.bytes).sum();
        assert!(under_keys <= length);
        if let Some(torn) = found.torn {
            assert_eq!(torn.offset.checked_add(torn.bytes), Some(length));
        }
    });
}

/// Corrects the checksums of the header and of the markers that follow each other; returns its name.
fn segment(file: &mut [u8]) -> Option<String> {
    let version = i32::from_be_bytes(*file.first_chunk()?);
    let id = i64::from_be_bytes(*file.get(4..)?.first_chunk()?);
    let length = u16::from_be_bytes(*file.get(12..)?.first_chunk()?);
    let end = 14_usize.checked_add(usize::from(length))?;
    let long = id.rotate_left(32).to_be_bytes();
    if let Some(json) = file.get(14..end) {
        let length = u32::from(length).to_be_bytes();
        let crc = crc32fast::hash(&[&version.to_be_bytes()[..], &long, &length, json].concat());
        put(file, end, &crc.to_be_bytes());
    }
    let mut at = end.checked_add(4)?;
    for _ in 0..1000 {
        let Some(next) = file.get(at..).and_then(|rest| rest.first_chunk::<4>()) else { break };
        let next = usize::try_from(u32::from_be_bytes(*next)).ok()?;
        let place = u32::try_from(at).ok()?.to_be_bytes();
        if next == 0 {
            break;
        }
        let crc = crc32fast::hash(&[&long[..], &place].concat());
        put(file, at.checked_add(4)?, &crc.to_be_bytes());
        if next <= at {
            break;
        }
        at = next;
    }
    Some(format!("CommitLog-{version}-{id}.log"))
}

/// Corrects the checksums of the descriptor; returns its name.
fn hints(file: &mut [u8]) -> Option<String> {
    let version = i32::from_be_bytes(*file.first_chunk()?);
    let timestamp = i64::from_be_bytes(*file.get(4..)?.first_chunk()?);
    let host = u128::from_be_bytes(*file.get(12..)?.first_chunk()?);
    let length = u32::from_be_bytes(*file.get(28..)?.first_chunk()?);
    let mut covered = version.to_be_bytes().to_vec();
    covered.extend(timestamp.rotate_left(32).to_be_bytes());
    for half in host.to_be_bytes().as_chunks::<8>().0 {
        covered.extend(u64::from_be_bytes(*half).rotate_left(32).to_be_bytes());
    }
    covered.extend(length.to_be_bytes());
    put(file, 32, &crc32fast::hash(&covered).to_be_bytes());
    let end = usize::try_from(length).ok()?.checked_add(36)?;
    if let Some(json) = file.get(36..end) {
        covered.extend(json);
        put(file, end, &crc32fast::hash(&covered).to_be_bytes());
    }
    let text = format!("{host:032x}");
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let host = [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-");
    Some(format!("{host}-{timestamp}-{version}.hints"))
}

fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    let end = at.saturating_add(bytes.len());
    if let Some(place) = file.get_mut(at..end) {
        place.copy_from_slice(bytes);
    }
}

/// A segment and hints of each form, with noise for ciphertext.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let local = r#"{"cipher_algorithm":"AES/CBC/PKCS5Padding","secret_key_strength":"128","key_provider":"LocalFileSystemKeyProviderFactory","secret_key_file":"/k"}"#;
    let kmip = r#"{"key_provider":"KmipKeyProviderFactory","kmip_host":"g"}"#;
    let apache = r#"{"encCipher":"AES/CBC/PKCS5Padding","encIV":"00112233445566778899aabbccddeeff","encKeyAlias":"a"}"#;
    let iv_and_text = [7_u8; 32];
    let chain = [&12_u32.to_be_bytes()[..], &iv_and_text].concat();
    let with_id = [&12_u32.to_be_bytes()[..], &[0, 0, 0, 0, 1, b'k'], &iv_and_text].concat();
    let block = [&16_u32.to_be_bytes()[..], &9_u32.to_be_bytes(), &[7; 16]].concat();
    let mut seeds = Vec::new();
    for (parameters, content) in [(local, &chain), (kmip, &with_id)] {
        let class = "EncryptingLZ4Compressor";
        let json =
            format!(r#"{{"compressionClass":"{class}","compressionParameters":{parameters}}}"#);
        seeds.push(seed_segment(&json, content));
        let json =
            format!(r#"{{"compression":{{"parameters":{parameters},"class_name":"{class}"}}}}"#);
        let lengths = [5, u32::try_from(content.len()).unwrap_or_default()];
        let head: Vec<u8> = lengths.iter().flat_map(|length| length.to_be_bytes()).collect();
        seeds.push(seed_hints(&json, &[head, content.clone()].concat()));
    }
    seeds.push(seed_segment(apache, &block));
    seeds.push(seed_hints(&format!(r#"{{"encryption":{apache}}}"#), &block));
    seeds.push(seed_segment("{}", b"mutations"));
    seeds
}

fn seed_segment(json: &str, content: &[u8]) -> Vec<u8> {
    let mut seed = vec![0];
    seed.extend(7_i32.to_be_bytes());
    seed.extend(17_i64.to_be_bytes());
    seed.extend(u16::try_from(json.len()).unwrap_or_default().to_be_bytes());
    seed.extend(json.as_bytes());
    seed.extend([0; 4]);
    let start = seed.len().saturating_sub(1);
    let next = start.saturating_add(12).saturating_add(content.len());
    seed.extend(u32::try_from(next).unwrap_or_default().to_be_bytes());
    seed.extend([0; 4]);
    seed.extend(5_u32.to_be_bytes());
    seed.extend(content);
    seed
}

fn seed_hints(json: &str, blocks: &[u8]) -> Vec<u8> {
    let mut seed = vec![1];
    seed.extend(2_i32.to_be_bytes());
    seed.extend(17_i64.to_be_bytes());
    seed.extend([7; 16]);
    seed.extend(u32::try_from(json.len()).unwrap_or_default().to_be_bytes());
    seed.extend([0; 4]);
    seed.extend(json.as_bytes());
    seed.extend([0; 4]);
    seed.extend(blocks);
    seed
}
