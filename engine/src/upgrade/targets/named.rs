//! Whether one key id can be meant.

use super::TargetRequest;
use super::settle::KeyAsked;
use crate::options::{ChunkScheme, CompressionParams, EncryptorOptions};
use crate::{Error, Result};

/// Refuses a key id that is of nothing that is selected, or could be of keys at several places. `written`
/// is what all of it is written with.
pub(super) fn check_key_id(
    request: &TargetRequest<'_>,
    written: impl Iterator<Item = CompressionParams>,
) -> Result<()> {
    let KeyAsked::Named(..) = request.key else { return Ok(()) };
    let mut first: Option<EncryptorOptions> = None;
    for params in written {
        let Ok(scheme) = params.scheme() else { continue };
        let Some(options) = scheme.as_ref().and_then(ChunkScheme::encryptor) else { continue };
        match &first {
            _ if !options.has_key_ids() => {}
            None => first = Some(options.clone()),
            Some(first) if first.shares_key_with(options) => {}
            Some(_) => {
                return Err(Error::invalid(
                    "one key id is given, and what is selected has keys of several groups, ciphers \
                     or lengths",
                )
                .hint("run the command once for each of them: name its tables, or use --only"));
            }
        }
    }
    match first {
        Some(_) => Ok(()),
        None => Err(Error::invalid(
            "a key id is given, and nothing that is selected has a key that has an id",
        )
        .hint("leave --key-id out; a local key file is changed by --set secret_key_file=FILE")),
    }
}
