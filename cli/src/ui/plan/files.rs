//! What a run would do with the files beside the tables.

#![expect(
    clippy::indexing_slicing,
    reason = "an index into a serde_json object adds the field; it panics only on other values"
)]

use std::fmt::Write as _;

use rekey_engine::plan::{PlannedSystemFile, SystemAction, SystemAim, SystemPlan};
use rekey_engine::system::Protection;
use serde_json::{Value, json};

use crate::ui::json::{error, lines, path, warning};
use crate::ui::text::{align, bytes, hint, table};
use crate::ui::{Output, output, target};

impl Output {
    /// What a run would do with the files beside the tables. A plan has shown the tables before.
    pub(crate) fn files(self, plan: &SystemPlan) {
        self.note_none(plan);
        match self {
            Self::Text if plan.files.is_empty() => {}
            Self::Text => output::out(&text(plan)),
            Self::Json => {
                lines(plan.files.iter().map(file));
                lines(plan.warnings.iter().map(warning));
                if let Some(mut summary) = output::take_summary() {
                    summary["files"] = json!(plan.files.len());
                    summary["file_changes"] = json!(plan.changes().count());
                    output::keep_summary(summary);
                }
            }
        }
    }

    /// What a run is about to do with them.
    pub(crate) fn files_before(self, plan: &SystemPlan) {
        self.note_none(plan);
        let changes: Vec<_> = plan.changes().collect();
        if changes.is_empty() {
            return;
        }
        let total = changes.iter().map(|file| file.bytes).sum();
        self.note(&format!(
            "beside the tables {} of {} files to change, {}",
            changes.len(),
            plan.files.len(),
            bytes(total)
        ));
        for target in plan.targets.distinct() {
            self.note(target::line(target).trim_end());
        }
    }

    /// The directories are there, and perhaps not the right ones.
    fn note_none(self, plan: &SystemPlan) {
        if plan.files.is_empty() {
            self.note("beside the tables there is no segment, no hints and no saved cache");
        }
    }
}

fn text(plan: &SystemPlan) -> String {
    let mut shown = table(&["kind", "file", "bytes", "key", "action"]);
    for file in &plan.files {
        let name = file.paths.first().map(|path| path.display().to_string()).unwrap_or_default();
        let more = file.paths.len().saturating_sub(1);
        let name = if more > 0 { format!("{name} (and {more} links)") } else { name };
        let action = match &file.action {
            SystemAction::Rewrite(_) => "re-encrypt in its place".to_owned(),
            SystemAction::Delete => "delete: the node makes a new one".to_owned(),
            SystemAction::Skip(reason) => format!("skip: {}", reason.words()),
            _ => "refused, see below".to_owned(),
        };
        let keys = file
            .facts
            .as_ref()
            .map(|facts| facts.keys.keys().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        shown.add_row([
            kind(file).to_owned(),
            name,
            bytes(file.bytes),
            keys.unwrap_or_default(),
            action,
        ]);
    }
    align(&mut shown, &[2]);
    let mut text = format!("{}\n\n", shown.trim_fmt());
    for file in &plan.files {
        if let SystemAction::Refuse(error) = &file.action {
            let _ = writeln!(text, "refused: {}", error.chain());
            hint(&mut text, error);
        }
    }
    for error in &plan.warnings {
        let _ = writeln!(text, "warning: {}", error.chain());
        hint(&mut text, error);
    }
    for target in plan.targets.distinct() {
        text.push_str(&target::line(target));
    }
    let changes: Vec<_> = plan.changes().collect();
    let total = changes.iter().map(|file| file.bytes).sum();
    let _ = writeln!(
        text,
        "{} of {} files beside the tables to change, {}",
        changes.len(),
        plan.files.len(),
        bytes(total)
    );
    text
}

fn kind(file: &PlannedSystemFile) -> &'static str {
    file.name.kind()
}

fn file(planned: &PlannedSystemFile) -> Value {
    let mut paths = planned.paths.iter().map(|one| path(one));
    let mut line = json!({
        "type": "file",
        "kind": kind(planned),
        "path": paths.next(),
        "bytes": planned.bytes,
    });
    let links: Vec<_> = paths.collect();
    if !links.is_empty() {
        line["links"] = json!(links);
    }
    if let Some(facts) = &planned.facts {
        let keys = facts
            .keys
            .iter()
            .map(|(key, used)| json!({"key": key, "chunks": used.units, "bytes": used.bytes}));
        line["keys"] = keys.collect();
        match &facts.protection {
            Protection::Compressor { class, .. } => line["class"] = json!(class.to_string()),
            Protection::Keystore(cipher) => line["cipher"] = json!(cipher.cipher),
            _ => {}
        }
        if let Some(torn) = facts.torn {
            line["torn_at"] = json!(torn.offset);
        }
    }
    match &planned.action {
        SystemAction::Rewrite(aim) => {
            line["action"] = json!("rewrite");
            match aim {
                SystemAim::Options(target) => line["target_key"] = json!(target.target_key()),
                SystemAim::Keystore(aim) => {
                    line["target_key"] = json!({"provider": "keystore", "alias": aim.alias});
                }
                _ => {}
            }
        }
        SystemAction::Delete => line["action"] = json!("delete"),
        SystemAction::Skip(reason) => {
            line["action"] = json!("skip");
            line["reason"] = json!(reason.name());
        }
        SystemAction::Refuse(refusal) => {
            line["action"] = json!("refuse");
            line["error"] = error(refusal);
        }
        _ => {}
    }
    line
}
