//! Random writes and deletions of a real node, in several SSTables, against what CQL showed of them.

use std::fs;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::limits::Limits;
use super::super::merge::{Found, FoundCell, Merge};
use super::super::open::Opener;
use super::super::values::map;
use super::{local_keys, testdata};
use crate::io::LocalStorage;
use crate::txn::DirectoryView;

fn text(value: &[u8]) -> Value {
    json!(String::from_utf8(value.to_vec()).unwrap())
}

fn int(value: &[u8]) -> Value {
    json!(i32::from_be_bytes(value.try_into().unwrap()))
}

/// A row as `SELECT JSON` shows it.
fn shown(row: &Found) -> Value {
    let mut all = Map::new();
    all.insert("pk".to_owned(), text(&row.key));
    let clustering = |at: usize| row.clustering.get(at).and_then(Option::as_deref);
    all.insert("a".to_owned(), clustering(0).map_or(Value::Null, int));
    all.insert("b".to_owned(), clustering(1).map_or(Value::Null, text));
    let column = |name: &str| -> Option<&Vec<FoundCell>> {
        let own = row.columns.get(name.as_bytes());
        own.or_else(|| row.statics.as_ref()?.columns.get(name.as_bytes()))
    };
    for (name, read) in [("s", text as fn(&[u8]) -> Value), ("v", text), ("n", int), ("f", frozen)]
    {
        let value = column(name).map_or(Value::Null, |cells| read(&cells[0].value));
        all.insert(name.to_owned(), value);
    }
    let path = |cell: &FoundCell| String::from_utf8(cell.path.clone().unwrap()).unwrap();
    let pairs = column("m").map(|cells| {
        cells.iter().map(|cell| (path(cell), text(&cell.value))).collect::<Map<_, _>>()
    });
    all.insert("m".to_owned(), pairs.map_or(Value::Null, Value::Object));
    let elements = column("t").map(|cells| cells.iter().map(|cell| json!(path(cell))).collect());
    all.insert("t".to_owned(), elements.map_or(Value::Null, Value::Array));
    Value::Object(all)
}

fn frozen(value: &[u8]) -> Value {
    let pairs = map(value).unwrap().into_iter().map(|(key, value)| (key, json!(value)));
    Value::Object(pairs.collect())
}

#[test]
fn what_is_left_of_random_rows_is_what_cql_shows() {
    let keys = local_keys();
    let opener = Opener { storage: &LocalStorage, keys: &keys };
    for format in ["nb", "oa", "da"] {
        let set = testdata().join("rows").join(format);
        let said: Value =
            serde_json::from_slice(&fs::read(set.join("expected.json")).unwrap()).unwrap();
        let table = fs::read_dir(set.join("rk")).unwrap().next().unwrap().unwrap().path();
        let mut live = DirectoryView::of(&LocalStorage, &[table]).unwrap().live;
        assert!(live.len() > 4);
        for _ in 0..2 {
            let (mut merge, mut limits) = (Merge::default(), Limits::default());
            for (origin, sstable) in live.iter().map(Arc::clone).enumerate() {
                opener.add(&sstable, origin, &mut merge, &mut limits).unwrap();
            }
            let found = merge.finish(said["now"].as_i64().unwrap()).unwrap();
            let mut own: Vec<String> = found.iter().map(|row| shown(row).to_string()).collect();
            let rows = said["rows"].as_array().unwrap().iter();
            let mut expected: Vec<String> = rows.map(ToString::to_string).collect();
            own.sort();
            expected.sort();
            assert_eq!(own, expected, "{format}");
            assert!(own.len() > 20);
            live.reverse();
        }
    }
}
