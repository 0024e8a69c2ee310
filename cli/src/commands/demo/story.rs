//! The steps of the demo. Each one looks at what is there and does what is left, so that a demo
//! that was cut off anywhere is resumed by telling the story again.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::journal::Checkpoint;
use rekey_engine::keys::{
    DATABASE_KEY_ID_LIMIT, KeyId, KeyRef, KeySources, KmipServers, LocalKeyFiles,
};
use rekey_engine::options::{CompressionParams, OptionMap};
use rekey_engine::pipeline::Control;
use rekey_engine::plan::{KeyCensus, KeyWish, Plan, Selection, Target, Targets, Usage};
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{self, Archives, Gathered, PlanRequest, Report, Said, Session};
use rekey_engine::{ErrorKind, Result};
use rekey_kmip::message::{
    Attributes, Revocation, RevocationReason, State, Timestamp, UniqueIdentifier,
};

use super::failure::{cut_off, unproved};
use super::stage::{self, GROUP, OLD_KEY};
use crate::commands::keys::rows;
use crate::commands::look::Look;
use crate::ui::{self, BOTH_PASSES, Output};
use crate::watch::Signals;

/// What the story is told of.
#[derive(Debug)]
pub(super) struct Story<'a> {
    node: PathBuf,
    session: Session,
    selection: Selection,
    sources: KeySources,
    threads: NonZeroUsize,
    signals: &'a Signals,
    started: Instant,
}

impl<'a> Story<'a> {
    /// Takes the node's data directory, and the key servers of its configuration.
    pub(super) fn open(
        node: PathBuf,
        servers: KmipServers,
        (control, checkpoint): (&Arc<Control>, Checkpoint),
        signals: &'a Signals,
    ) -> Result<Self> {
        let data = [node.join("data")];
        let (storage, said) =
            (Box::new(LocalStorage), Said { not_a_node: true, node_is_stopped: true });
        let session = Session::open_as_told(storage, &data, LeaseMode::Exclusive, true, said)?
            .with_checkpoint(checkpoint)
            .with_control(Arc::clone(control));
        let local = LocalKeyFiles::new(Some(node.clone()));
        Ok(Self {
            node,
            session,
            selection: Selection::default(),
            sources: KeySources { local, servers: Some(servers), ..KeySources::default() },
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            signals,
            started: Instant::now(),
        })
    }

    pub(super) fn node(&self) -> &Path {
        &self.node
    }

    /// Tells it from the first step that is not done. Returns the new key.
    pub(super) fn tell(&self, is_resumed: bool, is_slow: bool) -> Result<KeyId> {
        let looked = self.look()?;
        let census = &looked.census;
        let first = self.first_step_left(census)?;
        if is_resumed {
            ui::say(&going_on(first));
        } else {
            ui::say(INTRODUCTION);
            if is_slow {
                ui::say(LARGE);
            }
        }
        self.begin(1, "census: which keys are in use?")?;
        OUTPUT.census(&looked);
        let is_mixed = census.keys.keys().any(is_new) && !census.keys.keys().all(is_new);
        if is_mixed {
            ui::say(MIXED);
        }
        self.expire(first)?;
        let target = self.plan(first, census)?;
        self.upgrade(first, &target, is_slow)?;

        self.begin(5, "census: is the old key still in use?")?;
        let after = self.look()?;
        OUTPUT.census(&after);
        prove(&after.census, &target)?;
        self.destroy(first, &after.census)?;

        self.begin(VERIFY, "verify: every chunk, now that nothing but the new key is left.")?;
        let (selection, sources) = (&self.selection, &self.sources);
        let mut observer = OUTPUT.observer("to read");
        let report = upgrade::verify(
            &self.session,
            selection,
            Archives::default(),
            sources,
            self.threads,
            observer.as_mut(),
        )?;
        drop(observer);
        self.finish(VERIFY, &report)?;
        ui::say(PROVED);
        match target.key() {
            Some(KeyRef::Kmip { id, .. }) => Ok(id.clone()),
            _ => Err(unproved()),
        }
    }

    /// Where an earlier demo was cut off: what is on the disk and on the key server tells. A step
    /// that was half done is left.
    fn first_step_left(&self, census: &KeyCensus) -> Result<u8> {
        let old = self.old_key()?;
        let is_begun = upgrade::find(&self.session)?.history().is_some();
        let is_over = !is_begun && census.unknown.is_empty() && census.keys.keys().all(is_new);
        Ok(match old.state() {
            Some(State::DESTROYED) if !stage::has_local_keys(&self.node)? => VERIFY,
            Some(state) if state != State::ACTIVE => DESTROY,
            _ if is_over => DESTROY,
            _ if is_begun || self.new_key()?.is_some() => UPGRADE,
            _ if old.protect_stop_date().is_some() => PLAN,
            _ => 1,
        })
    }

