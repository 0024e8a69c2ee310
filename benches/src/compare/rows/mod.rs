//! The rows, by what they are about.

pub(super) mod census;
pub(super) mod command;
pub(super) mod crypto;
pub(super) mod curves;
pub(super) mod many;
pub(super) mod peer;
pub(super) mod plan;
pub(super) mod recompress;
pub(super) mod rewrite;
pub(super) mod variants;
