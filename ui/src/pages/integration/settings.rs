//! An integration's own settings: name, on or off, how often it is checked, where it is, and the way out.

use super::{bodies::Bodies, ends::Ends, pace::pace};
use crate::{
    icons::{Icon, icon},
    inert::inert,
    say::{say, say_with},
    sheets::{RenameForm, takes_key},
    state::{Act, Frame},
};
use wire::IntegrationView;
use yew::prelude::*;

/// The tab.
pub fn own_settings(frame: &Frame, view: &IntegrationView) -> Html {
    let card = &view.card;
    let (id, enabled) = (card.id, card.enabled);
    let switch = frame
        .act
        .reform(move |_: MouseEvent| (id, Act::Switch(!enabled)));
    let disconnect = frame.act.reform(move |_: MouseEvent| (id, Act::Disconnect));
    let (switch_title, switch_sentence, switch_label) = if enabled {
        ("is-on", "switch-off-hint", "switch-off")
    } else {
        ("switched-off", "why-off", "fix-switch-on")
    };
    html! {
        <>
            <section class="panel"><h2>{ say("field-name") }</h2><div class="in inline-form">
                <RenameForm {id} name={card.name.clone()} done={Callback::noop()} />
            </div></section>
            <section class="panel"><h2>{ say(switch_title) }</h2><div class="in line">
                <span class="grow why">{ say(switch_sentence) }</span>
                <button type="button" onclick={switch}>{ icon(Icon::Off) }{ say(switch_label) }</button>
            </div></section>
            { pace(frame, view) }
            <Ends {id} ends_at={view.ends_at} takes_key={takes_key(card)} />
            <Bodies {id} days={view.body_days} />
            <section class="panel"><h2>{ say("address") }</h2><div class="in">
                <dl class="wide">
                    <dt>{ say("url") }</dt><dd><code class="path">{ inert(&view.url) }</code></dd>
                    if let Some(path) = &view.health_path {
                        <dt>{ say("field-health") }</dt><dd><code class="path">{ inert(path) }</code></dd>
                    }
                    if let Some(document) = &view.document {
                        <dt>{ say("kind-openapi") }</dt>
                        <dd>{ say_with("openapi-from", &[("title", &document.title), ("version", &document.version), ("source", &document.source)]) }</dd>
                    }
                    <dt>{ say("prefix") }</dt><dd><code class="path">{ format!("{}.", inert(&card.slug)) }</code></dd>
                </dl>
            </div></section>
            <section class="panel danger-zone"><h2>{ say("disconnect") }</h2><div class="in line">
                <span class="grow why">{ say_with("disconnect-hint", &[("name", &card.name)]) }</span>
                <button type="button" class="danger" onclick={disconnect}>{ icon(Icon::Disconnect) }{ say("disconnect") }</button>
            </div></section>
        </>
    }
}
