//! Which files are under which key, by code of the tests' own: it reads names and headers only, and shares
//! nothing with the engine.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::kit::stored_key_ids;

/// Files by key and kind of place.
pub(super) type Counts = BTreeMap<(String, &'static str), u64>;

/// Counts everything below some directories.
pub(super) fn count(root: &Path) -> Counts {
    let mut counts = Counts::new();
    for folder in ["data", "commitlog", "archive", "hints", "cdc_raw"] {
        look(root, &root.join(folder), &mut counts);
    }
    counts
}

fn look(root: &Path, folder: &Path, counts: &mut Counts) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            look(root, &path, counts);
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let place = place_of(path.strip_prefix(root).unwrap());
        let keys = if let Some(stem) = name.strip_suffix("CompressionInfo.db") {
            of_sstable(&fs::read(&path).unwrap(), &format!("{}/{stem}", folder.display()))
        } else if name.starts_with("CommitLog-") {
            let bytes = fs::read(&path).unwrap();
            let length = usize::from(u16::from_be_bytes([bytes[12], bytes[13]]));
            of_json(&bytes[14..14 + length])
        } else if name.ends_with(".hints") {
            let bytes = fs::read(&path).unwrap();
            let length = usize::try_from(u32::from_be_bytes(bytes[28..32].try_into().unwrap()));
            of_json(&bytes[36..36 + length.unwrap()])
        } else {
            vec![]
        };
        for key in keys {
            *counts.entry((key, place)).or_default() += 1;
        }
    }
}

fn place_of(below: &Path) -> &'static str {
    let text = below.to_str().unwrap();
    let has = |part: &str| text.contains(part);
    match text.split('/').next().unwrap() {
        "data" if has("/snapshots/") => "snapshot",
        "data" if has("/backups/") => "backup",
        "data" => "live",
        "commitlog" => "commit_log",
        "archive" => "commit_log_archive",
        "hints" => "hints",
        "cdc_raw" => "cdc_raw",
        other => panic!("{other}"),
    }
}

/// FORMATS.md 2.1: the class, then a count of pairs.
fn of_sstable(info: &[u8], prefix: &str) -> Vec<String> {
    let text = |at: &mut usize| {
        let length = usize::from(u16::from_be_bytes([info[*at], info[*at + 1]]));
        let text = String::from_utf8(info[*at + 2..*at + 2 + length].to_vec()).unwrap();
        *at += 2 + length;
        text
    };
    let mut at = 0;
    if text(&mut at) != "Encryptor" {
        return vec![];
    }
    let pairs = u32::from_be_bytes(info[at..at + 4].try_into().unwrap());
    at += 4;
    let options: BTreeMap<String, String> =
        (0..pairs).map(|_| (text(&mut at), text(&mut at))).collect();
    match options.get("kmip_host") {
        Some(group) => {
            stored_key_ids(prefix).iter().map(|id| format!("kmip {group}/{id}")).collect()
        }
        None => vec![of_file(|name| options.get(name).cloned())],
    }
}

/// FORMATS.md 10.1 and 10.4.
fn of_json(json: &[u8]) -> Vec<String> {
    let json: Value = serde_json::from_slice(json).unwrap();
    let parts = [&json, &json["encryption"]];
    if let Some(alias) = parts.iter().find_map(|part| part["encKeyAlias"].as_str()) {
        return vec![format!("keystore {alias}")];
    }
    let parameters = [&json["compressionParameters"], &json["compression"]["parameters"]];
    let option =
        |name: &str| parameters.iter().find_map(|part| part[name].as_str()).map(str::to_owned);
    match option("secret_key_file") {
        Some(_) => vec![of_file(option)],
        None => vec![],
    }
}

fn of_file(option: impl Fn(&str) -> Option<String>) -> String {
    let option = |name| option(name).unwrap();
    let cipher = option("cipher_algorithm");
    format!("file {} {cipher}:{}", option("secret_key_file"), option("secret_key_strength"))
}
