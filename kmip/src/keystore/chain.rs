//! The chain that a client sends: its own certificate, then the issuers, without the root.

use std::collections::{HashMap, HashSet};

use super::der::{Flaw, Names, names};

/// The most issuers that are followed. Real chains have one or two.
const MAX_CHAIN: usize = 16;

/// The certificates searched for issuers.
pub(super) struct Pool<'a> {
    by_subject: HashMap<&'a [u8], Vec<(&'a [u8], Names<'a>)>>,
}

impl<'a> Pool<'a> {
    pub(super) fn new(certificates: &[&'a [u8]]) -> Result<Self, Flaw> {
        let mut by_subject: HashMap<_, Vec<_>> = HashMap::new();
        for &certificate in certificates {
            let names = names(certificate)?;
            by_subject.entry(names.subject).or_default().push((certificate, names));
        }
        Ok(Self { by_subject })
    }

    /// Follows the issuer names from `leaf`. A self-issued certificate ends the chain and is not
    /// part of it, since the server has its root already, unless it is the leaf itself.
    pub(super) fn chain(&self, leaf: &'a [u8]) -> Result<Vec<&'a [u8]>, Flaw> {
        let mut chain = vec![leaf];
        for certificate in self.issuers(leaf)? {
            if !names(certificate)?.self_issued() {
                chain.push(certificate);
            }
        }
        Ok(chain)
    }

    /// All certificates above `leaf`, from its issuer to the root.
    pub(super) fn issuers(&self, leaf: &[u8]) -> Result<Vec<&'a [u8]>, Flaw> {
        let mut chain: Vec<&[u8]> = Vec::new();
        let mut last = names(leaf)?;
        while chain.len() < MAX_CHAIN && !last.self_issued() {
            let named = self.by_subject.get(last.issuer).map(Vec::as_slice).unwrap_or_default();
            let next = named
                .iter()
                .find(|(certificate, _)| *certificate != leaf && !chain.contains(certificate));
            let Some((certificate, names)) = next else { break };
            chain.push(certificate);
            last = *names;
        }
        Ok(chain)
    }
}

/// Takes a chain as the store has it, without a root at its end.
pub(super) fn stored<'a>(certificates: &[&'a [u8]]) -> Result<Vec<&'a [u8]>, Flaw> {
    let mut chain = Vec::with_capacity(certificates.len());
    for (i, &certificate) in certificates.iter().enumerate() {
        if i == 0 || !names(certificate)?.self_issued() {
            chain.push(certificate);
        }
    }
    Ok(chain)
}

/// The position of the certificate that issued none of the others, if there is only one such.
pub(super) fn only_leaf(pool: &[&[u8]]) -> Result<Option<usize>, Flaw> {
    let named = pool.iter().map(|c| names(c)).collect::<Result<Vec<Names<'_>>, Flaw>>()?;
    let issuers: HashSet<&[u8]> =
        named.iter().filter(|names| !names.self_issued()).map(|names| names.issuer).collect();
    let mut leaves = named
        .iter()
        .enumerate()
        .filter(|(_, names)| !issuers.contains(names.subject))
        .map(|(i, _)| i);
    Ok(match (leaves.next(), leaves.next()) {
        (Some(leaf), None) => Some(leaf),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::der::{INTEGER, SEQUENCE, put};
    use super::*;

    /// The parts of a certificate that are used here.
    fn certificate(subject: &str, issuer: &str, serial: u8) -> Vec<u8> {
        let name = |name: &str| put(SEQUENCE, name.as_bytes());
        let fields = [
            put(INTEGER, &[serial]),
            put(SEQUENCE, &[]),
            name(issuer),
            put(SEQUENCE, &[]),
            name(subject),
        ];
        put(SEQUENCE, &put(SEQUENCE, &fields.concat()))
    }

    fn chain<'a>(pool: &[&'a [u8]], leaf: &'a [u8]) -> Result<Vec<&'a [u8]>, Flaw> {
        Pool::new(pool)?.chain(leaf)
    }

    #[test]
    fn a_chain_ends_below_the_root_and_at_a_circle() {
        let leaf = certificate("leaf", "int", 1);
        let int = certificate("int", "root", 2);
        let root = certificate("root", "root", 3);
        let back = certificate("root", "int", 4);
        let pool: [&[u8]; 3] = [&root, &int, &leaf];
        assert_eq!(chain(&pool, &leaf), Ok(vec![&leaf[..], &int]));
        assert_eq!(Pool::new(&pool).unwrap().issuers(&leaf), Ok(vec![&int[..], &root]));
        assert_eq!(chain(&pool, &root), Ok(vec![&root[..]]));
        assert_eq!(chain(&[&back, &int], &leaf), Ok(vec![&leaf[..], &int, &back]));
        assert_eq!(chain(&[], &leaf), Ok(vec![&leaf[..]]));
        assert_eq!(stored(&[&root, &int, &root]), Ok(vec![&root[..], &int]));
    }

    #[test]
    fn a_chain_is_not_followed_forever() {
        let long: Vec<_> =
            (0..99).map(|i| certificate(&i.to_string(), &(i + 1).to_string(), 1)).collect();
        let pool: Vec<&[u8]> = long.iter().map(Vec::as_slice).collect();
        assert_eq!(chain(&pool, pool[0]).unwrap().len(), 1 + MAX_CHAIN);
    }

    #[test]
    fn the_leaf_is_found_where_there_is_only_one() {
        let leaf = certificate("leaf", "root", 1);
        let root = certificate("root", "root", 3);
        let other = certificate("other", "root", 4);
        assert_eq!(only_leaf(&[&root, &leaf]), Ok(Some(1)));
        assert_eq!(only_leaf(&[&root]), Ok(Some(0)));
        assert_eq!(only_leaf(&[&leaf, &other]), Ok(None));
        assert_eq!(only_leaf(&[]), Ok(None));
        assert!(only_leaf(&[b"junk"]).is_err());
    }
}
