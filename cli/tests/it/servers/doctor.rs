//! `keys test`: what is right, and for each problem its cause and its hint.

use rekey_kmip::message::Operation;
use rekey_kmip_sim::{Door, Quirk, ServerCertificate};
use serde_json::{Value, json};

use super::*;
use crate::kit::testdata;

fn healthy() -> Site {
    Site::empty(SimulatorSettings::default())
}

fn with(change: impl FnOnce(&mut SimulatorSettings)) -> Site {
    let mut settings = SimulatorSettings::default();
    change(&mut settings);
    Site::empty(settings)
}

/// The checks, as step and outcome.
fn checks(run: &Run) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    run.of_type("check").iter().map(|line| (text(&line["step"]), text(&line["outcome"]))).collect()
}

/// The only failure: its step, its message and its hint; both as text and as JSON.
fn trouble(site: &Site, code: i32) -> (String, String, String) {
    let run = site.keys("test", &[GROUP, "--json"]).exits(code);
    let mut failed = run.of_type("check");
    failed.retain(|line| line["outcome"] == "failed");
    assert_eq!(failed.len(), 1, "{run:?}");
    let field = |name: &str| failed[0][name].as_str().unwrap_or_default().to_owned();
    let (step, message, hint) = (field("step"), field("message"), field("cure"));
    let text = site.keys("test", &[GROUP]).exits(code);
    let line = text.out.lines().find(|line| line.contains("FAILED")).unwrap();
    assert!(line.contains(&step) && line.contains(&message), "{line} {message}");
    if !hint.is_empty() {
        assert!(text.out.lines().any(|line| line.trim() == format!("cure: {hint}")), "{text:?}");
    }
    (step, message, hint)
}

/// A word as only programs write it, such as `CaUsedAsEndEntity`.
fn type_name(text: &str) -> Option<&str> {
    let is_one = |word: &&str| {
        let inner = word.char_indices().skip(1).filter(|(_, c)| c.is_ascii_uppercase());
        let humps = inner.filter(|(at, _)| word[..*at].ends_with(|c: char| c.is_ascii_lowercase()));
        humps.count() > 0 && !["ChaCha20", "serverAuth", "clientAuth", "TLSv1"].contains(word)
    };
    text.split(|c: char| !c.is_ascii_alphanumeric()).find(is_one)
}

/// The same for a connection that fails: without the host in front.
fn connection(site: &Site) -> (String, String) {
    let (step, message, hint) = trouble(site, 6);
    assert_eq!(step, "connection");
    for text in [&message, &hint] {
        assert_eq!(type_name(text), None, "a library's name of it: {text}");
    }
    let front = format!("no key server could be used: {}: ", site.sim.host());
    (message.strip_prefix(&front).unwrap_or_else(|| panic!("{message}")).to_owned(), hint)
}

