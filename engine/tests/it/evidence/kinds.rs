//! For each kind of thing: it alone turns a yes into a no, or takes the certainty away, and its removal
//! brings the yes back.

use std::fs;
use std::path::PathBuf;

use rekey_engine::evidence::{Answer, Work};

use super::site::{FILE, Site, local, remove};
use crate::kit::system::Scheme;

/// What was put there, and how it goes away.
enum Put {
    Files(Vec<PathBuf>),
    /// A file that was there before, and what it had.
    Changed(PathBuf, Vec<u8>),
}

type Kind = (&'static str, &'static str, fn(&Site) -> Put, Answer, Work);

fn files(paths: impl IntoIterator<Item = PathBuf>) -> Put {
    Put::Files(paths.into_iter().collect())
}

fn configured(site: &Site, text: &str) -> Put {
    let path = site.path("conf/hcd.yaml");
    let before = fs::read(&path).unwrap();
    fs::write(&path, text).unwrap();
    Put::Changed(path, before)
}

const TABLE: &str = "t-5ab1e000000011f0800000000000000a";

fn sstables(site: &Site, folder: &str) -> Put {
    let from = format!("oa-aes-cbc-256-64k/rk/{TABLE}");
    files([site.copy(&from, &format!("data/rk/{TABLE}/{folder}"))])
}

const NO: Answer = Answer::No;
const UNKNOWN: Answer = Answer::Unknown;
const ANY: &str = "kmip vault/any";

