//! Settings of the whole app.

mod agents;
mod apps;
pub mod background;
mod record;
mod save;
mod slack;

use crate::{
    app::carry_out,
    icons::{Icon, icon},
    inert::inert,
    page,
    parts::{
        banner::{Choice as KeyringChoice, choice_buttons, trouble},
        field::{Field, choice},
        states,
    },
    say::{say, say_with},
    state::Frame,
};
use std::rc::Rc;
use web_sys::HtmlInputElement;
use wire::{AppView, KeyringView, SaveSettings, Settings as Saved, Theme};
use yew::{platform::spawn_local, prelude::*};

/// The page.
pub fn settings(frame: &Frame) -> Html {
    html! {
        <div class="narrow-page">
            <header class="page"><h1 tabindex="-1" id="title">{ say("settings") }</h1></header>
            { states::shown(&frame.settings, states::loading_lines(), |saved| html! {
                <>
                    <Person saved={saved.clone()} />
                    <agents::Agents saved={saved.clone()} />
                </>
            }) }
            <record::Record />
            <slack::Channels />
            <background::Background />
            <apps::Apps />
            { states::shown(&frame.app, states::loading_lines(), |app| html! { <About app={app.clone()} /> }) }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct PersonProps {
    saved: Rc<Saved>,
}

/// In the order of the options.
const THEMES: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

/// The admin's name and the theme.
#[component]
fn Person(props: &PersonProps) -> Html {
    let typed = use_state(|| props.saved.person.clone());
    let (save, error) = save::use_save::<SaveSettings>();
    let save = save.reform(|settings: Saved| SaveSettings { settings });
    {
        let typed = typed.setter();
        use_effect_with(props.saved.person.clone(), move |name| {
            typed.set(name.clone())
        });
    }
    let onsubmit = {
        let (save, typed, saved) = (save.clone(), typed.clone(), props.saved.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let person = typed.trim().to_owned();
            typed.set(person.clone());
            save.emit(Saved {
                person,
                ..(*saved).clone()
            });
        })
    };
    let on_choose = {
        let saved = props.saved.clone();
        save.reform(move |index: usize| {
            let theme = THEMES.get(index).copied().unwrap_or_default();
            // At once, not after the round trip.
            page::apply_theme(theme);
            Saved {
                theme,
                ..(*saved).clone()
            }
        })
    };
    let on_input = {
        let typed = typed.clone();
        Callback::from(move |text: String| typed.set(text))
    };
    let resumes = {
        let saved = props.saved.clone();
        save.reform(move |e: Event| Saved {
            resume_after_outage: e.target_unchecked_into::<HtmlInputElement>().checked(),
            ..(*saved).clone()
        })
    };
    let options = [
        (say("theme-system"), None),
        (say("theme-light"), None),
        (say("theme-dark"), None),
    ];
    let chosen = THEMES
        .iter()
        .position(|theme| *theme == props.saved.theme)
        .unwrap_or_default();
    html! {
        <>
            <section class="panel"><h2>{ say("you") }</h2><div class="in">
                <form {onsubmit} autocomplete="off" class="inline">
                    <Field id="person" label={say("your-name")} value={(*typed).clone()} required=true max={60}
                        hint={say("your-name-hint")} {error} {on_input} />
                    <button type="submit" disabled={typed.trim() == props.saved.person}>{ say("save") }</button>
                </form>
            </div></section>
            <section class="panel"><h2>{ say("appearance") }</h2><div class="in">
                { choice("theme", say("theme"), (&options, chosen), &on_choose) }
            </div></section>
            <section class="panel"><h2>{ say("crons") }</h2><div class="in">
                <label class="option" for="resume-after-outage">
                    <input type="checkbox" id="resume-after-outage" checked={props.saved.resume_after_outage} onchange={resumes} />
                    <span>{ say("resume-after-outage") }<small>{ say("resume-after-outage-hint") }</small></span>
                </label>
            </div></section>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct AboutProps {
    app: Rc<AppView>,
}

/// The keyring, the folders, the version.
#[component]
fn About(props: &AboutProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let busy = use_state(|| false);
    let app = &props.app;
    let choose = {
        let (frame, busy) = (frame.clone(), busy.clone());
        Callback::from(move |choice: KeyringChoice| {
            let (frame, busy) = (frame.clone(), busy.clone());
            busy.set(true);
            spawn_local(async move {
                carry_out(choice, &frame).await;
                busy.set(false);
            });
        })
    };
    let (ink, picture, sentence, choices) = keyring(app.keyring);
    let copy = |path: &str| {
        let (frame, path) = (frame.clone(), path.to_owned());
        Callback::from(move |_: MouseEvent| {
            let (frame, path) = (frame.clone(), path.clone());
            spawn_local(async move {
                if page::copy(&path).await.is_ok() {
                    frame.say(say("copied"));
                }
            });
        })
    };
    let folder = |label: &'static str, path: &str| {
        html! {
            <>
                <dt>{ say(label) }</dt>
                <dd><code class="path">{ inert(path) }</code>
                    <button type="button" class="quiet icon" onclick={copy(path)}
                        aria-label={say_with("copy-name", &[("name", &say(label))])}>{ icon(Icon::Copy) }</button>
                </dd>
            </>
        }
    };
    html! {
        <>
            <section class="panel"><h2>{ say("keyring") }</h2><div class="in line" data-testid="keyring">
                <span class={ink}>{ icon(picture) }</span>
                <span class="grow">{ say(sentence) }</span>
                <>{ for choice_buttons(choices, *busy, &choose) }</>
            </div></section>
            <section class="panel"><h2>{ say("about") }</h2><div class="in">
                <dl class="wide">
                    { folder("data-folder", &app.data_folder) }
                    { folder("log-folder", &app.log_folder) }
                    <dt>{ say("version") }</dt><dd>{ inert(&app.version) }</dd>
                </dl>
            </div></section>
        </>
    }
}

/// How the keyring is, and what may be done.
fn keyring(
    state: KeyringView,
) -> (
    &'static str,
    Icon,
    &'static str,
    &'static [(KeyringChoice, &'static str)],
) {
    match state {
        KeyringView::Unasked => ("calm-ink", Icon::Info, "keyring-unasked", &[]),
        KeyringView::Ready => ("ok-ink", Icon::Healthy, "keyring-ready", &[]),
        KeyringView::SessionOnly => (
            "warn-ink",
            Icon::Expiring,
            "keyring-session",
            &[(KeyringChoice::Unlock, "use-keyring")],
        ),
        KeyringView::Absent | KeyringView::Locked | KeyringView::Hanging | KeyringView::Lost => {
            let (sentence, choices) = trouble(state).unwrap_or(("keyring-lost", &[]));
            // The cards are where a lost key is mended; the banner above leads there.
            let here = if state == KeyringView::Lost {
                &[]
            } else {
                choices
            };
            ("warn-ink", Icon::Lock, sentence, here)
        }
    }
}
