//! Integrations that are gone and whose rows stay.

use super::super::{failed, text};
use rusqlite::Connection;
use wire::{Error, PastIntegration};

/// One step along the index for each integration that ever was, however many rows each has.
const SQL: &str = "with recursive each (id) as ( \
        select min(integration_id) from calls \
        union all \
        select (select min(integration_id) from calls where integration_id > each.id) \
        from each where each.id is not null \
    ) \
    select id, (select integration_name from calls where integration_id = each.id order by at desc limit 1) as name \
    from each where id is not null and id not in (select id from integrations) order by name, id";

/// Those that are connected no longer, by name.
///
/// # Errors
/// `StoreFailed`.
pub fn past(connection: &Connection) -> Result<Vec<PastIntegration>, Error> {
    connection
        .prepare_cached(SQL)
        .and_then(|mut statement| {
            statement
                .query_map([], |row| {
                    Ok(PastIntegration {
                        id: text::id(row, 0)?,
                        name: row.get(1)?,
                    })
                })?
                .collect()
        })
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;
    use anyhow::Result;

    #[test]
    fn however_long_the_record_is_it_is_looked_at_by_its_index() -> Result<()> {
        let mut connection = Connection::open_in_memory()?;
        schema::migrate(&mut connection, schema::MIGRATIONS)?;
        let mut statement = connection.prepare(&format!("explain query plan {SQL}"))?;
        let steps: Vec<String> = statement
            .query_map([], |row| row.get(3))?
            .collect::<Result<_, _>>()?;
        assert!(
            !steps.iter().any(|step| step.starts_with("SCAN calls")),
            "{steps:#?}"
        );
        Ok(())
    }
}
