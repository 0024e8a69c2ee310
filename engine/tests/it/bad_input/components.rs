//! Missing components, a TOC that lies, a Digest that lies (FORMATS.md 1.4, 3.3).

use std::fs;

use rekey_engine::ErrorKind::{Corrupt, Mismatch};
use rekey_engine::io::LeaseMode;
use rekey_engine::plan::{Finding, Selection, Severity, Target};

use crate::kit::Patient;
use crate::kit::workspace::{Workspace, files};

fn bti() -> Patient {
    Patient::of("fixtures/da-aes-cbc-256-16k", "da-2-bti")
}

/// Keeps only the lines of its TOC that pass.
fn keep_lines(patient: &Patient, keep: impl Fn(&str) -> bool) {
    patient.edit("TOC.txt", |toc| {
        let text = String::from_utf8(toc.clone()).unwrap();
        *toc = text
            .lines()
            .filter(|line| keep(line))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
            .into();
    });
}

/// The TOC of the new SSTable, sorted.
fn new_toc(workspace: &Workspace, name: &str) -> Vec<String> {
    let text = fs::read_to_string(workspace.table().join(format!("{name}-TOC.txt"))).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

const WHOLE: [&str; 8] = [
    "CompressionInfo.db",
    "Data.db",
    "Digest.crc32",
    "Filter.db",
    "Index.db",
    "Statistics.db",
    "Summary.db",
    "TOC.txt",
];

#[test]
fn a_missing_required_component_is_refused() {
    for component in ["Data.db", "CompressionInfo.db", "Index.db", "Statistics.db"] {
        let patient = Patient::usual();
        patient.remove(component);
        let diagnosis = patient.diagnose().is(Corrupt).at(component);
        diagnosis.says("missing").advises("backup");
    }
    for component in ["Data.db", "CompressionInfo.db", "Partitions.db", "Rows.db", "Statistics.db"]
    {
        let patient = bti();
        patient.remove(component);
        patient.diagnose().is(Corrupt).at(component).says("missing").advises("backup");
    }
}

/// Like a node, the run continues without it, and says so; the new list does not name it.
#[test]
fn a_listed_component_that_a_node_rebuilds_may_be_missing() {
    let big = ["Summary.db", "Filter.db"].map(|component| (Patient::usual(), component));
    for (patient, component) in big.into_iter().chain([(bti(), "Filter.db")]) {
        patient.remove(component);
        let is_bti = patient.path("Rows.db").exists();
        let plan = patient.workspace.plan(&patient.target).unwrap();
        let [finding] = plan.findings.as_slice() else { panic!("{:?}", plan.findings) };
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(finding.error.path(), Some(patient.path(component).as_path()));
        assert!(finding.error.hint_text().unwrap().contains("when it starts"), "{finding:?}");
        let workspace = patient.recovers();
        let name = if is_bti { "da-6-bti" } else { "oa-6-big" };
        assert!(!workspace.files().contains(&format!("{name}-{component}")));
        assert!(!new_toc(&workspace, name).contains(&component.to_owned()));
    }
}

#[test]
fn required_components_are_required_without_a_toc_too() {
    for component in ["Data.db", "Index.db", "Statistics.db"] {
        let patient = Patient::usual();
        patient.remove(component);
        patient.remove("TOC.txt");
        patient.diagnose().is(Corrupt).at(component).says("missing");
    }
    // Without CompressionInfo.db and TOC it may be anything: FORMATS.md 3.5 knows such files.
    let patient = Patient::usual();
    patient.remove("CompressionInfo.db");
    patient.remove("TOC.txt");
    let diagnosis = patient.diagnose().is(Corrupt).at("Data.db");
    diagnosis.says("CompressionInfo.db").advises("backup");
}

#[test]
fn optional_components_are_not_invented() {
    // Summary and Filter are rebuilt by a node; a TOC that does not list them tells the truth.
    for component in ["Summary.db", "Filter.db"] {
        let patient = Patient::usual();
        patient.remove(component);
        patient.edit("TOC.txt", |toc| {
            let text = String::from_utf8(toc.clone()).unwrap();
            *toc = text.replace(&format!("{component}\n"), "").into_bytes();
        });
        let workspace = patient.recovers();
        assert!(!workspace.files().contains(&format!("oa-6-big-{component}")));
    }
}

/// What indices leave: they append their files to the list, or write a list of only those, and drop
/// files without notice.
#[test]
fn a_toc_that_lists_missing_files_is_reported_and_corrected() {
    for line in ["SAI+ca+Meta.db", "SI_by_n.db", "../oa-3-big-Data.db", "CRC.db", "Rows.db"] {
        let patient = Patient::usual();
        patient.edit("TOC.txt", |toc| toc.extend(format!("{line}\n{line}\n").bytes()));
        let plan = patient.workspace.plan(&patient.target).unwrap();
        let [finding] = plan.findings.as_slice() else { panic!("{:?}", plan.findings) };
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.error.fact().contains("TOC.txt lists the file"), "{finding:?}");
        assert!(finding.error.path().unwrap().to_string_lossy().ends_with(line));
        assert_eq!(new_toc(&patient.recovers(), "oa-6-big"), WHOLE, "{line}");
    }
}

