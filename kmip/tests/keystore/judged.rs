//! `java17.tsv` is what Java 17 sees in each store: the entries with their chains, and the
//! certificates that its trust manager accepts. This program must see the same, and say where it
//! does not.

use rekey_kmip::keystore::{KeyStoreError, Note, StoreType};

use super::stores::{bytes, identity, labels, trust};

struct Judgement {
    file: String,
    /// Alias and chain, leaf first.
    keys: Vec<(String, Vec<String>)>,
    anchors: Vec<String>,
}

/// The judgements, without the stores that only one of the two can use.
fn judgements() -> Vec<Judgement> {
    let text = String::from_utf8(bytes("java17.tsv")).unwrap();
    let list = |text: &str, separator| -> Vec<String> {
        text.split(separator).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    let mut judgements = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let [file, entries, anchors] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        match file {
            // 3DES in PBES2: Java cannot open what openssl made; this program can.
            "openssl-pbes2-3des.p12" => assert!(entries.starts_with('!')),
            // Java sees no unencrypted key, and no certificate beside it; this program does.
            "openssl-plainkey.p12" | "openssl-plain-nomac.p12" => assert_eq!(entries, ""),
            // RC2-128: this program cannot open it.
            "openssl-rc2-128.p12" => assert_ne!(entries, ""),
            _ => {
                let keys = list(entries, ',')
                    .iter()
                    .filter_map(|entry| entry.split_once("=key:"))
                    .map(|(alias, chain)| (alias.to_owned(), list(chain, '>')))
                    .collect();
                let anchors = list(anchors, ',');
                judgements.push(Judgement { file: file.to_owned(), keys, anchors });
            }
        }
    }
    assert!(judgements.len() > 36);
    judgements
}

#[test]
fn identities_have_the_chains_that_java_sees_without_the_root() {
    for Judgement { file, keys, .. } in judgements() {
        for (alias, mut chain) in keys {
            // In keypass stores the key itself does not open with the store's password.
            if file.contains("keypass") {
                continue;
            }
            chain.retain(|name| name != "Root");
            let identity = identity(&file, Some(&alias)).unwrap();
            assert_eq!(labels(identity.chain()), chain, "{file}");
        }
    }
}

#[test]
fn trust_is_what_java_accepts_and_a_note_counts_the_rest() {
    for Judgement { file, anchors, .. } in judgements() {
        match trust(&file) {
            Ok(trust) => {
                let mut found = labels(&trust.certificates);
                found.sort_unstable();
                let ignored = trust.notes.iter().find_map(|note| match note {
                    Note::JavaIgnores { certificates } => Some(*certificates),
                    _ => None,
                });
                assert_eq!(found.len() - ignored.unwrap_or(0), anchors.len(), "{file}");
                if ignored.is_none() {
                    assert_eq!(found, anchors, "{file}");
                }
            }
            Err(KeyStoreError::EmptyTrust(_)) => assert_eq!(anchors, [""; 0], "{file}"),
            Err(error) => panic!("{file}: {error}"),
        }
    }
    assert_eq!(trust("trust-empty.p12"), Err(KeyStoreError::EmptyTrust(StoreType::Pkcs12)));
}
