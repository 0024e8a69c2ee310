//! Options that name no key, and keys that are missing, malformed or wrong (FORMATS.md 5.2, 6.1).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use rekey_engine::ErrorKind::{Corrupt, Invalid, KeyUnavailable, Unsupported};
use rekey_engine::plan::Severity;

use crate::kit::patient::sstables;
use crate::kit::synthetic::{Recipe, table_in};
use crate::kit::workspace::{local_target, target};
use crate::kit::{Patient, TestStorage, Workspace};

/// Has the victim name a key file of its own, with this content.
fn with_key_file(content: Option<&[u8]>) -> (Patient, PathBuf) {
    let patient = Patient::usual();
    patient.set_option("secret_key_file", Some("keys/of-the-victim"));
    let path = patient.workspace.root.path().join("keys/of-the-victim");
    if let Some(content) = content {
        fs::write(&path, content).unwrap();
    }
    (patient, path)
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn an_option_map_that_names_no_key_file_is_refused() {
    for value in [None, Some("")] {
        let patient = Patient::usual();
        patient.set_option("secret_key_file", value);
        let diagnosis = patient.diagnose().is(Unsupported).at("CompressionInfo.db");
        diagnosis.says("'secret_key_file' is missing").advises("node-side");
    }
}

/// The database refuses to open an SSTable with an unknown option, and an operator cannot correct
/// the options of an SSTable: neither kind of damage is a mistake in an argument.
#[test]
fn options_that_cannot_be_are_refused_by_name() {
    for (name, value) in [
        ("secret_key_fil", Some("x")),
        ("kmip_host", Some("x")),
        ("", Some("")),
        ("iv_length", Some("3")),
        ("iv_length", Some("12")),
        ("iv_length", Some("2147483648")),
        ("secret_key_strength", Some("257")),
        ("secret_key_strength", Some("-128")),
        ("secret_key_strength", Some("")),
        ("cipher_algorithm", Some("")),
        ("cipher_algorithm", Some("AES/CBC")),
        ("cipher_algorithm", Some("aes/CBC/PKCS5Padding")),
        ("cipher_algorithm", Some("AES/GCM/NoPadding")),
        ("cipher_algorithm", Some("AES/CFB8/NoPadding")),
        ("cipher_algorithm", Some("AES/CBC/NoPadding")),
        ("cipher_algorithm", Some("DES/CBC/PKCS5Padding")),
        ("cipher_algorithm", Some("Serpent/CBC/PKCS5Padding")),
        ("key_provider", Some("")),
        ("key_provider", Some("com.example.MyProvider")),
        ("key_provider", Some("KmipKeyProviderFactory")),
    ] {
        let patient = Patient::usual();
        patient.set_option(name, value);
        patient.diagnose().is(Unsupported).at("CompressionInfo.db");
    }
}

#[test]
fn no_options_at_all_are_refused() {
    let patient = Patient::usual();
    patient.edit_options(Vec::clear);
    // DSE's defaults: AES with 128 bits, keys in the database's own table, or in DSE's key file
    // where no header names one.
    let diagnosis = patient.diagnose().is(KeyUnavailable);
    diagnosis.says("/etc/dse/conf/data_encryption_keys AES/CBC/PKCS5Padding:128");
}

#[test]
fn a_missing_key_file_is_named() {
    let (patient, path) = with_key_file(None);
    let diagnosis = patient.diagnose().is(KeyUnavailable).says("keys/of-the-victim");
    assert_eq!(diagnosis.error.path(), Some(path.as_path()));
    diagnosis.says("missing").advises("backup");
}

#[test]
fn a_key_file_without_the_key_is_named() {
    let other_cipher = format!("AES:256:{}\n", base64(&[7; 32]));
    let other_strength = format!("AES/CBC/PKCS5Padding:128:{}\n", base64(&[7; 16]));
    let other_case = format!("aes/cbc/pkcs5padding:256:{}\n", base64(&[7; 32]));
    for content in ["", &other_cipher, &other_strength, &other_case] {
        let (patient, path) = with_key_file(Some(content.as_bytes()));
        let diagnosis = patient.diagnose().is(KeyUnavailable).says("does not have this key");
        assert_eq!(diagnosis.error.path(), Some(path.as_path()));
        diagnosis.says("AES/CBC/PKCS5Padding:256").advises("backup");
    }
}

/// A blank or malformed line makes loading fail in the database, wherever it is.
#[test]
fn a_malformed_key_file_is_named_with_the_line_only() {
    let good = format!("AES/CBC/PKCS5Padding:256:{}", base64(&[7; 32]));
    for (content, line) in [
        ("\n".to_owned(), 1),
        (format!("{good}\n\n"), 2),
        (format!("\n{good}\n"), 1),
        (format!("{good}\nAES/CBC/PKCS5Padding:256\n"), 2),
        (format!("{good}\nno colons SECRETSECRET\n"), 2),
        (format!("{good}\nAES:x:SECRETSECRET=\n"), 2),
        ("AES/CBC/PKCS5Padding:256:SECRET*SECRET\n".to_owned(), 1),
        ("AES/CBC/PKCS5Padding:256:\n".to_owned(), 1),
        (format!("# SECRETSECRET\n{good}\n"), 1),
    ] {
        let (patient, path) = with_key_file(Some(content.as_bytes()));
        let diagnosis = patient.diagnose().is(Invalid).says(&format!("line {line}"));
        assert_eq!(diagnosis.error.path(), Some(path.as_path()));
        let text = format!("{:?} {:?}", diagnosis.error, diagnosis.error.hint_text());
        assert!(!text.contains("SECRET"), "{text}");
    }
    let (patient, _) = with_key_file(Some(&[0xff; 64]));
    patient.diagnose().is(Invalid).says("line 1");
}

#[test]
fn a_key_of_another_length_is_refused() {
    for length in [1, 16, 24, 31, 33, 64] {
        let content = format!("AES/CBC/PKCS5Padding:256:{}\n", base64(&vec![0x7e; length]));
        let (patient, _) = with_key_file(Some(content.as_bytes()));
        let diagnosis = patient.diagnose().is(Invalid).says(&format!("{length} bytes"));
        let text = format!("{:?}", diagnosis.error);
        assert!(!text.contains(&base64(&vec![0x7e; length])), "{text}");
    }
}

#[test]
fn a_key_file_that_is_not_a_regular_file_is_refused() {
    let (patient, path) = with_key_file(None);
    fs::create_dir(&path).unwrap();
    patient.diagnose().is(Invalid).says("regular file");
    let (patient, _) = with_key_file(Some(&vec![b'\n'; (1 << 20) + 1]));
    patient.diagnose().is(Invalid).says("larger");
}

#[test]
fn a_wrong_key_is_noticed_in_the_plan() {
    for byte in 0..8 {
        let content = format!("AES/CBC/PKCS5Padding:256:{}\n", base64(&[byte; 32]));
        let (patient, _) = with_key_file(Some(content.as_bytes()));
        let plan = patient.workspace.plan(&patient.target).unwrap();
        assert_eq!(plan.rewrites().count(), 3, "the plan already refuses it");
        patient.diagnose().is(Corrupt).at("Data.db").chunk(0).advises("key");
    }
}

/// One byte of padding is right under one wrong key in 256, and then the length is right, too. This
/// is such a key, found by trial: what it decrypts must not be taken for data.
#[test]
fn a_wrong_key_with_valid_padding_is_still_wrong() {
    use aes::cipher::block_padding::Pkcs7;
    use aes::cipher::{BlockModeDecrypt as _, KeyIvInit as _};

    let plain = b"\0\x04key1 and rows";
    let recipe = Recipe::local("oa", "1", "old-key", vec![0x11; 16]);
    let chunk = &recipe.chunks(plain)[0];
    let (iv, ciphertext) = chunk.split_at(16);
    let pads_well = |key: &[u8; 16]| {
        let decryptor = cbc::Decryptor::<aes::Aes128>::new_from_slices(key, iv).unwrap();
        decryptor.decrypt_padded_vec::<Pkcs7>(ciphertext).is_ok_and(|out| out.len() == plain.len())
    };
    assert!(pads_well(&[0x11; 16]));
    let wrong: Vec<[u8; 16]> =
        (1..4000_u128).map(u128::to_be_bytes).filter(pads_well).take(8).collect();
    assert_eq!(wrong.len(), 8, "one in 256");
    for key in wrong {
        let workspace = Workspace::empty();
        recipe.write(&table_in(&workspace.data()), plain);
        let line = Recipe::local("oa", "1", "old-key", key.to_vec()).key_line();
        fs::write(workspace.root.path().join("old-key"), line).unwrap();
        let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
        let report = workspace.upgrade_on(TestStorage::quick().boxed(), &target).unwrap();
        assert_eq!((report.failures().count(), report.successes()), (1, 0));
        let error = report.failures().next().unwrap();
        assert_eq!((error.kind(), error.chunk_index()), (Corrupt, Some(0)), "{error:?}");
        assert!(error.hint_text().unwrap().contains("key"), "{error:?}");
        assert_eq!(sstables(&table_in(&workspace.data())), ["oa-1-big"]);
    }
}

/// The later line wins, so a right key may become a wrong one by an appended line.
#[test]
fn the_later_of_two_lines_counts() {
    let right = fs::read_to_string(Patient::usual().workspace.root.path().join("keys/aes-cbc-256"));
    let right = right.unwrap();
    let wrong = format!("AES/CBC/PKCS5Padding:256:{}\n", base64(&[9; 32]));
    let (patient, _) = with_key_file(Some(format!("{right}{wrong}").as_bytes()));
    patient.diagnose().is(Corrupt).at("Data.db");
    let (patient, _) = with_key_file(Some(format!("{wrong}{right}").as_bytes()));
    patient.recovers();
}

fn refused_whole(
    workspace: &Workspace,
    target: &rekey_engine::plan::Target,
) -> rekey_engine::Error {
    let before = workspace.contents();
    let error = workspace.upgrade_on(TestStorage::quick().boxed(), target).unwrap_err();
    assert_eq!(workspace.contents(), before);
    crate::kit::patient::assert_clean(workspace);
    assert!(error.hint_text().is_some(), "{error:?}");
    error
}

#[test]
fn an_unavailable_target_key_stops_the_run_before_it_begins() {
    let workspace = Workspace::copy_of("fixtures/oa-aes-cbc-256-64k");
    let path = workspace.root.path().join("absent");
    let target = local_target(path.to_str().unwrap(), "AES/CBC/PKCS5Padding", 256);
    let error = refused_whole(&workspace, &target);
    assert_eq!((error.kind(), error.path()), (KeyUnavailable, Some(path.as_path())));
    fs::write(&path, "").unwrap();
    assert_eq!(refused_whole(&workspace, &target).kind(), KeyUnavailable);
    fs::write(&path, "nonsense\n").unwrap();
    assert_eq!(refused_whole(&workspace, &target).kind(), Invalid);
    fs::write(&path, format!("AES/CBC/PKCS5Padding:256:{}\n", base64(&[1; 16]))).unwrap();
    assert_eq!(refused_whole(&workspace, &target).kind(), Invalid);
}

#[test]
fn a_kmip_target_of_wrong_length_or_without_keys_stops_the_run() {
    let mut workspace = Workspace::copy_of("fixtures/oa-aes-cbc-256-64k");
    let target = target(
        "{'class': 'Encryptor', 'cipher_algorithm': 'AES/CBC/PKCS5Padding', \
         'secret_key_strength': 256, 'key_provider': 'KmipKeyProviderFactory', \
         'kmip_host': 'kmip1'}",
        Some("new"),
    );
    assert_eq!(refused_whole(&workspace, &target).kind(), KeyUnavailable);
    workspace.give_kmip_keys(&format!("other = {}\n", "00".repeat(32)));
    let error = refused_whole(&workspace, &target);
    assert_eq!(error.kind(), KeyUnavailable);
    assert!(error.chain().contains("kmip1/new"), "{error}");
    for length in [15, 16, 24, 33] {
        workspace.give_kmip_keys(&format!("new = {}\n", "a5".repeat(length)));
        let error = refused_whole(&workspace, &target);
        assert_eq!(error.kind(), Invalid);
        assert!(!error.chain().contains("a5a5"), "{error}");
    }
}

#[test]
fn the_same_key_under_another_name_rotates_nothing() {
    let workspace = Workspace::copy_of("fixtures/oa-aes-cbc-256-64k");
    let old = fs::read(workspace.root.path().join("keys/aes-cbc-256")).unwrap();
    let path = workspace.root.path().join("same");
    fs::write(&path, old).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let target = local_target(path.to_str().unwrap(), "AES/CBC/PKCS5Padding", 256);
    let plan = workspace.plan(&target).unwrap();
    assert_eq!(plan.findings.len(), 1);
    assert_eq!(plan.findings[0].severity, Severity::Warning);
    assert!(plan.findings[0].error.chain().contains("same bytes"));
    assert_eq!(plan.findings[0].sstables.len(), 4);
}
