//! Which tables are meant by the names on the command line.

use rekey_engine::plan::Selection;
use rekey_engine::{Error, Result};

/// Accepts `keyspace table...`, and tables as `keyspace.table`, in CQL's double quotes or not. Also
/// returns remarks about the names.
pub(crate) fn selection(
    keyspace: Option<&str>,
    tables: &[String],
) -> Result<(Selection, Vec<String>)> {
    let Some(first) = keyspace else { return Ok((Selection::default(), vec![])) };
    let (keyspace, table) = parts(first)?;
    let mut named: Vec<String> = table.into_iter().collect();
    for word in tables {
        match parts(word)? {
            (table, None) => named.push(table),
            (of, Some(table)) if of == keyspace => named.push(table),
            (other, Some(_)) => {
                return Err(Error::invalid(format!(
                    "'{word}' is a table of keyspace '{other}', and '{keyspace}' is asked for"
                ))
                .hint("run the command once for each keyspace, or for all of them: name none"));
            }
        }
    }
    let mut notes = Vec::new();
    for table in named.iter_mut().filter(|_| keyspace == "system") {
        if let Some((_, own)) = OTHER_NAMES.into_iter().find(|(name, _)| name == table) {
            notes.push(format!("'{table}' is taken for 'system.{own}', as Cassandra calls it"));
            own.clone_into(table);
        }
    }
    Ok((Selection { keyspace: Some(keyspace), tables: named }, notes))
}

/// The first name, and the one after its dot.
fn parts(word: &str) -> Result<(String, Option<String>)> {
    let plain = |name: &str| name.trim_matches('"').to_owned();
    match word.split('.').collect::<Vec<_>>().as_slice() {
        [name] => Ok((plain(name), None)),
        [keyspace, table] => Ok((plain(keyspace), Some(plain(table)))),
        [keyspace, table, ..] => {
            Err(Error::invalid(format!("'{word}' is neither a keyspace nor a table"))
                .hint(format!("an index goes with its table: give '{keyspace}.{table}'")))
        }
        [] => Ok((String::new(), None)),
    }
}

/// The vendor's names of tables of `system`, and their real names.
const OTHER_NAMES: [(&str, &str); 1] = [("batchlog", "batches")];

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(words: &[&str]) -> Result<(Selection, Vec<String>)> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        match words.split_first() {
            Some((first, rest)) => selection(Some(first), rest),
            None => selection(None, &[]),
        }
    }

    #[test]
    fn tables_are_named_with_or_without_their_keyspace() {
        let tables = |words: &[&str]| {
            let (selection, notes) = selected(words).unwrap();
            assert!(notes.is_empty(), "{notes:?}");
            assert_eq!(selection.keyspace.as_deref(), Some("ks"));
            selection.tables
        };
        assert_eq!(tables(&["ks"]), Vec::<String>::new());
        assert_eq!(tables(&["ks", "a", "b"]), ["a", "b"]);
        assert_eq!(tables(&["ks.a"]), ["a"]);
        assert_eq!(tables(&["ks.a", "b", "ks.c"]), ["a", "b", "c"]);
        assert_eq!(tables(&["ks", "ks.a"]), ["a"]);
        assert_eq!(tables(&["\"ks\".\"a\""]), ["a"]);
        assert_eq!(selected(&[]).unwrap().0, Selection::default());
    }

    #[test]
    fn one_keyspace_at_a_time_and_no_index() {
        for words in [&["ks.a", "other.b"][..], &["ks", "other.b"], &["ks.t.by_n"]] {
            let error = selected(words).unwrap_err();
            assert!(error.hint_text().is_some(), "{words:?}");
            assert!(error.to_string().contains(words.last().unwrap()), "{error}");
        }
    }

    #[test]
    fn the_batch_log_has_two_names() {
        let (selection, notes) = selected(&["system", "batchlog", "paxos"]).unwrap();
        assert_eq!(selection.tables, ["batches", "paxos"]);
        assert_eq!(notes, ["'batchlog' is taken for 'system.batches', as Cassandra calls it"]);
        assert_eq!(selected(&["system.batchlog"]).unwrap().0.tables, ["batches"]);
        // Any keyspace may have a table of that name.
        assert_eq!(selected(&["ks", "batchlog"]).unwrap().0.tables, ["batchlog"]);
    }
}
