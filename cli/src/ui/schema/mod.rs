//! What the schema says of tables, beside what their SSTables are.

mod json;
mod text;

use rekey_engine::schema::Schema;
use rekey_engine::upgrade::TableOptions;

use super::json::lines;
use super::{Output, output};

impl Output {
    /// Shows tables with their options; in text only those that are encrypted or to be, if not `all`.
    pub(crate) fn schema(self, schema: &Schema, tables: &[TableOptions], all: bool) {
        match self {
            Self::Text => output::out(&text::schema(schema, tables, all)),
            Self::Json => {
                lines(tables.iter().map(json::table));
                output::keep_summary(json::summary(schema, tables));
            }
        }
    }
}
