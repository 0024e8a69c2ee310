//! Logs that name files in other places.

use std::path::Path;

use rekey_engine::txn::Verdict;

use super::{Swap, commit, line};
use crate::kit::workspace::{copy_tree, files, testdata};

/// Whatever a log says, nothing outside the table's own directories is ever deleted.
#[test]
fn a_path_outside_the_table_is_refused_and_untouched() {
    let swap = Swap::new();
    let data = swap.workspace.data();
    let table = swap.workspace.table();
    let name = table.file_name().unwrap().to_str().unwrap();
    let other = data.join("rk/u-5ab1e000000011f0800000000000000b");
    let outside = swap.workspace.root.path().join("outside");
    let snapshot = table.join("snapshots/s");
    for directory in [&other, &outside, &snapshot] {
        copy_tree(&testdata().join("fixtures/oa-aes-cbc-256-64k/rk").join(name), directory);
        assert!(files(directory).len() >= 32);
    }
    let other = other.display();
    for foreign in [
        format!("{other}/oa-2-big-"),
        format!("file://{other}/oa-2-big-"),
        format!("{other}/oa-2-big"),
        format!("{}/oa-2-big-", outside.display()),
        format!("{}/oa-2-big-", snapshot.display()),
        format!("{}/../{name}/oa-2-big-", table.display()),
        format!("{}/snapshots/../oa-2-big-", table.display()),
        "oa-2-big-".to_owned(),
        "/oa-2-big-".to_owned(),
        "../oa-2-big-".to_owned(),
        format!("{}/", table.display()),
        format!("{}/-", table.display()),
        format!("{}/oa-2-", table.display()),
        format!("{}/oa-2-big-Data.db", table.display()),
        format!("file://{}/oa-2-big%2F..%2F-", table.display()),
        format!("file://{}/%ff-2-big-", table.display()),
        format!("http://{}/oa-2-big-", table.display()),
    ] {
        for (kind, end) in [("ADD", None), ("REMOVE", Some(commit()))] {
            let before: Vec<_> =
                [&outside, &snapshot].iter().map(|directory| files(directory)).collect();
            let mut lines = vec![line(kind, &foreign, 0, 0)];
            lines.extend(end);
            swap.write_lines(&lines);
            let plan = swap.workspace.plan(&swap.target).unwrap();
            assert!(matches!(plan.logs[0].1, Verdict::Refuse(_)), "{kind} {foreign}");
            assert_eq!(swap.recover(), [], "{kind} {foreign}");
            assert_eq!(swap.has("oa-2-big"), 8, "{kind} {foreign}");
            let after: Vec<_> =
                [&outside, &snapshot].iter().map(|directory| files(directory)).collect();
            assert_eq!(after, before, "{kind} {foreign}");
        }
    }
    assert!(files(Path::new(&other.to_string())).contains(&"oa-2-big-Data.db".to_owned()));
}
