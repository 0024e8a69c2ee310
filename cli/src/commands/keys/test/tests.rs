use super::*;

fn shown(check: &Check) -> String {
    format!("{check:?}")
}

#[test]
fn a_minute_between_clocks_is_no_news() {
    for (skew, part) in [
        (0, "Passed(\"0 s behind this machine's\")"),
        (60, "Passed(\"60 s ahead of this machine's\")"),
        (-60, "Passed(\"60 s behind this machine's\")"),
        (61, "Warning(\"the server is 61 s ahead of this machine: "),
        (-61, "Warning(\"the server is 61 s behind this machine: "),
        (i64::MIN, "Warning(\"the server is 9223372036854775808 s behind"),
    ] {
        assert!(shown(&clock("h", skew)).contains(part), "{}", shown(&clock("h", skew)));
        assert!(!clock("h", skew).is_failure());
    }
}

#[test]
fn every_operation_that_the_database_needs_is_missed_by_its_name() {
    let features = |without: Option<Operation>, kinds: Vec<ObjectType>| ServerFeatures {
        operations: NEEDED.into_iter().filter(|operation| Some(*operation) != without).collect(),
        object_types: kinds,
        vendor: None,
    };
    let keys = || vec![ObjectType::SYMMETRIC_KEY];
    let good = query("h", &features(None, keys()));
    assert!(!good.is_failure() && shown(&good).contains("vendor not told; everything"));
    for operation in NEEDED {
        let check = query("h", &features(Some(operation), keys()));
        assert!(check.is_failure());
        assert!(shown(&check).contains(&format!("it does not list {operation}")), "{check:?}");
    }
    let check = query("h", &features(Some(Operation::GET), vec![ObjectType::SECRET_DATA]));
    assert!(shown(&check).contains("does not list Get, object type Symmetric Key"), "{check:?}");
}
