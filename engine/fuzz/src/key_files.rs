//! Files of keys: exported ones, the node's own, system keys.

use rekey_engine::keys::{KeyProvider as _, KeyRef, KmipKeyFile, LocalKeyFiles, SystemKey};

use super::scratch::with_file;

/// `[kind] file`.
pub fn run(bytes: &[u8]) {
    let Some((kind, file)) = bytes.split_first() else { return };
    match kind % 3 {
        0 => with_file("keys", file, |path| {
            let Ok(keys) = KmipKeyFile::open(path) else { return };
            for id in keys.ids() {
                let key = KeyRef::Kmip { group: "vault".to_owned(), id: id.clone() };
                keys.read_key(&key).expect("an id that it lists");
            }
        }),
        1 => with_file("local", file, |path| {
            let key = KeyRef::LocalFile {
                file: path.to_string_lossy().into_owned(),
                transformation: "AES/CBC/PKCS5Padding".to_owned(),
                strength: 128,
            };
            let files = LocalKeyFiles::default();
            let before = files.read_key(&key);
            let _warning = files.permission_warning(&key);
            let directory = path.parent().expect("it lies in a directory");
            if files.create(&key, directory).is_ok() {
                let after = files.read_key(&key).expect("a key that was made");
                assert!(before.is_err() || before.is_ok_and(|before| before.same_as(&after)));
            }
        }),
        _ => with_file("system", file, |path| {
            let directory = path.parent().expect("it lies in a directory");
            let Ok(key) = SystemKey::read(directory, "system") else { return };
            let rest = file.splitn(2, |byte| *byte == b'\n').nth(1).unwrap_or_default();
            let _value = key.decrypt_value(&String::from_utf8_lossy(rest));
        }),
    }
}

/// One of each kind.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    [
        &b"\0# exported\n02-449 = 000102030405060708090a0b0c0d0e0f\na=b = FF\n"[..],
        b"\x01AES/CBC/PKCS5Padding:128:AAECAwQFBgcICQoLDA0ODw==\n",
        b"\x01DES:56:AAECAwQFBgc=",
        b"\x01",
        b"\x02AES/ECB/PKCS5Padding:128:AAECAwQFBgcICQoLDA0ODw==\nlG5+ Cq0vb2h\nhAAA=",
        b"\x02AES/CBC/PKCS5Padding:128:AAECAwQFBgcICQoLDA0ODw\nAAECAwQFBgcICQoLDA0ODwAAAAAAAAAAAAAAAAAAAAA=",
    ]
    .into_iter()
    .map(<[u8]>::to_vec)
    .collect()
}
