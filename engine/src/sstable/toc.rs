//! TOC.txt: one component name a line, in any order, itself included (FORMATS.md 1.4).

use super::component::Component;

/// Longest list that is read, in bytes: a TOC names a dozen files, or a few hundred with many
/// indices.
pub(crate) const TOC_LIMIT: u64 = 1 << 20;

/// Reads the list; empty lines are skipped.
#[must_use]
pub fn parse_toc(text: &str) -> Vec<Component> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Component::parse).collect()
}

/// Writes the list in the order given.
#[must_use]
pub fn format_toc(components: &[Component]) -> String {
    components.iter().map(|component| format!("{component}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_in_order() {
        let text = "Data.db\nStatistics.db\nTOC.txt\nSI_1.db\n";
        assert_eq!(format_toc(&parse_toc(text)), text);
        assert_eq!(parse_toc("Data.db\r\n\nTOC.txt"), [Component::Data, Component::Toc]);
    }
}
