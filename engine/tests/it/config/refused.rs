//! What is refused, with place and hint, and what only causes a warning.

use super::*;

const CLEAR: [&str; 4] = [
    "keystore_path: DIR/node.jks",
    "keystore_password: changeit",
    "truststore_path: DIR/trust.jks",
    "truststore_password: changeit",
];

/// The lines that fit, with some replaced or added.
fn with<'a>(changed: &[&'a str]) -> Vec<&'a str> {
    let key = |line: &str| line.split(':').next().map(str::to_owned);
    let kept = CLEAR.iter().filter(|line| changed.iter().all(|other| key(line) != key(other)));
    kept.chain(changed).copied().collect()
}

#[test]
fn wrong_settings_name_place_and_hint() {
    let site = Site::new();
    site.file("empty", b"");
    let (wrong_p12, own) = (format!("keystore_password: {}", sealed("AES", &KEY, "x")), BY_OPENSSL);
    let encrypted = "password_encryption_key_name: system_key";
    let other = format!("keystore_password: {}", sealed(CBC, &[9; 16], "hunter2"));
    for (changed, part) in [
        (
            vec!["keystore_path: DIR/no"],
            "kmip_hosts.vault.keystore_path: DIR/no: the key store does not exist",
        ),
        (vec!["keystore_path: DIR"], "keystore_path: DIR: the key store must be a regular file"),
        (vec!["keystore_path: DIR/empty"], "keystore_path: DIR/empty: the file is empty"),
        (vec!["keystore_path: DIR/trust.jks"], "holds no private key"),
        (vec!["keystore_password: hunter2"], "DIR/node.jks: wrong password for the JKS key store"),
        (vec!["keystore_password:"], "needs a password, and none is configured"),
        (
            vec!["keystore_password:", "keystore_password_file: DIR/no"],
            "DIR/no: the password file does not exist",
        ),
        (
            vec!["keystore_path: DIR/node.p12", "keystore_password: hunter2"],
            "wrong password for the PKCS12",
        ),
        (vec!["truststore_path:"], "kmip_hosts.vault.truststore_path: it is not set"),
        (vec!["truststore_path: DIR/no"], "truststore_path: DIR/no: the truststore does not exist"),
        (vec!["truststore_password: hunter2"], "DIR/trust.jks: wrong password"),
        (vec!["protocol: TLSv1.1"], "kmip_hosts.vault: protocol \"TLSv1.1\" leaves no TLS version"),
        (vec!["cipher_suites: TLS_RSA_WITH_AES_128_CBC_SHA"], "leave nothing"),
        (
            vec![encrypted],
            "keystore_path: the value was not encrypted with the system key (key system_key)",
        ),
        (vec![encrypted, &other], "the value was not encrypted with the system key"),
        (vec![encrypted, &wrong_p12], "the value was not encrypted with the system key"),
        (vec!["password_encryption_key_name: ../x"], "must be that of a file in its directory"),
        (vec!["password_encryption_key_name: password"], "does not have exactly three fields"),
    ] {
        let error = error(&site.vault("", &with(&changed)));
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
        assert_eq!(error.path(), Some(Path::new("/etc/hcd.yaml")));
        assert!(error.hint_text().is_some_and(|hint| !hint.is_empty()), "{error:?}");
        let text = format!("{} {error:?} {:?}", error.chain(), error.hint_text());
        let text = text.replace(site.directory.path().to_str().unwrap(), "DIR");
        assert!(text.starts_with("/etc/hcd.yaml: kmip_hosts.vault"), "{text}");
        assert!(text.contains(part), "{changed:?}: {text}");
        for secret in ["hunter2", PASSWORD, own] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    let missing = error(&site.vault("", &with(&["password_encryption_key_name: gone"])));
    assert_eq!(missing.kind(), ErrorKind::KeyUnavailable);
    assert_eq!(site.sim.connections(), 0, "nothing was connected");
}

#[test]
fn an_unknown_group_is_reported_with_the_known_ones() {
    let site = Site::new();
    let groups = [site.group("one", &CLEAR), site.group("two", &CLEAR)];
    let config = site.config("", &groups);
    let error = connect(&config, "three").map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.chain(), "/etc/hcd.yaml: kmip_hosts has one, two, and no group three");
}

