//! What no node wrote: refused with its file, and never more than an error.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::super::limits::Limits;
use super::super::merge::Merge;
use super::super::open::Opener;
use super::super::rows::{RowError, Rows, Unfiltered};
use super::super::{Schema, read};
use super::{local_keys, put, testdata};
use crate::io::{LocalStorage, Storage as _};
use crate::options::{ChunkLength, OptionMap};
use crate::sstable::{
    ColumnHeader, CompressionHeader, Format, MAX_COMPRESSED_LENGTH_NONE, RowHeader, Version,
};
use crate::txn::DirectoryView;
use crate::{ErrorKind, Result};

/// A table of text keys and an int clustering, with so many columns of texts.
fn header(columns: usize) -> RowHeader {
    let class = "org.apache.cassandra.db.marshal.UTF8Type".to_owned();
    RowHeader {
        min_timestamp: 0,
        min_deletion_time: 0,
        min_ttl: 0,
        key: class.clone(),
        clustering: vec!["Int32Type".to_owned()],
        statics: vec![],
        columns: (0..columns)
            .map(|n| ColumnHeader { name: n.to_string().into_bytes(), class: class.clone() })
            .collect(),
    }
}

/// A partition of `oa` with this between its beginning and its end.
fn partition(content: &[&[u8]]) -> Vec<u8> {
    [b"\x00\x01k\x80", content.concat().as_slice(), b"\x01"].concat()
}

fn rows(header: &RowHeader, data: &[u8], mut limits: Limits) -> Result<Vec<Unfiltered>, RowError> {
    let version = Version::find("oa", Format::Big).unwrap();
    let mut rows = Rows::new(data, header, version)?;
    let mut all = vec![];
    while let Some(partition) = rows.next(&mut limits)? {
        all.extend(partition.content);
    }
    Ok(all)
}

/// The columns of a row that encodes them so.
fn columns(of: usize, encoded: &[u8], cells: usize) -> Result<Vec<usize>, RowError> {
    let body = [b"\x00", encoded, &b"\x00\x00\x01x".repeat(cells)].concat();
    let length = u8::try_from(body.len()).map_or_else(
        |_| panic!("a longer row"),
        |length| if length < 0x80 { vec![length] } else { vec![0x80, length] },
    );
    let row = [b"\x00\x00\x00\x00\x00\x01", length.as_slice(), &body].concat();
    let mut rows = rows(&header(of), &partition(&[&row]), Limits::default())?;
    let Some(Unfiltered::Row(row)) = rows.pop() else { panic!("no row") };
    Ok(row.columns.iter().map(|column| column.column).collect())
}

#[test]
fn columns_come_as_bits_and_from_64_on_as_numbers() {
    assert_eq!(columns(3, &[0b010], 2).unwrap(), [0, 2]);
    assert_eq!(columns(3, &[0], 3).unwrap(), [0, 1, 2]);
    assert_eq!(columns(3, &[0b111], 0).unwrap(), [0_usize; 0]);
    assert_eq!(columns(3, &[0b1000], 0), Err(RowError::Columns));
    // 62 of 64 are missing: the two that are there.
    assert_eq!(columns(64, &[62, 7, 63], 2).unwrap(), [7, 63]);
    assert_eq!(columns(64, &[62, 7, 7], 2), Err(RowError::Columns));
    assert_eq!(columns(64, &[62, 7, 64], 2), Err(RowError::Columns));
    assert_eq!(columns(64, &[65], 0), Err(RowError::Columns));
    assert_eq!(columns(64, &[64], 0).unwrap(), [0_usize; 0]);
    // 45 of 70 are missing: half of 70 is 35, and 25 are there.
    let there: Vec<u8> = (0..50).step_by(2).collect();
    let encoded = [&[45], there.as_slice()].concat();
    assert_eq!(columns(70, &encoded, 25).unwrap().len(), 25);
    // 40 of 64 are there, and the others listed.
    let missing: Vec<u8> = (1..49).step_by(2).collect();
    let left = columns(64, &[&[24], missing.as_slice()].concat(), 40).unwrap();
    assert_eq!(left.len(), 40);
    assert!(left.iter().all(|column| !missing.contains(&u8::try_from(*column).unwrap())));
}

