//! Whole runs that lay indices out anew: from every geometry to every other, to clear and back.

use std::collections::BTreeMap;
use std::fs;

use rekey_engine::io::LeaseMode;
use rekey_engine::keys::{DATABASE_KEY_ID_LIMIT, KeyId};
use rekey_engine::options::{CompressionParams, OptionMap};
use rekey_engine::plan::{
    Action, Finding, IndexFate, KeyWish, PlannedSSTable, Selection, Severity, SkipReason, Target,
};
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{self, Archives, Outcome, Report};

use super::upgrade::{components, kmip_options, workspace};
use super::{OLD_KMIP, OTHER_KMIP, SETS, hex, read};
use crate::kit::Workspace;
use crate::kit::beside::{Key, bodies, page_contents};
use crate::kit::trie as own;
use crate::kit::workspace::{target, threads};

/// A form that all SSTables get, and what reads it.
struct Form {
    name: &'static str,
    target: Target,
    /// Usable bytes of a page of an index.
    usable: usize,
    /// The key and whether it is in headers, unless it is in clear.
    key: Option<(Option<&'static str>, Vec<u8>, bool)>,
}

fn forms(workspace: &Workspace) -> Vec<Form> {
    let kmip = |name, cipher: &str, (id, bytes): (&'static str, &str), usable, cbc| Form {
        name,
        target: target(&kmip_options(cipher), Some(id)),
        usable,
        key: Some((Some(id), hex(bytes), cbc)),
    };
    let local = |name, cipher: &str, usable, cbc| Form {
        name,
        target: workspace.new_key(name, cipher, 256),
        usable,
        key: Some((None, vec![0x5a; 32], cbc)),
    };
    let clear = |name, map| Form { name, target: target(map, None), usable: 4096, key: None };
    let chained =
        kmip_options("AES/CBC/PKCS5Padding").replace("Encryptor", "EncryptingLZ4Compressor");
    vec![
        clear("in clear", "{'enabled': 'false'}"),
        clear("LZ4", "{'class': 'LZ4Compressor'}"),
        kmip("KMIP ECB", "AES/ECB/PKCS5Padding", OTHER_KMIP, 3823, false),
        kmip("KMIP CBC", "AES/CBC/PKCS5Padding", OLD_KMIP, 3807, true),
        local("local-cbc", "AES/CBC/PKCS5Padding", 4063, true),
        Form {
            name: "chained",
            target: target(&chained, Some(OTHER_KMIP.0)),
            usable: 3807,
            key: Some((Some(OTHER_KMIP.0), hex(OTHER_KMIP.1), true)),
        },
        local("local-ecb", "AES/ECB/PKCS5Padding", 4079, false),
    ]
}

impl Form {
    fn key(&self) -> Option<Key<'_>> {
        self.key.as_ref().map(|(id, bytes, cbc)| Key { id: *id, bytes, cbc: *cbc })
    }

    /// What each index says, and each body of the metadata but the one with the ratio. What is not in
    /// this form cannot be read.
    fn content(&self, workspace: &Workspace) -> BTreeMap<Vec<u8>, (own::Index, Vec<Vec<u8>>)> {
        let all = |ending| components(workspace, ending);
        let files = all("-Partitions.db").into_iter().zip(all("-Rows.db"));
        files
            .zip(all("-Statistics.db"))
            .map(|((partitions, rows), statistics)| {
                let clear = |file: Vec<u8>| match self.key() {
                    None => file,
                    Some(key) => {
                        let pages = page_contents(&file);
                        own::image(&pages.iter().map(|page| key.open(page)).collect::<Vec<_>>())
                    }
                };
                let (partitions, rows) = (clear(read(&partitions)), clear(read(&rows)));
                let index = own::read(&partitions, &rows, self.usable);
                let open =
                    |body: Vec<u8>| self.key().map_or_else(|| body.clone(), |key| key.open(&body));
                let opened = bodies(&read(&statistics)).into_iter().map(|(_, body)| open(body));
                let mut opened: Vec<_> = opened.collect();
                // STATS has the compression ratio.
                opened[2].truncate(40);
                (index.first_key.clone(), (index, opened))
            })
            .collect()
    }