#[test]
fn a_toc_that_lists_only_an_index_is_reported_and_corrected() {
    for is_there in [false, true] {
        for text in ["SI_by_n.db\n", "SAI+aa+by_n+Meta.db\nSAI+aa+by_n+Meta.db\n"] {
            let patient = Patient::usual();
            let index = text.lines().next().unwrap();
            if is_there {
                fs::write(patient.path(index), "an index").unwrap();
            }
            patient.edit("TOC.txt", |toc| *toc = text.into());
            let plan = patient.workspace.plan(&patient.target).unwrap();
            assert!(plan.findings.iter().all(|finding| finding.severity == Severity::Warning));
            assert_eq!(plan.findings.len(), if is_there { 1 } else { 2 });
            let fact = plan.findings.last().unwrap().error.fact();
            assert!(fact.contains("does not list Data.db, CompressionInfo.db, Index.db"), "{fact}");
            let workspace = patient.recovers();
            let mut expected: Vec<_> = WHOLE.iter().map(|name| (*name).to_owned()).collect();
            expected.extend(is_there.then(|| index.to_owned()));
            expected.sort();
            assert_eq!(new_toc(&workspace, "oa-6-big"), expected);
            let carried = workspace.files().contains(&format!("oa-6-big-{index}"));
            assert_eq!(carried, is_there);
        }
    }
}

#[test]
fn a_toc_that_is_not_text_is_reported_and_corrected() {
    for (at, bits) in [(3, 0x80), (0, b'D')] {
        let patient = Patient::usual();
        patient.flip("TOC.txt", at, bits);
        let plan = patient.workspace.plan(&patient.target).unwrap();
        let [finding] = plan.findings.as_slice() else { panic!("{:?}", plan.findings) };
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.error.fact().contains("not text"), "{finding:?}");
        assert_eq!(new_toc(&patient.recovers(), "oa-6-big"), WHOLE);
        // It may still show that a compressor was used.
        let patient = Patient::usual();
        patient.flip("TOC.txt", at, bits);
        patient.remove("CompressionInfo.db");
        patient.diagnose().is(Corrupt).says("missing");
    }
    let patient = Patient::usual();
    patient.edit("TOC.txt", |toc| *toc = vec![b'x'; (1 << 20) + 1]);
    patient.diagnose().is(Corrupt).at("TOC.txt").says("longer");
}

#[test]
fn a_toc_that_omits_a_component_is_reported_and_corrected() {
    for hidden in WHOLE {
        let patient = Patient::usual();
        keep_lines(&patient, |line| line != hidden);
        let plan = patient.workspace.plan(&patient.target).unwrap();
        let [finding] = plan.findings.as_slice() else { panic!("{:?}", plan.findings) };
        assert_eq!(finding.severity, Severity::Warning, "{hidden}");
        assert_eq!(finding.error.path(), Some(patient.path("TOC.txt").as_path()));
        assert!(finding.error.fact().contains(hidden), "{finding:?}");
        let workspace = patient.recovers();
        assert_eq!(components_of_all(&workspace), vec![8; 4], "{hidden} went along");
        assert_eq!(new_toc(&workspace, "oa-6-big"), WHOLE, "{hidden}");
    }
    let patient = Patient::usual();
    patient.edit("TOC.txt", Vec::clear);
    assert_eq!(new_toc(&patient.recovers(), "oa-6-big"), WHOLE);
}

