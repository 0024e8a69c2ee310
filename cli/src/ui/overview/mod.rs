//! The overview of a document: some lines on a terminal, or a page.

mod json;
mod page;
mod text;

use std::path::{Path, PathBuf};

use super::{Output, output};
use crate::overview::Overview;

pub(crate) use page::page;

/// What `report` has shown, and from where.
#[derive(Debug)]
pub(crate) struct Shown<'s> {
    /// `run`, `census` or `evidence`.
    pub(crate) kind: &'static str,
    /// The documents.
    pub(crate) sources: &'s [PathBuf],
    /// The reports of runs that there are, the oldest first, if they were looked for.
    pub(crate) reports: Option<&'s [PathBuf]>,
    /// The page, if one was asked for.
    pub(crate) page: Option<&'s Path>,
}

impl Output {
    /// The overview of documents in words, and where its page is.
    pub(crate) fn overview(self, overview: &Overview, shown: &Shown<'_>) {
        match self {
            Self::Text => output::out(&text::overview(overview, shown)),
            Self::Json => output::keep_summary(json::summary(overview, shown)),
        }
    }
}