#[test]
fn a_good_server_passes_step_by_step() {
    let site = healthy();
    let run = site.keys("test", &[GROUP, "--json"]).exits(0);
    let steps = [
        "connection",
        "TLS",
        "server certificate",
        "client certificate",
        "KMIP version",
        "Query",
        "clock",
        "Locate",
    ];
    let expected: Vec<_> = steps.map(|step| (step.to_owned(), "ok".to_owned())).to_vec();
    assert_eq!(checks(&run), expected);
    let summary = &run.of_type("summary")[0];
    assert_eq!((&summary["passed"], &summary["failed"]), (&json!(steps.len()), &json!(0)));
    for line in run.of_type("check") {
        assert_eq!(line["group"], GROUP);
        assert_eq!(line["host"], site.sim.host().to_string());
        assert_eq!(line["cure"], json!(null));
    }
    let message = |step: &str| {
        let line = run.lines().into_iter().find(|line| line["step"] == step).unwrap();
        line["message"].as_str().unwrap().to_owned()
    };
    assert!(message("connection").ends_with(&site.sim.address().port().to_string()));
    assert!(message("TLS").starts_with("TLSv1.3 "), "{}", message("TLS"));
    assert_eq!(
        message("server certificate"),
        "localhost (localhost, 127.0.0.1), issued by Simulator Root, valid until \
         2099-01-01T00:00:00Z; issuers sent: 0"
    );
    assert_eq!(message("client certificate"), "asked for, and accepted");
    assert_eq!(message("KMIP version"), "1.4");
    assert_eq!(message("Query"), "sstablerekey simulator; everything that the database needs");
    assert_eq!(message("Locate"), "1 symmetric keys, 1 active");

    let text = site.keys("test", &[]).exits(0);
    let mut lines = text.out.lines();
    assert_eq!(lines.next(), Some("group kmip1"));
    assert_eq!(lines.next(), Some(format!("  {}", site.sim.host()).as_str()));
    let rest: Vec<_> = lines.collect();
    assert_eq!(rest.len(), steps.len());
    assert!(rest.iter().all(|line| line.starts_with("    ok ")), "{text:?}");
    assert_eq!(text.err, "");
}

#[test]
fn keys_that_the_data_is_under_are_tried() {
    let site = Site::new();
    let run = site.keys("test", &["--data-dir", "data"]).exits(0);
    run.says("key in use").says("02-449: Active, 256 bits, can be read");
    // Also those of snapshots.
    let archive = site.node.table().join("snapshots/s");
    let away = site.node.root.path().join("away");
    fs::rename(site.node.table(), &away).unwrap();
    crate::kit::copy_tree(&away, &archive);
    site.sim.store().set_quirk(Quirk::RefusesGetOfDeactivated, true);
    site.keys("revoke", &[GROUP, OLD, "--yes", "--force"]).exits(0);
    let run = site.keys("test", &["--data-dir", "data", "--json"]).exits(6);
    let failed: Vec<_> =
        run.of_type("check").into_iter().filter(|line| line["outcome"] == "failed").collect();
    assert_eq!((failed.len(), &failed[0]["step"]), (1, &json!("key in use")));
    assert!(failed[0]["message"].as_str().unwrap().contains("(67)"), "{run:?}");
    assert!(
        failed[0]["cure"].as_str().unwrap().starts_with("reactivate the key on the key server")
    );
    site.keys("test", &[]).exits(0);
}

#[test]
fn a_server_with_tls_1_2_only_is_fine() {
    let site = with(|settings| settings.only_tls_1_2 = true);
    site.keys("test", &[GROUP]).exits(0).says("TLSv1.2 ");
}

#[test]
fn an_untrusted_client_certificate() {
    for only_tls_1_2 in [false, true] {
        let site = with(|settings| {
            settings.distrusts_client = true;
            settings.only_tls_1_2 = only_tls_1_2;
        });
        let (message, hint) = connection(&site);
        assert!(message.starts_with("the server refused the client's certificate (TLS alert "));
        assert_eq!(
            hint,
            "register the client's certificate, or its issuer, on the key server; it needs the \
             extended key usage clientAuth, and must not have expired"
        );
    }
}

#[test]
fn no_client_certificate_at_all() {
    let site = healthy();
    let client = format!("    keystore_path: {}/client.pem\n", site.node.root.path().display());
    site.configure(&client, "");
    let (message, hint) = connection(&site);
    assert_eq!(
        message,
        "the server wants a client certificate, and the group has none (TLS alert \
         certificate_required)"
    );
    assert!(hint.starts_with("set keystore_path"));
    site.keys("test", &[GROUP]).exits(6).says("the client shows no certificate");
}

