//! Whole installations below a temporary directory, laid out as each product's forms lay them out.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;

use super::super::fact::Origin;
use super::*;
use crate::ErrorKind;
use crate::config::{Layout, Product};

struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let machine = Self::new();
        for (path, text) in files {
            machine.write(path, text);
        }
        machine
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::File::create_new(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn link(&self, to: &str, link: &str) {
        let link = self.path(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(self.path(to), link).unwrap();
    }

    fn around(&self) -> Surroundings {
        Surroundings { root: self.0.path().to_owned(), ..Surroundings::default() }
    }

    fn node(&self) -> Node {
        Node::find(&self.around()).unwrap().unwrap()
    }

    fn error(&self) -> Error {
        Node::find(&self.around()).unwrap_err()
    }

    fn told(&self, conf: &str) -> Surroundings {
        let conf = Fact::new(self.path(conf), Origin::Argument("--conf"));
        Surroundings { conf: Some(conf), ..self.around() }
    }

    /// Data directories, without the root.
    fn data(&self) -> Vec<String> {
        self.below(self.node().data_directories().unwrap())
    }

    fn below(&self, found: Vec<Fact<PathBuf>>) -> Vec<String> {
        let root = self.0.path();
        found
            .into_iter()
            .map(|found| {
                found.value.strip_prefix(root).unwrap_or(&found.value).display().to_string()
            })
            .collect()
    }
}

const YAML: &str = "cluster_name: c\ndata_file_directories:\n    - /var/lib/cassandra/data\n";
const JAR: &str = "usr/share/cassandra/apache-cassandra-5.0.5.jar";

/// Files with the configuration first and the second file second, the layout, what is installed.
type Form = (&'static [&'static str], bool, Layout, &'static str);

const FORMS: [Form; 9] = [
    (&["etc/cassandra/cassandra.yaml", JAR], false, Layout::ApachePackage, APACHE_5),
    (&["etc/cassandra/conf/cassandra.yaml", JAR], false, Layout::ApachePackage, APACHE_5),
    (&["opt/cassandra/conf/cassandra.yaml", JAR_4], false, Layout::ApacheTarball, APACHE_4),
    (&["etc/cassandra/cassandra.yaml", JAR_4], false, Layout::ApacheTarball, APACHE_4),
    (&["etc/dse/cassandra/cassandra.yaml", "etc/dse/dse.yaml"], true, Layout::DsePackage, "DSE"),
    (
        &["opt/dse/resources/cassandra/conf/cassandra.yaml", "opt/dse/resources/dse/conf/dse.yaml"],
        true,
        Layout::Resources,
        "DSE, DSE",
    ),
    (&["etc/hcd/cassandra/cassandra.yaml", "etc/hcd/hcd.yaml"], true, Layout::HcdPackage, "HCD"),
    (
        &["opt/hcd/resources/cassandra/conf/cassandra.yaml", "opt/hcd/resources/hcd/conf/hcd.yaml"],
        true,
        Layout::Resources,
        "HCD, HCD",
    ),
    (&["config/cassandra.yaml", "config/hcd.yaml"], true, Layout::Pod, "HCD"),
];

const JAR_4: &str = "opt/cassandra/lib/apache-cassandra-4.1.3.jar";
const APACHE_4: &str = "Apache Cassandra 4.1.3";
const APACHE_5: &str = "Apache Cassandra 5.0.5";

#[test]
fn each_form_of_each_product_is_found_without_options() {
    for (files, has_second, layout, products) in FORMS {
        let machine = Machine::new();
        for file in files {
            machine.write(file, if file.ends_with("cassandra.yaml") { YAML } else { "" });
        }
        let node = machine.node();
        let found = node.installation();
        assert_eq!(found.cassandra_yaml.value, machine.path(files[0]));
        let second = found.second.as_ref().map(|second| second.value.clone());
        assert_eq!(second, has_second.then(|| machine.path(files[1])));
        assert_eq!(found.layout, layout, "{files:?}");
        let shown: Vec<_> = node.installed().iter().map(|fact| fact.value.to_string()).collect();
        assert_eq!(shown.join(", "), products, "{files:?}");
        let data = node.data_directories().unwrap();
        assert_eq!(data.len(), 1, "{files:?}");
        assert_eq!(data[0].value, Path::new("/var/lib/cassandra/data"));
        assert!(data[0].origin.to_string().ends_with("cassandra.yaml, line 3"), "{data:?}");
    }
    assert!(Node::find(&Machine::new().around()).unwrap().is_none());
}

#[test]
fn links_and_alternatives_are_one_installation() {
    let machine = Machine::with(&[("etc/cassandra/default.conf/cassandra.yaml", YAML)]);
    machine.link("etc/cassandra/default.conf", "etc/alternatives/cassandra");
    machine.link("etc/alternatives/cassandra", "etc/cassandra/conf");
    assert_eq!(machine.data(), ["/var/lib/cassandra/data"]);
    // As an image has it: the folder of the tarball is a link to the one in /etc.
    let machine =
        Machine::with(&[("etc/cassandra/cassandra.yaml", ""), ("opt/cassandra/lib/a.jar", "")]);
    machine.link("etc/cassandra", "opt/cassandra/conf");
    machine.link("var/lib/cassandra", "opt/cassandra/data");
    assert_eq!(machine.data(), ["opt/cassandra/data/data"]);
    let conf = Some(machine.path("opt/cassandra/conf"));
    let around = Surroundings { cassandra_conf: conf, ..machine.around() };
    let node = Node::find(&around).unwrap().unwrap();
    assert_eq!(machine.below(node.data_directories().unwrap()), ["opt/cassandra/data/data"]);
}

#[test]
fn several_installations_are_named_and_not_chosen_from() {
    let machine = Machine::with(&[
        ("etc/cassandra/cassandra.yaml", YAML),
        ("etc/dse/cassandra/cassandra.yaml", YAML),
        ("config/cassandra.yaml", YAML),
        (JAR, ""),
    ]);
    let error = machine.error();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    for part in ["etc/cassandra/cassandra.yaml", "etc/dse/cassandra", "config/cassandra.yaml"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(error.hint_text().unwrap().contains("--conf"));
    let node = Node::find(&machine.told("etc/dse")).unwrap().unwrap();
    assert_eq!(node.installation().layout, Layout::DsePackage);
    let home = Some(machine.path("usr/share/cassandra"));
    let around = Surroundings { cassandra_home: home, ..machine.around() };
    assert!(Node::find(&around).is_err(), "a home without a configuration decides nothing");
    let conf = Some(machine.path("etc/cassandra"));
    let around = Surroundings { cassandra_conf: conf, ..machine.around() };
    let node = Node::find(&around).unwrap().unwrap();
    assert_eq!(node.installation().cassandra_yaml.origin.to_string(), "$CASSANDRA_CONF");
}

#[test]
fn a_pod_s_volume_takes_the_place_of_the_image_s_files() {
    let machine = Machine::with(&[
        ("config/cassandra.yaml", "data_file_directories: [/pod]\n"),
        ("config/jvm-server.options", "-Dcassandra.storagedir=/s\n"),
        ("opt/hcd/resources/cassandra/conf/cassandra.yaml", YAML),
        ("opt/hcd/resources/cassandra/conf/jvm-server.options", "-Dcassandra.storagedir=/no\n"),
        ("opt/hcd/resources/hcd/conf/hcd.yaml", ""),
    ]);
    let node = machine.node();
    assert_eq!(machine.below(node.data_directories().unwrap()), ["/pod"]);
    let hints = node.entry("hints_directory").unwrap().value().unwrap();
    assert_eq!(hints.value, "/s/hints");
    let found = node.installation();
    assert!(found.cassandra_yaml.origin.to_string().contains("copied over"));
    assert!(found.second.as_ref().unwrap().value.ends_with("resources/hcd/conf/hcd.yaml"));
    assert_eq!(node.installed()[0].value.product, Product::Hcd);
    // Also where the image sets CASSANDRA_CONF.
    let conf = Some(machine.path("opt/hcd/resources/cassandra/conf"));
    let around = Surroundings { cassandra_conf: conf, ..machine.around() };
    let node = Node::find(&around).unwrap().unwrap();
    assert_eq!(machine.below(node.data_directories().unwrap()), ["/pod"]);
}

#[test]
fn what_is_not_set_follows_the_rule_of_the_form() {
    let tarball = [("opt/cassandra/conf/cassandra.yaml", ""), ("opt/cassandra/bin/cassandra", "")];
    let machine = Machine::with(&tarball);
    assert_eq!(machine.data(), ["opt/cassandra/data/data"]);
    let node = machine.node();
    for (name, folder) in [
        ("commitlog_directory", "commitlog"),
        ("hints_directory", "hints"),
        ("saved_caches_directory", "saved_caches"),
        ("cdc_raw_directory", "cdc_raw"),
    ] {
        let fact = node.entry(name).unwrap().value().unwrap();
        assert_eq!(Path::new(&fact.value), machine.path("opt/cassandra/data").join(folder));
        assert!(fact.origin.to_string().starts_with("not set: "), "{fact:?}");
    }
    let machine =
        Machine::with(&[("etc/dse/cassandra/cassandra.yaml", ""), ("etc/dse/dse.yaml", "")]);
    assert_eq!(machine.data(), ["var/lib/cassandra/data"]);
    // A package of Apache names them, or the node does not start.
    let machine = Machine::with(&[("etc/cassandra/cassandra.yaml", ""), (JAR, "")]);
    let error = machine.node().data_directories().unwrap_err();
    assert!(error.to_string().contains("data_file_directories is not set"), "{error}");
    assert!(error.hint_text().unwrap().contains("--data-dir"));
    let node = machine.node();
    let error = node.entry("cdc_raw_directory").unwrap().paths().unwrap_err();
    assert!(error.hint_text().unwrap().starts_with("set cdc_raw_directory in this file"));
    let machine =
        Machine::with(&[("etc/cassandra/cassandra.yaml", "data_file_directories: [d]\n")]);
    assert!(machine.node().data_directories().unwrap_err().to_string().contains("relative"));
}

#[test]
fn system_properties_come_before_the_file() {
    let conf = "etc/cassandra/";
    let file = |name: &str| format!("{conf}{name}");
    let yaml = (file("cassandra.yaml"), YAML.to_owned());
    for (name, text, expected) in [
        (
            "jvm-server.options",
            "-Dcassandra.settings.data_file_directories=[/x]\n",
            Ok("/var/lib/cassandra/data"),
        ),
        (
            "jvm-server.options",
            "-Dcassandra.settings.data_file_directories=[/x]\n-Dcassandra.config.allow_system_properties=true\n",
            Ok("/x"),
        ),
        (
            "cassandra-env.sh",
            "JVM_OPTS=\"-Dcassandra.settings.data_file_directories=$X -Dcassandra.config.allow_system_properties=true\"\n",
            Err("made by a shell"),
        ),
        (
            "cassandra-env.sh",
            "JVM_OPTS=\"$JVM_OPTS -Dcassandra.config=other.yaml\"\n",
            Ok("/other"),
        ),
    ] {
        let machine = Machine::new();
        machine.write(&yaml.0, &yaml.1);
        machine.write(&file("other.yaml"), "data_file_directories: /other\n");
        machine.write(&file(name), text);
        let found = machine.node().data_directories();
        match expected {
            Ok(expected) => assert_eq!(machine.below(found.unwrap()), [expected], "{text}"),
            Err(part) => assert!(found.unwrap_err().to_string().contains(part), "{text}"),
        }
    }
    let machine = Machine::with(&[
        ("etc/cassandra/cassandra.yaml", ""),
        ("etc/default/cassandra", "JVM_EXTRA_OPTS=-Dcassandra.storagedir=/s\n"),
    ]);
    assert_eq!(machine.data(), ["/s/data"]);
    for config in ["http://h/c.yaml", "file://h/c.yaml", "absent.yaml", "$X"] {
        let word = format!("O=\"-Dcassandra.config={config}\"\n");
        let machine = Machine::with(&[
            ("etc/cassandra/cassandra.yaml", YAML),
            ("etc/cassandra/cassandra-env.sh", &word),
        ]);
        let error = machine.error();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.hint_text().unwrap().contains("--conf"), "{error}");
        // The operator knows better.
        assert!(Node::find(&machine.told("etc/cassandra/cassandra.yaml")).is_ok());
    }
    let machine = Machine::with(&[
        ("x/o y.yaml", "data_file_directories: /o\n"),
        ("etc/cassandra/cassandra.yaml", YAML),
    ]);
    let config = machine.path("x/o%20y.yaml").display().to_string();
    machine.write("etc/cassandra/jvm.options", &format!("-Dcassandra.config=file://{config}\n"));
    assert_eq!(machine.data(), ["/o"]);
}

#[test]
fn what_the_operator_names_has_to_be_there() {
    let machine = Machine::with(&[
        ("c/resources/cassandra/conf/cassandra.yaml", YAML),
        ("c/resources/dse/conf/dse.yaml", ""),
        ("copy/my.yaml", YAML),
        ("empty/x", ""),
    ]);
    for conf in
        ["c", "c/resources/cassandra/conf", "c/resources/dse/conf/dse.yaml", "c/resources/dse/conf"]
    {
        let node = Node::find(&machine.told(conf)).unwrap().unwrap();
        assert!(node.installation().second.is_some(), "{conf}");
        assert_eq!(node.data_directories().unwrap().len(), 1);
    }
    let node = Node::find(&machine.told("copy/my.yaml")).unwrap().unwrap();
    assert_eq!(node.installation().layout, Layout::Unknown);
    for conf in ["absent", "empty"] {
        for around in [
            machine.told(conf),
            Surroundings { cassandra_conf: Some(machine.path(conf)), ..machine.around() },
        ] {
            let error = Node::find(&around).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
            assert!(error.hint_text().unwrap().contains("cassandra.yaml"), "{error}");
        }
    }
    // A variable that is empty is not set.
    let around = Surroundings { cassandra_conf: Some(PathBuf::new()), ..machine.around() };
    assert!(Node::find(&around).unwrap().is_none());
    let around = Surroundings { dse_home: Some(machine.path("c")), ..machine.around() };
    let node = Node::find(&around).unwrap().unwrap();
    assert_eq!(node.installation().cassandra_yaml.origin.to_string(), "$DSE_HOME");
}

#[test]
fn what_cannot_be_read_is_an_error_and_not_absent() {
    let place = "etc/cassandra/cassandra.yaml";
    let machine = Machine::new();
    fs::create_dir_all(machine.path("etc/cassandra")).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, machine.path(place), fifo, mode, 0).unwrap();
    assert!(machine.error().to_string().contains("regular file"));

    let machine = Machine::with(&[(place, "")]);
    fs::OpenOptions::new().write(true).open(machine.path(place)).unwrap().set_len(1 << 30).unwrap();
    assert!(machine.error().to_string().contains("larger than"));

    let machine = Machine::new();
    machine.link("nowhere", place);
    assert!(machine.error().to_string().contains("a link to a file that does not exist"));
    let machine = Machine::new();
    machine.link(place, place);
    assert_eq!(machine.error().kind(), ErrorKind::Io, "a link to itself");

    for (text, part) in
        [("a: [1\n", "not YAML"), ("- x\n", "not a mapping"), ("\u{0}", "cassandra.yaml")]
    {
        let error = Machine::with(&[(place, text)]).error();
        assert!(error.to_string().contains(part) && error.hint_text().is_some(), "{error}");
    }
    for (text, part) in [
        ("data_file_directories: !x [/a]\n", "line 1: data_file_directories has a tag"),
        (
            "data_file_directories: [/a]\ndata_file_directories: [/b]\n",
            "line 2: data_file_directories comes",
        ),
    ] {
        let machine = Machine::with(&[(place, text)]);
        let error = machine.node().data_directories().unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
    let machine = Machine::with(&[(place, YAML), ("etc/cassandra/cassandra-env.sh", "")]);
    let env = machine.path("etc/cassandra/cassandra-env.sh");
    fs::OpenOptions::new().write(true).open(env).unwrap().set_len(1 << 30).unwrap();
    assert!(machine.error().to_string().contains("larger than"));
}

#[test]
fn both_files_are_read_whole_with_their_lines() {
    let yaml = "cluster_name: 'My Cluster'\ndata_file_directories: [/a, /b]\n\
                local_system_data_file_directory: /l\ncommitlog_directory: /cl\ncdc_enabled: true\n\
                transparent_data_encryption_options:\n  enabled: false\n  iv_length: 16\n\
                commitlog_compression:\n- class_name: LZ4Compressor\nflush_compression: table\n\
                sstable:\n  selected_format: bti\nsystem_key_directory: /keys\n";
    let second = "kmip_hosts:\n  vault:\n    hosts: h\n    keystore_password: hunter2\n\
                  system_info_encryption:\n  enabled: true\nsolr_data_dir: /solr\n\
                  tiered_storage_options:\n  s:\n    tiers:\n    - paths: [/t]\n\
                  system_key_directory: /other\n";
    let machine = Machine::with(&[
        ("etc/hcd/cassandra/cassandra.yaml", yaml),
        ("etc/hcd/cassandra/commitlog_archiving.properties", "archive_command=/bin/cp %path /x\n"),
        ("etc/hcd/hcd.yaml", second),
    ]);
    let node = machine.node();
    for (name, value, line) in [
        ("cluster_name", "My Cluster", 1),
        ("commitlog_directory", "/cl", 4),
        ("cdc_enabled", "true", 5),
        ("transparent_data_encryption_options.enabled", "false", 7),
        ("commitlog_compression", "LZ4Compressor", 10),
        ("flush_compression", "table", 11),
        ("sstable.selected_format", "bti", 13),
        ("system_key_directory", "/keys", 14),
        ("archive_command", "/bin/cp", 1),
        ("kmip_hosts", "vault", 2),
        ("system_info_encryption.enabled", "true", 6),
        ("solr_data_dir", "/solr", 7),
    ] {
        let fact = node.entry(name).unwrap().value().unwrap_or_else(|| panic!("{name}"));
        assert_eq!(fact.value, value);
        assert!(fact.origin.to_string().ends_with(&format!("line {line}")), "{name}: {fact:?}");
    }
    let data = machine.below(node.data_directories().unwrap());
    assert_eq!(data, ["/a", "/b", "/l", "/t"]);
    assert!(!format!("{node:?}").contains("hunter2"));
}

#[test]
fn files_of_two_products_are_not_chosen_from() {
    let machine = Machine::with(&[
        ("config/cassandra.yaml", YAML),
        ("config/hcd.yaml", ""),
        ("config/dse.yaml", ""),
    ]);
    let error = machine.error();
    assert!(error.to_string().contains("files of two products"), "{error}");
    assert!(error.hint_text().unwrap().contains("--config"));
    let config = Fact::new(machine.path("config/dse.yaml"), Origin::Argument("--config"));
    let around = Surroundings { config: Some(config), ..machine.around() };
    let node = Node::find(&around).unwrap().unwrap();
    assert_eq!(node.installed()[0].value.product, Product::Dse);
}
