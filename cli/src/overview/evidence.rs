//! The evidence of one node, or of several of a cluster.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rekey_engine::evidence::{
    Answer, Cluster, Evidence, Finding, KeyName, KeyQuery, Member, Missing, Moment, Occasion,
    Reason as Why, Step as Way, Unknown, Verdict as Judged, verdict,
};

use super::places::{Amounts, digest, directory};
use super::{Fact, Overview, Reason, Remark, Remarks, Step, Tone, Verdict, count};

pub(super) fn overview(cluster: &Cluster) -> Overview {
    let nodes = cluster.nodes();
    let mut amounts = Amounts::default();
    let (mut findings, mut unknowns) = (Vec::new(), Vec::new());
    let (mut directories, mut digests) = (Vec::new(), Vec::new());
    for (name, evidence) in nodes {
        let node = (nodes.len() > 1).then(|| evidence.host.as_deref().unwrap_or(name));
        add(&mut amounts, evidence);
        findings.extend(evidence.findings.iter().map(|of| finding(of, node)));
        unknowns.extend(evidence.unknowns.iter().map(|of| unknown(of, node)));
        directories.extend(evidence.directories.iter().map(|of| directory(of, node)));
        digests.extend(evidence.directories.iter().filter_map(|of| digest(of, node)));
    }
    let (verdicts, common) = verdicts(cluster);
    Overview {
        title: "May the keys be destroyed?",
        subject: subject(nodes),
        // The oldest look is what the whole is worth.
        time: nodes.iter().map(|(_, evidence)| evidence.time).min().and_then(timestamp),
        tool: match nodes {
            [(_, only)] => Some(only.tool.clone()),
            _ => None,
        },
        facts: match nodes {
            [(_, only)] => of_node(only),
            many => many.iter().map(|(name, evidence)| of_many(name, evidence)).collect(),
        },
        verdicts,
        common,
        charts: amounts.charts(),
        remarks: vec![
            Remarks { heading: "Findings", remarks: findings, more: 0 },
            Remarks { heading: "Unknown", remarks: unknowns, more: 0 },
        ],
        directories,
        missing: cluster.missing().iter().map(missing).collect(),
        digests,
        ..Overview::default()
    }
}

fn timestamp(of: Moment) -> Option<Timestamp> {
    Timestamp::from_second(of.seconds()).ok()
}

fn add(amounts: &mut Amounts, evidence: &Evidence) {
    for uses in &evidence.keys {
        let key = uses.key.to_string();
        amounts.key(&key, uses.state.as_ref());
        for own in &uses.uses {
            amounts.add(&key, own.place, own.table.as_ref(), own.bytes);
        }
    }
    amounts.add_clear(evidence.not_encrypted.bytes);
}

fn finding(of: &Finding, node: Option<&str>) -> Remark {
    let places = node.into_iter().chain(of.path.as_deref()).map(str::to_owned);
    Remark {
        tone: Tone::Unknown,
        word: count(of.files, "file", "files"),
        what: of.message.clone(),
        places: places.collect(),
        cure: None,
    }
}

fn unknown(of: &Unknown, node: Option<&str>) -> Remark {
    let places = node.into_iter().chain(of.paths.iter().map(String::as_str)).map(str::to_owned);
    Remark {
        tone: Tone::Unknown,
        word: count(of.files, "file", "files"),
        what: of.message.clone(),
        places: places.collect(),
        cure: of.cure.clone(),
    }
}

