//! A report of `may-destroy` that comes back from another machine.

use std::path::Path;

use rekey_engine::evidence::{Cluster, Evidence, KeyQuery, verdict};

/// Reads and judges it; a report that is read survives being written.
pub fn run(bytes: &[u8]) {
    let path = Path::new("report.json");
    let Ok(evidence) = Evidence::parse(bytes, path) else { return };
    let json = evidence.to_json().expect("what was read can be written");
    assert_eq!(Evidence::parse(&json, path).expect("it was just written"), evidence);
    let alone = |uses| verdict(&KeyQuery::exactly(uses), &evidence);
    let verdicts: Vec<_> = evidence.keys.iter().map(|uses| alone(&uses.key)).collect();
    let cluster =
        Cluster::of(vec![("r".to_owned(), evidence.clone())], evidence.time).expect("there is one");
    for verdict in verdicts {
        // A cluster never knows better than its only node.
        assert!(cluster.verdict(&verdict.query).answer >= verdict.answer);
    }
    let query = KeyQuery::parse("vault/02-449").expect("it has the form of a key");
    let _any = (query.check([&evidence]), verdict(&query, &evidence));
}

/// The documented one.
pub fn seeds() -> Vec<Vec<u8>> {
    let document = include_str!("../../../cli/docs/JSON.md");
    let examples = document.split("```json\n").skip(1);
    examples.filter_map(|rest| Some(rest.split("```").next()?.as_bytes().to_vec())).collect()
}
