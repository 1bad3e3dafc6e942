//! An OpenAPI document: choose it, see what is in it, connect it or import it again.

mod choose;
mod found;

use super::{
    add::field_id,
    attempt::{Attempt, Over, cancel, leave, use_gone},
    form::{ApiWay, Knows, Typed, at},
};
use crate::{
    icons::{Icon, icon},
    ipc, page,
    parts::dialog::Dialog,
    say::{say, say_with},
    state::{Action, Begin, Frame, Sheet},
};
use choose::Choose;
use std::{cell::Cell, rc::Rc};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;
use wire::{
    AttemptId, AuthOffer, Confirmed, DOCUMENT_MAX, DocumentSource, DocumentView, Error, ErrorCode,
    ImportAgain, InspectOpenapi, StartConnect, ToolChanges,
};
use yew::{platform::spawn_local, prelude::*};

/// What the sheet is for, and whom it tells that it closes.
#[derive(Properties, PartialEq)]
pub struct OpenApiProps {
    pub begin: Begin,
    pub close: Callback<()>,
}

#[derive(Clone, PartialEq)]
enum Step {
    Choose,
    Reading,
    /// The document is at a private address: is that meant?
    Asking(Rc<(DocumentSource, Error)>),
    Found,
    Running(AttemptId),
    Imported(Rc<ToolChanges>),
}