#[test]
fn ranges_come_in_pairs() {
    // Kind, one value, and a body of one deletion or two.
    let marker = |kind: u8, deletions: usize| {
        let body = [b"\x00", b"\x05\x06".repeat(deletions).as_slice()].concat();
        let head = [0x02, kind, 0, 1, 0, 0, 0, 0, kind, u8::try_from(body.len()).unwrap()];
        [&head, body.as_slice()].concat()
    };
    let read = |markers: &[Vec<u8>]| {
        let markers: Vec<&[u8]> = markers.iter().map(Vec::as_slice).collect();
        rows(&header(1), &partition(&markers), Limits::default()).map(|all| all.len())
    };
    assert_eq!(read(&[marker(1, 1), marker(6, 1)]), Ok(2));
    assert_eq!(read(&[marker(7, 1), marker(2, 2), marker(5, 2), marker(0, 1)]), Ok(4));
    for wrong in [
        vec![marker(1, 1)],
        vec![marker(6, 1)],
        vec![marker(1, 1), marker(1, 1), marker(6, 1)],
        vec![marker(2, 2), marker(6, 1)],
    ] {
        assert_eq!(read(&wrong), Err(RowError::Range));
    }
    for kind in [3, 4, 8, 0xff] {
        assert_eq!(read(&[marker(kind, 1)]), Err(RowError::Flags(kind)));
    }
}

fn table(format: &str, name: &str) -> PathBuf {
    let keyspace = testdata().join("schema").join(format).join("system_schema");
    let mut tables = fs::read_dir(keyspace).unwrap().map(|table| table.unwrap().path());
    tables.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(name)).unwrap()
}

/// Real rows with every bit turned and cut everywhere: rows or an error, and a merge that ends.
#[test]
fn no_flip_and_no_cut_is_more_than_an_error() {
    let keys = local_keys();
    let opener = Opener { storage: &LocalStorage, keys: &keys };
    for (format, name) in
        [("me", "keyspaces-"), ("nb", "types-"), ("oa", "keyspaces-"), ("da", "indexes-")]
    {
        let view = DirectoryView::of(&LocalStorage, &[table(format, name)]).unwrap();
        for sstable in view.live.iter().take(3) {
            let opened = opener.open(sstable).unwrap();
            let data = opened.plaintext(&mut Limits::default()).unwrap();
            let names: Vec<_> =
                opened.header.columns.iter().map(|column| column.name.as_slice().into()).collect();
            let mut refused = 0;
            let mut read = |bytes: &[u8]| {
                let mut limits = Limits::default();
                let mut merge = Merge::default();
                let mut rows = Rows::new(bytes, &opened.header, opened.version).unwrap();
                merge.begin(rows.clustering()).unwrap();
                loop {
                    match rows.next(&mut limits) {
                        Ok(Some(partition)) => merge.add(partition, &[], &names, 0).unwrap(),
                        Ok(None) => break,
                        Err(_) => {
                            refused += 1;
                            return;
                        }
                    }
                }
                let _rows_or_ranges = merge.finish(0);
            };
            for at in 0..data.len() {
                read(&data[..at]);
                for bit in 0..8 {
                    let mut flipped = data.to_vec();
                    flipped[at] ^= 1 << bit;
                    read(&flipped);
                }
            }
            assert!(refused > data.len(), "{refused} of {}", data.len() * 9);
        }
    }
}

#[test]
fn more_than_the_limits_is_refused() {
    let row = b"\x24\x00\x00\x00\x00\x01\x06\x00\x05\x08\x01xx";
    let row = [&row[..6], b"\x05\x00\x05\x08\x01x"].concat();
    let data = partition(&[&row, &row]);
    let with = |rows_of: u64, cells: u64| {
        rows(&header(1), &data, Limits { rows: rows_of, cells, ..Limits::default() })
    };
    assert_eq!(with(3, 4).unwrap().len(), 2);
    assert_eq!(with(2, 4), Err(RowError::TooMany("rows")));
    assert_eq!(with(3, 3), Err(RowError::TooMany("cells")));
}

/// A copy of the schema of a node, to be damaged.
struct Copy {
    root: tempfile::TempDir,
}

impl Copy {
    fn of(format: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let from = testdata().join("schema").join(format).join("system_schema");
        for table in fs::read_dir(from).unwrap() {
            let table = table.unwrap();
            let to = root.path().join("system_schema").join(table.file_name());
            fs::create_dir_all(&to).unwrap();
            for file in fs::read_dir(table.path()).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
        }
        Self { root }
    }

    fn data_dir(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap()
    }

    fn read(&self, limits: Limits) -> Result<Schema> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        read(&LocalStorage, &[self.data_dir()], &local_keys(), limits, now)
    }

    /// The files of the table `tables` whose names end so, sorted.
    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let mut tables = fs::read_dir(self.data_dir().join("system_schema")).unwrap();
        let is_tables = |path: &PathBuf| path.to_str().unwrap().contains("/tables-");
        let tables =
            tables.find_map(|table| Some(table.unwrap().path()).filter(is_tables)).unwrap();
        let files = fs::read_dir(tables).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<_> =
            files.filter(|path| path.to_str().unwrap().ends_with(ending)).collect();
        files.sort();
        files
    }

    fn refused(&self, kind: ErrorKind, file: &Path) {
        let error = self.read(Limits::default()).unwrap_err();
        assert_eq!((error.kind(), error.path()), (kind, Some(file)), "{error:?}");
    }
}

