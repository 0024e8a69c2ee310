//! Whether nothing is under a key any more, before it is revoked or destroyed: the question of
//! `may-destroy`.
//!
//! What could not be looked at counts as under the key: a look at too little would prove nothing.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use rekey_engine::Result;
use rekey_engine::config::Node;
use rekey_engine::evidence::{Answer, KeyName, KeyQuery, verdict};
use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::keys::{KeyId, KeyRef, KmipServers};
use rekey_engine::upgrade::{Gathered, Said, Session};

use crate::args::{GroupArgs, ProofArgs};
use crate::commands::look::Look;
use crate::ui::{Output, Place};

impl ProofArgs {
    /// Whether a key may be `done`, such as destroyed; and says why not, or what is lost by it.
    pub(super) fn allows(
        &self,
        output: Output,
        done: &'static str,
        servers: &KmipServers,
        of: &GroupArgs,
        id: &str,
    ) -> Result<bool> {
        if self.data_dirs.is_empty() {
            return Ok(self.force);
        }
        let gathered = match self.look(output, servers, of.node.found.as_ref()) {
            Ok(gathered) => gathered,
            Err(error) if self.force => {
                output.note(&format!("nobody has looked: {}", error.chain()));
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        let key = KeyRef::Kmip { group: of.group.clone(), id: KeyId::new(id)? };
        output.in_use(&key, &gathered);
        let query = KeyQuery::exactly(&KeyName::from(&key));
        let judged = verdict(&query, &gathered.evidence);
        let against: Vec<_> =
            Some(judged).into_iter().filter(|it| it.answer != Answer::Yes).collect();
        let place = Place::new(&self.data_dirs, self.not_a_node)
            .path("--conf", of.node.conf.as_ref())
            .path("--config", of.config.as_ref())
            .servers(&of.servers);
        output.objections(&against, &place);
        if !against.is_empty() && !self.force {
            output.note(&format!(
                "nothing was {done}. Do what is listed above, then try again; --force goes ahead all the \
                 same, and what is under the key is lost with it"
            ));
        }
        Ok(against.is_empty() || self.force)
    }

    /// What nobody who looks at one node can see, if there was such a look.
    pub(super) fn not_seen(&self) -> Vec<String> {
        let note = "what was looked at are the names of keys in chunk headers, and the database may have \
                    written the wrong name into some (verify finds those); other nodes' data and \
                    copies elsewhere are not looked at";
        (!self.data_dirs.is_empty()).then(|| note.to_owned()).into_iter().collect()
    }

    /// Everything on the node.
    fn look(&self, output: Output, servers: &KmipServers, node: Option<&Node>) -> Result<Gathered> {
        let said = Said { not_a_node: self.not_a_node, ..Said::default() };
        let storage = Box::new(LocalStorage);
        let session =
            Session::open_as_told(storage, &self.data_dirs, LeaseMode::Shared, true, said)?;
        output.place(&session);
        // Without a system keyspace, and without a configuration, it is no node's: that was said.
        let is_nobody_s = node.is_none() && !session.doubts().is_empty();
        if is_nobody_s && !self.not_a_node {
            output.note(
                "the data was taken for a copy, of which nothing else can be under the key: it has no \
                 system keyspace, and no configuration was found. If it is one of several data directories \
                 of a node, name the others, too, or its cassandra.yaml (--conf FILE)",
            );
        }
        let look = Look {
            session: &session,
            node,
            servers: Some(servers),
            not_a_node: self.not_a_node || is_nobody_s,
            key_base: None,
            more: &self.dirs.by_role(),
            only: None,
            threads: available_parallelism().unwrap_or(NonZeroUsize::MIN),
        };
        let mut gathered = look.gather()?;
        output.notes(std::mem::take(&mut gathered.notes));
        Ok(gathered)
    }
}
