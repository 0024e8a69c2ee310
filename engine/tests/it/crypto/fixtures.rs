//! Real SSTables under the older ciphers, chunk by chunk, beside their twins in clear.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rekey_engine::codec::{ChunkLengths, ChunkOpener, ChunkSealer};
use rekey_engine::crypto::{CipherKey, IvSource, Kernel};
use rekey_engine::keys::{KeyHeader, KeyProvider as _, KeyRef, LocalKeyFiles};
use rekey_engine::options::{EncryptorOptions, OptionMap, ProviderOptions};

use crate::kit::oracle;

const TABLE: &str = "rk/t-5ab1e000000011f0800000000000000a";

#[test]
fn chunks_of_real_sstables_are_those_of_their_plain_twins() {
    // All but the first set of an algorithm come without their one large SSTable.
    for (set, sstables) in [
        ("nb-des-cbc-56-16k", &[2, 3, 4, 5][..]),
        ("oa-blowfish-cbc-128-16k", &[2, 3, 4, 5]),
        ("oa-blowfish-ecb-448-16k", &[3, 4, 5]),
        ("oa-desede-cbc-112-16k", &[3, 4, 5]),
        ("oa-desede-cbc-168-16k", &[2, 3, 4, 5]),
        ("oa-rc2-cbc-128-16k", &[2, 3, 4, 5]),
        ("oa-rc2-ecb-40-16k", &[3, 4, 5]),
    ] {
        for id in sstables {
            check(set, *id);
        }
    }
}

fn check(set: &str, id: u32) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/fixtures");
    let format = &set[..2];
    let prefix =
        |set: &str| -> PathBuf { root.join(set).join(TABLE).join(format!("{format}-{id}-big-")) };
    let stored = oracle::chunks(prefix(set).to_str().unwrap(), true);
    let twin = prefix(&format!("plain-{format}"));
    let twin = std::fs::read(format!("{}Data.db", twin.display())).unwrap();

    let pairs: Vec<_> = stored.options.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let options = EncryptorOptions::from_options(&OptionMap::from_pairs(pairs).unwrap()).unwrap();
    let ProviderOptions::Local { secret_key_file } = options.provider() else {
        panic!("{set}: not a local key");
    };
    let name = KeyRef::LocalFile {
        file: secret_key_file.clone(),
        transformation: options.transformation().text().to_owned(),
        strength: options.strength(),
    };
    let secret = LocalKeyFiles::new(Some(root.clone())).read_key(&name).unwrap();
    let cipher = CipherKey::new(options.transformation(), secret.expose()).unwrap();
    let transformation = options.transformation();
    let best = Kernel::best(transformation.algorithm(), transformation.mode());
    assert_eq!(cipher.kernel(), best);
    let key = Arc::new(cipher);
    let opener = ChunkOpener::with_key(Arc::clone(&key));
    let sealer = ChunkSealer::new(&KeyHeader::None, key, false);

    let (mut plain, mut ivs) = (Vec::new(), IvSource::from_os().unwrap());
    for (chunk, length) in &stored.chunks {
        let mut out = vec![0; opener.working_length(*length)];
        opener.open(chunk, *length, &mut out).unwrap();
        plain.extend_from_slice(&out[..*length]);

        // The engine's own chunk has the same shape, and comes back.
        let mut image = vec![0; sealer.record_length(*length)];
        assert_eq!(image.len(), chunk.len() + 4, "{set}-{id}");
        image[sealer.prefix_length()..][..*length].copy_from_slice(&out[..*length]);
        let lengths = [ChunkLengths { plain: *length, payload: *length }];
        sealer.seal(&mut image, &lengths, &mut ivs).unwrap();
        let mut again = vec![0; out.len()];
        opener.open(&image[..chunk.len()], *length, &mut again).unwrap();
        assert!(again[..*length] == out[..*length], "{set}-{id}");
    }
    assert!(plain == twin, "{set}-{id}");
}
