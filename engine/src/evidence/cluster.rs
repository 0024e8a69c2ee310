//! The evidence of several nodes, put together.

use std::collections::{BTreeMap, BTreeSet};

use super::reason::{Answer, Reason, Step, Work};
use super::verdict::{Verdict, verdict};
use super::{Evidence, KeyQuery, Member, Moment, Role};
use crate::{Error, Result};

/// What was found on some nodes of a cluster, each once.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<(String, Evidence)>,
    left_out: Vec<LeftOut>,
    now: Moment,
}

/// A report that does not count, since there is a later one of the same node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// That of the later one.
    pub by: String,
    /// Whether they are not of the same machine, or not of the same directories.
    pub is_of_other: bool,
}

/// A node that the others know, and nobody has looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// The node.
    pub member: Member,
    /// The report that knows it.
    pub known_by: String,
}

impl Cluster {
    /// Puts reports together, each with the name that messages have for it. Of several about one node the
    /// newest counts; several of one moment count all.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when there is none, and when they are of several clusters.
    pub fn of(reports: Vec<(String, Evidence)>, now: Moment) -> Result<Self> {
        of_one_cluster(&reports)?;
        let mut all = Self { nodes: vec![], left_out: vec![], now };
        let newest = |of: &Evidence| {
            let same = reports.iter().map(|(_, other)| other).filter(|other| is_same(of, other));
            same.map(|other| other.time).max()
        };
        let counts: Vec<bool> = reports
            .iter()
            .map(|(_, of)| newest(of).is_none_or(|newest| newest == of.time))
            .collect();
        let mut older = Vec::new();
        for (report, counts) in reports.into_iter().zip(counts) {
            if !counts {
                older.push(report);
            } else if !all.nodes.iter().any(|(_, known)| *known == report.1) {
                all.nodes.push(report);
            }
        }
        for (name, evidence) in older {
            let later = all.nodes.iter().filter(|(_, known)| is_same(known, &evidence));
            all.left_out.extend(later.map(|(by, later)| LeftOut {
                name: name.clone(),
                by: by.clone(),
                is_of_other: seen(later) != seen(&evidence),
            }));
        }
        match all.nodes.is_empty() {
            true => Err(Error::invalid("no report is given")
                .hint("make one on each node: may-destroy KEY --report FILE")),
            false => Ok(all),
        }
    }

    /// The reports that do not count.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// The nodes, by the names of their reports.
    #[must_use]
    pub fn nodes(&self) -> &[(String, Evidence)] {
        &self.nodes
    }

    /// The nodes that some report knows, and that have none.
    #[must_use]
    pub fn missing(&self) -> Vec<Missing> {
        let mut missing: BTreeMap<&str, Missing> = BTreeMap::new();
        for (name, evidence) in &self.nodes {
            for member in evidence.ring.iter().flatten() {
                let is_here = |(_, of): &(String, Evidence)| host(of) == Some(&member.host_id);
                if !self.nodes.iter().any(is_here) {
                    missing.entry(&member.host_id).or_insert_with(|| Missing {
                        member: member.clone(),
                        known_by: name.clone(),
                    });
                }
            }
        }
        missing.into_values().collect()
    }

    /// Judges a key by all of it: the worst counts, and a node without a report may have anything.
    #[must_use]
    pub fn verdict(&self, query: &KeyQuery) -> Verdict {
        let (mut keys, mut reasons) = (Vec::new(), Vec::new());
        for (name, evidence) in &self.nodes {
            let own = verdict(query, evidence);
            for key in own.keys {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
            let node = || Some(evidence.host.clone().unwrap_or_else(|| name.clone()));
            reasons.extend(own.reasons.into_iter().map(|reason| Reason { node: node(), ..reason }));
            let doubts = self.doubts(evidence).into_iter();
            reasons.extend(doubts.map(|what| of_nodes(node(), what.to_owned(), REPORT_AGAIN)));
        }
        for LeftOut { name, by, .. } in self.left_out.iter().filter(|of| of.is_of_other) {
            let what = format!(
                "{name} and {by} are of one node, and not of the same machine or directories"
            );
            reasons.push(of_nodes(None, what, LEAVE_OUT));
        }
        let is_ring_known = |(_, evidence): &(String, Evidence)| evidence.ring.is_some();
        let has_nodes = self.nodes.iter().any(|(_, evidence)| evidence.is_node);
        if has_nodes && !self.nodes.iter().any(is_ring_known) {
            let what = "no report says which nodes the cluster has";
            reasons.push(of_nodes(None, what.to_owned(), ASK_THE_NODES));
        }
        for Missing { member, known_by } in self.missing() {
            let address = member.address.as_deref().unwrap_or("a node without an address");
            let what = format!(
                "{address} (host id {}) has no report, and belongs to the cluster by {known_by}",
                member.host_id
            );
            reasons.push(of_nodes(Some(address.to_owned()), what, REPORT));
        }
        reasons.sort();
        let answer = reasons.iter().map(|reason| reason.answer).max().unwrap_or(Answer::Yes);
        Verdict { query: query.clone(), keys, answer, reasons }
    }

    /// Why a report says nothing.
    fn doubts(&self, evidence: &Evidence) -> Vec<&'static str> {
        let is_known = |(_, of): &(String, Evidence)| cluster(of).is_some();
        let latest = self.now.seconds().saturating_add(CLOCKS_DIFFER);
        let started = evidence.last_start.as_ref().map(|start| start.time);
        let doubts = [
            (
                evidence.is_node && host(evidence).is_none(),
                "the report does not say which node it is of",
            ),
            (
                evidence.is_node && cluster(evidence).is_none() && self.nodes.iter().any(is_known),
                "the report does not say of which cluster the node is",
            ),
            (evidence.time.seconds() > latest, "the report is of a time that is yet to come"),
            (
                started.is_some_and(|started| started > evidence.time),
                "the report is of a time before the last start that it knows",
            ),
        ];
        doubts.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect()
    }
}

