use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink};

use super::*;
use crate::error::ErrorKind;
use crate::io::{LocalStorage, Storage as _};

const CBC: &str = "AES/CBC/PKCS5Padding";

/// The shared fixtures' `keys/aes-cbc-128` and `keys/aes-cbc-256`, and one of another cipher.
const KEYS: &str = "AES/CBC/PKCS5Padding:128:/NeRYTaMsxrwGYLuCj7L/Q==\n\
    DES/CBC/PKCS5Padding:56:B0D05XMg6ro=\n\
    AES/CBC/PKCS5Padding:256:YUhD4BZgGBgZjyLZ0b55O/VaT92Exz0JNaF8EKb66B4=\n";

struct Place {
    directory: tempfile::TempDir,
    files: LocalKeyFiles,
}

impl Place {
    fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let files = LocalKeyFiles::new(Some(directory.path().to_owned()));
        Self { directory, files }
    }

    /// With the file `keys/k`.
    fn with(text: &[u8], mode: u32) -> Self {
        let place = Self::empty();
        DirBuilder::new().mode(0o755).create(place.path("keys")).unwrap();
        let mut file =
            OpenOptions::new().write(true).create_new(true).open(place.path("keys/k")).unwrap();
        file.write_all(text).unwrap();
        file.set_permissions(Permissions::from_mode(mode)).unwrap();
        place
    }

    fn create(&self, key: &KeyRef) -> Result<KeyCreation> {
        self.files.create(key, self.directory.path())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path("keys/k")).unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }
}

fn key(transformation: &str, strength: u32) -> KeyRef {
    KeyRef::LocalFile {
        file: "keys/k".to_owned(),
        transformation: transformation.to_owned(),
        strength,
    }
}

fn kmip() -> KeyRef {
    KeyRef::Kmip { group: "g".to_owned(), id: crate::keys::KeyId::new("1").unwrap() }
}

/// The error names the file, and neither it nor its hint shows a key.
fn check(error: &Error, kind: ErrorKind, part: &str) {
    let text = format!("{error} {error:?} {}", error.hint_text().unwrap());
    assert_eq!(error.kind(), kind, "{text}");
    assert!(text.contains(part), "{text}");
    assert!(text.contains("/keys/k: "), "{text}");
    assert!(!text.contains("NeRYTaMs") && !text.contains("Q=="), "{text}");
}

#[test]
fn keys_of_a_real_file() {
    let place = Place::with(KEYS.as_bytes(), 0o600);
    let read = place.files.read_key(&key(CBC, 128)).unwrap();
    assert_eq!((read.bits(), read.expose()[0], read.expose()[15]), (128, 0xfc, 0xfd));
    assert_eq!(format!("{read:?}"), "SecretKey(128 bits)");
    assert_eq!(place.files.read_key(&key(CBC, 256)).unwrap().bits(), 256);
}

#[test]
fn paths_are_resolved_as_the_options_name_them() {
    let files = LocalKeyFiles::new(Some("/base".into()));
    assert_eq!(files.resolve("keys/k"), Path::new("/base/keys/k"));
    assert_eq!(files.resolve("/etc/k"), Path::new("/etc/k"));
    assert_eq!(LocalKeyFiles::default().resolve("keys/k"), Path::new("keys/k"));
}

#[test]
fn a_key_that_is_not_there_is_unavailable() {
    let place = Place::with(KEYS.as_bytes(), 0o600);
    for key in [key(CBC, 192), key("AES", 128)] {
        let error = place.files.read_key(&key).unwrap_err();
        check(&error, ErrorKind::KeyUnavailable, "does not have this key");
        assert!(error.to_string().contains(&format!("(key {key})")), "{error}");
    }
    let error = Place::empty().files.read_key(&key(CBC, 128)).unwrap_err();
    check(&error, ErrorKind::KeyUnavailable, "the key file is missing");
    assert!(error.hint_text().unwrap().contains("--create-key"));

    for result in [place.files.read_key(&kmip()).map(drop), place.create(&kmip()).map(drop)] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
        assert!(error.to_string().contains("kmip g/1"), "{error}");
    }
}

