//! The groups of KMIP servers of a node's configuration: SSTables name a group and not a server.

use serde::{Deserialize, Serialize};

use super::query::is_uuid;
use super::{KeyName, KeyQuery, KeyUses, Relation};

/// A group of KMIP servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The names or addresses of its servers.
    pub hosts: Vec<String>,
}

/// How a key that is asked about and one that something is under go together, by the servers of their groups,
/// too: two groups may have a server in common.
pub(super) fn relation(query: &KeyQuery, uses: &KeyUses, groups: &[Group]) -> Relation {
    let relation = query.relation(uses);
    let (KeyName::Kmip { group, id }, Some((own_group, own_id))) = (&uses.key, query.in_group())
    else {
        return relation;
    };
    if relation != Relation::Maybe || own_group == group {
        return relation;
    }
    match is_shared(own_group, group, groups) {
        Some(true) if own_id == id || is_uuid(id) => Relation::Same,
        // No two servers make one UUID, but a key may have been moved with its id.
        Some(false) if !is_uuid(id) => Relation::Other,
        _ => Relation::Maybe,
    }
}

/// Whether two groups have a server in common, if that can be told: a server may have a name and an address.
fn is_shared(one: &str, other: &str, groups: &[Group]) -> Option<bool> {
    let hosts = |name: &str| {
        let group = groups.iter().find(|group| group.name == name)?;
        Some(group.hosts.iter().map(|host| of_host(host)).collect::<Vec<&str>>())
    };
    let (one, other) = (hosts(one)?, hosts(other)?);
    if one.iter().any(|host| other.contains(host)) {
        return Some(true);
    }
    let are_alike = |is: bool| one.iter().chain(&other).all(|host| is_address(host) == is);
    (are_alike(true) || are_alike(false)).then_some(false)
}

/// The machine itself has a name and several addresses.
fn of_host(host: &str) -> &str {
    let is_own =
        host.eq_ignore_ascii_case("localhost") || host.starts_with("127.") || host == "::1";
    if is_own { "127.0.0.1" } else { host }
}

fn is_address(host: &str) -> bool {
    host.contains(':') || host.chars().all(|c| c.is_ascii_digit() || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups() -> Vec<Group> {
        let group = |name: &str, hosts: &[&str]| Group {
            name: name.to_owned(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        };
        vec![
            group("a", &["10.0.0.1", "10.0.0.2"]),
            group("b", &["10.0.0.2"]),
            group("c", &["10.0.0.3"]),
            group("d", &["keys.example"]),
            group("e", &["other.example"]),
            group("own", &["localhost"]),
            group("self", &["127.0.0.1"]),
        ]
    }

    #[test]
    fn groups_with_a_server_in_common_have_the_same_keys() {
        let related = |query: &str, group: &str, id: &str| {
            let key = KeyName::Kmip { group: group.to_owned(), id: id.to_owned() };
            let uses = KeyUses { key, also: vec![], is_unread: false, state: None, uses: vec![] };
            relation(&KeyQuery::parse(query).unwrap(), &uses, &groups())
        };
        assert_eq!(related("a/7", "b", "7"), Relation::Same);
        assert_eq!(related("a/7", "c", "7"), Relation::Other);
        assert_eq!(related("a/7", "d", "7"), Relation::Maybe, "a name may be of that address");
        assert_eq!(related("d/7", "e", "7"), Relation::Other);
        assert_eq!(related("own/7", "self", "7"), Relation::Same);
        assert_eq!(related("own/7", "c", "7"), Relation::Other);
        assert_eq!(related("a/7", "gone", "7"), Relation::Maybe);
        assert_eq!(related("a/8", "b", "7"), Relation::Other);
        let id = "0eb2277e-0acc-4adb-9241-1dd84dde691c";
        assert_eq!(related(&format!("a/{}", id.to_uppercase()), "b", id), Relation::Same);
        assert_eq!(related(&format!("a/{id}"), "c", id), Relation::Maybe);
    }
}
