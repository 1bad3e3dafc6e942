//! Export: what is in sight, as a file, with how far it is and a way to stop it. It goes on, and stays in
//! sight, while the admin looks at other pages.

use super::chosen::Chosen;
use crate::{
    icons::{Icon, icon},
    inert::inert,
    ipc,
    query::use_query,
    say::{say, say_error, say_with},
    state::{Action, Frame},
};
use std::rc::Rc;
use web_sys::HtmlInputElement;
use wire::{
    ActivityFilter, CancelExport, ExportForm, ExportId, ExportState, GetExport, StartExport, Topic,
};
use yew::{platform::spawn_local, prelude::*};

#[derive(Properties, PartialEq)]
pub struct ExportProps {
    pub chosen: Rc<Chosen>,
    /// What it is for the list in sight.
    pub filter: Rc<ActivityFilter>,
}

/// Two buttons, or how far the one that was pressed is.
#[component]
pub fn Export(props: &ExportProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let bodies = use_state_eq(|| false);
    let start = |form: ExportForm, key: &'static str| {
        let (frame, chosen, filter) = (frame.clone(), props.chosen.clone(), props.filter.clone());
        let bodies = *bodies;
        let onclick = Callback::from(move |_: MouseEvent| {
            let request = StartExport {
                form,
                folder: None,
                integration: chosen.integration,
                pings: chosen.pings,
                filter: (*filter).clone(),
                bodies,
            };
            let frame = frame.clone();
            spawn_local(async move {
                match ipc::call(request).await {
                    Ok(view) => frame.dispatch.emit(Action::Export(Some(view.id))),
                    Err(error) => frame.say_failed(&error),
                }
            });
        });
        html! { <button type="button" class="quiet" data-testid={key} {onclick}>{ say(key) }</button> }
    };
    let on_bodies = {
        let bodies = bodies.clone();
        Callback::from(move |e: Event| {
            bodies.set(e.target_unchecked_into::<HtmlInputElement>().checked())
        })
    };
    match frame.state.export {
        Some(id) => {
            let on_close = frame.dispatch.reform(|()| Action::Export(None));
            html! { <Running key={id.to_string()} {id} {on_close} /> }
        }
        None => html! {
            <>
                <label class="switch" title={say("export-bodies-hint")}>
                    <input type="checkbox" role="switch" checked={*bodies} onchange={on_bodies} /><span>{ say("export-bodies") }</span>
                </label>
                { start(ExportForm::Csv, "export-csv") }{ start(ExportForm::Jsonl, "export-jsonl") }
            </>
        },
    }
}

#[derive(Properties, PartialEq)]
struct RunningProps {
    id: ExportId,
    on_close: Callback<()>,
}

#[component]
fn Running(props: &RunningProps) -> Html {
    let found = use_query(GetExport { id: props.id }, vec![Topic::Exports]);
    let id = props.id;
    let stop = Callback::from(move |_: MouseEvent| {
        spawn_local(async move {
            // Where it is over already there is nothing to stop.
            let _ = ipc::call(CancelExport { id }).await;
        });
    });
    let close = props.on_close.reform(|_: MouseEvent| ());
    let (text, over) = match (&found.data, &found.error) {
        (Some(view), _) => {
            let rows = view.rows.to_string();
            match &view.state {
                ExportState::Running => (say_with("export-running", &[("rows", &rows)]), false),
                ExportState::Done => {
                    let file = inert(&view.file);
                    (
                        say_with("export-done", &[("rows", &rows), ("file", &file)]),
                        true,
                    )
                }
                ExportState::Cancelled => (say("export-cancelled"), true),
                ExportState::Failed { error } => (say_error(error), true),
            }
        }
        (None, Some(error)) => (say_error(error), true),
        (None, None) => (say("loading"), false),
    };
    html! {
        <span class="line" role="status" data-testid="export">
            <span class="sub path">{ text }</span>
            if over {
                <button type="button" class="quiet icon" aria-label={say("close")} onclick={close}>{ icon(Icon::Close) }</button>
            } else {
                <button type="button" onclick={stop}>{ say("export-stop") }</button>
            }
        </span>
    }
}