#[test]
fn an_untrusted_server_certificate() {
    let site = healthy();
    let other = Simulator::start().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    other.node_config(GROUP, elsewhere.path()).unwrap();
    fs::copy(elsewhere.path().join("trust.pem"), site.node.root.path().join("trust.pem")).unwrap();
    let (message, hint) = connection(&site);
    // Each simulator has an authority of that name.
    assert_eq!(
        message,
        "the server's certificate is not accepted: its signature is not by the certificate of \
         \"Simulator Root\" in the truststore"
    );
    assert!(hint.contains("import the certificate that signed the server's"), "{hint}");
}

/// A certificate that is itself in the truststore needs no issuer and no name.
#[test]
fn a_pinned_server_certificate() {
    use base64::Engine as _;
    let site = with(|settings| settings.certificate = ServerCertificate::SelfSigned);
    let leaf = base64::engine::general_purpose::STANDARD.encode(site.sim.server_leaf());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{leaf}\n-----END CERTIFICATE-----\n");
    site.node.file("trust.pem", &pem);
    let run = site.keys("test", &[GROUP]).exits(0);
    run.says("localhost (no alternative names), itself in the truststore, valid until 2099-");
}

#[test]
fn server_certificates_of_another_name_or_time() {
    for (certificate, message, hint) in [
        (
            ServerCertificate::OtherName,
            "it is for kmip.example, not for localhost",
            "write one of the certificate's names in `hosts`, or accept any name by --kmip-set \
             kmip1.verify_hostname=off",
        ),
        (
            ServerCertificate::CommonNameOnly,
            "it is for no name at all, not for localhost",
            "write the certificate's name in `hosts`, or accept it by --kmip-set \
             kmip1.verify_hostname=cn (its common name) or =off (any name)",
        ),
        (
            ServerCertificate::Expired,
            "it expired on 2021-01-01T00:00:00Z",
            "renew the certificate, and compare the clocks of both hosts",
        ),
        (
            ServerCertificate::NotYetValid,
            "it is not valid before 2090-01-01T00:00:00Z",
            "renew the certificate, and compare the clocks of both hosts",
        ),
    ] {
        let site = with(|settings| settings.certificate = certificate);
        let (found, said) = connection(&site);
        assert_eq!(found, format!("the server's certificate is not accepted: {message}"));
        assert_eq!(said, hint, "{certificate:?}");
    }
    for (certificate, setting) in
        [(ServerCertificate::OtherName, "off"), (ServerCertificate::CommonNameOnly, "cn")]
    {
        let site = with(|settings| settings.certificate = certificate);
        let set = format!("kmip1.verify_hostname={setting}");
        let run = site.keys("test", &["--kmip-set", &set, GROUP]).exits(0);
        assert!(!run.text().contains("may refuse"), "{run:?}");
        let line = format!("timeout: 20000\n    verify_hostname: {setting}");
        site.configure("timeout: 20000", &line);
        let run = site.keys("test", &[GROUP]).exits(0);
        run.says("the database may refuse its file with it: give it by --kmip-set kmip1.verify_hostname=VALUE");
        let other = site.keys("test", &["--kmip-set", "kmip1.verify_hostname=full", GROUP]);
        other.exits(6).says("--kmip-set kmip1.verify_hostname=");
    }
}