/// The sheet.
#[component]
pub fn OpenApi(props: &OpenApiProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let step = use_state_eq(|| Step::Choose);
    let document = use_state(|| None::<Rc<DocumentView>>);
    let typed = use_state(|| Rc::new(Typed::default()));
    let error = use_state(|| None::<Error>);
    let busy = use_state_eq(|| false);
    let gone = use_gone();
    // The reading that is waited for: what an earlier one brings comes too late.
    let reading = use_memo((), |()| Cell::new(0_u32));

    let inspect = {
        let (step, document, typed, error) =
            (step.clone(), document.clone(), typed.clone(), error.clone());
        let (integration, reading) = (props.begin.again, reading.clone());
        Callback::from(move |(source, confirmed): (DocumentSource, Confirmed)| {
            let (step, document, typed, error) =
                (step.clone(), document.clone(), typed.clone(), error.clone());
            let (reading, number) = (reading.clone(), next(&reading));
            step.set(Step::Reading);
            error.set(None);
            spawn_local(async move {
                let request = InspectOpenapi {
                    source: source.clone(),
                    integration,
                    confirmed,
                };
                let answer = ipc::call(request).await;
                if reading.get() != number {
                    return;
                }
                match answer {
                    Ok(view) => {
                        typed.set(Rc::new(proposed(&view)));
                        document.set(Some(Rc::new(view)));
                        step.set(Step::Found);
                    }
                    Err(asked) if asked.code == ErrorCode::AddressPrivate => {
                        step.set(Step::Asking(Rc::new((source, asked))));
                    }
                    Err(refusal) => {
                        error.set(Some(refusal));
                        step.set(Step::Choose);
                    }
                }
            });
        })
    };
    let take = {
        let (inspect, step, error) = (inspect.clone(), step.clone(), error.clone());
        let (busy, reading) = (busy.clone(), reading.clone());
        Callback::from(move |file: File| {
            if *busy || matches!(*step, Step::Running(_)) {
                return;
            }
            let (inspect, step, error) = (inspect.clone(), step.clone(), error.clone());
            let (reading, number) = (reading.clone(), next(&reading));
            step.set(Step::Reading);
            spawn_local(async move {
                let source = read(&file).await;
                if reading.get() != number {
                    return;
                }
                match source {
                    Ok(source) => inspect.emit((source, Confirmed::default())),
                    Err(refusal) => {
                        error.set(Some(refusal));
                        step.set(Step::Choose);
                    }
                }
            });
        })
    };
    {
        let take = take.clone();
        use_effect_with(props.begin.file.clone(), move |file| {
            if let Some(file) = file {
                take.emit(file.clone());
            }
        });
    }
    use_effect_with(((*step).clone(), (*error).clone()), |(step, error)| {
        let id = match (step, error) {
            (Step::Choose, None) => Some("document-file"),
            (Step::Choose, Some(_)) => Some("form-error"),
            (Step::Found, Some(error)) => Some(field_id(at(error))),
            (Step::Found, None) => Some("document-title"),
            (Step::Asking(_), _) => Some("ask-yes"),
            (Step::Imported(_), _) => Some("imported-close"),
            (Step::Reading | Step::Running(_), _) => None,
        };
        if let Some(id) = id {
            page::focus(id);
        }
    });
    let connect = {
        let (step, error, busy) = (step.clone(), error.clone(), busy.clone());
        let (typed, document, again) = (typed.clone(), document.clone(), props.begin.again);
        Callback::from(move |()| {
            let Some(document) = (*document).clone() else {
                return;
            };
            let (step, error, busy) = (step.clone(), error.clone(), busy.clone());
            let (typed, gone) = ((*typed).clone(), gone.clone());
            busy.set(true);
            error.set(None);
            spawn_local(async move {
                let next = match again {
                    Some(id) => {
                        let document = document.id;
                        let done = ipc::call(ImportAgain { id, document }).await;
                        done.map(|changes| Step::Imported(Rc::new(changes)))
                    }
                    None => {
                        let target = typed.openapi(document.id);
                        match super::ends::typed_end(&typed, &target) {
                            Ok(ends_at) => {
                                let confirmed = Confirmed::default();
                                let request = StartConnect {
                                    target,
                                    confirmed,
                                    ends_at,
                                };
                                let begun = ipc::call(request).await;
                                begun.map(|attempt| Step::Running(attempt.id))
                            }
                            Err(refusal) => Err(refusal),
                        }
                    }
                };
                match next {
                    Ok(Step::Running(id)) if gone.get() => cancel(id),
                    Ok(next) => step.set(next),
                    Err(refusal) => error.set(Some(refusal)),
                }
                busy.set(false);
            });
        })
    };
    let over = {
        let (step, error, away) = (step.clone(), error.clone(), leave(&frame, &props.close));
        Callback::from(move |over: Over| match over {
            Over::Back(why) => {
                error.set(why);
                step.set(Step::Found);
            }
            Over::Close(_) => away.emit(over),
        })
    };
    let on_close = {
        let (close, step) = (props.close.clone(), step.clone());
        Callback::from(move |()| {
            if let Step::Running(id) = *step {
                cancel(id);
            }
            close.emit(());
        })
    };
    let back_to_choice = {
        let (step, error) = (step.clone(), error.clone());
        Callback::from(move |()| {
            next(&reading);
            error.set(None);
            step.set(Step::Choose);
        })
    };
    let on_back = match (&*step, props.begin.again) {
        (Step::Found | Step::Asking(_) | Step::Reading, _) => Some(back_to_choice.clone()),
        (Step::Choose, None) => Some(frame.dispatch.reform(|()| Action::Swap(Sheet::Add))),
        (Step::Choose, Some(_)) | (Step::Running(_) | Step::Imported(_), _) => None,
    };
    let body = match (&*step, &*document) {
        (Step::Choose, _) => html! {
            <Choose error={(*error).clone()} {take} begin={props.begin.url.clone()}
                url={inspect.reform(|url| (DocumentSource::Url { url }, Confirmed::default()))} />
        },
        (Step::Asking(asked), _) => asking(asked, &inspect, &back_to_choice),
        (Step::Found, Some(document)) => {
            let form = found::Form {
                typed: &typed,
                error: error.as_ref(),
                busy: *busy,
                connect: &connect,
            };
            found::found(document, &form)
        }
        (Step::Running(id), _) => html! { <Attempt id={*id} has_form=true {over} /> },
        (Step::Imported(changes), _) => imported(changes, &props.close),
        (Step::Reading, _) | (Step::Found, None) => html! {
            <p class="lead" role="status">{ icon(Icon::Busy) }{ say("openapi-reading") }</p>
        },
    };
    let title = match props.begin.again {
        Some(id) => {
            let name = frame.card(id).map(|card| card.name.clone());
            say_with("openapi-again", &[("name", &name.unwrap_or_default())])
        }
        None => say("kind-openapi"),
    };
    html! { <Dialog {title} {on_close} {on_back}>{ body }</Dialog> }
}

/// The number of the reading that begins now, or of the choice that is gone back to.
fn next(reading: &Cell<u32>) -> u32 {
    reading.set(reading.get().wrapping_add(1));
    reading.get()
}

