//! Disconnect: first what it breaks, then the one button, then what was done.

use crate::{
    icons::{Icon, icon},
    ipc, page,
    parts::{card::account, crons::listed, dialog::Dialog, states},
    query::use_query,
    route::{Route, go},
    say::{say, say_count, say_error, say_with},
    state::Frame,
};
use wire::{DisconnectPreview, Disconnected, Error, IntegrationId, PreviewDisconnect, Revocation};
use yew::{platform::spawn_local, prelude::*};

/// Which integration, and whom the sheet tells that it closes.
#[derive(Properties, PartialEq)]
pub struct DisconnectProps {
    pub id: IntegrationId,
    pub close: Callback<()>,
}

/// The sheet.
#[component]
pub fn Disconnect(props: &DisconnectProps) -> Html {
    // Read once: a preview that changes under the finger would be worse than one a second old.
    let preview = use_query(PreviewDisconnect { id: props.id }, Vec::new());
    // Its name, and whose it is, outlive the card.
    let known = {
        let frame = use_context::<Frame>().expect("the app gives the frame");
        let known = frame
            .card(props.id)
            .map(|card| (card.name.clone(), account(card)));
        use_state(move || known.unwrap_or_default())
    };
    let (name, whose) = &*known;
    let running = use_state(|| false);
    let result = use_state(|| None::<Result<Disconnected, Error>>);

    let confirm = {
        let (id, running, result) = (props.id, running.clone(), result.clone());
        Callback::from(move |_: MouseEvent| {
            let (running, result) = (running.clone(), result.clone());
            running.set(true);
            spawn_local(async move {
                let answer = ipc::call(wire::Disconnect { id }).await;
                if answer.is_ok() {
                    // Its page is no more.
                    go(Route::Integrations);
                }
                result.set(Some(answer));
                running.set(false);
            });
        })
    };
    use_effect_with((*running, result.is_some()), |(running, over)| {
        // What had the focus is disabled, or gone.
        if *running || *over {
            page::focus("sheet-title");
        }
    });
    let cancel = props.close.reform(|_: MouseEvent| ());
    let body = match &*result {
        Some(Ok(done)) => finished(done, &cancel),
        Some(Err(_)) | None => html! {
            <>
                <p class="sub whose" data-testid="whose">{ whose }</p>
                if let Some(Err(error)) = &*result {
                    <p class="error box" role="alert">{ icon(Icon::Expiring) }<span>{ say_error(error) }</span></p>
                }
                { states::shown(&preview, states::loading_lines(), |preview| breaks(preview)) }
                <div class="buttons">
                    <button type="button" autofocus=true disabled={*running} onclick={cancel}>{ say("keep-it") }</button>
                    <button type="button" class="danger" data-testid="disconnect-confirm"
                        disabled={*running || preview.data.is_none()} onclick={confirm}>
                        { icon(if *running { Icon::Busy } else { Icon::Disconnect }) }
                        { say(if *running { "disconnecting" } else { "disconnect" }) }
                    </button>
                </div>
            </>
        },
    };
    let title = match &*result {
        Some(Ok(_)) => say_with("disconnected-name", &[("name", name)]),
        Some(Err(_)) | None => say_with("disconnect-name", &[("name", name)]),
    };
    html! { <Dialog {title} on_close={props.close.clone()} narrow=true held={*running}>{ body }</Dialog> }
}

/// What will be gone, in sentences.
pub fn breaks(preview: &DisconnectPreview) -> Html {
    let mut told = Vec::new();
    if preview.in_flight > 0 {
        told.push(say_count("breaks-in-flight", preview.in_flight as usize));
    }
    if preview.tools > 0 {
        told.push(say_count("breaks-tools", preview.tools as usize));
    }
    if preview.calls_30d > 0 {
        told.push(say_count("breaks-calls", preview.calls_30d as usize));
    }
    if preview.bodies > 0 {
        told.push(say_count("breaks-bodies", preview.bodies as usize));
    }
    if let Some(paused) = listed(&preview.crons) {
        told.push(say_with("breaks-crons", &[("names", &paused)]));
    }
    if let Some(agents) = listed(&preview.agents) {
        told.push(say_with("breaks-agents", &[("names", &agents)]));
    }
    if let Some(emptied) = listed(&preview.emptied) {
        told.push(say_with("breaks-emptied", &[("names", &emptied)]));
    }
    told.push(match &preview.revokes_at {
        Some(host) if preview.cannot_revoke => say_with("breaks-cannot-revoke", &[("host", host)]),
        Some(host) => say_with("breaks-revokes", &[("host", host)]),
        None => say("breaks-not-revoked"),
    });
    told.push(say("breaks-credential"));
    html! {
        <>
            <p>{ say("disconnect-lead") }</p>
            <ul class="plain-list">{ for told.into_iter().map(|line| html! { <li>{ line }</li> }) }</ul>
            <p class="sub">{ say("disconnect-keeps") }</p>
        </>
    }
}

fn finished(done: &Disconnected, close: &Callback<MouseEvent>) -> Html {
    let (ink, picture, sentence) = match &done.revocation {
        Revocation::Done { host, .. } => (
            "ok-ink",
            Icon::Healthy,
            say_with("revoked", &[("host", host)]),
        ),
        Revocation::NotPossible { host, error } => (
            "warn-ink",
            Icon::Expiring,
            say_with(
                "revocation-not-possible",
                &[("host", host), ("why", &say_error(error))],
            ),
        ),
        Revocation::NotOffered => ("warn-ink", Icon::Expiring, say("revocation-not-offered")),
        Revocation::Pending { host, error } => (
            "warn-ink",
            Icon::Expiring,
            say_with(
                "revocation-pending",
                &[("host", host), ("why", &say_error(error))],
            ),
        ),
    };
    html! {
        <>
            <p class="lead" role="status" data-testid="disconnect-result">
                <span class={ink}>{ icon(picture) }</span><span>{ sentence }</span>
            </p>
            <p class="sub">{ say("credential-destroyed") }
                if done.ended_calls > 0 { { " " }{ say_count("calls-ended", done.ended_calls as usize) } }
            </p>
            <div class="buttons"><button type="button" class="primary" onclick={close}>{ say("close") }</button></div>
        </>
    }
}