/// Stores that keytool and openssl made: nothing of this needs a server.
#[test]
fn key_stores_that_cannot_be_used() {
    let real = testdata().join("keystores");
    let real = real.to_str().unwrap();
    for (setting, store, more, message, hint) in [
        (
            "keystore_path",
            "ec.jks",
            "keystore_password: wrong-one",
            "wrong password for the JKS key store",
            "",
        ),
        (
            "keystore_path",
            "openssl3-rsa.p12",
            "keystore_password: wrong-one",
            "wrong password for the PKCS12 key store",
            "",
        ),
        (
            "keystore_path",
            "java17-two.p12",
            "keystore_password: changeit",
            "the key store holds several keys",
            "name one by its alias",
        ),
        ("keystore_path", "trust.bcfks", "keystore_password: changeit", "BCFKS", "keytool"),
        (
            "truststore_path",
            "trust-empty.jks",
            "truststore_password: changeit",
            "",
            "keytool -importcert",
        ),
        (
            "truststore_path",
            "trust-empty.p12",
            "truststore_password: changeit",
            "",
            "keytool -importcert",
        ),
        ("truststore_path", "absent", "", "absent", ""),
        ("truststore_path", "README.md", "", "not a key store", "check the path"),
    ] {
        let site = healthy();
        let own = if setting == "keystore_path" { "client.pem" } else { "trust.pem" };
        site.configure(
            &format!("{setting}: {}/{own}", site.node.root.path().display()),
            &format!("{setting}: {real}/{store}\n    {more}"),
        );
        let run = site.keys("test", &[GROUP, "--json"]);
        assert!(run.code == 2 || store == "absent", "{run:?}");
        let lines = run.of_type("check");
        assert_eq!((lines.len(), &lines[0]["step"]), (1, &json!("configuration")), "{run:?}");
        assert_eq!(lines[0]["host"], json!(null));
        let found = lines[0]["message"].as_str().unwrap();
        assert!(found.contains(&format!("kmip_hosts.kmip1.{setting}")), "{found}");
        assert!(found.contains(message), "{found}");
        let said = lines[0]["cure"].as_str().unwrap();
        assert!(said.contains(hint) && !said.is_empty(), "{said}");
        assert_eq!(site.sim.connections(), 0);
        let text = site.keys("test", &[GROUP]);
        assert_eq!(text.code, run.code);
        assert!(text.out.contains("FAILED   configuration"), "{text:?}");
        assert!(!text.text().contains("wrong-one") && !run.text().contains("wrong-one"));
    }
}

#[test]
fn ports_that_are_not_a_key_server() {
    for (door, timeout, message, hint) in [
        (Door::PlainText, 20_000, "the port does not speak TLS", "use the key server's TLS port"),
        (
            Door::Silent,
            300,
            "no answer after 300 ms while trying to agree on TLS",
            "is it a TLS port? otherwise raise `timeout` of the kmip_hosts group",
        ),
        (
            Door::Slammed,
            20_000,
            "the server closed the connection before it said a word of TLS",
            "is it the key server's TLS port? a firewall, or a load balancer without a server behind \
             it, ends connections like this, too",
        ),
    ] {
        let site = with(|settings| settings.door = door);
        site.configure("timeout: 20000", &format!("timeout: {timeout}"));
        let (found, said) = connection(&site);
        // A port that is closed at once may be seen as closed or as reset.
        let found = found.replace("the server reset the", "the server closed the");
        assert_eq!((found.as_str(), said.as_str()), (message, hint), "{door:?}");
    }
    // What a server with CBC suites only, or with TLS 1.1 only, sends.
    for alert in [40, 70] {
        let site = with(|settings| settings.door = Door::Alert(alert));
        let (message, hint) = connection(&site);
        assert!(
            message.starts_with("the server and this client have no TLS version or cipher suite"),
            "{message}"
        );
        assert!(
            hint.starts_with("this client speaks TLS 1.2 and 1.3 with AEAD suites (GCM, ChaCha20)")
        );
    }
}

#[test]
fn a_server_with_tls_but_not_kmip_is_recognised() {
    let site = healthy();
    let page = rekey_kmip_sim::Fault::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec());
    for operation in [Operation::DISCOVER_VERSIONS, Operation::QUERY] {
        site.sim.fail_always(operation, page.clone());
    }
    let (message, hint) = connection(&site);
    assert_eq!(message, "the answer is not a KMIP message");
    assert_eq!(hint, "is it the key server's KMIP port?");
}

#[test]
fn a_name_without_an_address_is_reported() {
    let site = healthy();
    let host = site.sim.host().to_string();
    site.configure(&format!("hosts: {host}"), "hosts: no-such-host.invalid");
    let run = site.keys("test", &[GROUP]).exits(6);
    run.says("no-such-host.invalid:5696: cannot resolve the name")
        .says("cure: check the host's name, or write its address in kmip_hosts");
}

