//! Hints files (FORMATS.md 10.2).

mod descriptor;

pub use descriptor::HintsDescriptor;
