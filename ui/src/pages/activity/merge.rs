//! The rows loaded so far, while new ones come at the top and older ones are asked for below.

use std::{collections::HashMap, rc::Rc};
use uuid::Uuid;
use wire::{ActivityPage, Cursor, RowView, Time};
use yew::Reducible;

/// The rows in sight, newest first, without a gap.
#[derive(Default, PartialEq)]
pub struct Loaded {
    pub rows: Rc<Vec<Rc<RowView>>>,
    /// Where the older ones begin; `None` at the end of the record.
    pub next: Option<Cursor>,
    /// The newest place that was looked at; `None` before anything came, and where nothing is.
    pub top: Option<(Time, Uuid)>,
    /// New rows that wait above, while those below are being read.
    pub waiting: usize,
    /// More may wait than were counted.
    pub gap: bool,
}

/// What came.
pub enum Came {
    /// The newest page; `read`: what is in sight is being read, and must not move.
    Newest { page: Rc<ActivityPage>, read: bool },
    /// A page of what is older than `before`.
    Older { before: Cursor, page: ActivityPage },
}

impl Reducible for Loaded {
    type Action = Came;

    fn reduce(self: Rc<Self>, came: Came) -> Rc<Self> {
        Rc::new(match came {
            Came::Newest { page, read: true } if !self.rows.is_empty() => self.held(&page),
            Came::Newest { page, .. } => self.refreshed(&page),
            Came::Older { before, page } if self.next == Some(before) => self.extended(&page),
            // The list has begun anew since it was asked for: what lies between would be missing.
            Came::Older { .. } => return self,
        })
    }
}

impl Loaded {
    /// After the newest page was fetched while this is being read: rows that ended change where they
    /// stand, new ones wait.
    #[must_use]
    pub fn held(&self, page: &ActivityPage) -> Self {
        let top = self.rows.first().map(|row| (row.at, row.id));
        let now: HashMap<_, _> = page.rows.iter().map(|row| (row.id, row)).collect();
        let rows = self.rows.iter().map(|old| match now.get(&old.id) {
            Some(row) if **row != **old => Rc::new((*row).clone()),
            Some(_) | None => Rc::clone(old),
        });
        let is_new = |row: &&RowView| top.is_none_or(|top| (row.at, row.id) > top);
        let waiting = page.rows.iter().filter(is_new).count();
        Self {
            rows: Rc::new(rows.collect()),
            next: self.next,
            top: self.top,
            waiting,
            gap: waiting == page.rows.len() && page.next.is_some(),
        }
    }

    /// After the newest page was fetched again. Where it joins what is loaded, the older rows
    /// stay; where so much came that there is a gap, they go and can be asked for again.
    #[must_use]
    pub fn refreshed(&self, page: &ActivityPage) -> Self {
        let joins = page
            .next
            .is_none_or(|end| self.top.is_some_and(|top| top >= (end.at, end.id)));
        let newest = page.rows.first().map(|row| (row.at, row.id));
        let top = page.newest.map(|newest| (newest.at, newest.id)).or(newest);
        let reaches_further = match (self.next, page.next) {
            (_, None) => false,
            (None, Some(_)) => self.top.is_some(),
            (Some(mine), Some(its)) => (mine.at, mine.id) < (its.at, its.id),
        };
        if joins && reaches_further {
            // Only what lies below the page: a row that is gone from it is gone.
            let below = page.next.map(|end| (end.at, end.id));
            let older = self
                .rows
                .iter()
                .filter(|row| below.is_some_and(|below| (row.at, row.id) < below));
            Self {
                rows: merged(older, &self.rows, page),
                next: self.next,
                top,
                ..Self::default()
            }
        } else {
            Self {
                rows: merged([].iter(), &self.rows, page),
                next: page.next,
                top,
                ..Self::default()
            }
        }
    }

    /// With an older page below.
    #[must_use]
    pub fn extended(&self, page: &ActivityPage) -> Self {
        Self {
            rows: merged(self.rows.iter(), &self.rows, page),
            next: page.next,
            top: self.top,
            waiting: self.waiting,
            gap: self.gap,
        }
    }

    /// How far back was looked, where that is further than what was found.
    #[must_use]
    pub fn looked_to(&self) -> Option<Time> {
        let found = self.rows.last().map(|row| row.id);
        self.next
            .filter(|next| Some(next.id) != found)
            .map(|next| next.at)
    }
}

