//! A node with everything in it, counted twice: by the engine, and by the tests' own reader.

use rekey_engine::evidence::{Evidence, KeyName, Place, Role};

use super::reader::{Counts, count};
use super::site::{Site, local};
use crate::kit::system::Scheme;

const TABLE: &str = "t-5ab1e000000011f0800000000000000a";

fn full() -> Site {
    let site = Site::new();
    site.copy("oa-aes-cbc-256-64k/rk", "data/old");
    site.copy("oa-kmip-b/rk", "data/other");
    site.copy("da-aes-cbc-256-16k/rk", "data/tries");
    site.copy("oa-lz4/rk", "data/clear");
    for folder in ["snapshots/monday", "snapshots/friday", "backups", "snapshots/friday/.by_n"] {
        let from = format!("oa-aes-cbc-256-64k/rk/{TABLE}");
        site.copy(&from, &format!("data/old/{TABLE}/{folder}"));
    }
    site.copy(&format!("oa-kmip-a/rk/{TABLE}"), &format!("data/rk/{TABLE}/.by_n"));
    site.segment("commitlog", local());
    site.segment("archive", Scheme::apache("tde", vec![1; 16]));
    site.segment("cdc_raw", local());
    site.hints(Scheme::apache("tde", vec![1; 16]));
    site.write("saved_caches/KeyCache-g.db", "x");
    site
}

fn counted(evidence: &Evidence) -> Counts {
    let mut counts = Counts::new();
    for key in &evidence.keys {
        // What is yet to be written is in no file.
        for own in key.uses.iter().filter(|own| own.place != Place::NextWrites) {
            *counts.entry((key.key.to_string(), own.place.name())).or_default() += own.files;
        }
    }
    counts
}

#[test]
fn the_census_agrees_with_an_independent_reader() {
    let site = full();
    let evidence = site.evidence();
    let expected = count(site.root.path());
    assert_eq!(counted(&evidence), expected);
    // Every kind is there, so that the comparison says something.
    let places: std::collections::BTreeSet<_> = expected.keys().map(|(_, place)| *place).collect();
    let all =
        ["backup", "cdc_raw", "commit_log", "commit_log_archive", "hints", "live", "snapshot"];
    assert_eq!(places.into_iter().collect::<Vec<_>>(), all);
    assert_eq!(evidence.unknowns, []);
    assert!(evidence.not_encrypted.files >= 4);
}

#[test]
fn every_file_is_counted_in_its_directory() {
    let site = full();
    let evidence = site.evidence();
    for (folder, role) in [
        ("data", Role::Data),
        ("commitlog", Role::CommitLog),
        ("archive", Role::CommitLogArchive),
        ("hints", Role::Hints),
        ("cdc_raw", Role::CdcRaw),
        ("saved_caches", Role::SavedCaches),
    ] {
        let own = evidence.directories.iter().find(|directory| directory.role == role).unwrap();
        let (mut files, mut bytes) = (0, 0);
        sizes(&site.path(folder), &mut files, &mut bytes);
        assert_eq!((own.files, own.bytes, own.is_there), (files, bytes, true), "{folder}");
        let of_kinds: u64 = own.kinds.iter().map(|kind| kind.count.files).sum();
        assert_eq!(of_kinds, files, "{folder}");
        assert_eq!(own.digest.as_ref().unwrap().len(), 64);
        assert!(own.origin.contains("line"), "{}", own.origin);
    }
    // Nothing has changed: the same digest. Something has: another one.
    let digest = |evidence: &Evidence| -> Vec<_> {
        evidence.directories.iter().map(|directory| directory.digest.clone()).collect()
    };
    assert_eq!(digest(&site.evidence()), digest(&evidence));
    site.write("hints/x", "x");
    assert_ne!(digest(&site.evidence()), digest(&evidence));
}

fn sizes(folder: &std::path::Path, files: &mut u64, bytes: &mut u64) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sizes(&path, files, bytes);
        } else {
            *files += 1;
            *bytes += std::fs::metadata(path).unwrap().len();
        }
    }
}

#[test]
fn a_report_says_which_node_it_is_of() {
    let evidence = Site::new().evidence();
    let node = evidence.node.unwrap();
    assert_eq!(node.host_id.as_deref(), Some("8e57f75e480041df8be580e2012d6939"));
    assert_eq!(node.cluster.as_deref(), Some("interop"));
    assert_eq!(node.release_version.as_deref(), Some("5.0.5"));
    let ring = evidence.ring.unwrap();
    assert_eq!((ring.len(), &ring[0].host_id), (1, node.host_id.as_ref().unwrap()));
    // As CQL said it (testdata/schema/oa/expected.json).
    assert_eq!(evidence.last_start.unwrap().time.seconds(), 1_795_980_212);
    assert!(evidence.product.unwrap().starts_with("HCD"));
}

#[test]
fn a_key_file_is_one_key_for_each_cipher_and_strength() {
    let site = full();
    let evidence = site.evidence();
    let uses = evidence.keys.iter().filter(
        |uses| matches!(&uses.key, KeyName::LocalFile { file, .. } if file == super::site::FILE),
    );
    let places: Vec<Place> = uses.flat_map(|uses| uses.uses.iter().map(|own| own.place)).collect();
    assert!(places.contains(&Place::CommitLog) && places.contains(&Place::Snapshot));
    let all = evidence.keys.iter().flat_map(|uses| &uses.uses);
    for own in all.filter(|own| own.place != Place::NextWrites) {
        assert!(own.oldest.is_some() && own.oldest <= own.newest, "{own:?}");
        assert!(own.bytes > 0 && own.files > 0, "{own:?}");
    }
}
