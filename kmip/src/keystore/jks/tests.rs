use super::*;

const STORE: &[u8] = include_bytes!("../../../../testdata/keystores/ec.jks");
const TRUST: &[u8] = include_bytes!("../../../../testdata/keystores/trust.jks");
/// With few iterations, so that it opens fast.
const OLD: &[u8] = include_bytes!("../../../../testdata/keystores/old.jceks");
/// With a secret key.
const MIXED: &[u8] = include_bytes!("../../../../testdata/keystores/mixed.jceks");

fn password() -> Secret {
    Secret::new("changeit".to_owned())
}

/// Appends the right digest to a body, so that the parser sees the test's bytes.
fn signed(body: &[u8]) -> Vec<u8> {
    [body, &store_digest(&password(), body)].concat()
}

fn format(store: &[u8]) -> StoreType {
    if store.starts_with(&[0xce]) { StoreType::Jceks } else { StoreType::Jks }
}

fn identity(store: &[u8]) -> Result<Found, KeyStoreError> {
    super::identity(format(store), store, Some(&password()), None, None)
}

fn trust(store: &[u8], password: Option<&Secret>) -> Result<Vec<Vec<u8>>, KeyStoreError> {
    super::trust(format(store), store, password, &mut Vec::new())
}

fn body(store: &[u8]) -> &[u8] {
    &store[..store.len() - 20]
}

/// The store as version 1 writes it: certificates without a type.
fn version_1(store: &[u8]) -> Vec<u8> {
    let mut body = body(store).to_vec();
    body[7] = 1;
    while let Some(at) = body.windows(7).position(|window| window == b"\0\x05X.509") {
        body.drain(at..at + 7);
    }
    signed(&body)
}

#[test]
fn version_1_is_read_like_version_2() {
    for store in [STORE, TRUST] {
        let old = version_1(store);
        assert_eq!(old.len(), store.len() - 14 - 7 * usize::from(store == STORE));
        assert_eq!(
            trust(&old, Some(&password())).unwrap(),
            trust(store, Some(&password())).unwrap()
        );
    }
    let of = |store: &[u8]| identity(store).unwrap();
    let (old, new) = (of(&version_1(STORE)), of(STORE));
    assert_eq!(old.chain, new.chain);
    assert_eq!(old.key.secret_der(), new.key.secret_der());
}

#[test]
fn a_wrong_password_and_a_cut_file_are_told_apart() {
    let wrong = Secret::new("changeme".to_owned());
    assert_eq!(
        trust(TRUST, Some(&wrong)).unwrap_err(),
        KeyStoreError::WrongStorePassword(StoreType::Jks)
    );
    assert!(trust(TRUST, None).is_ok());
    for end in 4..TRUST.len() {
        for password in [None, Some(&wrong), Some(&password())] {
            let error = trust(&TRUST[..end], password).unwrap_err();
            assert!(matches!(error, KeyStoreError::Truncated { .. }), "{end}: {error}");
        }
    }
    let longer = [TRUST, b"\n"].concat();
    assert_eq!(
        trust(&longer, Some(&password())).unwrap_err().to_string(),
        "the JKS file is damaged: its end cannot be read"
    );
}

#[test]
fn any_byte_of_a_verified_body_may_be_wrong() {
    for store in [STORE, TRUST, OLD] {
        let body = body(store);
        let mut changed = body.to_vec();
        for i in 0..body.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, body[i] ^ 1, body[i] ^ 0x80] {
                changed[i] = value;
                let store = signed(&changed);
                drop(identity(&store));
                drop(trust(&store, Some(&password())));
            }
            changed[i] = body[i];
        }
        for end in 0..body.len() {
            let store = signed(&body[..end]);
            let error = trust(&store, Some(&password())).unwrap_err();
            assert!(matches!(error, KeyStoreError::Truncated { .. }), "{end}: {error}");
        }
    }
}

#[test]
fn declared_counts_and_lengths_allocate_nothing() {
    let head = [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2];
    let date = [0; 8];
    let huge = [0xff; 4];
    for body in [
        [&head[..], &huge].concat(),
        [&head[..], &[0, 0, 0, 1, 0, 0, 0, 1, 0, 0], &date, &huge].concat(),
        [&head[..], &[0, 0, 0, 1, 0, 0, 0, 1, 0, 0], &date, &[0; 4], &huge].concat(),
        [&head[..], &[0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff]].concat(),
        [&head[..], &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0], &date, b"\0\x05X.509", &huge].concat(),
    ] {
        let error = trust(&signed(&body), Some(&password())).unwrap_err();
        assert!(matches!(error, KeyStoreError::Truncated { .. }), "{error}");
    }
}

#[test]
fn a_key_without_a_chain_and_other_tags_have_their_own_errors() {
    let entry = |tag: u8, rest: &[u8]| {
        let head = [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, tag, 0, 1, b'k'];
        signed(&[&head[..], &[0; 8], rest].concat())
    };
    let error = |store: &[u8]| identity(store).map(drop);
    assert_eq!(
        error(&entry(1, &[0; 8])),
        Err(KeyStoreError::NoCertificate { alias: Alias::new("k") })
    );
    assert_eq!(
        error(&entry(3, &[0; 8])),
        Err(KeyStoreError::Damaged { format: StoreType::Jks, part: "entry's tag" })
    );
}

#[test]
fn a_secret_key_is_skipped_and_any_byte_of_it_may_be_wrong() {
    let at = |part: &[u8]| MIXED.windows(part.len()).position(|window| window == part).unwrap();
    let start = at(b"\xac\xed\0\x05");
    let end = MIXED.len().min(start + 700);
    let contents = contents(StoreType::Jceks, body(MIXED)).unwrap();
    assert_eq!((contents.entries.len(), contents.secrets.len()), (3, 1));
    let mut changed = body(MIXED).to_vec();
    for i in start..end.min(changed.len()) {
        for mask in [1, 0x10, 0x80, 0xff] {
            changed[i] ^= mask;
            drop(trust(&signed(&changed), Some(&password())));
            changed[i] ^= mask;
        }
    }
    let mut other = changed.clone();
    other[at(b"com.sun") + 4] = b'x';
    assert_eq!(
        trust(&signed(&other), Some(&password())).unwrap_err().to_string(),
        "the JCEKS file uses an unusual form of secret key, which this program does not read"
    );
    for end in 0..changed.len() {
        let error = trust(&signed(&changed[..end]), Some(&password())).unwrap_err();
        assert!(matches!(error, KeyStoreError::Truncated { .. }), "{end}: {error}");
    }
}

#[test]
fn each_format_has_its_own_protections_of_keys() {
    // The same entries under the magic number of JKS, which has no 3DES.
    let mut store = body(OLD).to_vec();
    store[..4].copy_from_slice(&[0xfe, 0xed, 0xfe, 0xed]);
    let what = "another protection of keys than Java's own";
    assert_eq!(
        identity(&signed(&store)).map(drop),
        Err(KeyStoreError::Unsupported { format: StoreType::Jks, what })
    );
}

#[test]
fn a_wrong_key_password_is_detected_whatever_the_padding() {
    for i in 0..600 {
        let wrong = Secret::new(format!("wrong {i}"));
        let found = super::identity(StoreType::Jceks, OLD, Some(&password()), Some(&wrong), None);
        let alias = Some(Alias::new("node"));
        assert_eq!(found.map(drop), Err(KeyStoreError::WrongKeyPassword { alias }));
    }
}
