//! Reconnect: a fresh key, or the sign-in once more, with its own client typed anew where that is what
//! ails. Id, history and settings stay.

use super::{
    attempt::{Attempt, Over, cancel, leave, use_gone},
    end_of,
    form::{At, at, is_of_app},
    takes_key,
};
use crate::{
    icons::{Icon, icon},
    ipc, page,
    parts::{
        card::account,
        dialog::Dialog,
        field::{Field, Kind},
    },
    route::{Route, go},
    say::{say, say_count, say_error, say_with},
    state::{Action, Frame},
};
use wire::{AttemptId, AuthView, Confirmed, Error, ErrorCode, IntegrationId, SecretInput};
use yew::{platform::spawn_local, prelude::*};

/// Which integration, and whom the sheet tells that it closes.
#[derive(Properties, PartialEq)]
pub struct ReconnectProps {
    pub id: IntegrationId,
    /// The tool that access is requested for.
    #[prop_or_default]
    pub tool: Option<String>,
    pub close: Callback<()>,
}

/// The sheet.
#[component]
pub fn Reconnect(props: &ReconnectProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let key = use_state(String::new);
    let client_id = use_state(String::new);
    // Why the client that was typed for it is asked for.
    let client = use_state_eq(|| None::<ErrorCode>);
    let ends_on = use_state(String::new);
    let attempt = use_state(|| None::<AttemptId>);
    let error = use_state(|| None::<Error>);
    let starting = use_state(|| false);
    let gone = use_gone();
    let id = props.id;
    let card = frame.card(id).cloned();
    let asks_key = card.as_ref().is_some_and(takes_key);

    let start = {
        let (attempt, error, starting) = (attempt.clone(), error.clone(), starting.clone());
        let (ends_on, tool) = ((*ends_on).clone(), props.tool.clone());
        let (client_id, of_client) = ((*client_id).clone(), client.is_some());
        Callback::from(move |typed: Option<SecretInput>| {
            let (client_secret, fresh_key) = if of_client {
                (typed, None)
            } else {
                (None, typed)
            };
            let ends_at = match end_of(&ends_on) {
                Ok(ends_at) => ends_at,
                Err(refusal) => return error.set(Some(refusal)),
            };
            let (tool, client_id, gone) = (tool.clone(), client_id.clone(), gone.clone());
            let (attempt, error, starting) = (attempt.clone(), error.clone(), starting.clone());
            starting.set(true);
            error.set(None);
            spawn_local(async move {
                let request = wire::Reconnect {
                    id,
                    fresh_key,
                    confirmed: Confirmed::default(),
                    ends_at,
                    tool,
                    client_id,
                    client_secret,
                };
                match ipc::call(request).await {
                    Ok(began) if gone.get() => cancel(began.id),
                    Ok(began) => attempt.set(Some(began.id)),
                    Err(refusal) => error.set(Some(refusal)),
                }
                starting.set(false);
            });
        })
    };
    {
        // A sign-in has nothing to fill in: it starts at once.
        let start = start.clone();
        let at_once = card.is_some() && !asks_key;
        use_effect_with((), move |()| {
            if at_once {
                start.emit(None);
            }
        });
    }
    use_effect_with((*error).clone(), |error| {
        if let Some(error) = error {
            page::focus(match at(error) {
                At::EndsOn => "fresh-ends-on",
                At::ClientId => "fresh-client-id",
                _ => "fresh-key",
            });
        }
    });
    let on_close = {
        let (close, attempt) = (props.close.clone(), *attempt);
        Callback::from(move |()| {
            if let Some(id) = attempt {
                cancel(id);
            }
            close.emit(());
        })
    };
    let over = {
        let (away, attempt, error) = (leave(&frame, &props.close), attempt.clone(), error.clone());
        let client = client.clone();
        let (dispatch, walks) = (frame.dispatch.clone(), !frame.state.repairs.is_empty());
        Callback::from(move |over: Over| match over {
            Over::Close(_) if walks => dispatch.emit(Action::NextRepair),
            Over::Back(why) if asks_key || client.is_some() || why.is_some() => {
                use ErrorCode::{ClientSecretMissing, OwnClientRefused};
                let code = why.as_ref().map(|why| why.code);
                if let Some(code @ (ClientSecretMissing | OwnClientRefused)) = code {
                    client.set(Some(code));
                }
                error.set(why);
                attempt.set(None);
            }
            Over::Back(_) | Over::Close(_) => away.emit(over),
        })
    };
    let Some(card) = card else {
        return html! {
            <Dialog title={say("fix-reconnect")} {on_close} narrow=true>
                <p class="lead">{ say("gone") }</p>
            </Dialog>
        };
    };
    let title = say_with(
        if asks_key {
            "paste-key-for"
        } else {
            "reconnect-name"
        },
        &[("name", &card.name)],
    );
    let body = match *attempt {
        Some(id) => html! { <Attempt key={id.to_string()} {id} has_form=true {over} /> },
        None if asks_key || client.is_some() => {
            let onsubmit = {
                let (start, key) = (start.clone(), key.clone());
                Callback::from(move |e: SubmitEvent| {
                    e.prevent_default();
                    start.emit(Some(SecretInput::new(&key)));
                })
            };
            let typed = |state: &UseStateHandle<String>| {
                let state = state.clone();
                Callback::from(move |text: String| state.set(text))
            };
            let told = |wanted: fn(At) -> bool| {
                let of = error.as_ref();
                of.filter(|error| wanted(at(error))).map(say_error)
            };
            let told_key = told(|at| !matches!(at, At::EndsOn | At::ClientId));
            let fields = match *client {
                Some(why) => html! {
                    <>
                        <Field id="fresh-client-id" label={say("field-client-id")} value={(*client_id).clone()} max={1_000}
                            hint={say("fresh-client-id-hint")} error={told(|at| at == At::ClientId)}
                            on_input={typed(&client_id)} />
                        <Field id="fresh-key" kind={Kind::Secret} label={say("field-client-secret")} value={(*key).clone()}
                            required={why == ErrorCode::ClientSecretMissing} max={20_000} hint={say("secret-hint")}
                            error={told_key} on_input={typed(&key)} />
                    </>
                },
                None => html! {
                    <>
                        <Field id="fresh-key" kind={Kind::Secret} label={key_label(&card.auth)} value={(*key).clone()}
                            required=true autofocus=true max={20_000} hint={say("fresh-key-hint")}
                            error={told_key} on_input={typed(&key)} />
                        <Field id="fresh-ends-on" kind={Kind::Date} label={say("field-ends-on")} value={(*ends_on).clone()}
                            max={10} hint={say("field-ends-on-hint")} error={told(|at| at == At::EndsOn)}
                            on_input={typed(&ends_on)} />
                    </>
                },
            };
            html! {
                <form {onsubmit} autocomplete="off">
                    { fields }
                    <div class="buttons">
                        <button type="submit" class="primary" disabled={*starting}>
                            if *starting { { icon(Icon::Busy) } }
                            { say("fix-reconnect") }
                        </button>
                    </div>
                </form>
            }
        }
        None => match &*error {
            Some(why) => {
                let again = start.reform(|_: MouseEvent| None);
                let away = over.reform(|_: MouseEvent| Over::Close(None));
                html! {
                    <>
                        <p class="lead bad-ink" role="alert">{ icon(Icon::Expiring) }<span>{ say_error(why) }</span></p>
                        <div class="buttons">
                            <button type="button" class="quiet" onclick={away}>{ say("close") }</button>
                            if is_of_app(why) {
                                <button type="button" onclick={set_up(&frame, why, &props.close)}>{ say("apps-mend") }</button>
                            }
                            <button type="button" onclick={again}>{ say("try-again") }</button>
                        </div>
                    </>
                }
            }
            None => html! { <p class="lead">{ icon(Icon::Busy) }{ say("attempt-checking") }</p> },
        },
    };
    let tools = match frame.state.repairs.len() {
        0 => Html::default(),
        left => {
            let skip = {
                let (dispatch, attempt) = (frame.dispatch.clone(), *attempt);
                Callback::from(move |_: MouseEvent| {
                    if let Some(id) = attempt {
                        cancel(id);
                    }
                    dispatch.emit(Action::NextRepair);
                })
            };
            html! {
                <>
                    <span class="sub">{ say_count("repairs-left", left) }</span>
                    <button type="button" class="quiet" data-testid="repair-skip" onclick={skip}>{ say("repair-skip") }</button>
                </>
            }
        }
    };
    html! { <Dialog {title} {on_close} narrow=true {tools}><p class="sub whose">{ account(&card) }</p>{ body }</Dialog> }
}

/// Leads to the app credentials that an error is about.
fn set_up(frame: &Frame, why: &Error, close: &Callback<()>) -> Callback<MouseEvent> {
    let (dispatch, close, why) = (frame.dispatch.clone(), close.clone(), why.clone());
    Callback::from(move |_: MouseEvent| {
        go(Route::Settings);
        match why.args.get("provider") {
            Some(id) => dispatch.emit(Action::SetUp(Some((id.clone().into(), Some(why.clone()))))),
            None => close.emit(()),
        }
    })
}

/// What is pasted: a key, a token, or the password of a user.
fn key_label(auth: &AuthView) -> AttrValue {
    match auth {
        AuthView::Basic { user } if user.is_empty() => say("field-key"),
        AuthView::Basic { user } => say_with("fresh-password", &[("user", user)]),
        AuthView::Bearer => say("fresh-token"),
        AuthView::Header { name } | AuthView::Query { name } => {
            say_with("fresh-named-key", &[("key", name)])
        }
        AuthView::None | AuthView::OAuth { .. } => say("field-key"),
    }
}