    fn check_lists(&self, workspace: &Workspace) {
        let is_compressed = self.name != "in clear";
        for toc in components(workspace, "-TOC.txt") {
            let text = fs::read_to_string(&toc).unwrap();
            let lists = |name: &str| text.lines().any(|line| line == name);
            let is_there = |name: &str| {
                let of = toc.file_name().unwrap().to_str().unwrap().replace("TOC.txt", name);
                toc.with_file_name(of).exists()
            };
            for (name, is_one) in
                [("CompressionInfo.db", is_compressed), ("CRC.db", !is_compressed)]
            {
                assert_eq!((lists(name), is_there(name)), (is_one, is_one), "{name} {}", self.name);
            }
            assert!(lists("Partitions.db") && lists("Rows.db") && lists("Statistics.db"));
        }
    }
}

/// A table by its name: what is in clear is rewritten only if it is named.
fn named(table: &str) -> Selection {
    Selection { keyspace: Some("rk".to_owned()), tables: vec![table.to_owned()] }
}

fn run(workspace: &Workspace, table: &str, target: &Target) -> Report {
    let session = workspace.session(LeaseMode::Exclusive).unwrap();
    workspace.run_on(&session, &named(table), target, &workspace.sources()).unwrap()
}

/// Goes along every ordered pair of forms.
fn every_pair(set: &super::Set, mapped: bool) {
    let mut workspace = workspace(set);
    workspace.mapped = mapped;
    let mut forms = forms(&workspace);
    // It begins in the form of the set, or in one that has its pages.
    let start = forms.iter().position(|form| form.usable == set.usable).unwrap();
    forms.swap(0, start);
    let mut at = 0;
    if set.id.is_none() {
        workspace.upgrade(&forms[at].target).unwrap();
    }
    let original = forms[at].content(&workspace);
    assert!(original.values().any(|(index, _)| index.partitions.iter().any(|p| p.rows.is_some())));
    let count = original.len();
    let mut left: Vec<Vec<usize>> =
        (0..forms.len()).map(|from| (0..forms.len()).filter(|to| *to != from).collect()).collect();
    let mut laid_out = 0;
    while let Some(to) = left[at].pop() {
        let (from, form) = (&forms[at], &forms[to]);
        let case = format!("{} {} to {}", set.name, from.name, form.name);
        // Some pairs differ in the key alone.
        let fate = match (from.usable == form.usable, form.key.is_some()) {
            (true, true) => IndexFate::InPlace,
            (true, false) => IndexFate::Kept,
            (false, _) => IndexFate::LaidOut { old: from.usable, new: form.usable },
        };
        let plan = workspace.plan_of(&named("t"), &form.target).unwrap();
        for line in &plan.sstables {
            let Action::Rewrite { target, .. } = &line.action else {
                panic!("{case}: {:?}", line.action)
            };
            assert_eq!(line.facts.as_ref().unwrap().index_fate(target), fate, "{case}");
        }
        drop(plan);
        let report = run(&workspace, "t", &form.target);
        let failures: Vec<_> = report.failures().map(|error| error.chain()).collect();
        assert_eq!(failures, Vec::<String>::new(), "{case}");
        assert!(
            report.sstables.iter().all(|line| matches!(line.outcome, Outcome::Rewritten { .. }))
        );
        assert_eq!(report.sstables.len(), count);
        assert!(form.content(&workspace) == original, "{case}");
        form.check_lists(&workspace);
        assert_eq!(workspace.verify().failures().count(), 0, "{case}");
        let session = workspace.session(LeaseMode::Shared).unwrap();
        let census =
            upgrade::census(&session, &Selection::default(), Archives::default(), threads(1))
                .unwrap();
        assert_eq!((census.keys.len(), census.unknown.len()), (usize::from(form.key.is_some()), 0));
        laid_out += usize::from(matches!(fate, IndexFate::LaidOut { .. }));
        at = to;
    }
    assert!(left.iter().all(Vec::is_empty), "the walk ended early: {left:?}");
    assert_eq!(laid_out, 38);
}

#[test]
fn cc_goes_from_every_geometry_to_every_other() {
    every_pair(&SETS[0], true);
}

