//! The bytes of a new key, in the form of Java's key generators.

use std::io;

use zeroize::Zeroizing;

use super::LocalKey;
use crate::error::{Error, ErrorKind, Result};

/// Makes a key from the operating system's random source.
pub(super) fn generate(key: &LocalKey<'_>) -> Result<Zeroizing<Vec<u8>>> {
    let algorithm = key.transformation.algorithm();
    let mut secret = Zeroizing::new(vec![0; key.length]);
    loop {
        getrandom::fill(&mut secret).map_err(|error| {
            Error::new(ErrorKind::Io, "the operating system gives no random bytes")
                .key(key.name)
                .caused_by(io::Error::from(error))
        })?;
        algorithm.shape_key(key.strength, &mut secret);
        if !algorithm.is_weak_key(&secret) {
            return Ok(secret);
        }
    }
}