#[test]
fn the_reason_of_every_host_is_reported() {
    let site =
        Site::with(SimulatorSettings { distrusts_client: true, ..SimulatorSettings::default() });
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let lines = site.group("vault", &CLEAR).replace("hosts: ", &format!("hosts: {free}, "));
    let mut made = connect(&site.config("", &[lines]), "vault").unwrap();
    let error = Error::from(made.client.connect().map(|_| ()).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
    let chain = error.chain();
    for part in [
        "no key server could be used",
        &format!("{free}: cannot connect"),
        &format!("{}: the server refused the client's certificate", site.sim.host()),
    ] {
        assert_eq!(chain.matches(part).count(), 1, "{chain}");
    }
    assert!(error.hint_text().unwrap().contains("check that the key server runs"));
}

#[test]
fn what_works_here_but_not_in_the_database_is_a_warning() {
    let site = Site::new();
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/keystores");
    let openssl = format!("truststore_path: {}/trust-openssl.p12", real.display());
    let loose = site.file("loose", b"changeit");
    fs::set_permissions(&loose, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(site.path("system_key"), fs::Permissions::from_mode(0o640)).unwrap();
    let encrypted = format!("keystore_password: {BY_OPENSSL}");
    for (changed, part) in [
        (vec![openssl.as_str()], "lack Java's mark of trust"),
        (vec!["keystore_type: PEM"], "is declared as PEM but is JKS"),
        (
            vec!["cipher_suites: [TLS_AES_256_GCM_SHA384, NO_SUCH]"],
            "kmip_hosts.vault: this program has no cipher suite 'NO_SUCH'",
        ),
        (vec!["keystore_path:"], "the client shows no certificate"),
        (
            vec!["truststore_password:", "truststore_password_file: DIR/loose"],
            "others than its owner may read the password file",
        ),
        (
            vec![
                encrypted.as_str(),
                "truststore_password:",
                "truststore_password_file: DIR/password",
                "password_encryption_key_name: system_key",
            ],
            "others than its owner may read the system key",
        ),
    ] {
        let made = connect(&site.vault("", &with(&changed)), "vault").unwrap();
        assert!(made.warnings.iter().any(|warning| warning.contains(part)), "{:?}", made.warnings);
    }
}

#[test]
fn the_group_s_timeout_is_the_client_s() {
    // It listens and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let site = Site::new();
    let lines = site
        .group("vault", &CLEAR)
        .replace(&site.sim.host().to_string(), &silent.local_addr().unwrap().to_string())
        .replace("timeout: 5000", "timeout: 123");
    let mut made = connect(&site.config("", &[lines]), "vault").unwrap();
    let error = Error::from(made.client.connect().map(|_| ()).unwrap_err());
    assert!(error.chain().contains("no answer after 123 ms"), "{error:?}");
}

#[test]
fn settings_of_tls_take_effect() {
    use rekey_kmip_sim::ServerCertificate;

    let site = Site::new();
    for (line, protocol) in [
        ("protocol: TLSv1.2", "TLSv1.2"),
        ("cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]", "TLSv1.2"),
        ("cipher_suites: TLS_AES_256_GCM_SHA384", "TLSv1.3"),
    ] {
        let mut made = connect(&site.vault("", &with(&[line])), "vault").unwrap();
        site.fetches(&mut made);
        assert_eq!(made.client.connection().unwrap().protocol, protocol, "{line}");
    }
    let certificate = ServerCertificate::CommonNameOnly;
    let site = Site::with(SimulatorSettings { certificate, ..SimulatorSettings::default() });
    for (line, works) in [
        ("", false),
        ("verify_hostname: full", false),
        ("verify_hostname: cn", true),
        ("verify_hostname: off", true),
    ] {
        let mut made = connect(&site.vault("", &with(&[line])), "vault").unwrap();
        assert_eq!(made.client.connect().is_ok(), works, "{line}");
    }
}

#[test]
fn a_configuration_file_is_read_as_its_text_is() {
    let site = Site::new();
    let text = format!("# é\nkmip_hosts:\n{}", site.group("vault", &CLEAR));
    let path = site.file("dse.yaml", text.as_bytes());
    let config = NodeConfig::read(&path).unwrap();
    assert_eq!(config.path(), path);
    site.fetches(&mut connect(&config, "vault").unwrap());

    let refused = |path: &Path| NodeConfig::read(path).map(|_| ()).unwrap_err();
    let error = refused(&site.file("latin1.yaml", b"a: 1\nb: \xe4\n"));
    assert!(error.to_string().ends_with("latin1.yaml: line 2: not text in UTF-8"), "{error}");
    let error = refused(&site.file("long.yaml", &vec![b'#'; (1 << 20) + 1]));
    assert!(error.to_string().contains("the configuration file of 1048577 bytes"), "{error}");
    let error = refused(&site.path("none.yaml"));
    assert!(error.to_string().ends_with("none.yaml: the configuration file does not exist"));
    let error = refused(site.directory.path());
    assert!(error.to_string().contains("must be a regular file"), "{error}");
    for error in [refused(site.directory.path()), refused(&site.path("none.yaml"))] {
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

#[test]
fn nothing_prints_a_password() {
    let site = Site::new();
    let config = site.vault("", &CLEAR);
    let made = connect(&config, "vault").unwrap();
    let text = format!("{config:?} {config:#?} {made:?} {:#?}", config.kmip_groups());
    assert!(!text.contains(PASSWORD), "{text}");
}
