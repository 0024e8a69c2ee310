//! Which product will start on the data: what the configuration and the installation tell, held
//! against what ran last.
//!
//! The installation is what starts next, `system.local` what ran before. Where they belong to different
//! products an upgrade is under way, and which one starts first cannot be told; with a transaction log
//! in the other's form it would load old and new SSTables.

use crate::Error;
use crate::config::{Fact, Installed, Origin, Product, major};
use crate::schema::Local;
use crate::txn::Flavor;

/// The product that will start, as far as it can be told without the SSTables.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Starting {
    /// The flavor, and what tells it.
    pub flavor: Option<Fact<Flavor>>,
    /// The product that tells it, in words.
    pub product: Option<Fact<String>>,
    /// What contradicts it.
    pub warnings: Vec<Error>,
}

/// Judges what tells the product. `installed` is in the order of trust; `local` is what the node has
/// written about itself at its last start.
#[must_use]
pub fn starting(installed: &[Fact<Installed>], local: Option<&Local>) -> Starting {
    let mut starting = Starting::default();
    let told = installed.iter().find_map(|fact| Some((fact, flavor_of(&fact.value)?)));
    let Some((fact, flavor)) = told else {
        if let Some((flavor, ran)) = local.and_then(alone) {
            let origin = Origin::Rule("system.local: it ran last".into());
            starting.product = Some(Fact::new(ran, origin.clone()));
            starting.flavor = Some(Fact::new(flavor, origin));
        }
        return starting;
    };
    starting.product = Some(Fact::new(fact.value.to_string(), fact.origin.clone()));
    starting.flavor = Some(Fact::new(flavor, fact.origin.clone()));
    let other = installed.iter().find(|other| flavor_of(&other.value).is_some_and(|f| f != flavor));
    if let Some(other) = other {
        let what = format!(
            "two products are installed: {} ({}) and {} ({})",
            fact.value, fact.origin, other.value, other.origin
        );
        starting.doubt(what, true);
    }
    if let Some(local) = local {
        starting.hold_against(&fact.value, flavor, local);
    }
    starting
}

impl Starting {
    fn hold_against(&mut self, installed: &Installed, flavor: Flavor, local: &Local) {
        let Some(release) = local.release_version.as_deref() else { return };
        let possible = possible(local);
        let shown = ran(local);
        if !possible.contains(&flavor) {
            let what = format!("{installed} is installed, and {shown} ran last");
            // Another form of the logs, or only another version?
            let differs = |other: &Flavor| {
                (other.path_form(), other.mtime_rule()) != (flavor.path_form(), flavor.mtime_rule())
            };
            self.doubt(what, possible.is_empty() || possible.iter().any(differs));
        } else if let (Product::Apache, Some(own), Some(last)) =
            (installed.product, installed.major(), major(release))
            && own != last
        {
            self.doubt(format!("{installed} is installed, and {shown} ran last"), false);
        }
    }

    /// A contradiction; it takes the flavor away where the wrong one would be found out too late.
    fn doubt(&mut self, what: String, is_open: bool) {
        let hint = match is_open {
            true => "say which product will start first on this data: --flavor",
            false => "finish the upgrade of the database first, if you can",
        };
        if is_open {
            self.flavor = None;
        }
        self.warnings.push(Error::invalid(what).hint(hint));
    }
}

fn flavor_of(installed: &Installed) -> Option<Flavor> {
    match installed.product {
        Product::Dse => Some(Flavor::Dse),
        Product::Hcd => Some(Flavor::ConvergedCore),
        Product::Apache => match installed.major()? {
            3 => Some(Flavor::Apache3),
            4.. => Some(Flavor::Apache4),
            _ => None,
        },
    }
}

/// The flavors of what ran last. Converged Core tells the versions of Cassandra that it is made from.
fn possible(local: &Local) -> Vec<Flavor> {
    let release = local.release_version.as_deref().unwrap_or_default();
    if is_dse(local) {
        // DSE 5 writes other logs, and is not read here.
        let own = local.versions.get("dse_version").and_then(|version| major(version));
        return if own.is_none_or(|own| own >= 6) { vec![Flavor::Dse] } else { vec![] };
    }
    if local.versions.contains_key("hcd_version") {
        return vec![Flavor::ConvergedCore];
    }
    match major(release) {
        Some(3) => vec![Flavor::Apache3],
        Some(4..) => vec![Flavor::Apache4, Flavor::ConvergedCore],
        _ => vec![],
    }
}

