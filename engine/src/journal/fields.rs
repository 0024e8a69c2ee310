//! Fields of records: texts, paths, names, lists.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::sstable::{Component, Descriptor};
use crate::wire::{Put as _, Reader, WireError};

pub(super) fn put_count(out: &mut Vec<u8>, count: usize) {
    out.put_u32(u32::try_from(count).unwrap_or(u32::MAX));
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

pub(super) fn put_path(out: &mut Vec<u8>, path: &Path) {
    put_bytes(out, path.as_os_str().as_bytes());
}

/// A field, or what is wrong with it.
pub(super) type Decoded<T> = Result<T, &'static str>;

pub(super) const fn words(error: WireError) -> &'static str {
    match error {
        WireError::MissingData(_) => "it ends inside a field",
        WireError::TrailingBytes(_) => "something follows its end",
        WireError::NotText(_) => NO_TEXT,
    }
}

pub(super) fn u32_of(reader: &mut Reader<'_>) -> Decoded<u32> {
    reader.u32("number").map_err(words)
}

pub(super) fn u64_of(reader: &mut Reader<'_>) -> Decoded<u64> {
    reader.u64("number").map_err(words)
}

pub(super) fn bytes<'a>(reader: &mut Reader<'a>) -> Decoded<&'a [u8]> {
    let length = usize::try_from(u32_of(reader)?).map_err(|_too_long| "it ends inside a field")?;
    reader.take(length, "bytes").map_err(words)
}

pub(super) fn text(reader: &mut Reader<'_>) -> Decoded<String> {
    String::from_utf8(bytes(reader)?.to_vec()).map_err(|_not_text| NO_TEXT)
}

pub(super) fn path(reader: &mut Reader<'_>) -> Decoded<PathBuf> {
    Ok(PathBuf::from(OsStr::from_bytes(bytes(reader)?)))
}

pub(super) fn descriptor(reader: &mut Reader<'_>) -> Decoded<Descriptor> {
    Descriptor::parse(&text(reader)?).ok_or("a name in it is not an SSTable's")
}

pub(super) fn component(reader: &mut Reader<'_>) -> Decoded<Component> {
    let name = text(reader)?;
    match name.is_empty() || name.contains('/') {
        true => Err("a name in it is not a component's"),
        false => Ok(Component::parse(&name)),
    }
}

/// A list; its declared length allocates no memory.
pub(super) fn list<T>(
    reader: &mut Reader<'_>,
    mut item: impl FnMut(&mut Reader<'_>) -> Decoded<T>,
) -> Decoded<Vec<T>> {
    let count = u32_of(reader)?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(item(reader)?);
    }
    Ok(items)
}

const NO_TEXT: &str = "a text in it is not UTF-8";