#[test]
fn clocks_that_differ_are_a_warning() {
    let site = healthy();
    site.sim.clock().advance(std::time::Duration::from_secs(7200));
    let run = site.keys("test", &[GROUP, "--json"]).exits(0);
    let clock = run.lines().into_iter().find(|line| line["step"] == "clock").unwrap();
    assert_eq!(clock["outcome"], "warning");
    let message = clock["message"].as_str().unwrap();
    let seconds = message.strip_prefix("the server is ").unwrap();
    let (seconds, rest) = seconds.split_once(' ').unwrap();
    assert!((7190..=7210).contains(&seconds.parse::<u32>().unwrap()), "{message}");
    assert_eq!(
        rest,
        "s ahead of this machine: the database goes by its own clock when a key expires; set both \
         by NTP"
    );
    site.keys("test", &[GROUP]).exits(0).says("    warning  clock ");
}

#[test]
fn an_operation_that_the_database_needs_is_missing() {
    let site = with(|settings| settings.quirks = vec![Quirk::NoAddAttribute]);
    let (step, message, hint) = trouble(&site, 6);
    assert_eq!(step, "Query");
    assert_eq!(message, "sstablerekey simulator; it does not list Add Attribute");
    assert!(hint.starts_with("the database does not start with such a server"), "{hint}");
    let site = healthy();
    let refuse = rekey_kmip_sim::Fault::Refuse(0x0c, "no".to_owned());
    site.sim.fail_always(Operation::QUERY, refuse.clone());
    let (step, message, _) = trouble(&site, 6);
    assert_eq!(step, "Query");
    assert!(message.starts_with("the server refuses Query: "), "{message}");
    let site = healthy();
    site.sim.fail_always(Operation::LOCATE, refuse);
    let (step, message, hint) = trouble(&site, 6);
    assert_eq!(step, "Locate");
    assert!(message.contains("the key server refused Locate"), "{message}");
    assert_eq!(hint, "grant the client's certificate this operation on the key server");
}

#[test]
fn each_host_is_tried_for_itself() {
    let site = healthy();
    let gone = Simulator::start().unwrap();
    let dead = gone.host();
    drop(gone);
    let host = site.sim.host();
    site.configure(&format!("hosts: {host}"), &format!("hosts: {dead}, {host}"));
    let run = site.keys("test", &[GROUP, "--json"]).exits(6);
    let of = |host: &str| -> Vec<(String, String)> {
        let lines = run.of_type("check").into_iter().filter(|line| line["host"] == host);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        lines.map(|line| (text(&line["step"]), text(&line["outcome"]))).collect()
    };
    assert_eq!(of(&dead.to_string()), [("connection".to_owned(), "failed".to_owned())]);
    let good = of(&host.to_string());
    assert_eq!(good.len(), 8, "{run:?}");
    assert!(good.iter().all(|(_, outcome)| outcome == "ok"), "{run:?}");
    let text = site.keys("test", &[GROUP]).exits(6);
    let at = |part: &str| text.out.find(part).unwrap_or_else(|| panic!("{part}: {text:?}"));
    assert!(at(&format!("  {dead}\n")) < at(&format!("  {host}\n")));
    assert!(at("FAILED   connection") < at(&format!("  {host}\n")));
    text.says("cure: check that the key server runs, its port, and the firewall");
    // The others work with the second one.
    site.keys("list", &[GROUP]).exits(0);
}

