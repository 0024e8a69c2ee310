//! What a measurement ends with.

/// A figure, or what came in between.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