/// Seconds by which the clocks of two machines may differ.
const CLOCKS_DIFFER: i64 = 3600;

const REPORT: &str = "make a report there: may-destroy KEY --report FILE; of a node that is gone: nodetool \
                      removenode, and make the other reports again";
const REPORT_AGAIN: &str = "make this report again, on its node: may-destroy KEY --report FILE";
const LEAVE_OUT: &str = "leave the one out that is not of this node as it is now";
const ASK_THE_NODES: &str =
    "start the nodes, which write that down in system.peers, and make the reports again";

/// Reports of several clusters say nothing of one.
fn of_one_cluster(reports: &[(String, Evidence)]) -> Result<()> {
    let mut named = reports.iter().filter_map(|(name, of)| Some((name, cluster(of)?)));
    let Some((first, theirs)) = named.next() else { return Ok(()) };
    match named.find(|(_, own)| *own != theirs) {
        None => Ok(()),
        Some((name, own)) => Err(Error::invalid(format!(
            "a report of cluster '{own}', and {first} is of cluster '{theirs}'"
        ))
        .at(name)
        .hint("ask about one cluster at a time")),
    }
}

/// Whether both are of one node.
fn is_same(one: &Evidence, other: &Evidence) -> bool {
    host(one).is_some() && host(one) == host(other)
}

/// The machine, and the directories that were looked at.
fn seen(evidence: &Evidence) -> (Option<&String>, BTreeSet<(Role, &str)>) {
    let directories = evidence.directories.iter().map(|of| (of.role, of.path.as_str()));
    (evidence.host.as_ref(), directories.collect())
}

fn of_nodes(node: Option<String>, what: String, step: &str) -> Reason {
    let (work, answer, steps) = (Work::Node, Answer::Unknown, vec![Step::say(step)]);
    Reason { work, answer, node, what, paths: vec![], steps }
}

fn host(evidence: &Evidence) -> Option<&String> {
    evidence.node.as_ref()?.host_id.as_ref()
}

fn cluster(evidence: &Evidence) -> Option<&String> {
    evidence.node.as_ref()?.cluster.as_ref()
}

#[cfg(test)]
mod tests {
    use super::super::Identity;
    use super::super::sample::evidence;
    use super::*;

    fn node(id: &str, ring: &[&str]) -> (String, Evidence) {
        let member = |id: &&str| Member {
            host_id: (*id).to_owned(),
            address: Some(format!("10.0.0.{id}")),
            data_center: None,
            rack: None,
        };
        let identity = Identity {
            host_id: Some(id.to_owned()),
            cluster: Some("c".to_owned()),
            ..Identity::default()
        };
        let (node, ring) = (Some(identity), Some(ring.iter().map(member).collect()));
        (format!("{id}.json"), Evidence { node, ring, ..evidence() })
    }

    fn of(reports: Vec<(String, Evidence)>) -> Result<Cluster> {
        Cluster::of(reports, Moment::from_seconds(5_000))
    }

    fn query() -> KeyQuery {
        KeyQuery::parse("g/k").unwrap()
    }

    #[test]
    fn every_node_of_the_ring_must_have_a_report() {
        let ring = ["1", "2", "3"];
        let all = ring.map(|id| node(id, &ring)).to_vec();
        let cluster = of(all.clone()).unwrap();
        assert!(cluster.missing().is_empty());
        assert_eq!(cluster.verdict(&query()).answer, Answer::Yes);
        let cluster = of(all[..2].to_vec()).unwrap();
        let missing = cluster.missing();
        assert_eq!((missing.len(), missing[0].member.host_id.as_str()), (1, "3"));
        let verdict = cluster.verdict(&query());
        assert_eq!(verdict.answer, Answer::Unknown);
        assert!(verdict.reasons[0].what.starts_with("10.0.0.3 (host id 3) has no report"));
    }

