//! Fields that a structure must have.

use super::MessageError;
use crate::ttlv::{Item, Structure, Tag};

/// The required item of a structure.
pub(super) fn item(structure: Structure<'_>, tag: Tag) -> Result<Item<'_>, MessageError> {
    structure.find(tag).ok_or(MessageError::Missing(tag))
}

/// The required text of a structure.
pub(super) fn text(structure: Structure<'_>, tag: Tag) -> Result<&str, MessageError> {
    item(structure, tag)?.text()?.ok_or(MessageError::WrongType(tag))
}