#[test]
fn damage_is_refused_with_its_file() {
    for (ending, at) in [("Data.db", 20), ("CompressionInfo.db", 4), ("Statistics.db", 50)] {
        let copy = Copy::of("oa");
        let file = copy.files(ending).remove(2);
        let mut bytes = fs::read(&file).unwrap();
        bytes[at] ^= 1;
        put(&file, &bytes);
        let kind = if ending == "CompressionInfo.db" {
            ErrorKind::Unsupported
        } else {
            ErrorKind::Corrupt
        };
        copy.refused(kind, &file);
        LocalStorage.remove_file(&file).unwrap();
        let missing = copy.read(Limits::default()).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Corrupt, "{missing:?}");
    }
}

#[test]
fn a_table_that_is_too_large_is_refused_with_its_file() {
    let copy = Copy::of("da");
    let error = copy.read(Limits { bytes: 1000, ..Limits::default() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.path().unwrap().to_str().unwrap().ends_with("-Data.db"), "{error:?}");
    let error = copy.read(Limits { rows: 5, ..Limits::default() }).unwrap_err();
    assert!(error.chain().contains("more rows"), "{error:?}");
}

/// Chunks of one byte, which no table can be given.
#[test]
fn many_chunks_are_refused_before_they_are_read() {
    let copy = Copy::of("oa");
    let (data, info) =
        (copy.files("Data.db").remove(0), copy.files("CompressionInfo.db").remove(0));
    let count = 70_000_u64;
    let header = CompressionHeader {
        class: "NoopCompressor".to_owned(),
        options: OptionMap::default(),
        chunk_length: ChunkLength::try_from(1).unwrap(),
        max_compressed_length: MAX_COMPRESSED_LENGTH_NONE,
        data_length: count,
        chunk_count: count,
    };
    let version = Version::find("oa", Format::Big).unwrap();
    let mut bytes = header.encode(version).unwrap();
    bytes.extend((0..count).flat_map(|chunk| (chunk * 5).to_be_bytes()));
    put(&info, &bytes);
    put(&data, &vec![0; 350_000]);
    copy.refused(ErrorKind::Unsupported, &info);
}

#[test]
fn versions_and_files_that_are_not_known_are_refused() {
    let copy = Copy::of("oa");
    let data = copy.files("Data.db").remove(0);
    let base = data.to_str().unwrap().strip_suffix("Data.db").unwrap();
    for version in ["/pa-", "/zz-"] {
        let turn = |from: &str, to: &str| {
            for file in copy.files("").iter().filter_map(|file| file.to_str()) {
                if file.starts_with(&base.replace("/oa-", from)) {
                    LocalStorage
                        .rename(Path::new(file), Path::new(&file.replace(from, to)))
                        .unwrap();
                }
            }
        };
        turn("/oa-", version);
        let now = data.to_str().unwrap().replace("/oa-", version);
        copy.refused(ErrorKind::Unsupported, Path::new(&now));
        turn(version, "/oa-");
    }
    copy.read(Limits::default()).unwrap();
    let beside = PathBuf::from(format!("{}.bak", data.display()));
    put(&beside, b"");
    copy.refused(ErrorKind::Unsupported, &beside);
}

/// The last SSTable is of a flush that was cut off: a node would delete it, and so the table in it is
/// not there yet.
#[test]
fn what_a_log_takes_away_is_not_read() {
    let copy = Copy::of("oa");
    let whole = copy.read(Limits::default()).unwrap();
    let last = whole.table("app", "last").unwrap();
    let [origin] = last.origins.as_slice() else { panic!("{:?}", last.origins) };
    let base = origin.to_str().unwrap().strip_suffix("Data.db").unwrap();
    let mut crc = crc32fast::Hasher::new();
    [base.as_bytes(), b"ADD", &[0; 12]].iter().for_each(|part| crc.update(part));
    let line = format!("ADD:[{base},0,0][{}]\n", crc.finalize());
    let log = origin.with_file_name("oa_txn_flush_5ab1e000-0000-11f0-8000-00000000000a.log");
    put(&log, line.as_bytes());
    let schema = copy.read(Limits::default()).unwrap();
    assert!(schema.table("app", "last").is_none());
    assert_eq!(
        schema.table("app", "secret").map(|of| &of.id),
        whole.table("app", "secret").map(|of| &of.id)
    );
    // A log that would keep a node from starting is one that nothing can be said after.
    put(&log, format!("ADD:[{base},0,0][1]\nADD:[{base},0,0][1]\n").as_bytes());
    assert!(copy.read(Limits::default()).is_err());
}
