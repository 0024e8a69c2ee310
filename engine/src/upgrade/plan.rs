//! `plan`: everything is examined and decided, and nothing is changed.

use std::path::{Path, PathBuf};

use super::recover::{partly_replaced, pending_copies};
use super::request::PlanRequest;
use super::session::Session;
use crate::Result;
use crate::pipeline::{Limits, Workers};
use crate::plan::{self, Finding, Plan, Planner, Selection, Severity};

/// Looks at everything and decides; changes nothing.
///
/// # Errors
/// What concerns the whole selection: a name that is nowhere, a directory that cannot be read.
pub fn plan(session: &Session, request: &PlanRequest<'_>) -> Result<Plan> {
    let planner = Planner {
        storage: session.storage(),
        lease: session.lease(),
        data_dirs: session.data_dirs(),
        selection: request.selection,
        archives: request.archives,
        targets: request.targets,
        flavor: request.flavor,
        sources: request.sources,
        mapped: session.is_mapped(),
        open_tasks: Limits { threads: request.threads }.open_tasks(),
        state_dir: session.state_dir(),
    };
    let mut plan = Workers::start(request.threads).install(|| planner.plan())?;
    for staging in pending_copies(session)? {
        let (severity, sstables) = (Severity::Warning, vec![]);
        plan.findings.push(Finding { severity, error: partly_replaced(&staging), sstables });
    }
    plan.findings.extend(of_place(session));
    Ok(plan)
}

/// What is to be known of the data directories themselves. A run that writes is refused where not
/// every process can be seen, so a plan says it. One that may be the node is for a node to end: a
/// plan may be made beside it.
fn of_place(session: &Session) -> Vec<Finding> {
    let finding = |severity, error| Finding { severity, error, sstables: vec![] };
    let directory =
        session.data_dirs().first().map(PathBuf::as_path).unwrap_or_else(|| Path::new(""));
    let doubts = session.doubts().iter().cloned().map(|e| finding(Severity::Warning, e));
    let unseen = session.lease().unseen().iter().map(|unseen| {
        let severity = match unseen.pid {
            Some(_) => Severity::Warning,
            None => Severity::Blocker,
        };
        finding(severity, unseen.error(directory))
    });
    doubts.chain(unseen).collect()
}

/// The tables, or the keyspace, that are named and have a directory, and no SSTable that a node would
/// load.
#[must_use]
pub fn without_sstables(session: &Session, selection: &Selection) -> Vec<String> {
    plan::without_sstables(session.storage(), session.data_dirs(), selection)
}
