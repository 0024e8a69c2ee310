//! PEM files: certificates, and one key, in text blocks.

mod blocks;
mod key;

use super::chain::{self, Pool};
use super::error::KeyStoreError;
use super::{Alias, Found, StoreType};
use crate::secret::Secret;
use blocks::{Block, blocks};

const FORMAT: StoreType = StoreType::Pem;

/// Reads the key and its chain, in whatever order the blocks are.
pub(super) fn identity(
    bytes: &[u8],
    password: Option<&Secret>,
    alias: Option<&str>,
) -> Result<Found, KeyStoreError> {
    let blocks = blocks(bytes)?;
    let certificates = certificates(&blocks)?;
    let mut keys = blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY"));
    let key = match (keys.next(), keys.count()) {
        (Some(key), 0) => key,
        (None, _) => {
            let certificates = certificates.len();
            return Err(KeyStoreError::NoKey { format: FORMAT, certificates, secrets: 0 });
        }
        (Some(_), more) => {
            // Nothing in the file says which certificate belongs to which key.
            let aliases = (1..=more.saturating_add(1)).map(|n| Alias::new(&n.to_string()));
            return Err(KeyStoreError::SeveralKeys { aliases: aliases.collect() });
        }
    };
    if let Some(alias) = alias {
        let alias = Alias::new(alias);
        return Err(KeyStoreError::NoSuchAlias { alias, aliases: Vec::new() });
    }
    let alias = Alias::new("1");
    let key = key::read(key, password)?;
    let pool: Vec<&[u8]> = certificates.iter().map(Vec::as_slice).collect();
    let damaged = |_flaw| KeyStoreError::Damaged { format: FORMAT, part: "certificate" };
    let leaf = chain::only_leaf(&pool).map_err(damaged)?.unwrap_or(0);
    let Some(leaf) = pool.get(leaf) else {
        return Err(KeyStoreError::NoCertificate { alias });
    };
    let chain = Pool::new(&pool).and_then(|pool| pool.chain(leaf)).map_err(damaged)?;
    Ok(Found { chain: chain.into_iter().map(<[u8]>::to_vec).collect(), key, alias })
}

/// Reads all certificates.
pub(super) fn trust(bytes: &[u8]) -> Result<Vec<Vec<u8>>, KeyStoreError> {
    certificates(&blocks(bytes)?)
}

fn certificates(blocks: &[Block<'_>]) -> Result<Vec<Vec<u8>>, KeyStoreError> {
    blocks
        .iter()
        .filter(|block| matches!(block.label, "CERTIFICATE" | "X509 CERTIFICATE"))
        .map(|block| block.decode("certificate").map(|mut der| std::mem::take(&mut *der)))
        .collect()
}
