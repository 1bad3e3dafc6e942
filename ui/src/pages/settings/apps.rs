//! App credentials: which providers need them, how to get them, and saving and removing them. One form
//! is open at a time.

use crate::{
    icons::{Icon, icon},
    inert::inert,
    ipc, page,
    parts::{
        field::{Field, Kind, choice},
        states,
        tile::{Size, tile},
    },
    query::use_query,
    say::{say, say_error, say_with},
    state::{Action, Frame},
};
use std::rc::Rc;
use wire::{
    AppCredentialsPage, AppCredentialsView, AppGuideView, AppOwner, ClientAuth, Error, ErrorCode,
    ListAppCredentials, RemoveAppCredentials, SaveAppCredentials, SecretInput, Topic,
};
use yew::{platform::spawn_local, prelude::*};

/// The section of Settings.
#[component]
pub fn Apps() -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let query = use_query(ListAppCredentials {}, vec![Topic::App]);
    // `Some(None)`: the form for another server.
    let open = use_state_eq(|| None::<Option<AppOwner>>);
    let refused = use_state(|| None::<Error>);
    let set_open = {
        let open = open.clone();
        let refused = refused.clone();
        Callback::from(move |next: Option<Option<AppOwner>>| {
            refused.set(None);
            open.set(next);
        })
    };
    // Sent here from a provider's sheet.
    {
        let (set_open, dispatch) = (set_open.clone(), frame.dispatch.clone());
        let refused = refused.clone();
        use_effect_with(frame.state.set_up.clone(), move |asked| {
            if let Some((id, why)) = asked {
                let id = id.to_string();
                set_open.emit(Some(Some(AppOwner::Provider { id })));
                refused.set(why.clone());
                dispatch.emit(Action::SetUp(None));
            }
        });
    }
    let body = states::shown(&query, states::loading_lines(), |page| {
        list(page, ((*open).as_ref(), &refused), &set_open)
    });
    html! {
        <section class="panel" id="app-credentials"><h2>{ say("apps") }</h2><div class="in">
            <p class="sub">{ say("apps-are") }</p>
            { body }
        </div></section>
    }
}

fn list(
    page: &Rc<AppCredentialsPage>,
    (open, refused): (Option<&Option<AppOwner>>, &Option<Error>),
    set_open: &Callback<Option<Option<AppOwner>>>,
) -> Html {
    let is_open = |owner: &AppOwner| open.is_some_and(|open| open.as_ref() == Some(owner));
    let toggle = |owner: &AppOwner| {
        let (owner, opened, set_open) = (owner.clone(), is_open(owner), set_open.clone());
        Callback::from(move |_: MouseEvent| {
            set_open.emit((!opened).then(|| Some(owner.clone())));
        })
    };
    let close = set_open.reform(|()| None);
    let providers = page.providers.iter().map(|guide| {
        let opened = is_open(&guide.owner);
        let label = if guide.saved.is_some() { "apps-change" } else { "apps-set-up" };
        html! {
            <li data-testid="app">
                <div class="line">
                    { tile(&guide.icon, Size::Small) }
                    <b>{ inert(&guide.name) }</b>
                    <span class="sub grow">{ standing(guide) }</span>
                    <button type="button" onclick={toggle(&guide.owner)} aria-expanded={opened.to_string()}
                        aria-label={say_with("action-for", &[("action", &say(label)), ("name", &guide.name)])}>
                        { say(label) }
                    </button>
                </div>
                if opened {
                    { how(guide) }
                    <AppForm owner={Some(guide.owner.clone())} saved={guide.saved.clone()}
                        refused={refused.clone()} close={close.clone()} />
                }
            </li>
        }
    });
    let others = page.others.iter().map(|saved| {
        let name = match &saved.owner {
            AppOwner::Provider { id } => id.clone(),
            AppOwner::Issuer { issuer } => issuer.clone(),
        };
        let opened = is_open(&saved.owner);
        html! {
            <li data-testid="app">
                <div class="line">
                    <b>{ inert(&name) }</b>
                    <span class="sub grow">{ say_with("apps-saved", &[("id", &inert(&saved.client_id))]) }</span>
                    <button type="button" onclick={toggle(&saved.owner)} aria-expanded={opened.to_string()}>
                        { say("apps-change") }
                    </button>
                </div>
                if opened {
                    <AppForm owner={Some(saved.owner.clone())} saved={Some(saved.clone())} close={close.clone()} />
                }
            </li>
        }
    });
    let another = open.is_some_and(Option::is_none);
    let on_another = set_open.reform(move |_: MouseEvent| (!another).then_some(None));
    html! {
        <>
            <ul class="apps">{ for providers }{ for others }</ul>
            <button type="button" onclick={on_another} aria-expanded={another.to_string()}>{ say("apps-another") }</button>
            if another { <AppForm owner={None::<AppOwner>} saved={None::<AppCredentialsView>} {close} /> }
        </>
    }
}