    fn expire(&self, first: u8) -> Result<()> {
        if first > 2 {
            return self.was_done(2, "keys expire");
        }
        self.begin(2, "keys expire: the database shall not encrypt with the old key any more.")?;
        self.servers()?.with(GROUP, |client| client.expire(&OLD_KEY.into(), a_second_ago()))?;
        self.show_keys()
    }

    /// Shows what is to be done, with a new key.
    fn plan(&self, first: u8, census: &KeyCensus) -> Result<Target> {
        if first > UPGRADE {
            self.was_done(PLAN, "plan")?;
            return self.new_key()?.ok_or_else(unproved);
        }
        if first <= PLAN {
            let what =
                "plan --create-key: a new key is made, one that the database will choose, too.";
            self.begin(PLAN, what)?;
            let usage = Usage::of(census);
            let wish = KeyWish::New(&usage);
            let mut target = Target::find(params()?, wish, &self.sources, DATABASE_KEY_ID_LIMIT)?;
            target.make_key(&self.sources, &self.node)?;
        } else {
            self.begin(
                PLAN,
                "plan --key-id: the new key is there and is named. What is left to do?",
            )?;
        }
        let mut target = self.new_key()?.ok_or_else(unproved)?;
        if let (UPGRADE, Some(KeyRef::Kmip { id, .. })) = (first, target.key().cloned()) {
            // By the rule that chose it, what is under it already would count as under the old key.
            let wish = KeyWish::Named(&id);
            target = Target::find(params()?, wish, &self.sources, DATABASE_KEY_ID_LIMIT)?;
        }
        OUTPUT.plan(&self.plan_towards(&target)?, None, true);
        Ok(target)
    }

    fn plan_towards(&self, target: &Target) -> Result<Plan> {
        upgrade::plan(&self.session, &self.request(&Targets::one(target.clone())))
    }

    fn request<'b>(&'b self, targets: &'b Targets) -> PlanRequest<'b> {
        PlanRequest {
            selection: &self.selection,
            archives: Archives::default(),
            targets,
            flavor: Some(Flavor::Apache4),
            sources: &self.sources,
            threads: self.threads,
        }
    }

    /// As the command does it: what was cut off is resumed.
    fn upgrade(&self, first: u8, target: &Target, is_slow: bool) -> Result<()> {
        if first > UPGRADE {
            return self.was_done(UPGRADE, "upgradesstables");
        }
        self.begin(
            UPGRADE,
            "upgradesstables: re-encrypt, read back with the new key only, swap by transaction log.",
        )?;
        if is_slow {
            ui::say(&format!(
                "This takes its time. Look at it from another terminal:\n  {} status --data-dir {}\n\
                 and kill this one, in any way: the same command resumes.\n",
                ui::program(),
                self.node.join("data").display()
            ));
        }
        let targets = Targets::one(target.clone());
        let prepared = upgrade::prepare(&self.session, &self.request(&targets))?;
        if let Some(unfinished) = prepared.resumes() {
            OUTPUT.resuming(unfinished);
        }
        OUTPUT.recovered(&prepared.recovered);
        let mut observer = OUTPUT.observer(BOTH_PASSES);
        let (_, report) = prepared.run(self.threads, observer.as_mut())?;
        drop(observer);
        self.finish(UPGRADE, &report)
    }

    /// Shows what became of the SSTables.
    fn finish(&self, step: u8, report: &Report) -> Result<()> {
        OUTPUT.report(report, None, self.started.elapsed().as_secs_f64());
        match report.failure_kind() {
            Some(ErrorKind::Interrupted) => Err(cut_off(step)),
            _ if report.failures().next().is_some() => Err(unproved()),
            _ => Ok(()),
        }
    }

