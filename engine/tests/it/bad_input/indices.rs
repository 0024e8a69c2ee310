//! Indices that are another SSTable's.

use std::fs;

use rekey_engine::ErrorKind::Corrupt;
use rekey_engine::plan::{Action, Selection};

use crate::kit::workspace::Workspace;

/// Found by the fuzz target `directory`: it was encrypted silently, and from then on every plan
/// said that the key is wrong.
#[test]
fn an_sstable_with_a_foreign_index_is_not_encrypted() {
    for (set, name) in [("plain-oa", "oa-3-big"), ("oa-lz4", "oa-3-big"), ("plain-da", "da-3-bti")]
    {
        let workspace = Workspace::copy_of(&format!("fixtures/{set}"));
        let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
        let named = Selection { keyspace: Some("rk".to_owned()), tables: vec!["t".to_owned()] };
        let index = if name.ends_with("bti") { "Partitions.db" } else { "Index.db" };
        let path = workspace.table().join(format!("{name}-{index}"));
        let mut bytes = fs::read(&path).unwrap();
        bytes[7] ^= 1;
        fs::write(path, bytes).unwrap();
        let plan = workspace.plan_of(&named, &target).unwrap();
        for planned in &plan.sstables {
            let is_it = planned.sstable.descriptor.to_string() == name;
            match &planned.action {
                Action::Rewrite { .. } => assert!(!is_it, "{set}"),
                Action::Refuse(error) => {
                    assert!(is_it, "{set}: {error:?}");
                    assert_eq!(error.kind(), Corrupt);
                    assert!(error.fact().contains("partition key"), "{error:?}");
                    assert!(error.hint_text().unwrap().starts_with("scrub"), "{error:?}");
                }
                other => panic!("{set}: {other:?}"),
            }
        }
    }
}