/// Without the list nothing shows that a compressor was used: Data.db may be anything.
#[test]
fn a_lost_compression_info_missing_in_the_toc_is_damage() {
    let patient = Patient::usual();
    patient.remove("CompressionInfo.db");
    keep_lines(&patient, |line| line != "CompressionInfo.db");
    let diagnosis = patient.diagnose().is(Corrupt).at("Data.db");
    diagnosis.says("CompressionInfo.db").advises("backup");
}

/// In Converged Core the list says which files of an index are in use; what it does not name is of a
/// build that was not finished.
#[test]
fn a_component_that_only_an_index_knows_is_listed_if_it_was() {
    let patient = Patient::usual();
    for name in ["SAI+fa+by_n+Meta.db", "SAI+fa+1+by_n+Meta.db"] {
        fs::write(patient.path(name), name).unwrap();
    }
    patient.edit("TOC.txt", |toc| toc.extend(b"SAI+fa+by_n+Meta.db\n"));
    let workspace = patient.recovers();
    assert!(workspace.files().contains(&"oa-6-big-SAI+fa+1+by_n+Meta.db".to_owned()));
    let toc = new_toc(&workspace, "oa-6-big");
    assert!(toc.contains(&"SAI+fa+by_n+Meta.db".to_owned()), "{toc:?}");
    assert!(!toc.contains(&"SAI+fa+1+by_n+Meta.db".to_owned()), "{toc:?}");
}

#[test]
fn a_missing_toc_or_digest_is_rewritten() {
    for missing in ["TOC.txt", "Digest.crc32"] {
        let patient = Patient::usual();
        patient.remove(missing);
        let plan = patient.workspace.plan(&patient.target).unwrap();
        assert!(plan.findings.iter().all(|finding| finding.severity == Severity::Warning));
        assert!(!plan.findings.is_empty(), "it is worth a warning");
        let workspace = patient.recovers();
        assert_eq!(components_of_all(&workspace), vec![8; 4], "{missing} is there again");
        for toc in workspace.files().iter().filter(|name| name.ends_with("-TOC.txt")) {
            let text = fs::read_to_string(workspace.table().join(toc)).unwrap();
            assert!(text.lines().any(|line| line == "TOC.txt"), "{toc}: {text}");
            assert!(text.lines().any(|line| line == "Digest.crc32"), "{toc}: {text}");
        }
    }
}

#[test]
fn a_toc_with_foreign_line_ends_and_repeated_lines_is_read() {
    let patient = Patient::usual();
    patient.edit("TOC.txt", |toc| {
        let text = String::from_utf8(toc.clone()).unwrap().replace('\n', "\r\n");
        *toc = format!("{text}\r\nData.db\r\n").into_bytes();
    });
    assert!(patient.workspace.plan(&patient.target).unwrap().findings.is_empty());
    patient.recovers();
}

#[test]
fn a_wrong_digest_is_damage() {
    for digest in ["0", "4294967295", "1234567890"] {
        let patient = Patient::usual();
        patient.edit("Digest.crc32", |bytes| *bytes = digest.into());
        let diagnosis = patient.diagnose().is(Corrupt).at("Digest.crc32");
        diagnosis.says(digest).says("CRC32 of Data.db").advises("restore");
    }
}

#[test]
fn a_digest_that_is_not_a_number_is_damage() {
    let huge = vec![b'1'; 5000];
    for digest in [&b""[..], b"-1", b"4294967296", b"0x12", b"12 34", b"\xff\xfe", &huge] {
        let patient = Patient::usual();
        patient.edit("Digest.crc32", |bytes| *bytes = digest.into());
        patient.diagnose().is(Corrupt).at("Digest.crc32");
    }
}

#[test]
fn every_flipped_bit_of_a_digest_is_damage() {
    let patient = Patient::usual();
    let digits = patient.bytes("Digest.crc32").len();
    for at in 0..digits {
        let patient = Patient::usual();
        patient.flip("Digest.crc32", at, 1);
        patient.diagnose().is(Corrupt).at("Digest.crc32");
    }
}

#[test]
fn a_missing_digest_is_reported_and_rewritten() {
    let patient = Patient::usual();
    patient.remove("Digest.crc32");
    patient.edit("TOC.txt", |toc| {
        *toc = String::from_utf8(toc.clone()).unwrap().replace("Digest.crc32\n", "").into();
    });
    let plan = patient.workspace.plan(&patient.target).unwrap();
    assert_eq!(plan.findings[0].severity, Severity::Warning);
    assert_eq!(plan.findings[0].error.path(), Some(patient.path("Digest.crc32").as_path()));
    // The oracle compares the new digest.
    let workspace = patient.recovers();
    assert_eq!(components_of_all(&workspace), vec![8; 4]);
}

