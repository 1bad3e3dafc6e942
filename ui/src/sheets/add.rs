//! Add integration: choose a kind, fill in the form, follow the attempt. What was typed stays until
//! the sheet closes, so that a failure costs nothing.

mod fields;
mod gallery;
mod provider;
mod sign_in;
mod step;

use super::{
    attempt::{Attempt, Over, cancel, leave, use_gone},
    form::{ApiWay, At, Knows, McpWay, Typed, at, is_of_app},
};
use crate::{
    guess::Looks,
    icons::{Icon, icon},
    ipc, page,
    parts::{
        dialog::{Dialog, Width},
        field::{Field, choice},
        gallery::Choice,
        provider::Chosen,
    },
    route::{Route, go},
    say::{say, say_error},
    state::{Action, Begin, Frame, Sheet},
};
pub(super) use fields::Fields;
use gallery::{Gallery, Pick};
use std::rc::Rc;
use step::{Form, Origin, Step};
use wire::{Confirmed, Error, ProviderView, StartConnect, Target};
use yew::{platform::spawn_local, prelude::*};

/// Whom the sheet tells that it closes.
#[derive(Properties, PartialEq)]
pub struct AddProps {
    pub close: Callback<()>,
}

/// The sheet.
#[component]
pub fn Add(props: &AddProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let step = use_state_eq(|| Step::Choose);
    let search = use_state_eq(AttrValue::default);
    let provider = use_state(|| None::<Rc<ProviderView>>);
    let chosen = use_state(|| Rc::new(Chosen::default()));
    let typed = use_state(|| Rc::new(Typed::default()));
    let error = use_state(|| None::<Error>);
    let starting = use_state_eq(|| false);
    let gone = use_gone();

    let start = {
        let (step, error, starting) = (step.clone(), error.clone(), starting.clone());
        let for_end = (*typed).clone();
        Callback::from(move |(target, origin): (Target, Origin)| {
            let ends_at = match super::ends::typed_end(&for_end, &target) {
                Ok(ends_at) => ends_at,
                Err(refusal) => return error.set(Some(refusal)),
            };
            let (step, error, starting) = (step.clone(), error.clone(), starting.clone());
            let gone = gone.clone();
            starting.set(true);
            error.set(None);
            spawn_local(async move {
                let confirmed = Confirmed::default();
                let request = StartConnect {
                    target,
                    confirmed,
                    ends_at,
                };
                match ipc::call(request).await {
                    Ok(attempt) if gone.get() => cancel(attempt.id),
                    Ok(attempt) => step.set(Step::Running(attempt.id, origin)),
                    Err(refusal) => error.set(Some(refusal)),
                }
                starting.set(false);
            });
        })
    };
    let go_to = {
        let (step, error) = (step.clone(), error.clone());
        Callback::from(move |next: Step| {
            error.set(None);
            step.set(next);
        })
    };
    let pick = {
        let (go_to, start, dispatch) = (go_to.clone(), start.clone(), frame.dispatch.clone());
        let (provider, chosen, typed) = (provider.clone(), chosen.clone(), typed.clone());
        Callback::from(move |pick: Pick| match pick {
            Pick::Provider(picked) => {
                chosen.set(Rc::new(Chosen::at_first(&picked)));
                provider.set(Some(Rc::new(*picked)));
                go_to.emit(Step::Provider);
            }
            Pick::Other(Choice::Own(looks, url)) => {
                let step = match looks {
                    Looks::Mcp => Step::Mcp,
                    Looks::Api => Step::Api,
                    Looks::OpenApi => {
                        let begin = Begin {
                            url,
                            ..Begin::default()
                        };
                        dispatch.emit(Action::Swap(Sheet::OpenApi(begin)));
                        return;
                    }
                };
                if !url.is_empty() && url != typed.url {
                    // What was typed for another address, a token above all, is not for this one.
                    typed.set(Rc::new(Typed {
                        url,
                        ..Typed::default()
                    }));
                }
                go_to.emit(step);
            }
            Pick::Other(Choice::Sample) => start.emit((Target::Sample, Origin::Sample)),
            // The gallery gives a provider of its own list; one that is gone meanwhile is no choice.
            Pick::Other(Choice::Provider(_)) => {}
        })
    };
    {
        let dispatch = frame.dispatch.clone();
        use_effect_with(*step == Step::Choose, move |at_choice| {
            dispatch.emit(Action::Adding(!at_choice));
        });
    }
    // Where the focus belongs when the sheet's content changes.
    use_effect_with((*step, (*error).clone()), |(step, error)| {
        let id = match (step, error) {
            (Step::Choose, _) => Some("gallery-search"),
            (Step::Mcp | Step::Api, None) => Some("url"),
            (Step::Mcp | Step::Api, Some(error)) => Some(field_id(at(error))),
            (Step::Provider, None) => Some("sheet-title"),
            (Step::Provider, Some(error)) => Some(field_id(at(error))),
            (Step::Running(..), _) => None,
        };
        if let Some(id) = id {
            page::focus(id);
        }
    });

    let on_close = {
        let (close, step) = (props.close.clone(), *step);
        Callback::from(move |()| {
            if let Step::Running(id, _) = step {
                cancel(id);
            }
            close.emit(());
        })
    };
    let back = go_to.reform(|()| Step::Choose);
    let of_form = start.reform(|(target, form): (Target, Option<Form>)| {
        (target, form.map_or(Origin::Sample, Origin::Form))
    });
    let (title, on_back, body) = match (*step, &*provider) {
        (Step::Choose, _) | (Step::Provider, None) => (
            say("add-integration"),
            None,
            html! {
                <>
                    { error.as_ref().map(above).unwrap_or_default() }
                    <Gallery typed={(*search).clone()} choose={pick} />
                </>
            },
        ),
        (Step::Mcp, _) => (
            Form::Mcp.title(),
            Some(back),
            form(Form::Mcp, &typed, error.as_ref(), *starting, &of_form),
        ),
        (Step::Api, _) => (
            Form::Api.title(),
            Some(back),
            form(Form::Api, &typed, error.as_ref(), *starting, &of_form),
        ),
        (Step::Provider, Some(provider)) => {
            let now = (**chosen).clone();
            let change = Callback::from(move |next: Chosen| chosen.set(Rc::new(next)));
            let start = start.reform(|target: Target| (target, Origin::Provider));
            let state = (error.as_ref(), *starting);
            let refused = (*error).clone().filter(is_of_app);
            let set_up = frame.dispatch.reform(move |id| {
                go(Route::Settings);
                Action::SetUp(Some((id, refused.clone())))
            });
            (
                provider.name.clone().into(),
                Some(back),
                provider::sheet(provider, &now, state, (&change, &start, &set_up)),
            )
        }
        (Step::Running(id, origin), provider) => {
            let over = over(&frame, &props.close, origin, &step, &error);
            let title = match (origin, provider) {
                (Origin::Form(form), _) => form.title(),
                (Origin::Provider, Some(provider)) => provider.name.clone().into(),
                (Origin::Sample, _) | (Origin::Provider, None) => say("kind-sample"),
            };
            let has_form = origin != Origin::Sample;
            (title, None, html! { <Attempt {id} {has_form} {over} /> })
        }
    };
    let (tools, width) = if *step == Step::Choose {
        let set = search.setter();
        let on_typed = Callback::from(move |text: AttrValue| set.set(text));
        (gallery::search(&search, &on_typed), Width::Wide)
    } else {
        (Html::default(), Width::Normal)
    };
    html! { <Dialog {title} {on_close} {on_back} {tools} {width}>{ body }</Dialog> }
}

