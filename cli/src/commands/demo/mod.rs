//! `demo`: a whole key rotation on bundled SSTables that a real Cassandra wrote, with a key server
//! of its own. Whatever cuts it off, the next one resumes where it was.

mod demo_dir;
mod failure;
mod files;
mod large;
mod stage;
mod story;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rekey_engine::journal::Checkpoint;
use rekey_engine::pipeline::Control;
use rekey_engine::{ErrorKind, Result};

use self::demo_dir::DemoDir;
use self::story::Story;
use crate::args::{DemoArgs, Rate};
use crate::exit_code::{self, Code};
use crate::ui::{self, Output};
use crate::watch::{self, Signals};

pub(crate) fn run(args: &DemoArgs) -> Result<Code> {
    let place = DemoDir::open(args.dir.as_deref())?;
    let signals = Signals::catch()?;
    let control = Arc::new(Control::default());
    let mut checkpoint = Checkpoint::default();
    if args.slow {
        control.limit(SLOW.bytes());
        checkpoint = SOON;
    }
    let note = |line: &str| Output::Text.note(line);
    let told = watch::over(&control, &signals, None, note, || {
        let (node, is_resumed) = node(&place, args.slow)?;
        let (server, servers) = stage::server(&node)?;
        let story = Story::open(node, servers, (&control, checkpoint), &signals)?;
        let key = story.tell(is_resumed, args.slow)?;
        if args.keep { stage::export(story.node(), &server, &key) } else { Ok(()) }
    });
    match told {
        Ok(()) if args.keep => kept(&place.keep()?)?,
        Ok(()) => place.clear()?,
        Err(error) if error.kind() == ErrorKind::Interrupted => {
            Output::Text.error(&error);
            return Ok(signals.status());
        }
        Err(error) => {
            note(&format!(
                "the demo's files are in {}; once that is removed, a new one begins",
                place.path().display()
            ));
            return Err(error);
        }
    }
    Ok(exit_code::DONE)
}

/// The demo that was cut off, or a new one.
fn node(place: &DemoDir, with_large: bool) -> Result<(std::path::PathBuf, bool)> {
    if let Some(node) = place.node() {
        return Ok((node, true));
    }
    if place.has_kept() {
        ui::say("What the last demo was asked to keep makes room for this one.\n");
    }
    Ok((place.begin(|new| stage::tables(new, with_large))?, false))
}

fn kept(kept: &Path) -> Result<()> {
    stage::forget_server(kept)?;
    let (program, data) = (ui::program(), kept.join("data"));
    let (data, keys) = (data.display(), kept.join(stage::KMIP_KEYS));
    ui::say(&format!(
        "\nThe files are in {}, until the next demo. Try:\n\
         {program} census --data-dir {data}\n\
         {program} verify --data-dir {data} --kmip-keys {}",
        kept.display(),
        keys.display(),
    ));
    Ok(())
}

/// MiB in a second: some twenty seconds for both passes over the large table.
const SLOW: Rate = Rate(6);

/// Checkpoints that come soon enough to be seen.
const SOON: Checkpoint = Checkpoint { bytes: 8 << 20, every: Duration::from_secs(1) };