/// The file's text, unless it is larger than a document may be.
async fn read(file: &File) -> Result<DocumentSource, Error> {
    let limit = u32::try_from(DOCUMENT_MAX).unwrap_or(u32::MAX);
    if file.size() > f64::from(limit) {
        let limit = format!("{} MB", DOCUMENT_MAX / 1_000_000);
        return Err(Error::new(ErrorCode::DocumentTooLarge).with("limit", limit));
    }
    let text = JsFuture::from(file.text()).await.ok();
    let text = text.and_then(|text| text.as_string()).ok_or_else(|| {
        Error::new(ErrorCode::DocumentUnreadable)
            .with("place", file.name())
            .with("why", "the file cannot be opened")
    })?;
    Ok(DocumentSource::File {
        name: file.name(),
        text,
    })
}

/// The form as the document proposes it.
fn proposed(document: &DocumentView) -> Typed {
    let mut typed = Typed {
        name: document.title.chars().take(60).collect(),
        url: document
            .servers
            .first()
            .map(|s| s.url.clone())
            .unwrap_or_default(),
        health_path: document.health_path.clone().unwrap_or_default(),
        ..Typed::default()
    };
    typed.api = document.auth.first().map_or(ApiWay::Bearer, way_of);
    match document.auth.first() {
        Some(AuthOffer::Header { name } | AuthOffer::Query { name }) => {
            typed.key_name.clone_from(name);
        }
        Some(AuthOffer::OAuth {
            authorization_url: Some(authorization_url),
            token_url: Some(token_url),
            scopes,
        }) => {
            typed.sign_in.knows = Knows::Addresses;
            typed
                .sign_in
                .authorization_url
                .clone_from(authorization_url);
            typed.sign_in.token_url.clone_from(token_url);
            typed.sign_in.scopes = scopes.join(" ");
        }
        Some(AuthOffer::None | AuthOffer::Bearer | AuthOffer::Basic | AuthOffer::OAuth { .. })
        | None => {}
    }
    typed
}

/// The way of the form that an offer is. Where a document tells too little to sign in, an access token
/// can be pasted.
fn way_of(offer: &AuthOffer) -> ApiWay {
    match offer {
        AuthOffer::None => ApiWay::None,
        AuthOffer::Bearer => ApiWay::Bearer,
        AuthOffer::Header { .. } => ApiWay::Header,
        AuthOffer::Query { .. } => ApiWay::Query,
        AuthOffer::Basic => ApiWay::Basic,
        AuthOffer::OAuth {
            authorization_url: Some(_),
            token_url: Some(_),
            ..
        } => ApiWay::SignIn,
        AuthOffer::OAuth { .. } => ApiWay::Bearer,
    }
}

fn asking(
    asked: &Rc<(DocumentSource, Error)>,
    inspect: &Callback<(DocumentSource, Confirmed)>,
    no: &Callback<()>,
) -> Html {
    let argument = |name: &str| asked.1.args.get(name).cloned().unwrap_or_default();
    let sentence = say_with(
        "ask-private",
        &[
            ("host", &argument("host")),
            ("address", &argument("address")),
        ],
    );
    let yes = {
        let (asked, inspect) = (asked.clone(), inspect.clone());
        Callback::from(move |_: MouseEvent| {
            let confirmed = Confirmed {
                private_address: true,
                ..Confirmed::default()
            };
            inspect.emit((asked.0.clone(), confirmed));
        })
    };
    let no = no.reform(|_: MouseEvent| ());
    html! {
        <>
            <p class="lead"><span class="warn-ink">{ icon(Icon::Expiring) }</span><span>{ sentence }</span></p>
            <p class="sub">{ say("ask-private-detail") }</p>
            <div class="buttons">
                <button type="button" class="quiet" onclick={no}>{ say("ask-no") }</button>
                <button type="button" class="primary" id="ask-yes" onclick={yes}>{ say("openapi-ask-yes") }</button>
            </div>
        </>
    }
}

fn imported(changes: &ToolChanges, close: &Callback<()>) -> Html {
    let close = close.reform(|_: MouseEvent| ());
    html! {
        <>
            <p class="lead" role="status"><span class="ok-ink">{ icon(Icon::Healthy) }</span>{ say("openapi-imported") }</p>
            { found::changed(changes) }
            <div class="buttons">
                <button type="button" class="primary" id="imported-close" onclick={close}>{ say("close") }</button>
            </div>
        </>
    }
}