/// Back to where it was started with what was typed, or away.
fn over(
    frame: &Frame,
    close: &Callback<()>,
    origin: Origin,
    step: &UseStateHandle<Step>,
    error: &UseStateHandle<Option<Error>>,
) -> Callback<Over> {
    let away = leave(frame, close);
    let (step, error) = (step.clone(), error.clone());
    Callback::from(move |over: Over| match over {
        Over::Back(why) => {
            error.set(why);
            step.set(origin.step());
        }
        Over::Close(_) => away.emit(over),
    })
}

/// An error that belongs to no field.
pub(super) fn above(error: &Error) -> Html {
    html! {
        <p class="error box" role="alert" id="form-error" tabindex="-1">
            { icon(Icon::Expiring) }<span>{ say_error(error) }</span>
        </p>
    }
}

/// The id of the field of an error.
pub(super) fn field_id(at: At) -> &'static str {
    match at {
        At::Url => "url",
        At::Name => "name",
        At::KeyName => "key-name",
        At::User => "user",
        At::Secret => "secret",
        At::EndsOn => "ends-on",
        At::HealthPath => "health-path",
        At::Issuer => "issuer",
        At::AuthorizationUrl => "authorization-url",
        At::TokenUrl => "token-url",
        At::RevocationUrl => "revocation-url",
        At::ClientId => "client-id",
        At::Scopes => "scopes",
        At::Form => "form-error",
    }
}

