//! `census` against reading the headers of the chunks alone.

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt as _;

use rekey_benches::{Form, Headers, Plaintext};
use rekey_engine::options::ChunkLength;

use super::bench::Bench;
use super::files;
use super::program::{self, Memory};
use super::row::{Goal, Row};
use crate::measure::noise::{Meter, Sample};
use crate::measure::outcome::Result;
use crate::measure::rounds::{Case, take_turns};

/// Sparse files with nothing but the headers in their places.
pub(super) fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let form = Form::AES_256_CBC.kmip();
    let (site, _directory) = Bench::site(&bench.disk, [form; 2], Plaintext::fill())?;
    let bytes = bench.size(100 << 30, 64 << 20);
    let (table, mut sparse) = (site.table(), Vec::new());
    for id in 1..=SSTABLES {
        bench.meter.check()?;
        let each = bytes / u64::from(SSTABLES);
        let headers = site.write_sparse(id, each, ChunkLength::try_from(64 << 10)?)?;
        sparse.push((File::open(table.join(format!("nb-{id}-big-Data.db")))?, headers));
    }
    files::settle(&bench.disk)?;
    let memory = Memory::default();
    let mut cases = [
        Case::new("headers alone", |meter| read(meter, &sparse, bytes)),
        Case::new("census", |meter| {
            let mut command = program::tool(&bench.program, &site, &["census"]);
            meter.time(bytes, || memory.watch(&mut command))
        }),
    ];
    let series = take_turns(&bench.meter, bench.rounds, "census", &mut cases)?;
    drop(cases);
    let gib = bytes as f64 / f64::from(1 << 30);
    let what = format!("`census` of {gib} GiB in {SSTABLES} SSTables, KMIP headers");
    let goal = Goal::AtLeast(0.5);
    let against = "reading the headers alone, warm";
    Ok(vec![Row::of_rates(&series, (1, 0), &what, against, goal), memory.row(&what)])
}

/// A positional read of each header is the quickest way from a cached file, quicker than a fault of
/// a map.
fn read(meter: &Meter, sparse: &[(File, Headers)], bytes: u64) -> Result<Sample> {
    let mut parts = Vec::new();
    for (file, headers) in sparse {
        parts.extend((0..headers.count).step_by(AT_ONCE).map(|first| (file, headers, first)));
    }
    meter.time(bytes, || {
        files::on_all_cores(&parts, Vec::new, |header, (file, headers, first)| {
            header.resize(headers.length, 0);
            for chunk in (*first..headers.count).take(AT_ONCE) {
                file.read_exact_at(header, chunk * headers.stride)?;
                black_box(&header);
            }
            Ok(())
        })
    })
}

const SSTABLES: u32 = 10;
/// Headers that a thread reads at a time.
const AT_ONCE: usize = 4096;
