//! The schema of a node, and its tables of encrypted keys: HEADER and rows of hostile SSTables, read and
//! merged.
//!
//! ```text
//! input     [table][version] SSTable*
//! SSTable   [length, 2 bytes] HEADER [length, 2 bytes] rows
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rekey_engine::codec::{ChunkDecoder, ChunkSource, DecodeScratch, Metadata};
use rekey_engine::compress::CodecContext;
use rekey_engine::io::{Access, LocalStorage};
use rekey_engine::keys::{EncryptedKey, KeySources};
use rekey_engine::memory::WipedBuffer;
use rekey_engine::options::{ChunkScheme, CompressorClass};
use rekey_engine::schema::{self, Limits, Schema};
use rekey_engine::sstable::{
    BodyKind, ChunkTable, Component, Descriptor, RowHeader, format_statistics, parse_file_name,
};
use rekey_engine::{ErrorKind, Result};

use super::scratch::testdata;

/// Reads it, and once more with the SSTables in another order, which must not matter.
pub fn run(bytes: &[u8]) {
    let Some(([table, version], rest)) = bytes.split_first_chunk::<2>() else { return };
    let table = TABLES[usize::from(*table) % TABLES.len()];
    let version = VERSIONS[usize::from(*version) % VERSIONS.len()];
    let (mut sstables, mut rest) = (Vec::new(), rest);
    while let Some(header) = piece(&mut rest) {
        let _any = RowHeader::parse(header);
        sstables.push((header, piece(&mut rest).unwrap_or_default()));
        if sstables.len() == MOST_SSTABLES {
            break;
        }
    }
    let one = read(table, version, &sstables);
    sstables.reverse();
    let other = read(table, version, &sstables);
    assert_eq!(shown(&one), shown(&other));
    if let Err(error) = one {
        assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported), "{error:?}");
        assert!(error.path().is_some(), "{error:?}");
    }
}

/// Takes two bytes of length, and so many as are there.
fn piece<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
    let (piece, after) = after.split_at(length);
    *rest = after;
    Some(piece)
}

/// Lays the SSTables out as a node would have them, and reads them.
fn read(
    table: &str,
    version: &str,
    sstables: &[(&[u8], &[u8])],
) -> Result<(Schema, Vec<EncryptedKey>)> {
    let root = tempfile::tempdir().expect("a temporary directory");
    let data_dir = root.path().canonicalize().expect("a directory of our own");
    let directory = data_dir.join(table);
    fs::create_dir_all(&directory).expect("room for a directory");
    for (id, (header, rows)) in (1..).zip(sstables) {
        let name = version.replace('1', &format!("{id}"));
        let descriptor = Descriptor::parse(&name).expect("a name of an SSTable");
        let checksums = descriptor.version().is_some_and(|of| of.has_metadata_checksums);
        let statistics = format_statistics(&[(BodyKind::HEADER, *header)], checksums);
        let statistics = statistics.expect("a short body");
        let place = |component: &Component| descriptor.path(&directory, component);
        fs::write(place(&Component::Statistics), statistics).expect("room for a file");
        fs::write(place(&Component::Data), rows).expect("room for a file");
        // Fewer bytes than one checksum covers.
        let mut crc = 65536_u32.to_be_bytes().to_vec();
        if !rows.is_empty() {
            crc.extend(crc32fast::hash(rows).to_be_bytes());
        }
        fs::write(place(&Component::Crc), crc).expect("room for a file");
    }
    let (limits, keys, data_dirs) = (Limits::default(), KeySources::default(), [data_dir]);
    let rows = schema::encrypted_keys(&LocalStorage, &data_dirs, &keys, limits, now())?;
    Ok((schema::read(&LocalStorage, &data_dirs, &keys, limits, now())?, rows))
}

/// What is the same in every order; what is wrong may show in another place.
fn shown(result: &Result<(Schema, Vec<EncryptedKey>)>) -> String {
    let Ok((schema, rows)) = result else { return "refused".to_owned() };
    let keys = rows.iter().map(|row| {
        (&row.system_key, &row.cipher, row.strength, row.id, row.value.expose().to_owned())
    });
    let tables = schema.tables().iter().map(|of| (&of.keyspace, &of.name, &of.id, &of.compression));
    let local = schema.local().map(|local| (&local.host_id, &local.versions));
    format!(
        "{:?} {:?} {:?} {:?} {:?} {local:?} {:?}",
        tables.collect::<Vec<_>>(),
        schema.keyspaces(),
        schema.indexes(),
        schema.types(),
        schema.dropped_columns(),
        keys.collect::<Vec<_>>(),
    )
}