fn standing(guide: &AppGuideView) -> AttrValue {
    match (&guide.saved, &guide.built_in) {
        (Some(saved), _) => say_with("apps-saved", &[("id", &inert(&saved.client_id))]),
        (None, Some(_)) => say("apps-built-in"),
        (None, None) => say("apps-none"),
    }
}

/// The steps, the page to open, what to copy, the scopes to tick.
fn how(guide: &AppGuideView) -> Html {
    let redirects = guide
        .redirects
        .iter()
        .map(|uri| html! { <Copied text={uri.clone()} label={say("redirect-uri")} /> });
    html! {
        <div class="guide">
            if let Some(page) = &guide.page {
                <p class="sub">{ say("apps-page") }</p>
                <Copied text={page.clone()} label={say("apps-page")} />
            }
            <ol>{ for guide.steps.iter().map(|step| html! { <li>{ inert(step) }</li> }) }</ol>
            if !guide.redirects.is_empty() {
                <p class="sub">{ say("apps-redirects") }</p>
                { for redirects }
            }
            if !guide.scopes.is_empty() {
                <p class="sub">{ say("apps-scopes") }</p>
                <Copied text={guide.scopes.join(" ")} label={say("field-scopes")} />
            }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct CopiedProps {
    text: String,
    label: AttrValue,
}

/// A value to take elsewhere.
#[component]
fn Copied(props: &CopiedProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let copy = {
        let text = props.text.clone();
        Callback::from(move |_: MouseEvent| {
            let (frame, text) = (frame.clone(), text.clone());
            spawn_local(async move {
                if page::copy(&text).await.is_ok() {
                    frame.say(say("copied"));
                }
            });
        })
    };
    html! {
        <p class="line"><code class="path">{ inert(&props.text) }</code>
            <button type="button" class="quiet icon" onclick={copy}
                aria-label={say_with("copy-name", &[("name", &props.label)])}>{ icon(Icon::Copy) }</button>
        </p>
    }
}

#[derive(Properties, PartialEq)]
struct AppFormProps {
    /// `None`: the issuer is typed.
    owner: Option<AppOwner>,
    saved: Option<AppCredentialsView>,
    /// Why the saved ones will not do, as the provider said.
    #[prop_or_default]
    refused: Option<Error>,
    close: Callback<()>,
}

/// In the order of the options.
const CLIENTS: [ClientAuth; 3] = [ClientAuth::None, ClientAuth::Basic, ClientAuth::Post];

#[component]
fn AppForm(props: &AppFormProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let before = props.saved.as_ref();
    let issuer = use_state(String::new);
    let id = use_state(|| before.map_or_else(String::new, |saved| saved.client_id.clone()));
    let secret = use_state(String::new);
    let auth = use_state_eq(|| before.map_or(ClientAuth::None, |saved| saved.client_auth));
    let error = use_state(|| props.refused.clone());
    let busy = use_state_eq(|| false);
    use_effect_with(props.owner.is_none(), |typed| {
        page::focus(if *typed {
            "app-issuer"
        } else {
            "app-client-id"
        });
    });

    let finish = {
        let (frame, error, busy, close) = (
            frame.clone(),
            error.clone(),
            busy.clone(),
            props.close.clone(),
        );
        Callback::from(move |result: Result<&'static str, Error>| {
            busy.set(false);
            match result {
                Ok(said) => {
                    frame.say(say(said));
                    close.emit(());
                }
                Err(refusal) => error.set(Some(refusal)),
            }
        })
    };
    let onsubmit = {
        let (owner, finish, busy) = (props.owner.clone(), finish.clone(), busy.clone());
        let (issuer, id, secret, auth) = (issuer.clone(), id.clone(), secret.clone(), *auth);
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let request = SaveAppCredentials {
                owner: owner.clone().unwrap_or_else(|| AppOwner::Issuer {
                    issuer: issuer.trim().to_owned(),
                }),
                client_id: id.trim().to_owned(),
                client_secret: (auth != ClientAuth::None).then(|| SecretInput::new(&secret)),
                client_auth: auth,
            };
            busy.set(true);
            let finish = finish.clone();
            spawn_local(async move { finish.emit(ipc::call(request).await.map(|()| "saved")) });
        })
    };
    let remove = {
        let (owner, finish, busy) = (props.owner.clone(), finish, busy.clone());
        Callback::from(move |_: MouseEvent| {
            let (Some(owner), finish) = (owner.clone(), finish.clone()) else {
                return;
            };
            busy.set(true);
            spawn_local(async move {
                let removed = ipc::call(RemoveAppCredentials { owner }).await;
                finish.emit(removed.map(|()| "apps-removed"));
            });
        })
    };
    let typed = |state: &UseStateHandle<String>| {
        let state = state.clone();
        Callback::from(move |text: String| state.set(text))
    };
    let wrong = |field: &str| {
        // A provider does not tell which of the two it means: the one that cannot be read again.
        let refused = if *auth == ClientAuth::None {
            "Client ID"
        } else {
            "Client secret"
        };
        let named = |error: &&Error| match error.code {
            ErrorCode::OauthClientRefused => field == refused,
            _ => error.args.get("field").is_some_and(|named| named == field),
        };
        error.as_ref().filter(named).map(say_error)
    };
    let elsewhere = error.as_ref().filter(|error| {
        use ErrorCode::{FieldEmpty, FieldInvalid, OauthClientRefused};
        !matches!(error.code, FieldEmpty | FieldInvalid | OauthClientRefused)
    });
    let options = [
        (say("client-none"), Some(say("client-none-hint"))),
        (say("client-basic"), None),
        (say("client-post"), None),
    ];
    let chosen = CLIENTS
        .iter()
        .position(|each| *each == *auth)
        .unwrap_or_default();
    let on_choose = {
        let auth = auth.clone();
        Callback::from(move |index: usize| {
            auth.set(CLIENTS.get(index).copied().unwrap_or(ClientAuth::None))
        })
    };
    html! {
        <form {onsubmit} autocomplete="off">
            if let Some(error) = elsewhere { <p class="error" role="alert">{ say_error(error) }</p> }
            if props.owner.is_none() {
                <Field id="app-issuer" kind={Kind::Url} label={say("field-issuer")} value={(*issuer).clone()} required=true
                    placeholder="https://auth.example.com" error={wrong("Issuer")} on_input={typed(&issuer)} />
            }
            <Field id="app-client-id" label={say("field-client-id")} value={(*id).clone()} required=true max={1_000}
                error={wrong("Client ID")} on_input={typed(&id)} />
            { choice("app-client", say("client"), (&options, chosen), &on_choose) }
            if *auth != ClientAuth::None {
                <Field id="app-secret" kind={Kind::Secret} label={say("field-client-secret")} value={(*secret).clone()}
                    required=true max={20_000} hint={say("secret-hint")} error={wrong("Client secret")} on_input={typed(&secret)} />
            }
            <div class="buttons">
                if before.is_some() {
                    <button type="button" class="danger" disabled={*busy} onclick={remove}>{ say("apps-remove") }</button>
                }
                <button type="submit" class="primary" disabled={*busy}>{ say("save") }</button>
            </div>
        </form>
    }
}
