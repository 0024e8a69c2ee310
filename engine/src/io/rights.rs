//! What this process may do to other users' files, according to the kernel.

use std::fs;
use std::sync::LazyLock;

/// User, groups and capabilities of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rights {
    user: u32,
    groups: Vec<u32>,
    capabilities: u64,
    users: IdMap,
    known_groups: IdMap,
}

/// The owner of a new file that replaces another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
/// The owner of the old one.
pub(crate) enum NewOwner {
    Same,
    /// The user who runs this program, since the directory is theirs: this is the node's user, and
    /// the node's own new files would have the same owner.
    Own,
    /// A user that a node is not expected to run as.
    Unknown,
}

const CAP_CHOWN: u32 = 0;
const CAP_FOWNER: u32 = 3;
const CAP_SYS_ADMIN: u32 = 21;

impl Rights {
    /// The rights of this process. They are read once.
    #[must_use]
    pub(crate) fn own() -> &'static Self {
        static OWN: LazyLock<Rights> = LazyLock::new(|| {
            let read = |name: &str| {
                fs::read_to_string(format!("/proc/thread-self/{name}"))
                    .or_else(|_| fs::read_to_string(format!("/proc/self/{name}")))
                    .unwrap_or_default()
            };
            Rights::of(&read("status"), &read("uid_map"), &read("gid_map"))
        });
        &OWN
    }

    /// From `/proc/self`; without it, from system calls.
    fn of(status: &str, uid_map: &str, gid_map: &str) -> Self {
        let user = rustix::process::geteuid().as_raw();
        let mut groups = vec![rustix::process::getegid().as_raw()];
        groups.extend(
            rustix::process::getgroups()
                .unwrap_or_default()
                .into_iter()
                .map(|group| group.as_raw()),
        );
        let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let capabilities = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
        Self {
            user,
            groups,
            // If they are unknown, root has them.
            capabilities: capabilities.unwrap_or(if user == 0 { u64::MAX } else { 0 }),
            users: IdMap::parse(uid_map),
            known_groups: IdMap::parse(gid_map),
        }
    }

    const fn has(&self, capability: u32) -> bool {
        self.capabilities >> capability & 1 == 1
    }

    /// The owner of a new file next to an old one, in a directory of this owner.
    #[must_use]
    pub(crate) fn new_owner(&self, user: u32, group: u32, directory_user: u32) -> NewOwner {
        let is_known = self.users.contains(user) && self.known_groups.contains(group);
        let is_given =
            self.has(CAP_CHOWN) && is_known || user == self.user && self.groups.contains(&group);
        match is_given {
            true => NewOwner::Same,
            false if directory_user == self.user => NewOwner::Own,
            false => NewOwner::Unknown,
        }
    }

    /// Whether this process runs as that user, or may act for the owner of any file.
    pub(super) const fn are_those_of(&self, user: u32) -> bool {
        user == self.user || self.has(CAP_FOWNER)
    }

    /// The user whose process it is.
    pub(super) const fn user(&self) -> u32 {
        self.user
    }

    /// Whether attributes that the system controls may be set.
    #[must_use]
    pub(crate) const fn may_guard(&self) -> bool {
        self.has(CAP_SYS_ADMIN)
    }
}

/// The ids of a user namespace: pairs of a first id and a count.
#[derive(Debug, Clone, PartialEq, Eq)]
struct IdMap(Vec<(u32, u32)>);

impl IdMap {
    /// `0 100000 65536`: the first id inside, the first outside, how many.
    fn parse(text: &str) -> Self {
        let range = |line: &str| {
            let mut numbers = line.split_whitespace().map(str::parse);
            let (first, _, count) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?);
            let _: u32 = first;
            Some((first, count.ok()?))
        };
        Self(text.lines().filter_map(range).collect())
    }

    /// An empty map is one that could not be read.
    fn contains(&self, id: u32) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|(first, count)| {
                id.checked_sub(*first).is_some_and(|distance| distance < *count)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(user: u32, groups: &[u32], capabilities: u64, map: &str) -> Rights {
        let (users, known_groups) = (IdMap::parse(map), IdMap::parse(map));
        Rights { user, groups: groups.to_vec(), capabilities, users, known_groups }
    }

    #[test]
    fn only_the_node_s_user_keeps_what_it_cannot_give() {
        let node = rights(1001, &[1001, 50], 0, "");
        assert_eq!(node.new_owner(1001, 50, 0), NewOwner::Same);
        assert_eq!(node.new_owner(1001, 51, 1001), NewOwner::Own, "a group that is not its own");
        assert_eq!(node.new_owner(0, 0, 1001), NewOwner::Own);
        assert_eq!(node.new_owner(0, 0, 0), NewOwner::Unknown);
        let root = rights(0, &[0], u64::MAX, "         0          0 4294967295\n");
        assert_eq!(root.new_owner(1001, 51, 1001), NewOwner::Same);
        let without = rights(0, &[0], !1, "");
        assert_eq!(without.new_owner(1001, 1001, 1001), NewOwner::Unknown, "no CAP_CHOWN");
        let inside = rights(0, &[0], u64::MAX, "0 100000 1000\n");
        assert_eq!(inside.new_owner(999, 999, 0), NewOwner::Same);
        assert_eq!(inside.new_owner(65534, 65534, 999), NewOwner::Unknown, "not in its namespace");
    }

    #[test]
    fn the_rights_of_a_process_are_read_from_the_kernel() {
        let rights = Rights::of("Name:\tx\nCapEff:\t0000000000000009\n", "0 0 10\n20 20 5\n", "");
        assert!(rights.has(CAP_CHOWN) && rights.has(CAP_FOWNER) && !rights.may_guard());
        assert!(rights.users.contains(9) && !rights.users.contains(10));
        assert!(rights.users.contains(24) && !rights.users.contains(25));
        assert!(rights.known_groups.contains(7), "what cannot be read says nothing");
        assert_eq!(Rights::own().user, rustix::process::geteuid().as_raw());
    }
}
