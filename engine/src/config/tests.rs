//! How a configuration text is read, and the errors for a wrong one.

use std::fmt::Write as _;
use std::time::Duration;

use rekey_kmip::keystore::StoreType;
use rekey_kmip::transport::NameCheck;

use super::*;
use crate::error::ErrorKind;

fn parse(text: &str) -> NodeConfig {
    NodeConfig::parse(text, "hcd.yaml").unwrap()
}

fn refused(text: &str) -> Error {
    let error = NodeConfig::parse(text, "hcd.yaml").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(error.path(), Some(Path::new("hcd.yaml")), "{error}");
    assert!(error.hint_text().is_some(), "{error}");
    error
}

fn group(lines: &str) -> String {
    let mut text = String::from("kmip_hosts:\n  vault:\n    hosts: a\n");
    for line in lines.lines() {
        writeln!(text, "    {line}").unwrap();
    }
    text
}

fn written(password: Option<&Password>) -> &str {
    match password {
        Some(Password::Written(secret)) => secret.expose(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_key_of_a_group_is_read() {
    let config = parse(&group(
        "keystore_path: /k.jks\nkeystore_type: jks\nkeystore_password: 0123\n\
         keystore_key_password_file: /kp\nkeystore_alias: node\ntruststore_path: /t.p12\n\
         truststore_type: PKCS12\ntruststore_password_descriptor: 3\ntimeout: 2_500\n\
         key_cache_millis: '1000'\nkey_cache_update_millis: 500\nprotocol: TLSv1.2\n\
         cipher_suites: [A, B]\nverify_hostname: off\npassword_encryption_key_name: sk\n\
         experimental_custom_attributes_mode: true",
    ));
    let group = config.kmip_group("vault").unwrap();
    assert_eq!(group.name, "vault");
    assert_eq!(group.hosts[0].to_string(), "a:5696");
    assert_eq!(group.keystore.path.as_deref(), Some(Path::new("/k.jks")));
    assert_eq!(group.keystore.declared, Some(StoreType::Jks));
    assert_eq!(written(group.keystore.password.as_ref()), "0123");
    assert!(matches!(&group.key_password, Some(Password::File(p)) if p == Path::new("/kp")));
    assert_eq!(group.alias.as_deref(), Some("node"));
    assert_eq!(group.truststore.path.as_deref(), Some(Path::new("/t.p12")));
    assert_eq!(group.truststore.declared, Some(StoreType::Pkcs12));
    assert!(matches!(group.truststore.password, Some(Password::Descriptor(3))));
    assert_eq!(group.timeout, Some(Duration::from_millis(2500)));
    assert_eq!((group.key_cache_millis, group.key_cache_update_millis), (1000, 500));
    assert_eq!(group.protocol.as_deref(), Some("TLSv1.2"));
    assert_eq!(group.cipher_suites, ["A", "B"]);
    assert_eq!(group.verify_hostname, NameCheck::Off);
    assert_eq!(group.password_encryption_key_name.as_deref(), Some("sk"));
    assert_eq!(group.experimental_custom_attributes_mode.as_deref(), Some("true"));
    // Settings of this program do not belong in a node's own file.
    let own = ["keystore_key_password_file", "keystore_alias", "truststore_password_descriptor"];
    let own = own.into_iter().chain(["verify_hostname"]);
    let said: Vec<_> = own.map(|key| format!("give it by --kmip-set vault.{key}=VALUE")).collect();
    let found = config.warnings();
    assert_eq!(found.len(), said.len(), "{found:?}");
    assert!(found.iter().zip(&said).all(|(found, said)| found.ends_with(said)), "{found:?}");
}

#[test]
fn defaults_are_the_database_s() {
    let config = parse(&group(""));
    let group = config.kmip_group("vault").unwrap();
    assert!(group.timeout.is_none() && group.cipher_suites.is_empty());
    assert_eq!((group.key_cache_millis, group.key_cache_update_millis), (300_000, 300_000));
    assert_eq!(group.verify_hostname, NameCheck::Full);
    for text in ["", "# nothing\n", "cluster_name: x\nkmip_hosts:\n"] {
        let config = parse(text);
        assert!(config.kmip_groups().is_empty());
        let system = config.system_info_encryption();
        assert_eq!(*system, SystemInfoEncryption::default());
        assert_eq!(
            (system.enabled, system.cipher_algorithm.as_str(), system.secret_key_strength),
            (false, "AES", 128)
        );
        assert_eq!((system.chunk_length_kb, system.key_name.as_str()), (64, "system_table_keytab"));
        assert!(!system.uses_kmip() && system.kmip_host.is_none());
        assert_eq!(config.system_key_directory(), Path::new("/etc/dse/conf"));
        let encryption = config.config_encryption();
        assert_eq!((encryption.active, encryption.key_name.as_str()), (false, "system_key"));
    }
}

#[test]
fn everything_else_of_the_file_is_read() {
    let config = parse(
        "system_info_encryption:\n  enabled: yes\n  cipher_algorithm: AES/CBC/PKCS5Padding\n  \
         secret_key_strength: 256\n  chunk_length_kb: 16\n  key_name: k\n  \
         key_provider: a.b.KmipKeyProviderFactory\n  kmip_host: vault\n\
         system_key_directory: /keys\nconfig_encryption_active: TRUE\n\
         config_encryption_key_name: kmip://vault/1\n",
    );
    let system = config.system_info_encryption();
    assert!(system.enabled && system.uses_kmip());
    assert_eq!((system.secret_key_strength, system.chunk_length_kb), (256, 16));
    assert_eq!((system.key_name.as_str(), system.kmip_host.as_deref()), ("k", Some("vault")));
    assert_eq!(system.cipher_algorithm, "AES/CBC/PKCS5Padding");
    assert_eq!(config.system_key_directory(), Path::new("/keys"));
    let encryption = config.config_encryption();
    assert_eq!((encryption.active, encryption.key_name.as_str()), (true, "kmip://vault/1"));
}

#[test]
fn groups_keep_their_order_and_hosts_may_be_a_list() {
    let config = parse(
        "kmip_hosts:\n  z: {hosts: [a, 'b:1', ' c , d ']}\n  a: {hosts: 'a , b:99'}\n  7: {hosts: x}\n",
    );
    let names: Vec<_> = config.kmip_groups().iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["z", "a", "7"]);
    let hosts = |name: &str| -> Vec<String> {
        config.kmip_group(name).unwrap().hosts.iter().map(ToString::to_string).collect()
    };
    assert_eq!(hosts("z"), ["a:5696", "b:1", "c:5696", "d:5696"]);
    assert_eq!(hosts("a"), ["a:5696", "b:99"]);
}

#[test]
fn an_unknown_group_is_reported_with_the_known_ones() {
    let config = parse("kmip_hosts:\n  one: {hosts: a}\n  \"t\\ewo\": {hosts: b}\n");
    let error = config.kmip_group("three").unwrap_err();
    assert_eq!(error.to_string(), "hcd.yaml: kmip_hosts has one, 't\\u{1b}wo', and no group three");
    let error = parse("").kmip_group("one").unwrap_err();
    assert_eq!(error.to_string(), "hcd.yaml: kmip_hosts has no groups, and no group one");
}

#[test]
fn unknown_keys_are_warnings() {
    let text = format!(
        "{}system_info_encryption:\n  enabeld: true\nunknown_top: 1\n",
        group("keystorePath: x\nkey-cache-millis: 1\nfoo: bar")
    );
    assert_eq!(
        parse(&text).warnings(),
        [
            "hcd.yaml: line 4: kmip_hosts.vault has an unknown key 'keystorePath'; \
             did you mean keystore_path?",
            "hcd.yaml: line 5: kmip_hosts.vault has an unknown key 'key-cache-millis'; \
             did you mean key_cache_millis?",
            "hcd.yaml: line 6: kmip_hosts.vault has an unknown key 'foo'",
            "hcd.yaml: line 8: system_info_encryption has an unknown key 'enabeld'",
        ]
    );
}

#[test]
fn a_wrong_value_is_named_by_line_section_and_key() {
    for (lines, part) in [
        ("timeout: soon", "line 4: kmip_hosts.vault.timeout must be a whole number"),
        ("timeout: 0", "timeout must be at least 1 ms"),
        ("timeout: -5", "timeout must be a whole number"),
        ("timeout: 010", "timeout must be a whole number"),
        ("timeout: 1.5", "timeout must be a whole number"),
        ("timeout: 99999999999999999999", "timeout must be a whole number"),
        ("timeout: ''", "timeout must be a whole number"),
        ("timeout: _", "timeout must be a whole number"),
        ("timeout: [1]", "timeout must be a single value"),
        ("key_cache_millis: never", "key_cache_millis must be a whole number"),
        ("keystore_path: {a: b}", "keystore_path must be a single value"),
        ("keystore_type: UBER", "keystore_type is not a type of key store: JKS"),
        ("cipher_suites: {a: b}", "cipher_suites must be a list, or a text with commas"),
        ("cipher_suites: [[a]]", "cipher_suites must be a list, or a text with commas"),
        ("verify_hostname: maybe", "verify_hostname must be full, cn or off"),
        ("keystore_password: [hunter2]", "keystore_password must be a single value"),
        ("keystore_password: !!binary hunter2", "keystore_password has a tag"),
        ("keystore_password: hunter2\nkeystore_password: hunter2", "keystore_password comes twice"),
        (
            "keystore_password: hunter2\nkeystore_password_file: f",
            "line 5: kmip_hosts.vault.keystore_password_file is given beside keystore_password",
        ),
        (
            "truststore_password_file: f\ntruststore_password_descriptor: 3",
            "truststore_password_descriptor is given beside truststore_password_file",
        ),
        ("keystore_password_descriptor: x", "keystore_password_descriptor must be a whole number"),
        ("keystore_password_descriptor: 4294967296", "must be a whole number"),
    ] {
        let error = refused(&group(lines));
        let text = format!("{error} {error:?} {:?}", error.hint_text());
        assert!(text.contains(part), "{lines}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    for (text, part) in [
        ("kmip_hosts: [a]\n", "line 1: kmip_hosts must be a mapping"),
        ("kmip_hosts:\n  g: a\n", "line 2: kmip_hosts.g must be a mapping"),
        ("kmip_hosts:\n  g:\n", "line 2: kmip_hosts.g must be a mapping"),
        ("kmip_hosts:\n  g: {hosts: }\n", "kmip_hosts.g.hosts is missing"),
        ("kmip_hosts:\n  g: {hosts: ','}\n", "hosts cannot be used: the list of hosts is empty"),
        ("kmip_hosts:\n  g: {hosts: '::1'}\n", "hosts cannot be used: \"::1\" is not a host"),
        ("kmip_hosts:\n  g: {hosts: {a: b}}\n", "hosts must be a list, or a text with commas"),
        ("kmip_hosts:\n  g: {hosts: a}\n  g: {hosts: a}\n", "line 3: kmip_hosts.g comes twice"),
        ("kmip_hosts: {}\nkmip_hosts: {}\n", "line 2: kmip_hosts comes twice"),
        ("config_encryption_active: perhaps\n", "config_encryption_active must be true or false"),
        ("system_info_encryption: {chunk_length_kb: x}\n", "must be a whole number"),
        ("system_info_encryption: {secret_key_strength: 4294967296}\n", "must be a whole number"),
        ("- a\n- b\n", "line 1: not a mapping of names to values"),
        ("a: b: c\n", "line 1: not YAML that can be read"),
        ("kmip_hosts:\n\tvault: x\n", "line 2: not YAML that can be read"),
        ("a: 1\n---\nb: 1\n", "line 2: not YAML that can be read: a second document"),
    ] {
        let error = refused(text);
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
}

#[test]
fn passwords_may_be_shared_by_anchors_and_merges() {
    let config = parse(
        "defaults: &d\n  keystore_password: &p secret\n  timeout: 7\n\
         kmip_hosts:\n  one: {<<: *d, hosts: a, truststore_password: *p}\n",
    );
    let group = config.kmip_group("one").unwrap();
    assert_eq!(written(group.keystore.password.as_ref()), "secret");
    assert_eq!(written(group.truststore.password.as_ref()), "secret");
    assert_eq!(group.timeout, Some(Duration::from_millis(7)));
}

#[test]
fn a_missing_password_differs_from_an_empty_one() {
    for (text, expected) in [
        ("keystore_password:", None),
        ("keystore_password: ~", None),
        ("keystore_password: ''", Some("")),
        ("keystore_password: 'null'", Some("null")),
        ("keystore_password: yes", Some("yes")),
        ("keystore_password: 0x1F", Some("0x1F")),
        ("keystore_password: \"a # b\"", Some("a # b")),
        ("keystore_password: a#b # c", Some("a#b")),
    ] {
        let config = parse(&group(text));
        let password = &config.kmip_group("vault").unwrap().keystore.password;
        assert_eq!(password.as_ref().map(|_| written(password.as_ref())), expected, "{text}");
    }
}

#[test]
fn debug_shows_no_password() {
    let config =
        parse(&group("keystore_password: hunter2\ntruststore_password: hunter2\nhunter: hunter2"));
    assert!(!format!("{config:?} {config:#?}").contains("hunter2"));
}

#[test]
fn a_descriptor_is_read_once_for_all_settings() {
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;

    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"changeit\n").unwrap();
    drop(writer);
    let number = reader.as_raw_fd();
    let config = parse(&group(&format!(
        "keystore_password_descriptor: {number}\ntruststore_password_descriptor: {number}"
    )));
    let group = config.kmip_group("vault").unwrap();
    for password in [&group.keystore.password, &group.truststore.password, &group.keystore.password]
    {
        let secret = config.password(password.as_ref().unwrap()).unwrap();
        assert_eq!(secret.expose(), "changeit");
    }
    let error = config.password(&Password::Descriptor(u32::MAX)).unwrap_err();
    assert_eq!(error.path(), Some(Path::new("/dev/fd/4294967295")));
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn a_text_has_a_limit() {
    let error = refused(&format!("a: {}\n", "x".repeat(1 << 20)));
    assert!(error.to_string().contains("larger than 1048576 bytes"), "{error}");
    parse(&format!("a: {}\n", "x".repeat((1 << 20) - 4)));
}

/// Aliases cost nothing in the tree, but values read through them are copied.
#[test]
fn what_aliases_multiply_is_limited() {
    let unknown: String = (0..100).map(|key| format!("u{key}: v, ")).collect();
    let mut text = format!("base: &g {{hosts: a, {unknown}}}\nkmip_hosts:\n");
    for group in 0..256 {
        writeln!(text, "  g{group}: *g").unwrap();
    }
    let config = parse(&text);
    assert_eq!((config.kmip_groups().len(), config.warnings().len()), (256, 256 * 17));
    assert!(config.warnings()[16].ends_with("kmip_hosts.g0 has 84 more unknown keys"));
    let error = refused(&format!("{text}  one: *g\n"));
    assert!(error.to_string().contains("kmip_hosts.one is one more than the 256"), "{error}");
    let long = "x".repeat(4097);
    let error = refused(&group(&format!("keystore_path: {long}")));
    assert!(error.to_string().ends_with("keystore_path is longer than 4096 bytes"), "{error}");
    parse(&group(&format!("keystore_path: {}", &long[1..])));
    let error = refused(&group(&format!("cipher_suites: [{}]", "suite, ".repeat(3000))));
    assert!(error.to_string().ends_with("cipher_suites is longer than 16384 bytes"), "{error}");
}