/// Kept rows and the page's, each once, newest first; both come in that order. A row that did not
/// change keeps its pointer, so that it is not rendered again.
fn merged<'a>(
    kept: impl Iterator<Item = &'a Rc<RowView>>,
    known: &[Rc<RowView>],
    page: &ActivityPage,
) -> Rc<Vec<Rc<RowView>>> {
    let mut known = known.iter().peekable();
    let mut kept = kept.peekable();
    let mut rows = Vec::with_capacity(page.rows.len());
    for row in &page.rows {
        let place = (row.at, row.id);
        while let Some(newer) = kept.next_if(|old| (old.at, old.id) > place) {
            rows.push(newer.clone());
        }
        // The page's version of it counts.
        while kept.next_if(|old| (old.at, old.id) == place).is_some() {}
        while known.next_if(|old| (old.at, old.id) > place).is_some() {}
        let same = known.peek().filter(|old| ****old == *row);
        rows.push(same.map_or_else(|| Rc::new(row.clone()), |old| Rc::clone(old)));
    }
    rows.extend(kept.cloned());
    Rc::new(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Because, Outcome, RowKind, Time};

    fn row(n: u128, outcome: Outcome) -> RowView {
        RowView {
            id: uuid::Uuid::from_u128(n),
            at: Time(i64::try_from(n).expect("small")),
            kind: RowKind::Call,
            integration: None,
            integration_name: String::new(),
            action: String::new(),
            outcome,
            took_ms: None,
            error: None,
            detail: String::new(),
            because: Because::Health,
        }
    }

    /// Rows `from..=to`, newest first; `more`: the record goes on below.
    fn page(from: u128, to: u128, more: bool) -> ActivityPage {
        let rows: Vec<_> = (from..=to).rev().map(|n| row(n, Outcome::Ok)).collect();
        let next = rows.last().filter(|_| more).map(|last| Cursor {
            at: last.at,
            id: last.id,
        });
        ActivityPage {
            rows,
            next,
            ..ActivityPage::default()
        }
    }

    /// A page of a search that looked at `from..=to` and found these rows.
    fn searched(from: u128, to: u128, found: &[u128]) -> ActivityPage {
        let place = |n: u128| Cursor {
            at: row(n, Outcome::Ok).at,
            id: row(n, Outcome::Ok).id,
        };
        ActivityPage {
            rows: found.iter().map(|n| row(*n, Outcome::Ok)).collect(),
            next: Some(place(from)),
            newest: Some(place(to)),
            ..ActivityPage::default()
        }
    }

    fn numbers(loaded: &Loaded) -> Vec<i64> {
        loaded.rows.iter().map(|row| row.at.0).collect()
    }

    #[test]
    fn new_rows_join_at_the_top_and_older_ones_stay() {
        let loaded = Loaded::default()
            .refreshed(&page(8, 10, true))
            .extended(&page(5, 7, true));
        let loaded = loaded.refreshed(&page(9, 11, true));
        assert_eq!(numbers(&loaded), [11, 10, 9, 8, 7, 6, 5]);
        assert_eq!(
            loaded.next.map(|next| next.at),
            Some(Time(5)),
            "more is asked for below 5"
        );
    }

    #[test]
    fn a_gap_is_never_shown_as_if_nothing_happened_in_it() {
        let loaded = Loaded::default().refreshed(&page(1, 3, false));
        let loaded = loaded.refreshed(&page(18, 20, true));
        assert_eq!(numbers(&loaded), [20, 19, 18]);
        assert_eq!(loaded.next.map(|next| next.at), Some(Time(18)));
    }

    #[test]
    fn an_older_page_that_comes_after_the_list_began_anew_hides_no_gap() {
        let loaded = Rc::new(Loaded::default().refreshed(&page(11, 13, true)));
        let before = loaded.next.expect("the record goes on below");
        let older = |page| Came::Older { before, page };
        let longer = loaded.clone().reduce(older(page(8, 10, true)));
        assert_eq!(numbers(&longer), [13, 12, 11, 10, 9, 8]);

        let anew = Rc::new(loaded.refreshed(&page(101, 103, true)));
        let after = anew.reduce(older(page(8, 10, true)));
        assert_eq!(numbers(&after), [103, 102, 101]);
        assert_eq!(after.next.map(|next| next.at), Some(Time(101)));
    }

    #[test]
    fn what_a_search_found_further_back_stays_while_nothing_new_fits() {
        let loaded = Loaded::default().refreshed(&searched(501, 600, &[]));
        assert_eq!(loaded.looked_to(), Some(Time(501)), "nothing so far");
        let loaded = loaded.extended(&searched(401, 500, &[450]));
        // Thirty more have the words, and none of them fits.
        let later = loaded.refreshed(&searched(531, 630, &[]));
        assert_eq!(
            (numbers(&later), later.looked_to()),
            (vec![450], Some(Time(401)))
        );
        // So many that some were never looked at.
        let later = loaded.refreshed(&searched(701, 800, &[]));
        assert_eq!(
            (numbers(&later), later.looked_to()),
            (vec![], Some(Time(701)))
        );
        // Looked through to the end, without a row.
        let end = Loaded::default().refreshed(&searched(501, 600, &[]));
        let end = end.extended(&ActivityPage::default());
        assert_eq!(end.refreshed(&searched(502, 601, &[])).next, None);
    }

    #[test]
    fn the_end_of_the_record_is_kept() {
        let loaded = Loaded::default()
            .refreshed(&page(4, 6, true))
            .extended(&page(1, 3, false));
        let loaded = loaded.refreshed(&page(5, 7, true));
        assert_eq!(numbers(&loaded), [7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(loaded.next, None);
    }

    #[test]
    fn while_rows_are_read_new_ones_wait_and_nothing_below_is_dropped() {
        let mut running = page(1, 3, true);
        running.rows[0].outcome = Outcome::Running;
        let before = Loaded::default().refreshed(&running);
        let held = before.held(&page(3, 5, true));
        assert_eq!((numbers(&held), held.waiting), (vec![3, 2, 1], 2));
        assert_eq!(held.rows[0].outcome, Outcome::Ok, "it ended meanwhile");
        assert!(Rc::ptr_eq(&before.rows[1], &held.rows[1]));
        // More than a page of them: what is read stays all the same.
        let held = held.held(&page(101, 300, true));
        assert_eq!((numbers(&held), held.waiting), (vec![3, 2, 1], 200));
        assert!(held.gap, "more than these may wait");
        let top = held.refreshed(&page(1, 5, true));
        assert_eq!((numbers(&top), top.waiting), (vec![5, 4, 3, 2, 1], 0));
    }

    #[test]
    fn a_row_that_ended_changes_and_the_others_are_not_made_anew() {
        let mut running = page(1, 3, false);
        running.rows[0].outcome = Outcome::Running;
        let before = Loaded::default().refreshed(&running);
        let after = before.refreshed(&page(1, 3, false));
        assert_eq!(after.rows[0].outcome, Outcome::Ok);
        assert!(Rc::ptr_eq(&before.rows[1], &after.rows[1]));
    }
}