/// The cluster, or the node.
fn subject(nodes: &[(String, Evidence)]) -> Option<String> {
    let cluster = nodes.iter().find_map(|(_, evidence)| evidence.node.as_ref()?.cluster.as_ref());
    let cluster = cluster.map(|name| format!("cluster {name}"));
    let node = match nodes {
        [(_, only)] => only.host.as_ref().map(|host| format!("node {host}")),
        many => Some(format!("{} nodes", many.len())),
    };
    let parts: Vec<String> = node.into_iter().chain(cluster).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn of_node(evidence: &Evidence) -> Vec<Fact> {
    let node = evidence.node.as_ref();
    let occasion =
        |of: &Option<Occasion>| of.as_ref().map(|of| format!("{} ({})", of.time, of.origin));
    let place = node
        .and_then(|node| Some(format!("{}, {}", node.data_center.as_ref()?, node.rack.as_ref()?)));
    let chunks = (evidence.clear_chunks > 0).then(|| evidence.clear_chunks.to_string());
    let facts = [
        Fact::some("host id", node.and_then(|node| node.host_id.as_ref())),
        Fact::some("data center, rack", place),
        Fact::some("product", evidence.product.as_ref()),
        Fact::some("release", node.and_then(|node| node.release_version.as_ref())),
        Fact::some("last re-encrypted", occasion(&evidence.last_rewrite)),
        Fact::some("last started", occasion(&evidence.last_start)),
        Fact::some("chunks in clear in encrypted SSTables", chunks),
        (!evidence.is_node).then(|| Fact::new("kind", "copied or restored data, of no node")),
    ];
    facts.into_iter().flatten().collect()
}

/// One line of each node.
fn of_many(name: &str, evidence: &Evidence) -> Fact {
    let host = evidence.host.clone().unwrap_or_else(|| name.to_owned());
    let id = evidence.node.as_ref().and_then(|node| node.host_id.as_deref());
    let id = id.map(|id| format!(", host id {id}")).unwrap_or_default();
    Fact::new(host, format!("{}{id}, {}, {name}", evidence.time, evidence.tool))
}

/// Of each key, and the reasons that all of them have.
fn verdicts(cluster: &Cluster) -> (Vec<Verdict>, Vec<Reason>) {
    let nodes = cluster.nodes();
    let keys: BTreeSet<&KeyName> =
        nodes.iter().flat_map(|(_, evidence)| &evidence.keys).map(|uses| &uses.key).collect();
    if keys.is_empty() {
        return (vec![without_keys(cluster)], vec![]);
    }
    let judge = |key: &&KeyName| {
        let query = KeyQuery::exactly(key);
        match nodes {
            // Of one node nobody asks where the others are.
            [(_, only)] => verdict(&query, only),
            _ => cluster.verdict(&query),
        }
    };
    let judged: Vec<Judged> = keys.iter().map(judge).collect();
    let common: Vec<Why> = match &judged[..] {
        [first, others @ ..] if !others.is_empty() => {
            let is_of_all = |why: &&Why| others.iter().all(|of| of.reasons.contains(why));
            first.reasons.iter().filter(is_of_all).cloned().collect()
        }
        _ => vec![],
    };
    let verdicts = judged.iter().map(|of| {
        let (tone, word) = answer(of.answer);
        let states: Vec<&str> = of.keys.iter().filter_map(|(_, state)| state.as_deref()).collect();
        let meaning = match states.is_empty() {
            true => String::new(),
            false => format!("{} on its server", states.join(", ")),
        };
        let own = of.reasons.iter().filter(|why| !common.contains(why));
        Verdict {
            of: Some(of.query.to_string()),
            tone,
            word,
            meaning,
            reasons: own.map(reason).collect(),
        }
    });
    (verdicts.collect(), common.iter().map(reason).collect())
}

/// Whether anything could have been overlooked.
fn without_keys(cluster: &Cluster) -> Verdict {
    let unknown =
        cluster.nodes().iter().map(|(_, evidence)| evidence.unknowns.len()).sum::<usize>();
    let missing = if cluster.nodes().len() > 1 { cluster.missing().len() } else { 0 };
    let (tone, meaning) = match unknown.saturating_add(missing) {
        0 => (Tone::Good, "nothing that was looked at is under a key"),
        _ => (Tone::Unknown, "nothing is under a key, as far as it could be looked at"),
    };
    Verdict { of: None, tone, word: "No key", meaning: meaning.to_owned(), reasons: vec![] }
}

const fn answer(answer: Answer) -> (Tone, &'static str) {
    match answer {
        Answer::Yes => (Tone::Good, "Yes"),
        Answer::AfterNextStart => (Tone::Open, "After the next start"),
        Answer::Unknown => (Tone::Unknown, "Unknown"),
        Answer::No => (Tone::Bad, "No"),
    }
}

fn reason(why: &Why) -> Reason {
    let node = why.node.as_deref().map(|node| format!("{node}: ")).unwrap_or_default();
    let program = "sstablerekey".to_owned();
    let step = |way: &Way| match way {
        Way::Own(commands) => {
            let own =
                |words: &Vec<String>| std::iter::once(&program).chain(words).cloned().collect();
            Step::Own(commands.iter().map(own).collect())
        }
        Way::Other(command) => Step::Typed(command.clone()),
        Way::Do(sentence) => Step::Sentence(sentence.clone()),
        _ => Step::Sentence(String::new()),
    };
    let steps = why.steps.iter().map(step).collect();
    Reason {
        what: format!("{node}{}", why.what),
        places: why.paths.clone(),
        steps,
        is_choice: true,
    }
}

fn missing(of: &Missing) -> String {
    let Missing { member, known_by, .. } = of;
    let Member { host_id, address, data_center, rack } = member;
    let address = address.as_deref().unwrap_or("no address");
    let place = data_center.iter().chain(rack).map(|part| format!(", {part}")).collect::<String>();
    format!("{address}{place}, host id {host_id}, known by {known_by}")
}
