//! The whole job on a temporary directory: plan, rewrite, read back, swap; GB/s of Data.db.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a bench may stop")]

use std::num::NonZeroUsize;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rekey_benches::Site;
use rekey_engine::event::NoObserver;
use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::keys::KeySources;
use rekey_engine::options::ChunkLength;
use rekey_engine::plan::{Selection, Target, Targets};
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{self, PlanRequest, Session};

const SIZE: u64 = 64 << 20;

fn whole(c: &mut Criterion) {
    let mut group = c.benchmark_group("upgradesstables aes-256-cbc");
    group.sample_size(10).throughput(Throughput::Bytes(SIZE));
    let all = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    for (name, sstables, chunk) in [("one", 1, 65_536), ("one 16K", 1, 16_384), ("64", 64, 65_536)]
    {
        let root = tempfile::tempdir().expect("a temporary directory");
        let site = Site::new(root.path()).expect("a site");
        let chunk = ChunkLength::try_from(chunk).expect("a chunk length");
        for id in 1..=sstables {
            site.write_sstable(id, SIZE / u64::from(sstables), chunk).expect("an SSTable");
        }
        let mut turn = 0;
        for threads in [1, all] {
            group.bench_function(BenchmarkId::new(name, format!("{threads} threads")), |b| {
                b.iter(|| {
                    turn += 1;
                    upgrade(&site, &site.targets()[turn % 2], threads)
                });
            });
            if all == 1 {
                break;
            }
        }
    }
    group.finish();
}

fn upgrade(site: &Site, target: &Target, threads: usize) -> usize {
    let data = [site.data()];
    let session = Session::open(Box::new(LocalStorage), &data, LeaseMode::Exclusive, true)
        .expect("a session");
    let threads = NonZeroUsize::new(threads).expect("a thread");
    let targets = Targets::one(target.clone());
    let request = PlanRequest {
        archives: upgrade::Archives::default(),
        selection: &Selection::default(),
        targets: &targets,
        flavor: Some(Flavor::Apache4),
        sources: &KeySources::default(),
        threads,
    };
    let prepared = upgrade::prepare(&session, &request).expect("a plan");
    let (_, report) = prepared.run(threads, &mut NoObserver).expect("a run");
    assert_eq!(report.failures().count(), 0, "nothing fails");
    report.successes()
}

criterion_group!(benches, whole);
criterion_main!(benches);