/// What ran last, where that alone leaves one flavor: no installation was found.
fn alone(local: &Local) -> Option<(Flavor, String)> {
    match possible(local).as_slice() {
        [only] => Some((*only, ran(local))),
        _ => None,
    }
}

/// DSE has a version of its own, and calls Cassandra's 4.0.0 with three more digits.
fn is_dse(local: &Local) -> bool {
    let release = local.release_version.as_deref().unwrap_or_default();
    local.versions.contains_key("dse_version")
        || release.strip_prefix("4.0.0.").is_some_and(|rest| {
            rest.len() >= 3 && rest.starts_with('6') && rest.bytes().all(|b| b.is_ascii_digit())
        })
}

fn ran(local: &Local) -> String {
    let own = ["dse_version", "hcd_version"].into_iter().find_map(|column| {
        let name = if column == "dse_version" { "DSE" } else { "HCD" };
        local.versions.get(column).map(|version| format!("{name} {version}"))
    });
    let release = local.release_version.as_deref().unwrap_or("an unknown version");
    own.unwrap_or_else(|| match is_dse(local) {
        true => format!("DSE ({release})"),
        false => format!("version {release}"),
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn installed(product: Product, version: Option<&str>) -> Fact<Installed> {
        let origin = Origin::Presence(PathBuf::from("/x"));
        Fact::new(Installed::new(product, version.map(str::to_owned)), origin)
    }

    fn local(release: &str, own: Option<(&str, &str)>) -> Local {
        let versions = own.map(|(name, version)| (name.to_owned(), version.to_owned()));
        Local {
            release_version: Some(release.to_owned()),
            versions: versions.into_iter().collect(),
            ..Local::default()
        }
    }

    #[test]
    fn the_installation_tells_what_will_start() {
        for (product, version, last, flavor, warnings) in [
            (Product::Hcd, None, None, Some(Flavor::ConvergedCore), 0),
            (Product::Dse, None, None, Some(Flavor::Dse), 0),
            (Product::Apache, Some("5.0.5"), None, Some(Flavor::Apache4), 0),
            (Product::Apache, Some("3.11.19"), None, Some(Flavor::Apache3), 0),
            (Product::Apache, None, None, None, 0),
            (Product::Apache, Some("5.0.5"), Some("5.0.4"), Some(Flavor::Apache4), 0),
            // An upgrade is under way, and the logs stay the same.
            (Product::Apache, Some("5.0.5"), Some("4.1.3"), Some(Flavor::Apache4), 1),
            // The logs differ.
            (Product::Apache, Some("4.1.3"), Some("3.11.19"), None, 1),
            (Product::Apache, Some("4.1.3"), Some("4.0.0.6851"), None, 1),
            (Product::Hcd, None, Some("4.0.0.6851"), None, 1),
            (Product::Hcd, None, Some("4.0.11"), Some(Flavor::ConvergedCore), 0),
            (Product::Dse, None, Some("4.0.0.6851"), Some(Flavor::Dse), 0),
            (Product::Dse, None, Some("3.11.3"), None, 1),
        ] {
            let last = last.map(|release| local(release, None));
            let found = starting(&[installed(product, version)], last.as_ref());
            let case = format!("{product:?} {version:?} {last:?}");
            assert_eq!(found.flavor.map(|fact| fact.value), flavor, "{case}");
            assert_eq!(found.warnings.len(), warnings, "{case}");
            assert!(found.warnings.iter().all(|error| error.hint_text().is_some()), "{case}");
        }
    }

    #[test]
    fn without_an_installation_only_what_is_certain_counts() {
        for (release, own, flavor) in [
            ("3.11.19", None, Some(Flavor::Apache3)),
            ("4.0.0.6851", None, Some(Flavor::Dse)),
            ("3.11.3", Some(("dse_version", "5.1.1")), None),
            ("4.0.0.6851", Some(("dse_version", "6.8.51")), Some(Flavor::Dse)),
            ("4.0.11", Some(("hcd_version", "1.2.0")), Some(Flavor::ConvergedCore)),
            ("5.0.5", None, None),
            ("4.0.0.2", None, None),
            ("", None, None),
        ] {
            let found = starting(&[], Some(&local(release, own)));
            assert_eq!(found.flavor.map(|fact| fact.value), flavor, "{release}");
        }
        assert!(starting(&[], None).flavor.is_none());
    }

    #[test]
    fn two_installed_products_leave_it_open() {
        let both = [installed(Product::Dse, None), installed(Product::Apache, Some("4.1.3"))];
        let found = starting(&both, None);
        assert!(found.flavor.is_none());
        assert!(found.warnings[0].to_string().contains("two products"));
    }
}
