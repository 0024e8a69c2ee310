//! What is durable and what is not: files and directories, each with its own history.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file's content and what an inode says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) bytes: Vec<u8>,
    pub(super) modified: SystemTime,
    /// Represents owner and extended attributes, too.
    pub(super) mode: u32,
}

/// A file, whatever its names.
#[derive(Debug, Clone)]
pub(super) struct Inode {
    pub(super) live: Image,
    pub(super) durable: Image,
}

impl Inode {
    pub(super) fn sync(&mut self) {
        self.durable = self.live.clone();
    }
}

/// What a name refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    File(usize),
    Directory(usize),
}

/// A directory: for each name what it referred to, from the durable state to the live one.
#[derive(Debug, Clone, Default)]
pub(super) struct Directory {
    pub(super) names: BTreeMap<String, Vec<Option<Node>>>,
}

impl Directory {
    fn set(&mut self, name: &str, node: Option<Node>) {
        // A name that was never there is durable in its absence.
        self.names.entry(name.to_owned()).or_insert_with(|| vec![None]).push(node);
    }

    fn get(&self, name: &str) -> Option<Node> {
        self.names.get(name)?.last().copied().flatten()
    }

    fn sync(&mut self) {
        for past in self.names.values_mut() {
            past.drain(..past.len() - 1);
        }
        self.names.retain(|_, past| past != &[None]);
    }
}

/// Everything below one directory. Paths outside it are ignored.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) root: PathBuf,
    pub(super) inodes: Vec<Inode>,
    /// The first is the root.
    pub(super) directories: Vec<Directory>,
}

impl Model {
    /// Records what exists, all of it durable.
    pub(super) fn of(root: &Path) -> Self {
        let mut model =
            Self { root: root.to_owned(), inodes: vec![], directories: vec![Directory::default()] };
        model.take_in(root, 0, &mut BTreeMap::new());
        model
    }

    /// Hard links share an inode here as on disk.
    fn take_in(&mut self, path: &Path, directory: usize, known: &mut BTreeMap<u64, usize>) {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            let name = entry.file_name().into_string().unwrap();
            let node = if metadata.is_dir() {
                self.directories.push(Directory::default());
                let inner = self.directories.len() - 1;
                self.take_in(&entry.path(), inner, known);
                Node::Directory(inner)
            } else {
                let inode = *known.entry(metadata.ino()).or_insert_with(|| {
                    let image = Image {
                        bytes: fs::read(entry.path()).unwrap(),
                        modified: metadata.modified().unwrap(),
                        mode: metadata.permissions().mode() & 0o7777,
                    };
                    self.inodes.push(Inode { live: image.clone(), durable: image });
                    self.inodes.len() - 1
                });
                Node::File(inode)
            };
            self.directories[directory].names.insert(name, vec![Some(node)]);
        }
    }

    fn node(&self, path: &Path) -> Option<Node> {
        let mut node = Node::Directory(0);
        for part in path.strip_prefix(&self.root).ok()? {
            let Node::Directory(directory) = node else { return None };
            node = self.directories[directory].get(part.to_str()?)?;
        }
        Some(node)
    }

    pub(super) fn inode(&self, path: &Path) -> usize {
        let Some(Node::File(inode)) = self.node(path) else { unreachable!("{}", path.display()) };
        inode
    }

    pub(super) fn file(&mut self, path: &Path) -> &mut Inode {
        let inode = self.inode(path);
        &mut self.inodes[inode]
    }

    fn parent(&mut self, path: &Path) -> &mut Directory {
        let parent = path.parent().unwrap();
        let Some(Node::Directory(at)) = self.node(parent) else { unreachable!("{parent:?}") };
        &mut self.directories[at]
    }

    pub(super) fn create_file(&mut self, path: &Path) -> usize {
        let image = Image { bytes: vec![], modified: SystemTime::now(), mode: 0o600 };
        self.inodes.push(Inode { live: image.clone(), durable: image });
        let inode = self.inodes.len() - 1;
        self.set(path, Some(Node::File(inode)));
        inode
    }

    pub(super) fn create_directory(&mut self, path: &Path) {
        if self.node(path).is_none() {
            self.directories.push(Directory::default());
            let directory = self.directories.len() - 1;
            self.set(path, Some(Node::Directory(directory)));
        }
    }

    pub(super) fn remove(&mut self, path: &Path) {
        self.set(path, None);
    }

    /// A second name of the same inode.
    pub(super) fn link(&mut self, from: &Path, to: &Path) {
        let node = self.node(from);
        self.set(to, node);
    }

    /// Two directories are two places on the disk: nothing ties the old name to the new one.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) {
        let node = self.node(from);
        self.set(from, None);
        self.set(to, node);
    }

    pub(super) fn sync_directory(&mut self, path: &Path) {
        let Some(Node::Directory(at)) = self.node(path) else { unreachable!("{path:?}") };
        self.directories[at].sync();
    }

    fn set(&mut self, path: &Path, node: Option<Node>) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        self.parent(path).set(&name, node);
    }
}