/// In the order of the options.
const MCP_WAYS: [McpWay; 4] = [
    McpWay::Discover,
    McpWay::Bearer,
    McpWay::Header,
    McpWay::Query,
];
/// In the order of the options.
const API_WAYS: [ApiWay; 6] = [
    ApiWay::Bearer,
    ApiWay::Header,
    ApiWay::Query,
    ApiWay::Basic,
    ApiWay::SignIn,
    ApiWay::None,
];

fn form(
    form: Form,
    typed: &UseStateHandle<Rc<Typed>>,
    error: Option<&Error>,
    starting: bool,
    start: &Callback<(Target, Option<Form>)>,
) -> Html {
    let fields = Fields {
        typed,
        wrong: error.map(|error| (visible(form, typed, at(error)), error)),
    };
    let onsubmit = {
        let (start, typed) = (start.clone(), (**typed).clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let target = match form {
                Form::Mcp => typed.mcp(),
                Form::Api => typed.api(),
            };
            start.emit((target, Some(form)));
        })
    };
    let body = match form {
        Form::Mcp => mcp_fields(&fields),
        Form::Api => api_fields(&fields),
    };
    html! {
        <form {onsubmit} autocomplete="off">
            if let Some((At::Form, error)) = fields.wrong { { above(error) } }
            { body }
            <div class="buttons">
                <span class="sub grow">{ say("saved-after-proof") }</span>
                <button type="submit" class="primary" disabled={starting}>
                    if starting { { icon(Icon::Busy) } }
                    { say("connect") }
                </button>
            </div>
        </form>
    }
}

/// An error at a field that this form does not show now stands above it.
fn visible(form: Form, typed: &Typed, at: At) -> At {
    let shown = match (form, at) {
        (_, At::Url | At::Name | At::Form) => true,
        (Form::Mcp, At::Secret | At::EndsOn) => typed.mcp != McpWay::Discover,
        (Form::Api, At::EndsOn) => typed.api != ApiWay::SignIn,
        (Form::Mcp, At::KeyName) => matches!(typed.mcp, McpWay::Header | McpWay::Query),
        (Form::Mcp, _) => false,
        (Form::Api, At::Secret) => {
            typed.api != ApiWay::None
                && (typed.api != ApiWay::SignIn
                    || typed.sign_in.client_auth != wire::ClientAuth::None)
        }
        (Form::Api, At::HealthPath) => true,
        (Form::Api, At::KeyName) => matches!(typed.api, ApiWay::Header | ApiWay::Query),
        (Form::Api, At::User) => typed.api == ApiWay::Basic,
        (Form::Api, At::ClientId | At::Scopes) => typed.api == ApiWay::SignIn,
        (Form::Api, At::Issuer) => {
            typed.api == ApiWay::SignIn && typed.sign_in.knows == Knows::Issuer
        }
        (Form::Api, At::AuthorizationUrl | At::TokenUrl | At::RevocationUrl) => {
            typed.api == ApiWay::SignIn && typed.sign_in.knows == Knows::Addresses
        }
    };
    if shown { at } else { At::Form }
}