const KINDS: [Kind; 36] = [
    ("live", FILE, |s| files([s.copy("oa-aes-cbc-256-64k/rk", "data/old")]), NO, Work::Live),
    ("an index", FILE, |s| sstables(s, ".by_n"), NO, Work::Live),
    ("a snapshot", FILE, |s| sstables(s, "snapshots/monday"), NO, Work::Snapshots),
    ("an index in it", FILE, |s| sstables(s, "snapshots/monday/.by_n"), NO, Work::Snapshots),
    ("backups", FILE, |s| sstables(s, "backups"), NO, Work::Backups),
    ("the commit log", FILE, |s| files([s.segment("commitlog", local())]), NO, Work::CommitLog),
    ("an archive", FILE, |s| files([s.segment("archive", local())]), NO, Work::CommitLogArchive),
    ("change data", FILE, |s| files([s.segment("cdc_raw", local())]), NO, Work::CdcRaw),
    ("hints", FILE, |s| files(s.hints(local())), NO, Work::Hints),
    (
        "a segment of Apache's encryption",
        "keystore TDE",
        |s| files([s.segment("commitlog", Scheme::apache("tde", vec![1; 16]))]),
        NO,
        Work::CommitLog,
    ),
    (
        "hints of Apache's encryption",
        "tde",
        |s| files(s.hints(Scheme::apache("tde", vec![1; 16]))),
        NO,
        Work::Hints,
    ),
    (
        "a segment under a key of a server",
        "vault/7",
        |s| files([s.segment("commitlog", Scheme::kmip("vault", &[("7", vec![1; 16])]))]),
        NO,
        Work::CommitLog,
    ),
    (
        "keys under a system key",
        "system system_key_1",
        |s| {
            let from = crate::kit::workspace::testdata().join("key_tables/oa/hcd_system");
            crate::kit::workspace::copy_tree(&from, &s.path("data/hcd_system"));
            files([s.path("data/hcd_system")])
        },
        NO,
        Work::KeyTable,
    ),
    (
        "values of the configuration",
        "system own",
        |s| configured(s, "config_encryption_active: true\nconfig_encryption_key_name: own\n"),
        NO,
        Work::Configuration,
    ),
    (
        "values under a system key on a server",
        "vault/9",
        |s| {
            let name = "config_encryption_key_name: kmip://vault/9\n";
            configured(s, &format!("config_encryption_active: true\n{name}"))
        },
        NO,
        Work::Configuration,
    ),
    (
        "what the node writes next",
        "/k/system/tables AES/CBC/PKCS5Padding:256",
        |s| {
            configured(
                s,
                "system_key_directory: /k\nsystem_info_encryption:\n  enabled: true\n  \
                 cipher_algorithm: AES/CBC/PKCS5Padding\n  secret_key_strength: 256\n  key_name: \
                 tables\n",
            )
        },
        NO,
        Work::NextWrites,
    ),
    (
        "an index of DSE Search",
        ANY,
        |s| files([s.write("data/solr.data/rk.t/index/_0.fdt", "x"), s.path("data/solr.data")]),
        NO,
        Work::Search,
    ),
    (
        "one beside the data",
        ANY,
        |s| files([s.write("solr.data/rk.t/index/_0.fdt", "x"), s.path("solr.data")]),
        NO,
        Work::Search,
    ),
    (
        "an index of DSE 6.8",
        ANY,
        |s| {
            let table = format!("data/dse/{TABLE}");
            s.copy(&format!("bb-local-cbc/rk/{TABLE}"), &table);
            let name = fs::read_dir(s.path(&table))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let name = name.filter_map(|name| name.strip_suffix("-Data.db").map(str::to_owned));
            let name = name.max().unwrap();
            s.write(&format!("{table}/{name}-SAI_i_TermsData.db"), "x");
            files([s.path("data/dse")])
        },
        NO,
        Work::DseIndex,
    ),
    (
        "a file among the tables",
        ANY,
        |s| files([s.write("data/rk/x", "x")]),
        UNKNOWN,
        Work::Foreign,
    ),
    (
        "an unknown component",
        ANY,
        |s| files([s.write(&format!("data/rk/{TABLE}/oa-2-big-Novelty.db"), "x")]),
        UNKNOWN,
        Work::Foreign,
    ),
    (
        "SSTables where no node looks",
        ANY,
        |s| files([s.copy(&format!("oa-lz4/rk/{TABLE}"), "data/rk.bak")]),
        UNKNOWN,
        Work::Foreign,
    ),
    ("a foreign log", ANY, |s| files([s.write("commitlog/x.log", "x")]), UNKNOWN, Work::Foreign),
    ("foreign hints", ANY, |s| files([s.write("hints/x", "x")]), UNKNOWN, Work::Foreign),
    ("a foreign cache", ANY, |s| files([s.write("saved_caches/x", "x")]), UNKNOWN, Work::Foreign),
    ("foreign change data", ANY, |s| files([s.write("cdc_raw/x", "x")]), UNKNOWN, Work::Foreign),
    (
        "hints in the commit log",
        ANY,
        |s| {
            let hints = s.hints(Scheme::Lz4);
            let other = s.path("commitlog").join(hints[0].file_name().unwrap());
            fs::rename(&hints[0], &other).unwrap();
            files([other, hints[1].clone()])
        },
        UNKNOWN,
        Work::Foreign,
    ),
    (
        "a damaged segment",
        ANY,
        |s| files([s.write("commitlog/CommitLog-7-5.log", [1; 64])]),
        UNKNOWN,
        Work::Unreadable,
    ),
    (
        "a damaged SSTable",
        ANY,
        |s| {
            let at = s.path(&format!("data/rk/{TABLE}/oa-2-big-CompressionInfo.db"));
            let before = fs::read(&at).unwrap();
            fs::write(&at, "x").unwrap();
            Put::Changed(at, before)
        },
        UNKNOWN,
        Work::Unreadable,
    ),
    (
        "a link to nothing",
        ANY,
        |s| {
            std::os::unix::fs::symlink("/gone/for/good", s.path("hints/x")).unwrap();
            files([s.path("hints/x")])
        },
        UNKNOWN,
        Work::Unreadable,
    ),
    (
        "an unfinished run",
        ANY,
        |s| {
            s.write("data/.sstablerekey/rk.t.oa-2-big/Data.db.staged", "x");
            files([s.path("data/.sstablerekey")])
        },
        UNKNOWN,
        Work::Unfinished,
    ),
    (
        "a data directory that nobody gave",
        ANY,
        |s| {
            let path = s.path("conf/cassandra.yaml");
            let before = fs::read(&path).unwrap();
            let text = String::from_utf8(before.clone()).unwrap();
            fs::write(&path, text.replace("/data]", "/data, /gone/for/good]")).unwrap();
            Put::Changed(path, before)
        },
        UNKNOWN,
        Work::NotLookedAt,
    ),
    (
        "a directory that cannot be told",
        ANY,
        |s| {
            let path = s.path("conf/cassandra.yaml");
            let before = fs::read(&path).unwrap();
            let text = String::from_utf8(before.clone()).unwrap();
            let root = s.root.path().display().to_string();
            fs::write(&path, text.replace(&format!("{root}/hints"), "hints")).unwrap();
            Put::Changed(path, before)
        },
        UNKNOWN,
        Work::NotLookedAt,
    ),
    (
        "a directory that is not there",
        ANY,
        |s| {
            let path = s.path("conf/cassandra.yaml");
            let before = fs::read(&path).unwrap();
            let text = String::from_utf8(before.clone()).unwrap();
            fs::write(&path, text.replace("/commitlog\n", "/unmounted\n")).unwrap();
            Put::Changed(path, before)
        },
        UNKNOWN,
        Work::NotLookedAt,
    ),
    (
        "an archive elsewhere",
        ANY,
        |s| {
            let path = s.path("conf/commitlog_archiving.properties");
            let before = fs::read(&path).unwrap();
            fs::write(&path, "archive_command=/bin/put %path\n").unwrap();
            Put::Changed(path, before)
        },
        UNKNOWN,
        Work::NotLookedAt,
    ),
    (
        "a mark of a run after the start",
        ANY,
        |s| {
            s.write("data/.sstablerekey/rewritten", "");
            files([s.path("data/.sstablerekey")])
        },
        Answer::AfterNextStart,
        Work::Start,
    ),
];