#[test]
fn dse_goes_from_every_geometry_to_every_other() {
    every_pair(&SETS[2], false);
}

/// Apache's own, encrypted for the first time for a node of Converged Core: its index, too, and its
/// metadata. For a node of Apache both stay in clear.
#[test]
fn the_product_decides_what_a_first_encryption_of_da_encrypts() {
    for (flavor, is_encrypted) in [(Flavor::ConvergedCore, true), (Flavor::Apache4, false)] {
        for (set, table) in [("fixtures/plain-da", "t"), ("sstables/plain-da", "enc")] {
            let mut workspace = Workspace::copy_of(set);
            workspace.flavor = Some(flavor);
            let forms = forms(&workspace);
            let plain = forms[0].content(&workspace);
            let local = forms.iter().find(|form| form.name == "local-cbc").unwrap();
            let report = run(&workspace, table, &local.target);
            assert_eq!(report.failures().count(), 0, "{:?}", report.failures().collect::<Vec<_>>());
            local.check_lists(&workspace);
            let form = if is_encrypted { local } else { &forms[0] };
            assert!(form.content(&workspace) == plain, "{set} {flavor}");
            assert_eq!(workspace.verify().failures().count(), 0);
        }
    }
}

/// What has never been encrypted, with an index whose terms stay in clear: that is said, with its bytes.
#[test]
fn a_first_encryption_says_what_stays_in_clear() {
    let workspace = workspace(&SETS[0]);
    let forms = forms(&workspace);
    run(&workspace, "t", &forms[0].target);
    let partitions = &components(&workspace, "-Partitions.db")[0];
    let name = partitions.file_name().unwrap().to_str().unwrap();
    let index =
        partitions.with_file_name(name.replace("Partitions.db", "SAI+ca+by_n+TermsData.db"));
    fs::write(&index, [7; 1234]).unwrap();
    let plan = workspace.plan_of(&named("t"), &forms[3].target).unwrap();
    let is_it = |finding: &&Finding| finding.error.to_string().contains("index by_n of rk.t stays");
    let finding = plan.findings.iter().find(is_it);
    let finding = finding.expect("a finding");
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.error.to_string().contains("1234 bytes"), "{}", finding.error);
    assert_eq!(finding.sstables.len(), 1);
    assert!(plan.rewrites().count() > 4);
    for line in plan.rewrites() {
        let old =
            fs::metadata(line.facts.sstable.path(&rekey_engine::sstable::Component::Partitions));
        assert!(line.sstable.space.least > line.facts.data_bytes + 2 * old.unwrap().len());
    }
    drop(plan);
    assert_eq!(run(&workspace, "t", &forms[3].target).failures().count(), 0);
    let kept = components(&workspace, "SAI+ca+by_n+TermsData.db");
    assert!(kept.len() == 1 && read(&kept[0]) == [7; 1234]);
}

/// A damaged index fails its SSTable alone, with the place, and changes nothing of it.
#[test]
fn a_damaged_index_is_refused_with_its_place() {
    let workspace = workspace(&SETS[0]);
    let forms = forms(&workspace);
    run(&workspace, "t", &forms[0].target);
    let path = components(&workspace, "-Partitions.db")
        .into_iter()
        .find(|path| fs::metadata(path).unwrap().len() > 4096)
        .unwrap();
    let mut file = read(&path);
    // The first node of the file is a leaf.
    assert!((8..16).contains(&file[0]));
    file[0] = 0;
    fs::write(&path, &file).unwrap();
    let report = run(&workspace, "t", &forms[3].target);
    let failures: Vec<_> = report.failures().collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0].kind(), rekey_engine::ErrorKind::Corrupt);
    assert_eq!(failures[0].path(), Some(path.as_path()));
    assert_eq!(failures[0].byte_offset(), Some(0));
    assert!(failures[0].to_string().contains("a leaf of its trie has no payload"));
    assert_eq!(read(&path), file);
}