#[test]
fn an_unsupported_strength_is_refused_before_the_file_is_read() {
    let files = Place::empty().files;
    for (key, kind) in [
        (key("Serpent/CBC/PKCS5Padding", 128), ErrorKind::Unsupported),
        (key("DES/CBC/PKCS5Padding", 64), ErrorKind::Invalid),
        (key("DESede", 128), ErrorKind::Invalid),
        (key("Blowfish", 36), ErrorKind::Invalid),
        (key("RC2", 136), ErrorKind::Invalid),
        (key(CBC, 64), ErrorKind::Invalid),
        (key("", 128), ErrorKind::Invalid),
    ] {
        assert_eq!(files.read_key(&key).unwrap_err().kind(), kind);
        assert_eq!(files.create(&key, Path::new(".")).unwrap_err().kind(), kind);
    }
}

#[test]
fn a_file_the_database_would_not_load_is_refused_untouched() {
    for (bad, part) in [
        ("\n", "line 4: it is blank"),
        ("/NeRYTaMsxrwGYLuCj7L/Q==\n", "line 4: it is not of the form"),
        ("AES:one:/NeRYTaMsxrwGYLuCj7L/Q==\n", "line 4: its strength"),
        ("AES:128:/NeRYTaMsxrwGYLuCj7L/Q=\n", "line 4: its key is not base64"),
    ] {
        let place = Place::with(format!("{KEYS}{bad}").as_bytes(), 0o600);
        for key in [key(CBC, 128), key(CBC, 192)] {
            check(&place.files.read_key(&key).unwrap_err(), ErrorKind::Invalid, part);
            check(&place.create(&key).unwrap_err(), ErrorKind::Invalid, part);
        }
        assert_eq!(place.text(), format!("{KEYS}{bad}"));
    }
}

#[test]
fn a_key_must_fit_its_strength() {
    let text = format!("{KEYS}AES:256:/NeRYTaMsxrwGYLuCj7L/Q==\n");
    let place = Place::with(text.as_bytes(), 0o600);
    let part = "line 4: a key of 16 bytes does not fit its strength, 256 bits";
    check(&place.files.read_key(&key("AES", 256)).unwrap_err(), ErrorKind::Invalid, part);
    check(&place.create(&key("AES", 256)).unwrap_err(), ErrorKind::Invalid, part);
    assert_eq!(place.text(), text);
    assert_eq!(place.files.read_key(&key(CBC, 128)).unwrap().bits(), 128);
}

#[test]
fn only_a_small_regular_file_is_read() {
    let place = Place::empty();
    DirBuilder::new().recursive(true).create(place.path("keys/k")).unwrap();
    let error = place.files.read_key(&key(CBC, 128)).unwrap_err();
    check(&error, ErrorKind::Invalid, "regular file");

    let place = Place::with(KEYS.as_bytes(), 0o600);
    let file = OpenOptions::new().write(true).open(place.path("keys/k")).unwrap();
    file.set_len(secret_file::MAX_FILE_LENGTH).unwrap();
    let error = place.files.read_key(&key(CBC, 128)).unwrap_err();
    check(&error, ErrorKind::Invalid, "line 4: it is not of the form");
    file.set_len(secret_file::MAX_FILE_LENGTH + 1).unwrap();
    let error = place.files.read_key(&key(CBC, 128)).unwrap_err();
    check(&error, ErrorKind::Invalid, "1048577 bytes");
}

#[test]
fn a_new_file_is_the_owner_s_alone() {
    let place = Place::empty();
    let deep = KeyRef::LocalFile {
        file: "a/b/k".to_owned(),
        transformation: CBC.to_owned(),
        strength: 256,
    };
    assert_eq!(place.create(&deep).unwrap(), KeyCreation::Created);
    assert_eq!((place.mode("a"), place.mode("a/b"), place.mode("a/b/k")), (0o700, 0o700, 0o600));
    let text = fs::read_to_string(place.path("a/b/k")).unwrap();
    assert!(text.starts_with("AES/CBC/PKCS5Padding:256:") && text.ends_with("=\n"), "{text}");
    assert_eq!(text.len(), 25 + 44 + 1);
    assert_eq!(place.files.read_key(&deep).unwrap().bits(), 256);
    assert_eq!(place.files.permission_warning(&deep), None);
}

#[test]
fn the_remains_of_an_interrupted_new_file_are_replaced() {
    let place = Place::empty();
    let unfinished = place.path("keys/k.unfinished");
    fs::create_dir_all(place.path("keys")).unwrap();
    let mut other = OpenOptions::new().append(true).create_new(true).open(&unfinished).unwrap();
    write!(other, "AES:128:{}", "A".repeat(99)).unwrap();
    other.try_lock().unwrap();
    check(&place.create(&key("AES", 128)).unwrap_err(), ErrorKind::Busy, "another run");
    drop(other);
    assert_eq!(place.create(&key("AES", 128)).unwrap(), KeyCreation::Created);
    assert!(!unfinished.exists());
    assert_eq!(place.text().lines().count(), 1);
    place.files.read_key(&key("AES", 128)).unwrap();
}

