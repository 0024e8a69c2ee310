//! What is staged and belongs to no run any more is removed.

use super::session::Exclusive;
use crate::Result;
use crate::rewrite::{self, Keep};

/// Removes what is staged, but for what is to be kept.
pub(super) fn sweep(session: Exclusive<'_>, keep: &Keep) -> Result<()> {
    let mut data_dirs = session.session().data_dirs().iter();
    data_dirs.try_for_each(|data_dir| rewrite::sweep(session.storage(), data_dir, keep))
}
