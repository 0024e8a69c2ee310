//! What this process requests of the system before anything else: that no core dump contains keys
//! or plaintext, and that a limit is an error.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Forbids core dumps of this process, to files and to a handler. If the system refuses, the run
/// continues: keys are wiped in any case.
pub(crate) fn forbid_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _best_effort = setrlimit(Resource::Core, none);
    // The limit does not apply to a core_pattern that is a pipe; this does.
    let _best_effort = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Makes a write beyond the limit of a file's size (`ulimit -f`) an ordinary error, after which
/// work in progress is undone. Unless the signal has a handler, or is ignored, it ends the process.
pub(crate) fn fail_where_files_are_limited() {
    let nobody_asks = Arc::new(AtomicBool::new(false));
    let _best_effort = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, nobody_asks);
}

#[cfg(test)]
mod tests {
    use rustix::process::{dumpable_behavior, getrlimit};

    use super::*;

    #[test]
    fn this_process_leaves_no_core() {
        forbid_core_dumps();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
