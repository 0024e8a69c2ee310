//! What the disk holds when the power is back: seeded choices among all possible states.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::model::{Image, Inode, Model, Node};
use crate::crash::dice::Dice;

/// How a disk treats data that was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// It loses all of it.
    Loses,
    /// It has kept all of it, as after a kill.
    Keeps,
    /// Names are kept, contents are not: files without their bytes.
    KeepsNames,
    /// Contents are kept, names are not.
    KeepsContents,
    /// Each name and each file is decided separately.
    Gambles(u64),
}

impl Habit {
    /// The habit for a seed; from 4 on each is another random one.
    pub(crate) const fn of(seed: u64) -> Self {
        match seed {
            0 => Self::Loses,
            1 => Self::Keeps,
            2 => Self::KeepsNames,
            3 => Self::KeepsContents,
            _ => Self::Gambles(seed),
        }
    }
}

/// Replaces the live tree below the model's root by what is left of it.
pub(super) fn leave(model: &Model, habit: Habit) {
    let seed = if let Habit::Gambles(seed) = habit { seed } else { 0 };
    let mut debris = Debris { model, habit, dice: Dice(seed), placed: BTreeMap::new() };
    fs::remove_dir_all(&model.root).unwrap();
    debris.directory(0, &model.root);
}

struct Debris<'a> {
    model: &'a Model,
    habit: Habit,
    dice: Dice,
    /// Hard links: where a file was put already.
    placed: BTreeMap<usize, std::path::PathBuf>,
}

impl Debris<'_> {
    fn directory(&mut self, directory: usize, path: &Path) {
        fs::create_dir(path).unwrap();
        for (name, past) in &self.model.directories[directory].names {
            let kept = match self.habit {
                Habit::Loses | Habit::KeepsContents => 0,
                Habit::Keeps | Habit::KeepsNames => past.len() - 1,
                Habit::Gambles(_) => self.dice.below(past.len()),
            };
            match past[kept] {
                None => {}
                Some(Node::Directory(inner)) => self.directory(inner, &path.join(name)),
                Some(Node::File(inode)) => self.file(inode, &path.join(name)),
            }
        }
    }

    fn file(&mut self, inode: usize, path: &Path) {
        if let Some(first) = self.placed.get(&inode) {
            fs::hard_link(first, path).unwrap();
            return;
        }
        let image = self.image(&self.model.inodes[inode]);
        fs::write(path, &image.bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(image.mode)).unwrap();
        fs::File::open(path).unwrap().set_modified(image.modified).unwrap();
        self.placed.insert(inode, path.to_owned());
    }

    fn image(&mut self, inode: &Inode) -> Image {
        match self.habit {
            Habit::Loses | Habit::KeepsNames => inode.durable.clone(),
            Habit::Keeps | Habit::KeepsContents => inode.live.clone(),
            Habit::Gambles(_) => {
                let mut image = inode.durable.clone();
                image.bytes = self.bytes(inode);
                if self.dice.below(2) == 1 {
                    image.modified = inode.live.modified;
                }
                if self.dice.below(2) == 1 {
                    image.mode = inode.live.mode;
                }
                image
            }
        }
    }

    /// Dropped, kept, cut short, or torn: each block old or new, and zeros where there is neither.
    fn bytes(&mut self, inode: &Inode) -> Vec<u8> {
        let (old, new) = (&inode.durable.bytes, &inode.live.bytes);
        match self.dice.below(4) {
            _ if old == new => old.clone(),
            0 => old.clone(),
            1 => new.clone(),
            2 => {
                let least = old.len().min(new.len());
                let most = old.len().max(new.len());
                let mut bytes = new.clone();
                bytes.truncate(least + self.dice.below(most - least + 1));
                bytes
            }
            _ => {
                let block = [1, 512, 4096][self.dice.below(3)];
                let mut bytes = vec![0; if self.dice.below(2) == 0 { old } else { new }.len()];
                let length = bytes.len();
                for start in (0..length).step_by(block) {
                    let end = (start + block).min(length);
                    let source = if self.dice.below(2) == 0 { old } else { new };
                    let has = source.get(start..end.min(source.len())).unwrap_or_default();
                    bytes[start..start + has.len()].copy_from_slice(has);
                }
                bytes
            }
        }
    }
}
