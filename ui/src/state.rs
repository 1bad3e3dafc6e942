//! What surrounds the pages and outlives them: the open sheets, the toasts, the tests that run.

use crate::{
    pages::{activity::chosen::Chosen, integrations::Chip},
    query::Query,
    route::Route,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};
use wire::{
    AppView, ApprovalId, ApprovalView, AttemptId, CardView, CronView, ExportId, Fix, IntegrationId,
    NoticeView, Settings, TestReport,
};
use yew::{AttrValue, Callback, Reducible};

/// The sheet in front of the page.
#[derive(Clone, PartialEq)]
pub enum Sheet {
    /// Add integration.
    Add,
    /// An OpenAPI document.
    OpenApi(Begin),
    /// Follows an attempt that was started elsewhere (the sample's button).
    Attempt(AttemptId),
    Reconnect(IntegrationId),
    /// Request access: a sign-in that asks for what the tool of that name lacks.
    Access(IntegrationId, String),
    Rename(IntegrationId),
    Disconnect(IntegrationId),
    /// A call that waits for the admin.
    Approval(ApprovalId),
    /// The window is to be closed where nothing could bring it back.
    Quit,
}

/// How the sheet of an OpenAPI document begins.
#[derive(Clone, PartialEq, Default)]
pub struct Begin {
    /// The integration whose tools it replaces; `None`: a new one.
    pub again: Option<IntegrationId>,
    /// A file that was dropped on the window.
    pub file: Option<web_sys::File>,
    /// Its address, where that is known already.
    pub url: String,
}

/// How something is, for colour and icon; the word stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Ok,
    Warn,
    Bad,
    Quiet,
}

/// A sentence that goes by itself, unless it tells of a failure.
#[derive(Clone, PartialEq)]
pub struct Toast {
    pub tone: Tone,
    pub text: AttrValue,
    /// A page that has more, and its link's label.
    pub link: Option<(AttrValue, Route)>,
    /// Takes it back, and its button's label.
    pub undo: Option<(AttrValue, Callback<()>)>,
}

/// What an admin does to an integration from a card, a menu or its page.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Act {
    Test,
    Reconnect,
    Rename,
    Switch(bool),
    Disconnect,
    Open,
    Activity,
    Unlock,
    ResumeCrons,
}

impl From<Fix> for Act {
    fn from(fix: Fix) -> Self {
        match fix {
            Fix::Reconnect | Fix::PasteKey => Self::Reconnect,
            Fix::Test => Self::Test,
            Fix::Unlock => Self::Unlock,
            Fix::SwitchOn => Self::Switch(true),
        }
    }
}

/// The provider whose app credentials are to be entered, and why those that are saved will not do.
pub type SetUp = (AttrValue, Option<wire::Error>);

/// The state itself.
#[derive(Clone, PartialEq)]
pub struct State {
    /// The open sheets, each with a number of its own; the last stands in front of the others.
    pub sheets: Vec<(u32, Sheet)>,
    next_sheet: u32,
    /// In Add integration a kind is chosen: something may be typed there, or an attempt may run.
    pub adding: bool,
    /// The provider whose app credentials are to be entered, until Settings shows the form.
    pub set_up: Option<SetUp>,
    /// "Repair all": those whose turn comes after the sheet that is open.
    pub repairs: Rc<Vec<IntegrationId>>,
    /// The sample being connected without a sheet: it asks nothing.
    pub sample: Option<AttemptId>,
    pub toasts: Vec<(u32, Toast)>,
    next_toast: u32,
    /// What the cards are filtered by, kept while the admin looks at another page.
    pub search: AttrValue,
    pub chip: Chip,
    /// What the record is narrowed to, kept in the same way.
    pub record: Rc<Chosen>,
    /// The export that was started last, until its end was seen.
    pub export: Option<ExportId>,
    /// Being tested now.
    pub testing: Rc<BTreeSet<IntegrationId>>,
    /// The last test of each, until the window closes or it is dismissed.
    pub reports: Rc<BTreeMap<IntegrationId, Rc<TestReport>>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            sheets: Vec::new(),
            next_sheet: 0,
            adding: false,
            set_up: None,
            repairs: Rc::default(),
            sample: None,
            toasts: Vec::new(),
            next_toast: 0,
            search: AttrValue::default(),
            chip: Chip::All,
            record: Rc::default(),
            export: None,
            testing: Rc::default(),
            reports: Rc::default(),
        }
    }
}

impl State {
    /// Nothing more is repaired one after the other once no sheet is left.
    fn end_repairs(&mut self) {
        if self.sheets.is_empty() {
            self.repairs = Rc::default();
        }
    }

    fn next_repair(&mut self) {
        let repairs = self.repairs.clone();
        if let Some((next, left)) = repairs.split_first() {
            self.repairs = Rc::new(left.to_vec());
            self.open(Sheet::Reconnect(*next));
        }
    }

    /// More than three toasts would be a wall, so the oldest goes that goes by itself. What is to be read, or
    /// can be taken back, stays among six.
    fn make_room(&mut self) {
        let passing = |(_, toast): &(u32, Toast)| {
            matches!(toast.tone, Tone::Ok | Tone::Quiet) && toast.undo.is_none()
        };
        let oldest = match self.toasts.len() {
            ..3 => None,
            3..6 => self.toasts.iter().position(passing),
            6.. => Some(self.toasts.iter().position(passing).unwrap_or(0)),
        };
        if let Some(oldest) = oldest {
            self.toasts.remove(oldest);
        }
    }

    /// In front of those that are open: what is typed in them stays. One that is open already is not
    /// opened again.
    fn open(&mut self, sheet: Sheet) {
        if self.sheets.iter().all(|(_, open)| *open != sheet) {
            self.sheets.push((self.next_sheet, sheet));
            self.next_sheet += 1;
        }
    }
}