    #[test]
    fn one_node_without_a_name_or_a_ring_says_nothing_of_the_others() {
        let mut lost = node("1", &["1"]);
        lost.1.ring = None;
        let verdict = of(vec![lost.clone()]).unwrap().verdict(&query());
        assert!(verdict.reasons[0].what.contains("which nodes the cluster has"), "{verdict:?}");
        assert_eq!(verdict.reasons[0].steps, [Step::say(ASK_THE_NODES)]);
        lost.1.node = None;
        let verdict = of(vec![lost]).unwrap().verdict(&query());
        assert_eq!((verdict.answer, verdict.reasons.len()), (Answer::Unknown, 2));
    }

    #[test]
    fn of_one_node_the_newest_report_counts() {
        let (mut old, mut new) = (node("1", &["1"]), node("1", &["1"]));
        old.1.is_node = false;
        new.1.time = Moment::from_seconds(old.1.time.seconds() + 1);
        for both in [[old.clone(), new.clone()], [new.clone(), old.clone()]] {
            let cluster = of(both.to_vec()).unwrap();
            assert_eq!(cluster.nodes(), [new.clone()]);
        }
    }

    #[test]
    fn clusters_are_not_mixed() {
        let mut other = node("2", &[]);
        other.1.node.as_mut().unwrap().cluster = Some("d".to_owned());
        let error = of(vec![node("1", &[]), other]).unwrap_err();
        assert!(error.to_string().contains("2.json: a report of cluster 'd'"), "{error}");
        assert!(of(vec![]).is_err());
    }

    fn answer(reports: &[(String, Evidence)]) -> (Answer, Vec<String>) {
        let verdict = of(reports.to_vec()).unwrap().verdict(&query());
        (verdict.answer, verdict.reasons.into_iter().map(|reason| reason.what).collect())
    }

    #[test]
    fn two_looks_of_one_moment_both_count() {
        let clean = node("1", &["1"]);
        let mut used = clean.clone();
        used.0 = "used.json".to_owned();
        let key = super::super::KeyName::Kmip { group: "g".to_owned(), id: "k".to_owned() };
        let uses = vec![super::super::Use {
            place: super::super::Place::Live,
            tag: None,
            table: Some("ks.t".to_owned()),
            files: 1,
            bytes: 1,
            chunks: 1,
            oldest: None,
            newest: None,
            path: None,
        }];
        used.1.keys =
            vec![super::super::KeyUses { key, also: vec![], is_unread: false, state: None, uses }];
        for both in [[clean.clone(), used.clone()], [used, clean.clone()]] {
            assert_eq!(answer(&both).0, Answer::No);
        }
        assert_eq!(of(vec![clean.clone(), clean]).unwrap().nodes().len(), 1);
    }

    #[test]
    fn a_later_look_at_something_else_does_not_replace_one() {
        let old = node("1", &["1"]);
        let mut new = old.clone();
        new.0 = "new.json".to_owned();
        new.1.time = Moment::from_seconds(old.1.time.seconds() + 1);
        assert_eq!(answer(&[old.clone(), new.clone()]).0, Answer::Yes);
        let left_out = of(vec![old.clone(), new.clone()]).unwrap().left_out().to_vec();
        assert_eq!((left_out.len(), left_out[0].by.as_str()), (1, "new.json"));
        let mut elsewhere = new.clone();
        elsewhere.1.host = Some("staging".to_owned());
        new.1.directories.pop();
        for new in [new, elsewhere] {
            let (answer, reasons) = answer(&[old.clone(), new]);
            assert!(
                answer >= Answer::Unknown
                    && reasons.iter().any(|what| what.contains("of one node"))
            );
        }
    }

    #[test]
    fn a_report_of_an_impossible_time_says_nothing() {
        let mut future = node("1", &["1"]);
        future.1.time = Moment::from_seconds(10_000);
        assert!(answer(&[future.clone()]).1[0].contains("yet to come"));
        future.1.time = Moment::from_seconds(1);
        assert!(answer(&[future]).1[0].contains("before the last start"));
    }

    #[test]
    fn a_report_without_a_cluster_is_of_none() {
        let mut lost = node("1", &["1"]);
        lost.1.node.as_mut().unwrap().cluster = None;
        let other = node("2", &["1", "2"]);
        let (answer, reasons) = answer(&[lost.clone(), other.clone()]);
        assert!(answer == Answer::Unknown && reasons[0].contains("which cluster"), "{reasons:?}");
        let mut third = node("3", &["3"]);
        third.1.node.as_mut().unwrap().cluster = Some("d".to_owned());
        assert!(of(vec![lost, other, third]).is_err());
    }
}