    /// Not while a census finds the key in use.
    fn destroy(&self, first: u8, census: &KeyCensus) -> Result<()> {
        if first > DESTROY {
            return self.was_done(DESTROY, "keys revoke, keys destroy");
        }
        self.begin(
            DESTROY,
            "keys revoke, keys destroy: the old keys go, on the server and on disk.",
        )?;
        let key = KeyRef::Kmip { group: GROUP.to_owned(), id: KeyId::new(OLD_KEY)? };
        if census.keys.contains_key(&key) || !census.unknown.is_empty() {
            return Err(unproved());
        }
        let id = UniqueIdentifier::new(OLD_KEY);
        let state = self.old_key()?.state();
        if state == Some(State::ACTIVE) {
            let reason = RevocationReason::SUPERSEDED;
            let revocation = Revocation { id: id.clone(), reason, message: None, occurred: None };
            self.servers()?.with(GROUP, |client| client.revoke(revocation))?;
            OUTPUT.done("revoked", self.servers()?, (GROUP, OLD_KEY), "");
        }
        if state != Some(State::DESTROYED) {
            self.servers()?.with(GROUP, |client| client.destroy(&id))?;
            OUTPUT.done("destroyed", self.servers()?, (GROUP, OLD_KEY), "");
        }
        stage::forget_local_keys(&self.node)?;
        self.show_keys()
    }

    fn begin(&self, step: u8, what: &str) -> Result<()> {
        if self.signals.came() {
            return Err(cut_off(step));
        }
        ui::say(&format!("\n{step}. {what}\n"));
        Ok(())
    }

    fn was_done(&self, step: u8, what: &str) -> Result<()> {
        self.begin(step, &format!("{what}: an earlier demo has done that."))
    }

    /// Looks at the tables: this node has nothing else.
    fn look(&self) -> Result<Gathered> {
        let look = Look {
            session: &self.session,
            node: None,
            servers: self.sources.servers.as_ref(),
            not_a_node: true,
            key_base: None,
            more: &[],
            only: Some((&self.selection, Archives::ALL)),
            threads: self.threads,
        };
        look.gather()
    }

    fn servers(&self) -> Result<&KmipServers> {
        self.sources.servers.as_ref().ok_or_else(unproved)
    }

    fn old_key(&self) -> Result<Attributes> {
        self.servers()?.with(GROUP, |client| client.get_attributes(&OLD_KEY.into(), Vec::new()))
    }

    /// The key that the database would choose, unless that is still the old one.
    fn new_key(&self) -> Result<Option<Target>> {
        let wish = KeyWish::AsTheDatabase;
        match Target::find(params()?, wish, &self.sources, DATABASE_KEY_ID_LIMIT) {
            Ok(target) => Ok(Some(target).filter(|target| target.key().is_some_and(is_new))),
            Err(error) if error.kind() == ErrorKind::KeyUnavailable => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn show_keys(&self) -> Result<()> {
        OUTPUT.keys(GROUP, &rows(self.servers()?, GROUP, None)?.found);
        Ok(())
    }
}

fn going_on(first: u8) -> String {
    match first {
        1 => {
            "An earlier demo was cut off before it had changed anything: this one resumes with its \
              files."
                .to_owned()
        }
        step => format!("An earlier demo was cut off in step {step}: this one resumes there."),
    }
}

/// A key of the server that is not the old one. The node's other tables have keys in local files.
fn is_new(key: &KeyRef) -> bool {
    matches!(key, KeyRef::Kmip { id, .. } if id.as_str() != OLD_KEY)
}

fn params() -> Result<CompressionParams> {
    CompressionParams::from_cql_options(&OptionMap::from_pairs([
        ("class", "Encryptor"),
        ("cipher_algorithm", "AES/CBC/PKCS5Padding"),
        ("secret_key_strength", "256"),
        ("key_provider", "KmipKeyProviderFactory"),
        ("kmip_host", GROUP),
    ])?)
}

/// A date of this very second would still count as not reached.
fn a_second_ago() -> Timestamp {
    Timestamp::from_seconds(Timestamp::now().seconds().saturating_sub(1))
}

fn prove(after: &KeyCensus, target: &Target) -> Result<()> {
    let is_target = |key| Some(key) == target.key();
    let only_new = after.keys.len() == 1 && after.keys.keys().all(is_target);
    if only_new && after.unknown.is_empty() { Ok(()) } else { Err(unproved()) }
}

const OUTPUT: Output = Output::Text;

const PLAN: u8 = 3;
const UPGRADE: u8 = 4;
const DESTROY: u8 = 6;
const VERIFY: u8 = 7;

const INTRODUCTION: &str = "\
Three encrypted tables, written by Apache Cassandra 5.0, lie on a stopped node: one under
a key of a KMIP server, two under keys in local files. Kill this demo at any point, in any
way: the same command resumes where it was (with --slow there is more time for that).";

const LARGE: &str = "\
A fourth one, history, is large: the chunks of an SSTable of archive, again and again.";

const MIXED: &str = "\
Some SSTables are under the new key already, the others under their old ones: each is wholly one
or the other.";

const PROVED: &str = "
Proved: every chunk is under the new key and no other, the plaintext is byte for byte
what it was, and nothing needs the old keys: they are gone, and everything still reads.";
