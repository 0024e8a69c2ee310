//! `census` against reading the headers of the chunks alone.

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use rekey_benches::{Form, Headers, Plaintext, Site};
use rekey_engine::options::ChunkLength;

use super::super::Result;
use super::super::bench::Bench;
use super::super::files;
use super::super::noise::{Meter, Sample};
use super::super::program::{self, Memory};
use super::super::rounds::{Case, take_turns};
use super::super::row::{Goal, Row};
use super::rewrite::row;

/// Chunks whose headers name their keys, and chunks without headers, of which the places
/// and lengths are checked.
pub(in super::super) fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let size = shown(bench.census_bytes);
    let mut rows = Vec::new();
    for (form, name) in
        [(Form::AES_256_CBC.kmip(), "KMIP headers"), (Form::AES_256_CBC, "no headers")]
    {
        let directory = tempfile::Builder::new().prefix("compare-").tempdir_in(&bench.disk)?;
        let site = Site::with(directory.path(), [form; 2], Plaintext::fill())?;
        let mut sparse = Vec::new();
        for id in 1..=SSTABLES {
            bench.meter.check()?;
            let chunk_length = ChunkLength::try_from(64 << 10)?;
            let each = bench.census_bytes / u64::from(SSTABLES);
            let path = site.table().join(format!("nb-{id}-big-Data.db"));
            sparse.push((path, site.write_sparse(id, each, chunk_length)?));
        }
        files::settle(&bench.disk)?;
        let tables: Vec<_> = files::files_of(&site.table())?
            .into_iter()
            .filter(|path| path.ends_with("-Data.db"))
            .collect();
        let memory = Memory::default();
        let has_headers = sparse.iter().any(|(_, headers)| headers.length > 0);
        let mut cases = [
            Case::new("headers alone", |meter| {
                files::warm(&tables)?;
                read(meter, &sparse, bench.census_bytes)
            }),
            Case::new(format!("census, {name}"), |meter| {
                let mut command = program::census(&bench.program, &site);
                meter.time(bench.census_bytes, || memory.watch(&mut command))
            }),
        ];
        let series = take_turns(&bench.meter, bench.rounds, "census", &mut cases)?;
        drop(cases);
        let what = format!("`census` of {size} in {SSTABLES} SSTables, {name}");
        if has_headers {
            let goal = Goal::AtLeast { demand: 0.5, stretch: 0.9 };
            rows.push(row(&series, (1, 0), &what, "reading the headers alone, warm", goal));
        } else {
            let seconds = series.seconds(1);
            rows.push(Row {
                what: what.clone(),
                against: String::new(),
                figures: seconds,
                goal: Goal::None,
                rates: "seconds".to_owned(),
            });
        }
        rows.push(memory.row(&what));
    }
    Ok(rows)
}

/// Reads the headers of all files, with a thread for each core: a positional read for each of
/// them is the quickest way from a cached file, quicker than a fault of a map.
fn read(meter: &Meter, sparse: &[(PathBuf, Headers)], bytes: u64) -> Result<Sample> {
    meter.time(bytes, || {
        for (path, headers) in sparse {
            let (file, next) = (&File::open(path)?, &AtomicU64::new(0));
            files::on_all_cores(|| {
                let mut header = vec![0; headers.length];
                loop {
                    let first = next.fetch_add(AT_ONCE, Ordering::Relaxed);
                    if first >= headers.count {
                        return Ok(());
                    }
                    for chunk in first..headers.count.min(first + AT_ONCE) {
                        file.read_exact_at(&mut header, chunk * headers.stride)?;
                        black_box(&header);
                    }
                }
            })?;
        }
        Ok(())
    })
}

fn shown(bytes: u64) -> String {
    format!("{} GiB", bytes as f64 / f64::from(1 << 30))
}

const SSTABLES: u32 = 10;
/// Headers that a thread reads at a time.
const AT_ONCE: u64 = 4096;
