//! The node's own files: cassandra.yaml, the files that start it, the archiving of its commit log.

use rekey_engine::config::{Fact, Node, Origin, Surroundings};

use super::scratch::with_file;

/// Any bytes as each of the files, the others being as usual.
pub fn run(bytes: &[u8]) {
    for (name, usual) in FILES {
        with_file(name, usual, |_path| ());
    }
    for (name, usual) in FILES {
        with_file(name, bytes, |path| {
            let conf = path.parent().map(|folder| folder.to_owned());
            let conf = conf.map(|folder| Fact::new(folder, Origin::Argument("--conf")));
            let around = Surroundings { conf, root: path.to_owned(), ..Surroundings::default() };
            look(&around);
        });
        with_file(name, usual, |_path| ());
    }
}

fn look(around: &Surroundings) {
    let Ok(Some(node)) = Node::find(around) else { return };
    for entry in node.entries() {
        assert!(node.entry(entry.name).is_some(), "an entry that it lists");
        for fact in entry.values.iter().flatten() {
            let _shown = (fact.value.len(), fact.origin.to_string());
        }
    }
    let _rest = (node.data_directories(), node.warnings(), format!("{node:?}"));
}

const FILES: [(&str, &[u8]); 5] = [
    ("cassandra.yaml", b"data_file_directories: [/d]\n"),
    ("hcd.yaml", b"kmip_hosts: {}\n"),
    ("jvm-server.options", b"-Dcassandra.config.allow_system_properties=true\n"),
    ("cassandra-env.sh", b"# nothing\n"),
    ("commitlog_archiving.properties", b"archive_command=\n"),
];

/// What the files may have.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "data_file_directories: [/a, /b]\ncommitlog_compression:\n- class_name: LZ4Compressor\n\
         transparent_data_encryption_options: {enabled: true}\nflush_compression: fast\n",
        "-Dcassandra.settings.data_file_directories=[/a]\n-Dcassandra.storagedir=/s\n",
        "if [ x ]; then\n  JVM_OPTS=\"$JVM_OPTS -Dcassandra.storagedir='/a b' # c\"\nfi\n",
        "JVM_OPTS=-Dcassandra.config=file:///c%20d.yaml\n",
        "archive_command=/bin/cp %path \\\n  /x\nrestore_directories: /r\n# c\n",
        "tiered_storage_options: {a: {tiers: [{paths: [/t]}]}}\nkmip_hosts: {g: {hosts: h}}\n",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect()
}
