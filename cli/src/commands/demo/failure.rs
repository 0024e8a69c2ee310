//! How a demo ends badly.

use rekey_engine::{Error, ErrorKind};

/// The demo did not get to its end.
pub(super) fn cut_off(step: u8) -> Error {
    Error::new(ErrorKind::Interrupted, format!("the demo was ended in step {step}"))
        .hint("run the same command again: it resumes there")
}

/// A step has not shown what the story says.
pub(super) fn unproved() -> Error {
    Error::new(ErrorKind::Mismatch, "the demo did not prove what it should")
}

/// Something is not in this program that should be.
pub(super) fn missing(what: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("the demo lacks {what}"))
}