#[test]
fn every_strength_can_be_made_and_all_keys_differ() {
    let place = Place::empty();
    let mut seen = BTreeSet::new();
    for transformation in [CBC, "AES/ECB/PKCS5Padding", "AES"] {
        for strength in [128, 192, 256] {
            let key = key(transformation, strength);
            assert_eq!(place.create(&key).unwrap(), KeyCreation::Created);
            let read = place.files.read_key(&key).unwrap();
            assert_eq!(read.bits(), strength as usize);
            assert!(seen.insert(read.expose()[..16].to_vec()));
        }
    }
    assert_eq!(place.text().lines().count(), 9);
}

/// Lengths and forms as Java 17's own generators give them.
#[test]
fn keys_of_every_cipher_are_made_as_java_makes_them() {
    let place = Place::empty();
    for (transformation, strength, bytes) in [
        ("DES/CBC/PKCS5Padding", 56, 8),
        ("DESede/CBC/PKCS5Padding", 112, 24),
        ("DESede/CBC/PKCS5Padding", 168, 24),
        ("Blowfish/CFB/NoPadding", 32, 4),
        ("Blowfish/CFB/NoPadding", 448, 56),
        ("RC2", 40, 5),
        ("RC2", 41, 6),
        ("RC2", 128, 16),
    ] {
        let key = key(transformation, strength);
        assert_eq!(place.create(&key).unwrap(), KeyCreation::Created);
        let made = place.files.read_key(&key).unwrap();
        assert_eq!(made.expose().len(), bytes, "{transformation} {strength}");
        let odd = made.expose().iter().all(|byte| byte.count_ones() % 2 == 1);
        assert!(odd || !transformation.starts_with("DES"));
        if transformation.starts_with("DESede") {
            assert_eq!(made.expose()[..8] == made.expose()[16..], strength == 112);
            assert_ne!(made.expose()[..8], made.expose()[8..16]);
        }
        assert_eq!(place.create(&key).unwrap(), KeyCreation::AlreadyThere);
    }
}

#[test]
fn a_key_of_des_has_all_its_bytes() {
    let place = Place::with(KEYS.as_bytes(), 0o600);
    let read = place.files.read_key(&key("DES/CBC/PKCS5Padding", 56)).unwrap();
    assert_eq!((read.bits(), read.expose()[0]), (64, 0x07));
    // Two keys or seven bytes: Java accepts neither.
    for (name, base64, strength) in
        [("DESede", "AAECAwQFBgcICQoLDA0ODw==", 112), ("DES", "AAECAwQFBg==", 56)]
    {
        let place = Place::with(format!("{name}:{strength}:{base64}\n").as_bytes(), 0o600);
        let error = place.files.read_key(&key(name, strength)).unwrap_err();
        check(&error, ErrorKind::Invalid, "does not fit its strength");
    }
}

#[test]
fn a_line_is_added_to_an_existing_file_and_its_mode_kept() {
    for (text, separator) in [(KEYS, ""), (KEYS.trim_end(), "\n")] {
        let place = Place::with(text.as_bytes(), 0o640);
        assert_eq!(place.create(&key("AES", 128)).unwrap(), KeyCreation::Created);
        let start = format!("{text}{separator}AES:128:");
        assert!(place.text().starts_with(&start) && place.text().ends_with("==\n"));
        assert_eq!(place.mode("keys/k"), 0o640);
        for (transformation, strength) in [(CBC, 128), (CBC, 256), ("AES", 128)] {
            place.files.read_key(&key(transformation, strength)).unwrap();
        }
    }
    let place = Place::with(b"", 0o600);
    assert_eq!(place.create(&key("AES", 128)).unwrap(), KeyCreation::Created);
    assert!(place.text().starts_with("AES:128:"));
}

#[test]
fn an_existing_key_is_never_touched() {
    let place = Place::with(KEYS.trim_end().as_bytes(), 0o400);
    assert_eq!(place.create(&key(CBC, 256)).unwrap(), KeyCreation::AlreadyThere);
    assert_eq!(place.text(), KEYS.trim_end());
}

