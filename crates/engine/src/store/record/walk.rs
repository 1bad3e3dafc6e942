//! The walk along the whole chain: is each row where it was put, as it was written?

use super::{
    super::{calls, failed},
    Head, MAC, Part, base, head,
    keys::{Keys, Named},
    mac,
    mark::Mark,
    tombstones::{self, Beginning},
};
use rusqlite::{Connection, Row, types::ValueRef};
use wire::{Error, Tampering};

/// Rows that are tried, at most, as what belongs in another's place.
const CANDIDATES: i64 = 20_000;
/// Before the columns: part, seq, key, mac, run.
const COLUMNS: usize = 5;

/// What the walk found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    /// Rows that are in the chain and fit.
    pub rows: i64,
    /// The first place where it breaks.
    pub fault: Option<(Tampering, i64)>,
    /// Rows that were written while there was no key.
    pub keyless: i64,
    /// Rows, and tombstones, whose key is lost: they were not checked.
    pub unopened: i64,
}

/// Walks from the base to the row `until`, or to the first fault. `known`: what the anchor was told.
pub(crate) fn walk(
    connection: &Connection,
    keys: &Keys,
    known: Option<&Mark>,
    until: i64,
) -> Result<Walk, Error> {
    let mut found = Walk::default();
    let mut before = base(connection)?;
    let first = before.seq;
    match tombstones::beginning(connection, keys, known)? {
        Beginning::Proven => {}
        Beginning::Unchecked => found.unopened += 1,
        Beginning::Unproven => {
            let is_all = head(connection)? == before && stranger(connection, before)?.is_none();
            found.fault = Some(match is_all {
                true => (
                    Tampering::AllMissing,
                    known.map_or(0, |known| known.base.seq).saturating_add(1),
                ),
                false => (Tampering::BeginningMissing, first.saturating_add(1)),
            });
            return Ok(found);
        }
    }
    if let Some(stranger) = stranger(connection, before)? {
        found.fault = Some((Tampering::Changed, stranger));
        return Ok(found);
    }
    let mut statement = connection.prepare(&sql("")).map_err(failed)?;
    let mut rows = statement.query([first, until]).map_err(failed)?;
    // Within one run of the app, no row without a key follows one with a key.
    let mut keyed_run = None;
    // Nor does ever a row with an earlier key follow one with a later.
    let mut newest_key = 0;
    while let Some(row) = rows.next().map_err(failed)? {
        let here = Place::of(row).map_err(failed)?;
        if here.seq != before.seq.saturating_add(1) {
            let how = match before.seq {
                seq if seq == first => Tampering::BeginningMissing,
                _ => Tampering::Missing,
            };
            found.fault = Some((how, before.seq.saturating_add(1)));
            return Ok(found);
        }
        let is_earlier = here.key.is_some_and(|key| key < newest_key);
        newest_key = here.key.unwrap_or(0).max(newest_key);
        let key = match here.key.map(|n| keys.named(n)) {
            Some(Named::Open(_) | Named::Lost) if is_earlier => {
                found.fault = Some((Tampering::Changed, here.seq));
                return Ok(found);
            }
            None => None,
            Some(Named::Open(key)) => Some(key),
            Some(Named::Lost) => {
                found.unopened += 1;
                before = here.head();
                continue;
            }
            Some(Named::Unknown) => {
                found.fault = Some((Tampering::Changed, here.seq));
                return Ok(found);
            }
        };
        let expected = mac(
            key,
            before.hash,
            (here.part, here.seq),
            columns(row, here.part).into_iter(),
        );
        let downgraded = key.is_none() && here.run.is_some() && here.run == keyed_run;
        if here.mac != Some(expected) || downgraded {
            let how = match moved(connection, (before, &here), keys)? {
                true => Tampering::Moved,
                false => Tampering::Changed,
            };
            found.fault = Some((how, here.seq));
            return Ok(found);
        }
        match key {
            Some(_) => keyed_run = here.run.or(keyed_run),
            None => found.keyless += 1,
        }
        found.rows += 1;
        before = here.head();
    }
    Ok(found)
}

/// A row before the first one of the chain, where none can be: behind its base there is only what was
/// written before the record was chained, which has no mac.
pub(super) fn stranger(connection: &Connection, base: Head) -> Result<Option<i64>, Error> {
    let older = if base.hash == [0; MAC] {
        "(seq <= 0 or key is not null or mac <> x'')"
    } else {
        "true"
    };
    connection
        .query_row(
            &format!(
                "select min(seq) from ( \
                   select min(seq) as seq from calls where seq <= ?1 and {older} \
                   union all select min(seq) from outcomes where seq <= ?1 and {older})"
            ),
            [base.seq],
            |row| row.get(0),
        )
        .map_err(failed)
}

/// A row's part and place, and what binds it.
struct Place {
    part: Part,
    seq: i64,
    key: Option<i64>,
    mac: Option<[u8; MAC]>,
    run: Option<i64>,
}

impl Place {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            part: match row.get::<_, i64>(0)? {
                1 => Part::Intent,
                _ => Part::Outcome,
            },
            seq: row.get(1)?,
            key: row.get(2)?,
            mac: row.get_ref(3)?.as_blob()?.try_into().ok(),
            run: row.get(4)?,
        })
    }

    fn head(&self) -> Head {
        Head {
            seq: self.seq,
            hash: self.mac.unwrap_or_default(),
        }
    }
}

fn columns<'a>(row: &'a Row<'_>, part: Part) -> Vec<ValueRef<'a>> {
    let count = match part {
        Part::Intent => calls::CALL_COLUMNS,
        Part::Outcome => calls::OUTCOME_COLUMNS,
    }
    .split(',')
    .count();
    (COLUMNS..COLUMNS + count)
        .map(|n| row.get_ref(n).unwrap_or(ValueRef::Null))
        .collect()
}

/// Both tables in the order of the chain, after the row `?1` and up to the row `?2`.
fn sql(limit: &str) -> String {
    let (intent, outcome) = (calls::CALL_COLUMNS, calls::OUTCOME_COLUMNS);
    let padding = ", null".repeat(intent.split(',').count() - outcome.split(',').count());
    format!(
        "select 1 as part, seq as place, key as k, mac as m, run as r, {intent} from calls where seq between ?1 + 1 and ?2 \
         union all select 2, seq, key, mac, null, {outcome}{padding} from outcomes where seq between ?1 + 1 and ?2 \
         order by 2 {limit}"
    )
}

/// Whether another row was written for this place: it stands elsewhere now, or its content does.
fn moved(
    connection: &Connection,
    (before, here): (Head, &Place),
    keys: &Keys,
) -> Result<bool, Error> {
    let mut statement = connection
        .prepare(&sql(&format!("limit {CANDIDATES}")))
        .map_err(failed)?;
    let mut rows = statement.query([before.seq, i64::MAX]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let other = Place::of(row).map_err(failed)?;
        let key = match other.key.map(|n| keys.named(n)) {
            Some(Named::Open(key)) => Some(key),
            None | Some(Named::Lost | Named::Unknown) => None,
        };
        let fits = mac(
            key,
            before.hash,
            (other.part, here.seq),
            columns(row, other.part).into_iter(),
        );
        if other.seq != here.seq && (other.mac == Some(fits) || here.mac == Some(fits)) {
            return Ok(true);
        }
    }
    Ok(false)
}