/// The index under the other mode of the cipher, as a writer makes it that goes by the schema.
#[test]
fn an_index_under_other_options_is_refused_with_the_reason() {
    let workspace = workspace(&SETS[2]);
    let forms = forms(&workspace);
    let path = &components(&workspace, "-Partitions.db")[0];
    let set = &SETS[2];
    let pages = super::open_pages(&read(path), &set.codec(None, &set.key_bytes()).pages());
    // The same key in ECB, which leaves other pages.
    let other = super::Codec::new("AES/ECB/PKCS5Padding", None, &set.key_bytes());
    fs::write(path, other.seal_pages(&pages)).unwrap();
    let plan = workspace.plan(&forms[3].target).unwrap();
    let refused: Vec<_> = plan
        .sstables
        .iter()
        .filter_map(|line| match &line.action {
            Action::Refuse(error) => Some(error),
            _ => None,
        })
        .collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].to_string().contains("by what the schema said"), "{}", refused[0].chain());
    assert_eq!(refused[0].path(), Some(path.as_path()));
}

/// The limit for key ids is all that changes: of the pages less is usable, and the key is the same.
#[test]
fn another_limit_for_key_ids_lays_the_index_out_anew() {
    let mut workspace = workspace(&SETS[0]);
    let now = forms(&workspace).remove(3);
    assert_eq!((now.name, now.usable), ("KMIP CBC", SETS[0].usable));
    let options = kmip_options(SETS[0].cipher);
    let params = CompressionParams::from_cql_options(&OptionMap::parse_cql(&options).unwrap());
    let id = KeyId::new(OLD_KMIP.0).unwrap();
    let (sources, wish) = (workspace.sources(), KeyWish::Named(&id));
    // 144 bytes more in each header.
    let target = Target::find(params.unwrap(), wish, &sources, 400).unwrap();
    let then = Form { name: "a limit of 400", target, usable: 3663, key: now.key.clone() };
    let original = now.content(&workspace);
    for (from, to, old) in [(&now, &then, DATABASE_KEY_ID_LIMIT), (&then, &now, 400)] {
        // Nobody has said that it was another one.
        workspace.longest_old_id = None;
        let plan = workspace.plan_of(&named("t"), &to.target).unwrap();
        let is_refused = |line: &PlannedSSTable| matches!(line.action, Action::Refuse(_));
        assert!(!plan.sstables.is_empty() && plan.sstables.iter().all(is_refused));
        drop(plan);
        workspace.longest_old_id = Some(old);
        let plan = workspace.plan_of(&named("t"), &to.target).unwrap();
        let fate = IndexFate::LaidOut { old: from.usable, new: to.usable };
        assert!(plan.rewrites().all(|line| line.facts.index_fate(&to.target) == fate));
        assert_eq!(plan.rewrites().count(), original.len());
        drop(plan);
        let report = run(&workspace, "t", &to.target);
        assert_eq!(report.failures().count(), 0, "{:?}", report.failures().collect::<Vec<_>>());
        assert!(to.content(&workspace) == original, "{}", to.name);
        assert_eq!(workspace.verify().failures().count(), 0, "{}", to.name);
    }
    workspace.longest_old_id = None;
    let plan = workspace.plan_of(&named("t"), &now.target).unwrap();
    let skip =
        |line: &PlannedSSTable| matches!(line.action, Action::Skip(SkipReason::UnderTargetKey));
    assert!(plan.sstables.iter().all(skip));
}

/// Ids so long that too little of a page is left.
#[test]
fn pages_that_do_not_hold_every_node_are_refused_in_the_plan() {
    let workspace = workspace(&SETS[2]);
    let id = KeyId::new(OTHER_KMIP.0).unwrap();
    let options = OptionMap::parse_cql(&kmip_options("AES/CBC/PKCS5Padding")).unwrap();
    let params = CompressionParams::from_cql_options(&options).unwrap();
    for (limit, is_refused) in [(1980, false), (2000, true)] {
        let sources = workspace.sources();
        let target = Target::find(params.clone(), KeyWish::Named(&id), &sources, limit).unwrap();
        let plan = workspace.plan(&target).unwrap();
        for line in &plan.sstables {
            match &line.action {
                Action::Refuse(error) => {
                    assert!(is_refused && error.to_string().contains("2070"), "{limit}: {error}");
                }
                action => assert!(!is_refused, "{limit}: {action:?}"),
            }
        }
    }
}
