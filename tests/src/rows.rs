//! Rows of the record, written past the engine: a record is long before anybody has called so often.

use anyhow::Result;
use std::path::Path;

/// Adds `count` rows, older than all others, to the record of the data folder. They are no part of the
/// chain, which goes on after them, and none can be opened.
///
/// # Errors
/// Where the database cannot be written.
pub fn add(folder: &Path, count: u32) -> Result<()> {
    let database = rusqlite::Connection::open(folder.join("chief.db"))?;
    database.busy_timeout(std::time::Duration::from_secs(10))?;
    database.execute(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < ?1) \
         insert into calls (seq, id, at, kind, integration_name, action, because, run, mac) \
         select -i, printf('00000000-0000-7000-8000-%012x', i), i, 'change', '', 'filled', \
             (select because from calls limit 1), 1, x'' from n",
        [count],
    )?;
    Ok(())
}
