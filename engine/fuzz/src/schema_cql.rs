//! A schema as CQL: any text.

use std::path::Path;

use rekey_engine::ErrorKind;
use rekey_engine::schema::Schema;

use super::scratch::testdata;

/// Reads it, and what was read, written as CQL, once more.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let path = Path::new("schema.cql");
    let schema = match Schema::parse_cql(&text, path) {
        Ok(schema) => schema,
        Err(error) => {
            assert_eq!((error.kind(), error.path()), (ErrorKind::Invalid, Some(path)));
            assert!(error.hint_text().is_some(), "{error:?}");
            return;
        }
    };
    assert!(schema.is_found() && !schema.tables().is_empty());
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let tables = schema.tables().iter().filter(|table| {
        schema.table(&table.keyspace, &table.name).is_some_and(|named| named == *table)
    });
    let again: String = tables
        .map(|table| {
            let (keyspace, name) = (quoted(&table.keyspace), quoted(&table.name));
            let options = table.compression.to_cql();
            format!("CREATE TABLE {keyspace}.{name} (k int) WITH compression = {options};\n")
        })
        .collect();
    let again = Schema::parse_cql(&again, path).expect("what was read can be written");
    for table in again.tables() {
        let own = schema.table(&table.keyspace, &table.name).expect("a table that was read");
        assert_eq!(own.compression, table.compression);
    }
}

/// What a real node printed, whole and by statement.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let read = |name: &str| {
        let path = testdata().join("schema/oa").join(name);
        std::fs::read_to_string(path).expect("a committed file")
    };
    let (described, users) = (read("describe.cql"), read("users.cql"));
    let statements = described.split("\n\n").map(|statement| statement.as_bytes().to_vec());
    let own =
        b"use a; create table t (k int) with id = 609e88a0-ec2a-11f1-b6dd-03909675f982 -- x\n\
                ; alter table t with compression = {'a': 1}; create index on t (k); /* $$ */ $$;$$"
            .to_vec();
    statements.chain([users.into_bytes(), described.clone().into_bytes(), own]).collect()
}
