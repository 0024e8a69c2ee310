//! Missing components, a TOC that lies, a Digest that lies (FORMATS.md 1.4, 3.3).

use std::fs;

use rekey_engine::ErrorKind::Corrupt;
use rekey_engine::plan::Severity;

use crate::kit::Patient;
use crate::kit::workspace::files;

const BIG: [&str; 6] =
    ["Data.db", "CompressionInfo.db", "Index.db", "Statistics.db", "Summary.db", "Filter.db"];

fn bti() -> Patient {
    Patient::of("fixtures/da-aes-cbc-256-16k", "da-2-bti")
}

#[test]
fn a_missing_component_that_the_toc_lists_is_refused() {
    for component in BIG {
        let patient = Patient::usual();
        patient.remove(component);
        let diagnosis = patient.diagnose().is(Corrupt).at(component);
        diagnosis.says("missing").advises("backup");
    }
    for component in ["Data.db", "Partitions.db", "Rows.db", "Statistics.db", "Filter.db"] {
        let patient = bti();
        patient.remove(component);
        patient.diagnose().is(Corrupt).at(component).says("missing").advises("backup");
    }
}

#[test]
fn what_a_node_cannot_do_without_is_missed_without_a_toc_too() {
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
fn what_a_node_can_do_without_is_not_made_up() {
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

#[test]
fn a_toc_that_lists_what_never_was_is_refused() {
    for line in ["SAI+ca+Meta.db", "SI_1.db", "../oa-3-big-Data.db", "CRC.db"] {
        let patient = Patient::usual();
        patient.edit("TOC.txt", |toc| toc.extend(format!("{line}\n").bytes()));
        patient.diagnose().is(Corrupt).at(line).says("TOC.txt lists it");
    }
}

#[test]
fn a_toc_that_is_no_text_is_refused() {
    let patient = Patient::usual();
    patient.flip("TOC.txt", 3, 0x80);
    patient.diagnose().is(Corrupt).at("TOC.txt").says("not text");
    let patient = Patient::usual();
    patient.edit("TOC.txt", |toc| *toc = vec![b'x'; (1 << 20) + 1]);
    patient.diagnose().is(Corrupt).at("TOC.txt").says("longer");
}

#[test]
fn a_toc_that_hides_a_component_is_said_and_the_component_goes_along() {
    for hidden in ["Filter.db", "Summary.db", "TOC.txt"] {
        let patient = Patient::usual();
        patient.edit("TOC.txt", |toc| {
            let text = String::from_utf8(toc.clone()).unwrap();
            *toc = text.replace(&format!("{hidden}\n"), "").into_bytes();
        });
        let path = patient.path(hidden);
        let plan = patient.workspace.plan(&patient.target).unwrap();
        let finding = &plan.findings[0];
        assert_eq!((plan.findings.len(), finding.severity), (1, Severity::Warning), "{hidden}");
        assert_eq!(finding.error.path(), Some(path.as_path()));
        let workspace = patient.recovers();
        assert_eq!(components_of_all(&workspace), vec![8; 4], "{hidden} went along");
    }
}

#[test]
fn a_toc_that_hides_what_a_node_needs_is_refused_and_not_published_again() {
    for hidden in ["Index.db", "CompressionInfo.db", "Data.db", "Statistics.db"] {
        let patient = Patient::usual();
        patient.edit("TOC.txt", |toc| {
            let text = String::from_utf8(toc.clone()).unwrap();
            *toc = text.replace(&format!("{hidden}\n"), "").into_bytes();
        });
        patient.diagnose().is(Corrupt).at("TOC.txt").says(hidden).advises("rebuilds");
    }
    let patient = Patient::usual();
    patient.edit("TOC.txt", Vec::clear);
    patient.diagnose().is(Corrupt).at("TOC.txt").says("does not list");
}

#[test]
fn a_missing_toc_or_digest_is_made_anew() {
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
fn a_digest_that_is_no_number_is_damage() {
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
fn a_missing_digest_is_said_and_made_anew() {
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
fn unknown_components_go_along_whatever_their_names() {
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
fn components_of_all(workspace: &crate::kit::Workspace) -> Vec<usize> {
    let names = files(&workspace.table());
    crate::kit::patient::sstables(&workspace.table())
        .iter()
        .map(|name| names.iter().filter(|file| file.starts_with(&format!("{name}-"))).count())
        .collect()
}