#[test]
fn another_kind_of_digest_is_not_carried_over_stale() {
    let patient = Patient::usual();
    fs::write(patient.path("Digest.crc64nvme"), "1").unwrap();
    patient.edit("TOC.txt", |toc| toc.extend(b"Digest.crc64nvme\n"));
    let workspace = patient.recovers();
    assert!(!workspace.files().iter().any(|name| name.contains("crc64nvme")));
    for toc in workspace.files().iter().filter(|name| name.ends_with("TOC.txt")) {
        let text = fs::read_to_string(workspace.table().join(toc)).unwrap();
        assert!(!text.contains("crc64nvme"), "{text}");
    }
}

#[test]
fn unknown_components_of_any_name_are_carried_over() {
    for name in ["SI_by_n.db", "SAI+ca+by_n+Meta.db", "Mystery", "UPPER.CASE", "a.b.c"] {
        let patient = Patient::usual();
        fs::write(patient.path(name), name).unwrap();
        patient.edit("TOC.txt", |toc| toc.extend(format!("{name}\n").bytes()));
        let workspace = patient.recovers();
        let found: Vec<_> = workspace
            .files()
            .into_iter()
            .filter(|file| file.ends_with(&format!("-{name}")))
            .map(|file| fs::read(workspace.table().join(file)).unwrap())
            .collect();
        assert_eq!(found, [name.as_bytes()], "{name}");
    }
}

/// How many components each SSTable has.
fn components_of_all(workspace: &Workspace) -> Vec<usize> {
    let names = files(&workspace.table());
    crate::kit::patient::sstables(&workspace.table())
        .iter()
        .map(|name| names.iter().filter(|file| file.starts_with(&format!("{name}-"))).count())
        .collect()
}

/// A node does not miss it; what is lost with it are the checksums of pieces.
#[test]
fn an_uncompressed_sstable_without_checksums_is_accepted() {
    let lose = |component: &str| {
        let workspace = Workspace::copy_of("fixtures/plain-oa");
        fs::remove_file(workspace.table().join(format!("oa-2-big-{component}"))).unwrap();
        workspace
    };
    let workspace = lose("CRC.db");
    assert_eq!(workspace.verify().failures().count(), 0);
    let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    // What is in clear is encrypted where its table is named.
    let named = Selection { keyspace: Some("rk".to_owned()), tables: vec!["t".to_owned()] };
    let plan = workspace.plan_of(&named, &target).unwrap();
    let lost = |finding: &&Finding| {
        finding.error.path().is_some_and(|path| path.ends_with("oa-2-big-CRC.db"))
    };
    let lost: Vec<_> = plan.findings.iter().filter(lost).map(|found| found.severity).collect();
    assert_eq!(lost, [Severity::Warning], "{:?}", plan.findings);
    assert_eq!(plan.rewrites().count(), plan.sstables.len());
    let run = |workspace: &Workspace, target: &Target| {
        let session = workspace.session(LeaseMode::Exclusive).unwrap();
        workspace.run_on(&session, &named, target, &workspace.sources()).unwrap()
    };
    let whole = fs::read(workspace.table().join("oa-2-big-Data.db")).unwrap();
    let report = run(&workspace, &target);
    assert_eq!((report.failures().count(), report.successes()), (0, plan.sstables.len()));
    assert_eq!(workspace.verify().failures().count(), 0);

    // Its digest is all that is left to notice damage by.
    let workspace = lose("CRC.db");
    let mut damaged = whole;
    damaged[7] ^= 1;
    fs::write(workspace.table().join("oa-2-big-Data.db"), damaged).unwrap();
    let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    let report = run(&workspace, &target);
    let failed: Vec<_> = report.failures().map(|error| error.kind()).collect();
    assert_eq!(failed, [Corrupt]);
    let failed: Vec<_> = workspace.verify().failures().map(|error| error.kind()).collect();
    assert_eq!(failed, [Mismatch]);

    // Nothing says that it is uncompressed.
    let workspace = lose("CRC.db");
    fs::remove_file(workspace.table().join("oa-2-big-TOC.txt")).unwrap();
    let report = workspace.verify();
    assert!(report.failures().next().unwrap().chain().contains("neither a CompressionInfo.db nor"));
}
