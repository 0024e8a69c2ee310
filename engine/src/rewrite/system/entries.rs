//! The checksums of mutations and hints (FORMATS.md 10.1, 10.2).
//!
//! ```text
//! int32    size; zero ends them
//! int32    CRC32 of the size
//! bytes
//! int32    CRC32 of size and bytes
//! ```
//!
//! Neither a chunk nor a block has a checksum, so these are the only ones.

/// Compares the checksums of the entries of a section or a block, which comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// What is left of a field that a piece ended in: at most eight bytes.
    field: Vec<u8>,
    place: Place,
}

#[derive(Debug, Default)]
enum Place {
    /// Before a size.
    #[default]
    Size,
    /// In an entry, with so many bytes to come.
    Bytes(usize, crc32fast::Hasher),
    /// Before the last checksum.
    Checksum(crc32fast::Hasher),
    /// Behind the end.
    Over,
}

impl Entries {
    /// Takes the next piece; returns whether all checksums so far are right.
    pub(super) fn take(&mut self, mut piece: &[u8]) -> bool {
        while !piece.is_empty() {
            match &mut self.place {
                Place::Over => return true,
                Place::Bytes(left, hasher) => {
                    let (own, rest) = piece.split_at(piece.len().min(*left));
                    hasher.update(own);
                    *left = left.saturating_sub(own.len());
                    piece = rest;
                    if *left == 0 {
                        self.place = Place::Checksum(hasher.clone());
                    }
                }
                Place::Size => {
                    let Some(field) = self.fill(&mut piece, 8) else { return true };
                    let (size, crc) = field;
                    let mut hasher = crc32fast::Hasher::new();
                    hasher.update(&size);
                    let length = usize::try_from(i32::from_be_bytes(size));
                    self.place = match length {
                        Ok(0) => Place::Over,
                        Ok(length) if hasher.clone().finalize() == u32::from_be_bytes(crc) => {
                            Place::Bytes(length, hasher)
                        }
                        _ => return false,
                    };
                }
                Place::Checksum(hasher) => {
                    let wanted = hasher.clone().finalize();
                    let Some((crc, _)) = self.fill(&mut piece, 4) else { return true };
                    if wanted != u32::from_be_bytes(crc) {
                        return false;
                    }
                    self.place = Place::Size;
                }
            }
        }
        true
    }

    /// Whether the last entry is whole. Fewer bytes than a size has are no entry.
    pub(super) fn is_whole(&self) -> bool {
        match &self.place {
            Place::Over => true,
            // A size of zero may stand at the very end.
            Place::Size => self.field.len() < 4 || self.field.starts_with(&[0; 4]),
            Place::Bytes(..) | Place::Checksum(_) => false,
        }
    }

    /// Takes so many bytes, four or eight, once they are there.
    fn fill(&mut self, piece: &mut &[u8], length: usize) -> Option<([u8; 4], [u8; 4])> {
        let missing = length.saturating_sub(self.field.len());
        let (own, rest) = piece.split_at(piece.len().min(missing));
        self.field.extend_from_slice(own);
        *piece = rest;
        if self.field.len() < length {
            return None;
        }
        let field = std::mem::take(&mut self.field);
        let first = *field.first_chunk()?;
        Some((first, field.get(4..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(bytes: &[u8]) -> Vec<u8> {
        let size = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        let all = [&size[..], bytes].concat();
        let (first, last) = (crc32fast::hash(&size), crc32fast::hash(&all));
        [&size[..], &first.to_be_bytes(), bytes, &last.to_be_bytes()].concat()
    }

    fn is_sound(plain: &[u8], piece: usize) -> bool {
        let mut entries = Entries::default();
        plain.chunks(piece).all(|piece| entries.take(piece)) && entries.is_whole()
    }

    #[test]
    fn entries_are_compared_in_pieces_of_any_length() {
        let plain = [entry(b"one"), entry(b"a longer one"), entry(&[7; 100])].concat();
        for piece in 1..plain.len() + 1 {
            assert!(is_sound(&plain, piece), "{piece}");
            assert!(is_sound(&[&plain[..], &[0; 9]].concat(), piece), "{piece}");
            assert!(is_sound(&[&plain[..], &[0; 3]].concat(), piece), "{piece}");
            assert!(!is_sound(&plain[..plain.len() - 1], piece), "{piece}");
        }
        for at in 0..plain.len() {
            let mut other = plain.clone();
            other[at] ^= 4;
            assert!(!is_sound(&other, 7), "{at}");
        }
        assert!(is_sound(&[], 1));
    }
}
