//! The sheets in front of the pages: add, reconnect, rename, disconnect, and the attempt that two
//! of them end in.

mod add;
mod approval;
mod attempt;
mod change;
mod clients;
mod disconnect;
mod ends;
mod form;
mod may;
mod narrow;
mod openapi;
mod pair;
mod port;
mod quit;
mod reconnect;
mod rename;
mod renew;

use crate::state::{Action, Frame, Sheet};
use wire::{CardView, Kind};
use yew::prelude::*;

pub use change::Change;
pub use clients::Configured;
pub use ends::end_of;
pub use may::chosen_of;
pub use narrow::some_of;
pub use pair::Pair;
pub use port::Port;
pub use rename::RenameForm;
pub use renew::Renew;

/// True where the admin mends the credential by pasting a key. The sample's is made by the app.
#[must_use]
pub fn takes_key(card: &CardView) -> bool {
    card.auth.is_key() && card.kind != Kind::Sample
}

/// The open sheets, the one in front last.
pub fn sheets(frame: &Frame) -> Html {
    let each = frame.state.sheets.iter().map(|(number, sheet)| {
        let number = *number;
        let close = frame.dispatch.reform(move |()| Action::Close(number));
        html! { <key={number}>{ shown(frame, sheet, close) }</> }
    });
    html! { <>{ for each }</> }
}

fn shown(frame: &Frame, sheet: &Sheet, close: Callback<()>) -> Html {
    match sheet {
        Sheet::Add => html! { <add::Add {close} /> },
        Sheet::OpenApi(begin) => html! { <openapi::OpenApi begin={begin.clone()} {close} /> },
        Sheet::Attempt(id) => attempt::sheet(frame, *id, &close),
        Sheet::Approval(id) => {
            html! { <approval::Approval key={id.to_string()} id={*id} {close} /> }
        }
        Sheet::Reconnect(id) => {
            html! { <reconnect::Reconnect key={id.to_string()} id={*id} {close} /> }
        }
        Sheet::Access(id, tool) => {
            html! { <reconnect::Reconnect key={id.to_string()} id={*id} tool={tool.clone()} {close} /> }
        }
        Sheet::Quit => quit::sheet(frame, &close),
        Sheet::Rename(id) => rename::sheet(frame, *id, &close),
        Sheet::Disconnect(id) => {
            html! { <disconnect::Disconnect key={id.to_string()} id={*id} {close} /> }
        }
    }
}