/// Tables of real nodes, one SSTable or all of them.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (version, name) in (0_u8..).zip(["nb", "oa", "da"]) {
        for (table, place) in (0_u8..).zip(TABLES) {
            let sstables = pieces(&place_of(name, place));
            let head = [table, version];
            // Longer ones are of the node's own tables, which are the same again and again.
            let short = sstables.iter().filter(|sstable| sstable.len() < 4000);
            seeds.extend(short.clone().take(2).map(|sstable| [&head, sstable.as_slice()].concat()));
            let all: Vec<u8> = short.take(MOST_SSTABLES).flatten().copied().collect();
            seeds.push([&head, all.as_slice()].concat());
        }
    }
    seeds
}

/// The folder of a committed table; the id of one that a node's statements made is in no code.
fn place_of(format: &str, table: &str) -> PathBuf {
    let Some(keyspace) = table.strip_suffix(KEYS) else {
        return testdata().join("schema").join(format).join(table);
    };
    let keyspace = testdata().join("key_tables").join(format).join(keyspace);
    let mut tables = fs::read_dir(keyspace).expect("a committed keyspace");
    tables.next().expect("a committed table").expect("an entry of a committed keyspace").path()
}

/// HEADER and plaintext of each SSTable of a committed table.
fn pieces(table: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(table).expect("a committed table");
    let mut data: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry of a committed table").path())
        .filter(|path| path.to_string_lossy().ends_with("-Data.db"))
        .collect();
    data.sort();
    let sized = |bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        [&length.to_be_bytes(), &bytes[..usize::from(length)]].concat()
    };
    data.iter()
        .map(|data| (plaintext(data), header(data)))
        .map(|(rows, header)| [sized(&header), sized(&rows)].concat())
        .collect()
}

fn beside(data: &Path, component: &Component) -> (Descriptor, PathBuf) {
    let name = data.file_name().and_then(|name| name.to_str()).expect("a committed name");
    let (descriptor, _) = parse_file_name(name).expect("a name of an SSTable");
    let path = descriptor.path(data.parent().expect("a directory"), component);
    (descriptor, path)
}

fn header(data: &Path) -> Vec<u8> {
    let (_, path) = beside(data, &Component::Statistics);
    let file = fs::read(path).expect("a committed file");
    let metadata = Metadata::parse_clear(&file, true).expect("a committed file");
    let header = metadata.bodies().iter().find(|body| body.kind() == BodyKind::HEADER);
    header.expect("a HEADER").plain().to_vec()
}

fn plaintext(data: &Path) -> Vec<u8> {
    let (descriptor, info) = beside(data, &Component::CompressionInfo);
    let version = descriptor.version().expect("a known version");
    let length = fs::metadata(data).expect("a committed file").len();
    let table = ChunkTable::open(&info, version, Access::Positional, length);
    let table = table.expect("a committed file");
    let class = CompressorClass::parse(&table.header().class);
    let scheme = ChunkScheme::from_stored(&class, &table.header().options).expect("LZ4");
    let chunks = ChunkSource::compressed(data, &info, version, Access::Positional, |max| {
        ChunkDecoder::new(scheme.codec(), None, max)
    });
    let chunks = chunks.expect("a committed file");
    let mut input = Vec::new();
    let checked = chunks.check(0..chunks.chunk_count(), &mut input).expect("a committed file");
    let mut out = vec![0; checked.plain_length()];
    let (mut opened, mut context) = (WipedBuffer::default(), CodecContext::default());
    let mut scratch = DecodeScratch { opened: &mut opened, context: &mut context };
    checked.plaintext(&mut out, &mut scratch).expect("a committed file");
    out
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

const TABLES: [&str; 9] = [
    "system_schema/tables-afddfb9dbc1e30688056eed6c302ba09",
    "system_schema/views-9786ac1cdd583201a7cdad556410c985",
    "system_schema/indexes-0feb57ac311f382fba6d9024d305702f",
    "system_schema/types-5a8b1ca866023f77a0459273d308917a",
    "system_schema/keyspaces-abac5682dea631c5b535b3d6cffd0fb6",
    "system_schema/dropped_columns-5e7583b5f3f43af19a39b7e1d6f5f11f",
    "system/local-7ad54392bcdd35a684174e047860b377",
    "dse_system/encrypted_keys-00000000000011f08000000000000000",
    "hcd_system/encrypted_keys-00000000000011f08000000000000000",
];
const KEYS: &str = "/encrypted_keys-00000000000011f08000000000000000";

/// `1` stands for the id.
const VERSIONS: [&str; 3] = ["nb-1-big", "oa-1-big", "da-1-bti"];

const MOST_SSTABLES: usize = 4;
