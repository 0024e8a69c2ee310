//! Trie indices in clear: any Partitions.db and Rows.db. What is accepted says the same when it is laid
//! out for other pages, and its layout is the same wherever it comes from.

use std::path::Path;
use std::sync::Mutex;

use rekey_engine::Result;
use rekey_engine::io::{Access, OutputFile, Source};
use rekey_engine::trie::{Belongs, Index, LEAST_USABLE, Stored, Storing, lay_out, read_sequence};

use super::scratch::{contents, testdata, with_file};

/// `[form] [bytes of Data.db, 4] [bytes of Partitions.db, 3] Partitions.db Rows.db`.
pub fn run(bytes: &[u8]) {
    let Some((form, rest)) = bytes.split_first() else { return };
    let Some((data, rest)) = rest.split_first_chunk::<4>() else { return };
    let Some(([a, b, c], rest)) = rest.split_first_chunk::<3>() else { return };
    let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).unwrap_or_default();
    let (partitions, rows) = rest.split_at(length.min(rest.len()));
    let belongs =
        Belongs { data_length: u64::from(u32::from_be_bytes(*data)), has_no_gaps: form & 1 == 0 };
    let pages = |form: u8| [4096, LEAST_USABLE, 3823, 4095][usize::from(form & 3)];
    let (from, to) = (pages(form >> 1), pages(form >> 3));
    let Some(there) = relay((partitions, rows), from, to, belongs) else { return };
    let back = relay((&there.0, &there.1), to, 4096, belongs).expect("a layout of our own");
    let plain = relay((partitions, rows), from, 4096, belongs).expect("it was read before");
    assert!(back == plain, "the way makes a difference");
}

type Files = (Vec<u8>, Vec<u8>);

fn relay(old: (&[u8], &[u8]), from: usize, to: usize, belongs: Belongs) -> Option<Files> {
    let (partitions, rows) = (Memory::default(), Memory::default());
    let mut went_in = Vec::new();
    let laid_out = with_both(old, |partitions_file, rows_file| {
        let stored = Stored::Clear { usable: from };
        let mut index = Index::open(partitions_file, rows_file, stored, belongs).ok()?;
        let block = |number, bytes: &[u8]| {
            went_in.push((number, bytes.to_vec()));
            Ok(())
        };
        let to = Storing::Clear { usable: to };
        lay_out(&mut index, &partitions, &rows, to, block).ok()
    })?;
    let new = (partitions.take(), rows.take());
    let mut came_back = Vec::new();
    with_both(old, |old_partitions, old_rows| {
        let stored = Stored::Clear { usable: from };
        let index = Index::open(old_partitions, old_rows, stored, belongs).expect("as before");
        with_new((&new.0, &new.1), |partitions, rows| {
            let block = |number, bytes: &[u8]| {
                came_back.push((number, bytes.to_vec()));
                Ok(())
            };
            let stored = Stored::Clear { usable: to };
            let mut read = read_sequence(&index, (partitions, rows), stored, belongs, block)
                .expect("a layout of our own");
            for sampled in &laid_out.sample {
                let found = read.find(&sampled.path).expect("a layout of our own");
                assert_eq!(found.map(|(position, _)| position), Some(sampled.position));
            }
        });
    });
    assert!(went_in == came_back, "another sequence");
    Some(new)
}

fn with_both<T>((partitions, rows): (&[u8], &[u8]), with: impl FnOnce(&Source, &Source) -> T) -> T {
    with_named(("old-Partitions.db", partitions), ("old-Rows.db", rows), with)
}

fn with_new<T>((partitions, rows): (&[u8], &[u8]), with: impl FnOnce(&Source, &Source) -> T) -> T {
    with_named(("new-Partitions.db", partitions), ("new-Rows.db", rows), with)
}

fn with_named<T>(
    (name, bytes): (&str, &[u8]),
    (other_name, other_bytes): (&str, &[u8]),
    with: impl FnOnce(&Source, &Source) -> T,
) -> T {
    let open = |path: &Path| Source::open(path, Access::Positional).expect("a file of our own");
    with_file(name, bytes, |one| {
        with_file(other_name, other_bytes, |other| with(&open(one), &open(other)))
    })
}

/// A file that is written in memory.
#[derive(Debug, Default)]
struct Memory(Mutex<Vec<u8>>);

impl Memory {
    fn take(self) -> Vec<u8> {
        self.0.into_inner().expect("no panic before")
    }
}

impl OutputFile for Memory {
    fn reserve(&self, _length: u64) -> Result<()> {
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let mut file = self.0.lock().expect("no panic before");
        assert_eq!(u64::try_from(file.len()).ok(), Some(offset), "one after the other");
        file.extend_from_slice(bytes);
        Ok(())
    }

    fn write_durably_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.write_at(bytes, offset)
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        Ok(())
    }

    fn set_length(&self, _length: u64) -> Result<()> {
        Ok(())
    }

    fn copy_attributes(&self, _like: &Path) -> Result<()> {
        Ok(())
    }

    fn forget_cached(&self) {}
}

/// Real indices, and the two examples of FORMATS.md 7.7.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let seed = |form: u8, data: u64, partitions: &[u8], rows: &[u8]| {
        let data = u32::try_from(data).unwrap_or(u32::MAX).to_be_bytes();
        let length = u32::try_from(partitions.len()).unwrap_or_default().to_be_bytes();
        [&[form][..], &data, &length[1..], partitions, rows].concat()
    };
    let mut seeds = Vec::new();
    for kind in ["narrow", "wide", "middle"] {
        let folder = testdata().join("tries").join(kind);
        let read = |name: &str| std::fs::read(folder.join(name)).expect("a committed file");
        let text = String::from_utf8(read("data-length")).expect("a number");
        let data = text.trim().parse().expect("a number");
        let (partitions, rows) = (read("da-1-bti-Partitions.db"), read("da-1-bti-Rows.db"));
        seeds.push(seed(8, data, &partitions, &rows));
    }
    let pairs = contents("plain-da", "Partitions.db").into_iter().take(2);
    seeds.extend(pairs.map(|partitions| seed(17, u64::MAX, &partitions, &[])));
    let narrow = b"\x08\xe6\xff\x08\x02\xe8\x08\x05\xd1\x50\x03\x47\x5a\x96\x09\x06\x03\x18\x40\
        \0\x04\0\0\0\x01\0\x04\0\0\0\x07\0\0\0\0\0\0\0\x13\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x11";
    seeds.push(seed(16, 69, narrow, &[]));
    let partitions =
        b"\x08\xfe\x18\0\x02p0\0\x02p0\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0";
    let rows = b"\x03\x01\0\x1c\x03\x01\x20\x4d\x50\x02\x15\x58\x08\x04\x16\x02\x12\0\x12\x80\
        \x21\x40\x02\x05\0\x02p0\0\x0f\x02\x80";
    seeds.push(seed(8, 73_806, partitions, rows));
    seeds
}