#[test]
fn all_groups_are_tried_unless_one_is_named() {
    let site = healthy();
    let second = with(|settings| settings.door = Door::PlainText);
    let config = second.sim.node_config("kmip2", second.node.root.path()).unwrap();
    let text = fs::read_to_string(site.config()).unwrap();
    let both = format!("{text}{}", config.strip_prefix("kmip_hosts:\n").unwrap());
    site.node.file("hcd.yaml", &both);
    site.keys("test", &[GROUP]).exits(0);
    site.keys("test", &["kmip2"]).exits(6);
    let run = site.keys("test", &[]).exits(6).says("group kmip1").says("group kmip2");
    run.says("the port does not speak TLS").says("everything that the database needs");
}

/// The node and a run may use any host of the group, and need every key there.
#[test]
fn every_key_in_use_is_tried_on_every_host() {
    let site = Site::new();
    let authority = Some(std::sync::Arc::clone(site.sim.pki()));
    let settings = SimulatorSettings { authority, ..SimulatorSettings::default() };
    let second = Simulator::with(settings).unwrap();
    let (host, other) = (site.sim.host(), second.host());
    site.configure(&format!("hosts: {host}"), &format!("hosts: {host}, {other}"));
    let check = |run: &Run, host: &rekey_kmip::transport::Host| -> Value {
        let mut lines = run.of_type("check");
        let host = host.to_string();
        lines.retain(|line| line["step"] == "key in use" && line["host"] == host.as_str());
        assert_eq!(lines.len(), 1, "{run:?}");
        lines.remove(0)
    };
    let arguments = ["--data-dir", "data", "--json"];
    let run = site.keys("test", &arguments).exits(6);
    assert_eq!(check(&run, &host)["outcome"], "ok");
    let lacks = check(&run, &other);
    assert!(lacks["outcome"] == "failed" && lacks["message"].as_str().unwrap().contains(OLD));
    assert!(lacks["cure"].as_str().unwrap().contains("replicate the keys"), "{lacks}");
    // Another key under that id is worse than none.
    let keep = |byte: u8| {
        let key: Vec<u8> = (byte..byte + 32).collect();
        let more = vec![cbc(), namespace("a")];
        second.store().keep_key(&OLD.into(), CryptographicAlgorithm::AES, key.into(), more);
    };
    keep(1);
    let run = site.keys("test", &arguments).exits(6);
    let differs = check(&run, &other)["message"].as_str().unwrap().to_owned();
    assert!(differs.contains(&format!("other bytes here than on {host}")), "{differs}");
    // Keys of a group that the configuration does not have cannot be tried at all.
    site.configure("kmip1:", "kmip2:");
    let run = site.keys("test", &arguments).exits(2);
    assert!(run.of_type("check").iter().any(|line| line["group"] == GROUP), "{run:?}");
}

#[test]
fn a_replica_that_has_the_same_key_is_fine() {
    let site = Site::new();
    let authority = Some(std::sync::Arc::clone(site.sim.pki()));
    let settings = SimulatorSettings { authority, ..SimulatorSettings::default() };
    let second = Simulator::with(settings).unwrap();
    let host = site.sim.host();
    site.configure(&format!("hosts: {host}"), &format!("hosts: {host}, {}", second.host()));
    let key: Vec<u8> = (0..32).collect();
    let more = vec![cbc(), namespace("a")];
    second.store().keep_key(&OLD.into(), CryptographicAlgorithm::AES, key.into(), more);
    let run = site.keys("test", &["--data-dir", "data"]).exits(0);
    assert_eq!(run.out.matches("key in use").count(), 2, "{run:?}");
}

/// How the server answers unknown clients does not depend on the version.
#[test]
fn a_server_that_wants_a_credential() {
    let site = healthy();
    let refuse = rekey_kmip_sim::Fault::Refuse(3, "a credential is required".to_owned());
    for operation in [Operation::DISCOVER_VERSIONS, Operation::QUERY] {
        site.sim.fail_always(operation, refuse.clone());
    }
    let (message, hint) = connection(&site);
    assert!(message.starts_with("the server does not accept this client: Auth"), "{message}");
    assert!(hint.starts_with("it wants a user name and password, or does not know"), "{hint}");
}
