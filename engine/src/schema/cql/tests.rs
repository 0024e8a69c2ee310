use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use crate::ErrorKind;
use crate::io::LocalStorage;
use crate::keys::KeySources;
use crate::schema::{Limits, Schema, TableKind, read};

fn parsed(text: &str) -> crate::Result<Schema> {
    Schema::parse_cql(text, Path::new("s.cql"))
}

fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/schema/oa").canonicalize().unwrap()
}

/// The same node's schema by its own tables.
fn by_tables() -> Schema {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let (keys, limits) = (KeySources::default(), Limits::default());
    read(&LocalStorage, &[place()], &keys, limits, now).unwrap()
}

type Pairs = BTreeMap<String, String>;

fn pairs(map: &crate::options::OptionMap) -> Pairs {
    map.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// All facts that CQL has, of keyspaces that are not the node's own or of all. CQL has more options of
/// replication than were given.
fn facts(schema: &Schema, has_ids: bool, is_own: bool) -> Vec<String> {
    let counts = |keyspace: &str| is_own || !keyspace.starts_with("system");
    let tables = schema.tables().iter().filter(|table| counts(&table.keyspace)).map(|table| {
        let id = if has_ids { &*table.id } else { "" };
        let (keyspace, name, kind) = (&table.keyspace, &table.name, &table.kind);
        format!("{keyspace}.{name} {kind:?} {id} {:?}", pairs(&table.compression))
    });
    let keyspaces = schema.keyspaces().iter().filter(|of| counts(&of.name)).map(|of| {
        let class = of.replication.get("class").unwrap().rsplit('.').next().unwrap();
        format!("{} {} {class}", of.name, of.durable_writes)
    });
    let indexes = schema.indexes().iter().filter(|of| counts(&of.keyspace)).map(|of| {
        format!("{}.{}.{} {} {:?}", of.keyspace, of.table, of.name, of.kind, pairs(&of.options))
    });
    let mut all: Vec<String> = tables.chain(keyspaces).chain(indexes).collect();
    all.sort();
    all
}

#[test]
fn what_describe_prints_says_the_same_as_the_node_s_tables() {
    let tables = by_tables();
    let internals = Schema::read_cql(place().join("internals.cql")).unwrap();
    assert!(internals.is_found());
    assert_eq!(facts(&internals, true, true), facts(&tables, true, true));
    for table in internals.tables().iter().filter(|of| !matches!(of.kind, TableKind::Index { .. }))
    {
        assert_eq!(internals.by_id(&table.id), Some(table));
        assert_eq!(table.origins, [place().join("internals.cql").into()]);
    }
    let described = Schema::read_cql(place().join("describe.cql")).unwrap();
    assert_eq!(facts(&described, false, false), facts(&tables, false, false));
    assert!(described.by_id("").is_none());
}

#[test]
fn schema_cql_of_a_snapshot_has_its_table_and_indexes() {
    let schema = Schema::read_cql(place().join("users.cql")).unwrap();
    let (own, said) = (by_tables(), schema.table("app", "users").unwrap());
    let expected = own.table("app", "users").unwrap();
    assert_eq!((&said.id, pairs(&said.compression)), (&expected.id, pairs(&expected.compression)));
    let of_users = own.indexes().iter().filter(|index| index.table == "users");
    assert_eq!(schema.indexes().len(), of_users.count());
    assert_eq!(schema.tables().len(), 2);
}

#[test]
fn hand_written_statements_are_read_as_cql_means_them() {
    let schema = parsed(
        "\u{feff}-- a comment with 'a quote\r\n\
         /*\nWarning: Table ks.old omitted because of ; and '\nCREATE TABLE ks.old (k int);\n*/\n\
         CREATE KEYSPACE IF NOT EXISTS KS WITH replication = {'class': 'SimpleStrategy'} \
         AND durable_writes = FALSE;\n\
         create function ks.f (a int) called on null input returns int language java as $$ ; } ' $$;\n\
         USE \"Ks\";\n\
         CREATE TABLE if not exists T (\"with\" frozen<map<text, frozen<list<int>>>> PRIMARY KEY, \
         b text MASKED WITH DEFAULT) \
         WITH CLUSTERING ORDER BY (b ASC) AND COMPACT STORAGE AND comment = 'AND compression = {}' \
         AND COMPRESSION={'class': 'LZ4Compressor', 'chunk_length_in_kb': 16} AND ID='\
         609e88a0-ec2a-11f1-b6dd-03909675f982' // the last one\n;\n\
         CREATE TABLE ks.\"A \"\"b\"\"\" (k int PRIMARY KEY);\n\
         CREATE TABLE ks.t (k int PRIMARY KEY) WITH compression = {'enabled': false};\n\
         CREATE INDEX ON ks.t (values(\"M\"));\n\
         CREATE INDEX i ON ks.t (k) USING 'sai';\n\
         CREATE INDEX j ON ks.t (k) USING 'legacy_local_table';\n\
         CREATE MATERIALIZED VIEW ks.v AS SELECT k FROM t WHERE k IS NOT NULL AND k > 1 \
         PRIMARY KEY (k) WITH gc_grace_seconds = 1;\n\
         ALTER TABLE ks.t ADD x int; ALTER TABLE ks.t WITH compression = {'class': 'Z'} AND cdc = true",
    )
    .unwrap();
    let table = |keyspace: &str, name: &str| schema.table(keyspace, name).unwrap();
    let mixed = table("Ks", "t");
    assert_eq!(mixed.id, "609e88a0ec2a11f1b6dd03909675f982");
    assert_eq!(mixed.compression.get("chunk_length_in_kb"), Some("16"));
    assert_eq!(schema.by_id(&mixed.id), Some(mixed));
    assert!(table("ks", "A \"b\"").compression.is_empty() && schema.table("ks", "old").is_none());
    // The last statement counts, and an index has its table's options.
    assert_eq!(table("ks", "t").compression.to_cql(), "{'class': 'Z'}");
    assert_eq!(table("ks", "v").kind, TableKind::View { of: "t".to_owned() });
    assert!(!schema.keyspaces()[0].durable_writes);
    let indexes = schema.indexes().iter().map(|index| (&*index.name, &*index.kind));
    let expected = [("i", "CUSTOM"), ("j", "COMPOSITES"), ("t_valuesM_idx", "COMPOSITES")];
    assert_eq!(indexes.collect::<Vec<_>>(), expected);
    assert_eq!(schema.indexes()[2].options.get("target"), Some("values(\"M\")"));
    let of_index = schema.tables().iter().find(|table| table.name == "j").unwrap();
    assert_eq!(of_index.compression.to_cql(), "{'class': 'Z'}");
}

#[test]
fn what_is_no_schema_is_refused_with_line_and_column() {
    let deep = format!("CREATE TABLE a.t {};", "(".repeat(70));
    let long = format!("CREATE TABLE a.{} (k int);", "n".repeat(256));
    let table = "CREATE TABLE a.t (k int PRIMARY KEY)";
    for (text, expected) in [
        ("", "no CREATE TABLE"),
        ("CREATE KEYSPACE a;", "no CREATE TABLE"),
        ("\n  Warning: x;", "line 2, column 3: there is 'Warning' where a statement of a schema"),
        ("DROP TABLE a.t;", "line 1, column 1: there is 'DROP'"),
        ("'é' x", "line 1, column 1: there is ''é'' where a statement"),
        ("CREATE TABLE t (k int);", "line 1, column 14: 't' has no keyspace"),
        ("CREATE TABLE a.t (k int;", "column 24: there is ';' where a closing bracket"),
        ("CREATE TABLE a.t k int);", "column 23: there is ')' where no such bracket"),
        ("CREATE TABLE a. ;", "column 17: there is ';' where a name"),
        ("CREATE TABLE a.\"\" (k int);", "a name of 0 bytes"),
        (&format!("{table} WITH compression = 'x';"), "where a map in braces"),
        (&format!("{table} WITH compression = {{'a' 1}};"), "column 57: the option map has '1'"),
        (&format!("{table} WITH compression = {{'a': 1, 'a': 2}};"), "'a' is given twice"),
        (&format!("{table} WITH compression = {{'a': "), "the end of the map"),
        (&format!("{table} WITH ID = 12;"), "there is '12' where a UUID"),
        (&format!("{table} WITH = 12;"), "there is '=' where the name of an option"),
        (&format!("{table}; 'open"), "column 39: the text that begins here does not end"),
        (&format!("{table}; /* open"), "the comment that begins here"),
        ("ALTER TABLE a.t WITH compression = {};", "'t' is altered, and was not created"),
        ("CREATE MATERIALIZED VIEW a.v AS SELECT x;", "where FROM"),
        ("CREATE INDEX ON a.t k;", "there is 'k' where '('"),
        (&deep, "over 64 brackets"),
        (&long, "a name of 256 bytes"),
    ] {
        let error = parsed(text).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Invalid, Some(Path::new("s.cql"))));
        assert!(error.chain().contains(expected), "{text}: {}", error.chain());
        assert!(error.hint_text().unwrap().contains("DESCRIBE SCHEMA"), "{error:?}");
    }
}

#[test]
fn a_schema_file_is_a_regular_one_of_text() {
    let root = tempfile::tempdir().unwrap();
    let refused = |path: &Path| Schema::read_cql(path).unwrap_err();
    let path = root.path().join("none");
    assert!(refused(&path).chain().contains("none"));
    assert_eq!(refused(root.path()).kind(), ErrorKind::Invalid);
    super::super::tests::put(&path, b"CREATE\n \xff");
    let error = refused(&path);
    assert!(error.to_string().contains("line 2, column 2: not text"), "{error}");
    let large = fs::OpenOptions::new().write(true).open(&path).unwrap();
    large.set_len(u64::try_from(super::LONGEST).unwrap() + 1).unwrap();
    assert!(refused(&path).to_string().contains("is larger than"));
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(
        text in "(?s).{0,80}",
        words in proptest::collection::vec(
            "(?i)create|table|with|and|id|compression|materialized|view|as|from|index|on|alter|use|\
             [a-z]{1,2}|\"[^\"]{0,2}\"|'[^']{0,3}'|[.,;(){}=:-]|\\$\\$|--|/\\*|\\*/|\n",
            0..40,
        ),
    ) {
        drop(parsed(&text));
        drop(parsed(&words.join(" ")));
    }
}