/// What happens to it.
pub enum Action {
    Open(Sheet),
    /// Puts it in the place of the one in front.
    Swap(Sheet),
    /// Closes the sheet of this number.
    Close(u32),
    /// The app credentials of this provider are to be entered: closes the sheet in front; `None`: their
    /// form is open.
    SetUp(Option<SetUp>),
    /// Walks through these: one Reconnect after the other.
    Repair(Vec<IntegrationId>),
    /// From the sheet in front on to the next of them.
    NextRepair,
    /// Add integration shows more than its choice, or its choice again.
    Adding(bool),
    /// A file was dropped on the window: for the open sheet of a document, else for a new one, also where
    /// Add integration shows its choice. Any other sheet keeps what the admin is doing.
    Dropped(web_sys::File),
    /// Follows the sample's attempt; `None`: it is over.
    Sample(Option<AttemptId>),
    Search(AttrValue),
    Choose(Chip),
    /// Look at the record so narrowed.
    Look(Chosen),
    /// Follows this export; `None`: its end was seen.
    Export(Option<ExportId>),
    Say(Toast),
    Unsay(u32),
    /// What failed may go well now: old failures are told no longer.
    UnsayFailures,
    TestBegan(IntegrationId),
    /// `None`: it could not be tried at all; a toast says why.
    TestEnded(IntegrationId, Option<TestReport>),
    DismissReport(IntegrationId),
}

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut next = (*self).clone();
        match action {
            Action::Open(sheet) => next.open(sheet),
            Action::Swap(sheet) => {
                next.sheets.pop();
                next.open(sheet);
            }
            Action::SetUp(asked) => {
                if asked.is_some() {
                    next.sheets.pop();
                    next.end_repairs();
                }
                next.set_up = asked;
            }
            Action::Close(number) => {
                next.sheets.retain(|(open, _)| *open != number);
                next.end_repairs();
            }
            Action::Repair(ids) => {
                next.repairs = Rc::new(ids);
                next.next_repair();
            }
            Action::NextRepair => {
                next.sheets.pop();
                next.next_repair();
            }
            Action::Adding(adding) => next.adding = adding,
            Action::Dropped(file) => {
                let begin = Begin {
                    file: Some(file),
                    ..Begin::default()
                };
                match next.sheets.last_mut().map(|(_, sheet)| sheet) {
                    None => next.open(Sheet::OpenApi(begin)),
                    Some(front @ Sheet::Add) if !next.adding => *front = Sheet::OpenApi(begin),
                    Some(Sheet::OpenApi(front)) => front.file = begin.file,
                    Some(
                        Sheet::Add
                        | Sheet::Attempt(_)
                        | Sheet::Reconnect(_)
                        | Sheet::Access(..)
                        | Sheet::Rename(_)
                        | Sheet::Disconnect(_)
                        | Sheet::Approval(_)
                        | Sheet::Quit,
                    ) => {}
                }
            }
            Action::Sample(attempt) => next.sample = attempt,
            Action::Search(text) => next.search = text,
            Action::Choose(chip) => next.chip = chip,
            Action::Look(chosen) => next.record = Rc::new(chosen),
            Action::Export(export) => next.export = export,
            Action::Say(toast) => {
                // The same sentence twice is one toast.
                next.toasts.retain(|(_, shown)| shown.text != toast.text);
                next.make_room();
                next.toasts.push((next.next_toast, toast));
                next.next_toast += 1;
            }
            Action::Unsay(id) => next.toasts.retain(|(shown, _)| *shown != id),
            Action::UnsayFailures => next.toasts.retain(|(_, toast)| toast.tone != Tone::Bad),
            Action::TestBegan(id) => {
                Rc::make_mut(&mut next.testing).insert(id);
            }
            Action::TestEnded(id, report) => {
                Rc::make_mut(&mut next.testing).remove(&id);
                if let Some(report) = report {
                    Rc::make_mut(&mut next.reports).insert(id, Rc::new(report));
                }
            }
            Action::DismissReport(id) => {
                Rc::make_mut(&mut next.reports).remove(&id);
            }
        }
        Rc::new(next)
    }
}

/// What every page can reach. One pointer: it is cloned into every callback.
#[derive(Clone, PartialEq)]
pub struct Frame(pub Rc<Shared>);

impl std::ops::Deref for Frame {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// What the [`Frame`] points at.
#[derive(PartialEq)]
pub struct Shared {
    pub cards: Query<Vec<CardView>>,
    pub app: Query<AppView>,
    pub settings: Query<Settings>,
    pub notices: Query<Vec<NoticeView>>,
    pub approvals: Query<Vec<ApprovalView>>,
    pub crons: Query<Vec<CronView>>,
    pub state: Rc<State>,
    /// Never changes, so that parts which hold it are not rendered again.
    pub dispatch: Callback<Action>,
    /// Does something to an integration. Never changes either.
    pub act: Callback<(IntegrationId, Act)>,
}

impl Frame {
    /// The card of an integration, while it is connected.
    #[must_use]
    pub fn card(&self, id: IntegrationId) -> Option<&CardView> {
        self.cards.data.as_ref()?.iter().find(|card| card.id == id)
    }

    /// A toast that an action went well.
    pub fn say(&self, text: AttrValue) {
        self.dispatch.emit(Action::Say(Toast {
            tone: Tone::Ok,
            text,
            link: None,
            undo: None,
        }));
    }

    /// A toast that it did not.
    pub fn say_failed(&self, error: &wire::Error) {
        self.dispatch.emit(Action::Say(Toast {
            tone: Tone::Bad,
            text: crate::say::say_error(error),
            link: None,
            undo: None,
        }));
    }
}

#[cfg(test)]
mod tests;
