//! What was shown, as JSON. What the documents say is JSON already, and is not said again.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::Shown;
use crate::overview::Overview;
use crate::ui::json::path;

pub(super) fn summary(overview: &Overview, shown: &Shown<'_>) -> Value {
    let paths = |of: &[PathBuf]| of.iter().map(|one| path(one)).collect::<Vec<_>>();
    let verdicts = overview.verdicts.iter().map(|verdict| verdict.word).collect::<Vec<_>>();
    json!({
        "type": "summary",
        "kind": shown.kind,
        "sources": paths(shown.sources),
        "verdicts": verdicts,
        "reports": shown.reports.map(paths),
        "html": shown.page.map(path),
    })
}