#[test]
fn each_kind_alone_holds_a_key_and_its_removal_lets_it_go() {
    let site = Site::new();
    for (name, key, put, answer, work) in KINDS {
        site.says(key_before(key), Answer::Yes);
        let put = put(&site);
        let verdict = site.says(key, answer);
        let of_it: Vec<_> =
            verdict.reasons.iter().filter(|reason| reason.answer == answer).collect();
        assert!(of_it.iter().all(|reason| reason.work == work), "{name}: {verdict:#?}");
        assert!(of_it.iter().all(|reason| !reason.steps.is_empty()), "{name}: {verdict:#?}");
        match put {
            Put::Files(paths) => {
                paths.iter().filter(|path| path.symlink_metadata().is_ok()).for_each(|p| remove(p));
            }
            Put::Changed(path, before) => fs::write(path, before).unwrap(),
        }
        let verdict = site.says(key_before(key), Answer::Yes);
        assert_eq!(verdict.reasons, [], "{name}");
    }
}

/// A word alone is a key only where there is one.
fn key_before(key: &'static str) -> &'static str {
    if key == "tde" { "keystore tde" } else { key }
}

/// No SSTable is under these keys (`testdata/schema/statements.cql`): the next ones will be.
#[test]
fn a_key_file_that_the_schema_names_is_in_use() {
    let site = Site::new();
    for key in ["keys/one", "keys/two AES/CBC/PKCS5Padding:256"] {
        let verdict = site.says(key, Answer::No);
        let works: Vec<_> = verdict.reasons.iter().map(|reason| reason.work).collect();
        assert_eq!(works, [Work::NextWrites], "{verdict:#?}");
        assert!(verdict.reasons[0].what.contains("app."), "{verdict:#?}");
    }
    site.says("keys/two AES/CBC/PKCS5Padding:128", Answer::Yes);
}

#[test]
fn saved_caches_count_where_the_node_encrypts_them() {
    let site = Site::new();
    site.write("saved_caches/KeyCache-g.db", "x");
    // Apache never does, and neither does HCD unless it is told to.
    site.says(ANY, Answer::Yes);
    let on = "kmip_hosts: {}\nsystem_info_encryption:\n  enabled: true\n  key_provider: \
              KmipKeyProviderFactory\n  kmip_host: vault\n";
    site.write("conf/hcd.yaml", on);
    let verdict = site.says(ANY, Answer::No);
    assert_eq!(verdict.reasons[0].work, Work::SavedCaches);
    remove(&site.path("saved_caches/KeyCache-g.db"));
    site.says(ANY, Answer::Yes);
}

#[test]
fn plaintext_is_told_and_holds_no_key() {
    let site = Site::new();
    for file in ["bin/java_pid1.hprof", "core.4711", "mutation123dat", "logs/audit/1.cq4"] {
        site.write(file, "x");
    }
    site.says(ANY, Answer::Yes);
    let evidence = site.evidence();
    let mut kinds: Vec<_> = evidence.findings.iter().map(|finding| finding.kind.name()).collect();
    kinds.dedup();
    // The SSTables of the node are of the format BIG.
    assert_eq!(kinds, ["clear_index", "mutation", "dump", "query_log"]);
}

#[test]
fn without_its_configuration_a_node_is_unknown() {
    let site = Site::new();
    let evidence = site.evidence_of(false);
    let query = rekey_engine::evidence::KeyQuery::parse(ANY).unwrap();
    let verdict = rekey_engine::evidence::verdict(&query, &evidence);
    assert_eq!(verdict.answer, Answer::Unknown);
    assert!(verdict.reasons[0].what.contains("commit_log, hints, saved_caches"), "{verdict:?}");
}
