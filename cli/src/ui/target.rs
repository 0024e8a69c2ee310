//! What a plan or a run writes, and with which key.

use std::path::PathBuf;

use rekey_engine::keys::KeyRef;
use rekey_engine::plan::{Action, Plan, PlannedSSTable, SkipReason, Target, Targets};

use super::command_line::{key_of, quoted};
use super::{Output, json, loudness, output};
use crate::args::KeyArgs;

impl Output {
    /// What a run will write.
    pub(crate) fn targets(self, targets: &Targets) {
        for target in targets.distinct() {
            match self {
                Self::Text if loudness::is_quiet() => {}
                Self::Text => {
                    let why =
                        target.choice().map(|choice| format!("  this key: {}\n", choice.reason));
                    output::err(&format!("{}{}", line(target), why.unwrap_or_default()));
                }
                Self::Json => {
                    json::lines([
                        serde_json::json!({"type": "target", "target": json::target(target)}),
                    ]);
                }
            }
        }
    }

    /// The same when it has ended; programs find it in the summary.
    pub(crate) fn targets_again(self, targets: &Targets) {
        if self == Self::Text {
            targets.distinct().iter().for_each(|target| output::out(&line(target)));
        }
    }

    /// Says that a rotation is finished, if nothing of it is left, and how to begin another one.
    pub(crate) fn nothing_to_rotate(self, plan: &Plan, keys: &KeyArgs) {
        let is_under = |planned: &PlannedSSTable| {
            matches!(planned.action, Action::Skip(SkipReason::UnderTargetKey))
        };
        let is_left = |planned: &PlannedSSTable| !matches!(planned.action, Action::Skip(_));
        let is_over = plan.sstables.iter().any(is_under)
            && !plan.sstables.iter().any(is_left)
            && plan.unreadable.is_empty();
        let rotations = plan.targets.distinct().iter().filter_map(|target| {
            let choice = target.choice().filter(|choice| choice.rotates && is_over)?;
            Some((choice, target.key()?))
        });
        for (choice, key) in rotations {
            let KeyRef::Kmip { group, id } = key else { continue };
            let config = keys.config.clone().map_or_else(|| "FILE".into(), PathBuf::into_os_string);
            let words = std::iter::once(config).chain(keys.servers.words());
            let words: Vec<_> = words.map(|word| quoted(&word)).collect();
            self.note(&format!(
                "everything selected is under {key} already ({}); to begin another rotation, expire \
                 it first: sstablerekey keys expire --config {} {}",
                choice.reason,
                words.join(" "),
                key_of(group, id.as_str()),
            ));
        }
    }
}

/// The target of every SSTable, in a line.
pub(super) fn line(target: &Target) -> String {
    format!("target: {}\n", words(target))
}

/// A target in a few words.
pub(super) fn words(target: &Target) -> String {
    let class = match target.params().class() {
        Some(class) => class.simple_name().to_owned(),
        None => "uncompressed".to_owned(),
    };
    match (target.encryptor(), target.target_key()) {
        (Some(options), Some(key)) => {
            let state = target.choice().and_then(|choice| choice.state.as_deref());
            let state = state.map_or_else(String::new, |state| format!(" ({state})"));
            let (cipher, bits) = (options.transformation(), options.strength());
            format!("{class}, {cipher} {bits} bits, {key}{state}")
        }
        _ => format!("{class}, in clear"),
    }
}
