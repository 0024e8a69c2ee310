//! Evidence for the tests of this module.

use super::{Count, Directory, Encrypts, Evidence, FORMAT, Moment, Occasion, Role};

/// Of a node on which everything was looked at, nothing was found, and all is as it should be.
pub(super) fn evidence() -> Evidence {
    let roles = [Role::Data, Role::CommitLog, Role::Hints, Role::SavedCaches];
    let directory = |role: Role| Directory {
        path: format!("/{}", role.name()),
        role,
        origin: "cassandra.yaml, line 1".to_owned(),
        is_there: true,
        files: 0,
        bytes: 0,
        kinds: vec![],
        digest: None,
    };
    let at = |seconds| {
        Some(Occasion { time: Moment::from_seconds(seconds), origin: "a test".to_owned() })
    };
    Evidence {
        format: FORMAT,
        tool: "a test".to_owned(),
        time: Moment::from_seconds(3_000),
        host: None,
        is_node: true,
        node: None,
        product: None,
        directories: roles.map(directory).to_vec(),
        keys: vec![],
        groups: vec![],
        encrypts: Encrypts::default(),
        not_encrypted: Count::default(),
        clear_chunks: 0,
        findings: vec![],
        unknowns: vec![],
        ring: None,
        last_rewrite: at(1_000),
        last_start: at(2_000),
    }
}
