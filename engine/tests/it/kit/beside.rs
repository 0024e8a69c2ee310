//! Encrypted index pages and metadata bodies by the tests' own code, straight from FORMATS.md 7.2
//! and 8.1: a writer and a reader that share nothing with the engine's.

use super::oracle;
use super::synthetic;

pub(crate) const PAGE: usize = 4096;

/// A key with its id, if its provider writes one in front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) bytes: &'a [u8],
    /// CBC, or else ECB.
    pub(crate) cbc: bool,
}

impl Key<'_> {
    /// `[key header] [IV] [ciphertext]`
    pub(crate) fn seal(&self, plain: &[u8], seed: u8) -> Vec<u8> {
        let mut stored = Vec::new();
        if let Some(id) = self.id {
            stored.push(0);
            stored.extend(u32::try_from(id.len()).unwrap().to_be_bytes());
            stored.extend(id.as_bytes());
        }
        if self.cbc {
            let iv = [seed; 16];
            stored.extend(iv);
            stored.extend(synthetic::cbc(self.bytes, &iv, plain));
        } else {
            stored.extend(synthetic::ecb(self.bytes, plain));
        }
        stored
    }

    /// The plaintext of what must name this key and no other.
    pub(crate) fn open(&self, stored: &[u8]) -> Vec<u8> {
        let rest = match self.id {
            None => stored,
            Some(id) => {
                let (header, rest) = stored.split_at(5 + id.len());
                assert_eq!(header[..5], [0, 0, 0, 0, u8::try_from(id.len()).unwrap()]);
                assert_eq!(&header[5..], id.as_bytes());
                rest
            }
        };
        match self.cbc {
            true => oracle::cbc(self.bytes, &rest[..16], &rest[16..]),
            false => oracle::ecb(self.bytes, rest),
        }
    }
}

/// One page around encrypted bytes.
pub(crate) fn page(content: &[u8]) -> Vec<u8> {
    let mut page = content.to_vec();
    page.resize(PAGE - 8, 0);
    page.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
    with_crc(page)
}

/// A page of 4092 bytes, and its CRC.
pub(crate) fn with_crc(mut page: Vec<u8>) -> Vec<u8> {
    page.truncate(PAGE - 4);
    page.extend(crc32fast::hash(&page).to_be_bytes());
    page
}

/// The encrypted bytes of each page of a file.
pub(crate) fn page_contents(file: &[u8]) -> Vec<Vec<u8>> {
    assert_eq!(file.len() % PAGE, 0);
    file.chunks(PAGE)
        .map(|page| {
            let int = |at: usize| u32::from_be_bytes(page[at..at + 4].try_into().unwrap());
            assert_eq!(int(4092), crc32fast::hash(&page[..4092]));
            let length = usize::try_from(int(4088)).unwrap();
            assert!(page[length..4088].iter().all(|byte| *byte == 0));
            page[..length].to_vec()
        })
        .collect()
}

/// The pages in clear of a `.pages` file: count, lengths, pages of 4096 bytes with zeroed holes; the
/// last one ends with its plaintext.
pub(crate) fn plain_pages(file: &[u8]) -> Vec<Vec<u8>> {
    let int = |at: usize| {
        usize::try_from(u32::from_be_bytes(file[at..at + 4].try_into().unwrap())).unwrap()
    };
    let count = int(0);
    let start = 4 + 4 * count;
    let last = count.checked_sub(1).map_or(0, |last| last * PAGE + int(4 + 4 * last));
    assert_eq!(file.len(), start + last);
    (0..count)
        .map(|page| {
            let from = start + page * PAGE;
            file[from..from + int(4 + 4 * page)].to_vec()
        })
        .collect()
}

/// The bodies of a Statistics.db as they are stored, with checksums.
pub(crate) fn bodies(file: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let int = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
    let at = |position: u32| usize::try_from(position).unwrap();
    let count = at(int(0));
    assert_eq!(int(4), crc32fast::hash(&file[..4]));
    let toc = 8 + 8 * count;
    assert_eq!(int(toc), crc32fast::hash(&[&file[..4], &file[8..toc]].concat()));
    assert_eq!(at(int(12)), toc + 4);
    (0..count)
        .map(|body| {
            let from = at(int(12 + 8 * body));
            let end = if body + 1 < count { at(int(20 + 8 * body)) } else { file.len() };
            assert_eq!(int(end - 4), crc32fast::hash(&file[from..end - 4]));
            (int(8 + 8 * body), file[from..end - 4].to_vec())
        })
        .collect()
}

/// A Statistics.db with checksums around stored bodies.
pub(crate) fn statistics(bodies: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let count = u32::try_from(bodies.len()).unwrap().to_be_bytes();
    let mut table = Vec::new();
    let mut position = 12 + 8 * bodies.len();
    for (kind, body) in bodies {
        table.extend(kind.to_be_bytes());
        table.extend(u32::try_from(position).unwrap().to_be_bytes());
        position += body.len() + 4;
    }
    let mut file = count.to_vec();
    file.extend(crc32fast::hash(&count).to_be_bytes());
    file.extend(&table);
    file.extend(crc32fast::hash(&[&count[..], &table].concat()).to_be_bytes());
    for (_, body) in bodies {
        file.extend(body);
        file.extend(crc32fast::hash(body).to_be_bytes());
    }
    file
}

/// A VALIDATION body in clear.
pub(crate) fn validation() -> Vec<u8> {
    let name = "org.apache.cassandra.dht.Murmur3Partitioner";
    let mut body = u16::try_from(name.len()).unwrap().to_be_bytes().to_vec();
    body.extend(name.as_bytes());
    body.extend(0.01_f64.to_be_bytes());
    body
}