#[test]
fn a_link_is_followed_and_stays() {
    let place = Place::with(KEYS.as_bytes(), 0o600);
    symlink("k", place.path("keys/link")).unwrap();
    let link = KeyRef::LocalFile {
        file: "keys/link".to_owned(),
        transformation: "AES".to_owned(),
        strength: 128,
    };
    assert_eq!(place.create(&link).unwrap(), KeyCreation::Created);
    assert!(place.path("keys/link").is_symlink());
    place.files.read_key(&key("AES", 128)).unwrap();
    LocalStorage.remove_file(&place.path("keys/link")).unwrap();
    symlink("gone", place.path("keys/link")).unwrap();
    let error = place.create(&link).unwrap_err();
    assert!(error.to_string().contains("leads nowhere"), "{error}");
    assert!(!place.path("keys/gone").exists());
}

#[test]
fn a_file_begun_by_another_user_is_not_used() {
    let place = Place::empty();
    fs::create_dir(place.path("keys")).unwrap();
    let unfinished = place.path("keys/k.unfinished");
    let second = place.path("keys/second");
    drop(fs::File::create_new(&unfinished).unwrap());
    fs::hard_link(&unfinished, &second).unwrap();
    let refused = |what: &str| {
        let error = place.create(&key("AES", 128)).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    };
    refused("hard link");
    LocalStorage.remove_file(&second).unwrap();
    fs::set_permissions(&unfinished, Permissions::from_mode(0o666)).unwrap();
    refused("may write");
    assert_eq!(fs::read(&unfinished).unwrap(), b"");
    fs::set_permissions(&unfinished, Permissions::from_mode(0o600)).unwrap();
    place.create(&key("AES", 128)).unwrap();
}

#[test]
fn two_runs_do_not_write_at_once() {
    let place = Place::with(KEYS.as_bytes(), 0o600);
    let other = OpenOptions::new().append(true).open(place.path("keys/k")).unwrap();
    other.try_lock().unwrap();
    let error = place.create(&key("AES", 128)).unwrap_err();
    check(&error, ErrorKind::Busy, "another run");
    assert_eq!(place.text(), KEYS);
    drop(other);
    place.create(&key("AES", 128)).unwrap();
}

#[test]
fn a_parent_that_is_a_file_is_an_error_of_the_system() {
    let place = Place::with(KEYS.as_bytes(), 0o600);
    let below = KeyRef::LocalFile {
        file: "keys/k/deeper".to_owned(),
        transformation: "AES".to_owned(),
        strength: 128,
    };
    let error = place.files.read_key(&below).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(place.create(&below).unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(place.text(), KEYS);
}

#[test]
fn permissions_for_others_cause_a_warning() {
    for (mode, what) in [
        (0o600, None),
        (0o400, None),
        (0o640, Some("read")),
        (0o604, Some("read")),
        (0o620, Some("change")),
        (0o666, Some("read and change")),
    ] {
        let place = Place::with(KEYS.as_bytes(), mode);
        let warning = place.files.permission_warning(&key(CBC, 128));
        match what {
            None => assert_eq!(warning, None, "{mode:o}"),
            Some(what) => {
                let warning = warning.unwrap();
                let part = format!("may {what} the key file");
                assert!(warning.contains(&part), "{warning}");
                assert!(warning.contains(&format!("mode {mode:04o}")), "{warning}");
            }
        }
    }
    assert_eq!(Place::empty().files.permission_warning(&key(CBC, 128)), None);
    assert_eq!(Place::empty().files.permission_warning(&kmip()), None);
}

#[test]
fn new_files_belong_to_the_owner_of_the_data() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let place = Place::empty();
    let data = place.path("data");
    DirBuilder::new().create(&data).unwrap();
    // Only root may give files away; any other user owns both anyway.
    let _only_root = chown(&data, Some(4711), Some(4712));
    let like = fs::metadata(&data).unwrap();
    let deep = KeyRef::LocalFile {
        file: "new/dir/k".to_owned(),
        transformation: "AES".to_owned(),
        strength: 128,
    };
    assert_eq!(place.files.create(&deep, &data).unwrap(), KeyCreation::Created);
    for made in ["new", "new/dir", "new/dir/k"] {
        let found = fs::metadata(place.path(made)).unwrap();
        assert_eq!((found.uid(), found.gid()), (like.uid(), like.gid()), "{made}");
    }
}
