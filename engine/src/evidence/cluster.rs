//! The evidence of several nodes, put together.

use std::collections::BTreeMap;

use super::reason::{Answer, Reason, Step, Work};
use super::verdict::{Verdict, verdict};
use super::{Evidence, KeyQuery, Member};
use crate::{Error, Result};

/// What was found on some nodes of a cluster, each once.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<(String, Evidence)>,
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
    /// newest counts.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when there is none, and when they are of several clusters.
    pub fn of(reports: Vec<(String, Evidence)>) -> Result<Self> {
        let mut nodes: Vec<(String, Evidence)> = Vec::new();
        for (name, evidence) in reports {
            if let Some((first, other)) = nodes.first()
                && let (Some(own), Some(theirs)) = (cluster(&evidence), cluster(other))
                && own != theirs
            {
                return Err(Error::invalid(format!(
                    "a report of cluster '{own}', and {first} is of cluster '{theirs}'"
                ))
                .at(name)
                .hint("ask about one cluster at a time"));
            }
            let same = |known: &&mut (String, Evidence)| {
                host(&evidence).is_some() && host(&known.1) == host(&evidence)
            };
            match nodes.iter_mut().find(same) {
                Some(known) if known.1.time < evidence.time => *known = (name, evidence),
                Some(_) => {}
                None => nodes.push((name, evidence)),
            }
        }
        match nodes.is_empty() {
            true => Err(Error::invalid("no report is given")
                .hint("make one on each node: may-destroy KEY --report FILE")),
            false => Ok(Self { nodes }),
        }
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
            if evidence.is_node && host(evidence).is_none() {
                let what = "the report does not say which node it is of";
                reasons.push(of_nodes(node(), what.to_owned()));
            }
        }
        let is_ring_known = |(_, evidence): &(String, Evidence)| evidence.ring.is_some();
        let has_nodes = self.nodes.iter().any(|(_, evidence)| evidence.is_node);
        if has_nodes && !self.nodes.iter().any(is_ring_known) {
            let what = "no report says which nodes the cluster has";
            reasons.push(of_nodes(None, what.to_owned()));
        }
        for Missing { member, known_by } in self.missing() {
            let address = member.address.as_deref().unwrap_or("a node without an address");
            let what = format!(
                "{address} (host id {}) has no report, and belongs to the cluster by {known_by}",
                member.host_id
            );
            reasons.push(of_nodes(Some(address.to_owned()), what));
        }
        reasons.sort();
        let answer = reasons.iter().map(|reason| reason.answer).max().unwrap_or(Answer::Yes);
        Verdict { query: query.clone(), keys, answer, reasons }
    }
}

fn of_nodes(node: Option<String>, what: String) -> Reason {
    let steps = vec![Step::say(
        "make a report there: may-destroy KEY --report FILE; of a node that is gone: nodetool \
         removenode, and make the other reports again",
    )];
    let (work, answer) = (Work::Node, Answer::Unknown);
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
    use super::super::sample::evidence;
    use super::super::{Identity, Moment};
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

    fn query() -> KeyQuery {
        KeyQuery::parse("g/k").unwrap()
    }

    #[test]
    fn every_node_of_the_ring_must_have_a_report() {
        let ring = ["1", "2", "3"];
        let all = ring.map(|id| node(id, &ring)).to_vec();
        let cluster = Cluster::of(all.clone()).unwrap();
        assert!(cluster.missing().is_empty());
        assert_eq!(cluster.verdict(&query()).answer, Answer::Yes);
        let cluster = Cluster::of(all[..2].to_vec()).unwrap();
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
        let verdict = Cluster::of(vec![lost.clone()]).unwrap().verdict(&query());
        assert!(verdict.reasons[0].what.contains("which nodes the cluster has"), "{verdict:?}");
        lost.1.node = None;
        let verdict = Cluster::of(vec![lost]).unwrap().verdict(&query());
        assert_eq!((verdict.answer, verdict.reasons.len()), (Answer::Unknown, 2));
    }

    #[test]
    fn of_one_node_the_newest_report_counts() {
        let (mut old, mut new) = (node("1", &["1"]), node("1", &["1"]));
        old.1.is_node = false;
        new.1.time = Moment::from_seconds(old.1.time.seconds() + 1);
        for both in [[old.clone(), new.clone()], [new.clone(), old.clone()]] {
            let cluster = Cluster::of(both.to_vec()).unwrap();
            assert_eq!(cluster.nodes(), [new.clone()]);
        }
    }

    #[test]
    fn clusters_are_not_mixed() {
        let mut other = node("2", &[]);
        other.1.node.as_mut().unwrap().cluster = Some("d".to_owned());
        let error = Cluster::of(vec![node("1", &[]), other]).unwrap_err();
        assert!(error.to_string().contains("2.json: a report of cluster 'd'"), "{error}");
        assert!(Cluster::of(vec![]).is_err());
    }
}
