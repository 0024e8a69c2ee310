//! The folders in which packages, tarballs and images have their configuration.

use std::path::{Path, PathBuf};

use super::{Layout, is_there, resolved};
use crate::error::Result;

/// Folders with `cassandra.yaml`, below the root.
pub(super) const FOLDERS: [&str; 8] = [
    // Apache's rpm, whose `conf` is a link of the alternatives; its deb, and images.
    "etc/cassandra/conf",
    "etc/cassandra",
    // Apache's tarball in an image.
    "opt/cassandra/conf",
    "etc/dse/cassandra",
    "opt/dse/resources/cassandra/conf",
    "etc/hcd/cassandra",
    "opt/hcd/resources/cassandra/conf",
    POD,
];

/// The volume of a pod.
pub(super) const POD: &str = "config";

/// The same, below a home.
pub(super) const IN_A_HOME: [&str; 2] = ["conf", "resources/cassandra/conf"];

/// The same, below a folder that the operator names, such as `/etc/hcd`, or the one with `hcd.yaml`.
pub(super) const FROM_A_NAMED_FOLDER: [&str; 3] = ["", "cassandra", "../../cassandra/conf"];

/// How an installation is laid out, and its home.
pub(super) struct Place {
    pub(super) layout: Layout,
    pub(super) home: Option<PathBuf>,
}

/// What the place of a `cassandra.yaml` tells.
pub(super) fn place_of(cassandra_yaml: &Path, root: &Path) -> Result<Place> {
    for file in [cassandra_yaml.to_owned(), resolved(cassandra_yaml)] {
        let Some(folder) = file.parent() else { continue };
        for root in [root.to_owned(), resolved(root)] {
            if let Some(place) = below_root(folder, &root)? {
                return Ok(place);
            }
        }
        if let Some(home) = home_of_resources(folder) {
            return Ok(Place { layout: Layout::Resources, home: Some(home) });
        }
        if let Some(home) = home_of_tarball(folder)? {
            return Ok(Place { layout: Layout::ApacheTarball, home: Some(home) });
        }
    }
    Ok(Place { layout: Layout::Unknown, home: None })
}

/// Whether a `cassandra.yaml` is in the folder of an image, which the volume of a pod is copied to.
pub(super) fn is_of_an_image(cassandra_yaml: &Path, root: &Path) -> Result<bool> {
    let place = place_of(cassandra_yaml, root)?;
    let in_opt = |home: &PathBuf| {
        [root.to_owned(), resolved(root)].iter().any(|root| home.starts_with(root.join("opt")))
    };
    let is_tree = matches!(place.layout, Layout::ApacheTarball | Layout::Resources);
    Ok(is_tree && place.home.as_ref().is_some_and(in_opt))
}

fn below_root(folder: &Path, root: &Path) -> Result<Option<Place>> {
    let Ok(below) = folder.strip_prefix(root) else { return Ok(None) };
    let place = |layout, home: &str| Some(Place { layout, home: Some(root.join(home)) });
    Ok(match below.to_str() {
        Some("etc/cassandra" | "etc/cassandra/conf" | "etc/cassandra/default.conf") => {
            // An image has the tarball, with its configuration moved here.
            let has_package = has_programs(&root.join("usr/share/cassandra"))?;
            match !has_package && has_programs(&root.join("opt/cassandra"))? {
                true => place(Layout::ApacheTarball, "opt/cassandra"),
                false => place(Layout::ApachePackage, "usr/share/cassandra"),
            }
        }
        Some("etc/dse/cassandra") => place(Layout::DsePackage, "usr/share/dse"),
        Some("etc/hcd/cassandra") => place(Layout::HcdPackage, "usr/share/hcd"),
        Some(POD) => Some(Place { layout: Layout::Pod, home: None }),
        _ => None,
    })
}

fn home_of_resources(folder: &Path) -> Option<PathBuf> {
    folder
        .ends_with("resources/cassandra/conf")
        .then(|| folder.ancestors().nth(3))
        .flatten()
        .map(Path::to_owned)
}

fn home_of_tarball(folder: &Path) -> Result<Option<PathBuf>> {
    let Some(home) = folder.parent().filter(|_| folder.ends_with("conf")) else { return Ok(None) };
    Ok(has_programs(home)?.then(|| home.to_owned()))
}

fn has_programs(home: &Path) -> Result<bool> {
    Ok(is_there(&home.join("lib"))? || is_there(&home.join("bin"))?)
}
