//! Java's cipher transformations, and the block ciphers behind them.
//!
//! A [`Transformation`] is the parsed name; a [`CipherKey`] is a scheduled key that opens and
//! seals in place. CBC encryption is serial inside a message, so sealing takes several messages
//! ([`Lane`]s) and encrypts them side by side. There is no authentication in these modes: a
//! caller believes a plaintext only if its length is exactly the expected one.

mod transformation;

pub use transformation::{Algorithm, Mode, Padding, Transformation, TransformationError};
