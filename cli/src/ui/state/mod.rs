//! What an unfinished run looks like.

pub(super) mod json;
pub(super) mod text;