fn mcp_fields(fields: &Fields) -> Html {
    let options = [
        (say("auth-discover"), Some(say("auth-discover-hint"))),
        (say("auth-bearer"), None),
        (say("auth-header"), None),
        (say("auth-key-query"), None),
    ];
    let (chosen, on_choose) = fields.way(&MCP_WAYS, fields.typed.mcp, |typed, way| typed.mcp = way);
    html! {
        <>
            { fields.url("field-mcp-url", "https://mcp.example.com/mcp") }
            { fields.name(false, "name-hint") }
            { choice("auth", say("auth"), (&options, chosen), &on_choose) }
            { match fields.typed.mcp {
                McpWay::Discover => Html::default(),
                McpWay::Bearer => fields.key("field-token"),
                McpWay::Header => html! { <>{ fields.key_name("field-header", "X-API-Key") }{ fields.key("field-value") }</> },
                McpWay::Query => html! { <>{ fields.key_name("field-parameter", "api_key") }{ fields.key("field-key") }</> },
            } }
        </>
    }
}

fn api_fields(fields: &Fields) -> Html {
    html! {
        <>
            { fields.url("field-base-url", "https://api.example.com/v1") }
            { fields.name(true, "api-name-hint") }
            { given(fields, &[]) }
            { health_path(fields, "health-hint") }
        </>
    }
}

/// How a custom API knows us, and the fields of the chosen way. `offered`: ways that the API's own
/// document names.
pub(super) fn given(fields: &Fields, offered: &[ApiWay]) -> Html {
    let options = API_WAYS.map(|way| {
        let hint = (way == ApiWay::SignIn).then(|| say("auth-sign-in-hint"));
        let label = match way {
            ApiWay::Bearer => "auth-bearer",
            ApiWay::Header => "auth-key-header",
            ApiWay::Query => "auth-key-query",
            ApiWay::Basic => "auth-basic",
            ApiWay::SignIn => "auth-sign-in",
            ApiWay::None => "auth-no-key",
        };
        let named = offered.contains(&way).then(|| say("openapi-offered"));
        (say(label), named.or(hint))
    });
    let (chosen, on_choose) = fields.way(&API_WAYS, fields.typed.api, |typed, way| typed.api = way);
    html! {
        <>
            { choice("auth", say("auth"), (&options, chosen), &on_choose) }
            { match fields.typed.api {
                ApiWay::Bearer => fields.key("field-token"),
                ApiWay::Header => html! { <>{ fields.key_name("field-header", "X-API-Key") }{ fields.key("field-key") }</> },
                ApiWay::Query => html! { <>{ fields.key_name("field-parameter", "api_key") }{ fields.key("field-key") }</> },
                ApiWay::Basic => html! { <>
                    <Field id="user" label={say("field-user")} value={fields.typed.user.clone()} required=true max={200}
                        error={fields.error(At::User)} on_input={fields.set(|t, text| t.user = text)} />
                    { fields.password() }
                </> },
                ApiWay::SignIn => sign_in::fields(fields),
                ApiWay::None => Html::default(),
            } }
        </>
    }
}

/// The path of the ping.
pub(super) fn health_path(fields: &Fields, hint: &'static str) -> Html {
    html! {
        <Field id="health-path" label={say("field-health")} value={fields.typed.health_path.clone()}
            placeholder="/health" hint={say(hint)} error={fields.error(At::HealthPath)}
            on_input={fields.set(|t, text| t.health_path = text)} />
    }
}
