//! Tools that are held back: what each tells, word by word, and the button that accepts it.

use super::pill::pill;
use crate::{
    icons::{Icon, icon},
    inert::{inert, inert_block},
    say::{say, say_count, say_with},
    state::Tone,
};
use std::{collections::BTreeMap, rc::Rc};
use wire::{HeldView, How, Part, SeenTool, ToolView};
use yew::prelude::*;

/// What is held back of one integration.
#[derive(Properties, PartialEq)]
pub struct HeldProps {
    pub tools: Rc<Vec<ToolView>>,
    pub slug: AttrValue,
    pub busy: bool,
    /// Gets them as they were read here.
    pub accept: Callback<Vec<SeenTool>>,
}

/// The held ones of these tools; nothing where none is. What its server tells otherwise than it did when the
/// panel was opened, or since then, is accepted only after it was looked at anew: nothing changes under the button.
#[component]
pub fn Held(props: &HeldProps) -> Html {
    let read = use_mut_ref(BTreeMap::<String, String>::new);
    let looked = use_force_update();
    let held: Vec<(&ToolView, &HeldView)> = props
        .tools
        .iter()
        .filter_map(|tool| tool.held.as_ref().map(|held| (tool, held)))
        .collect();
    if held.is_empty() {
        return Html::default();
    }
    let seen = |(tool, held): &(&ToolView, &HeldView)| SeenTool {
        name: tool.name.clone(),
        hash: held.hash.clone(),
    };
    let all: Vec<SeenTool> = held.iter().map(seen).collect();
    if read.borrow().is_empty() {
        let first = all
            .iter()
            .map(|each| (each.name.clone(), each.hash.clone()));
        read.borrow_mut().extend(first);
    }
    let is_read = |tool: &SeenTool| read.borrow().get(&tool.name) == Some(&tool.hash);
    let all_are_read = all.iter().all(is_read);
    let many = all.len() > 1;
    let busy = props.busy;
    let one = |entry: &(&ToolView, &HeldView)| {
        let (tool, held) = entry;
        let seen = seen(entry);
        let is_read = is_read(&seen);
        let onclick = {
            let (accept, read, looked) = (props.accept.clone(), read.clone(), looked.clone());
            Callback::from(move |_: MouseEvent| {
                if is_read {
                    accept.emit(vec![seen.clone()]);
                } else {
                    let SeenTool { name, hash } = seen.clone();
                    read.borrow_mut().insert(name, hash);
                    looked.force_update();
                }
            })
        };
        let (picture, word) = if held.is_new {
            (Icon::Add, "held-new")
        } else {
            (Icon::Rename, "held-changed")
        };
        let (act, key, label) = if is_read {
            (Icon::Healthy, "held-accept", "held-accept-name")
        } else {
            (Icon::Reconnect, "held-look", "held-look-name")
        };
        html! {
            <div class="held" key={tool.name.clone()} data-testid="held" data-name={inert(&tool.name)}>
                <div class="line">
                    <code><span class="sub">{ format!("{}.", props.slug) }</span>{ inert(&tool.name) }</code>
                    { pill(Tone::Warn, picture, say(word)) }
                    <span class="grow" />
                    <button type="button" data-testid={if is_read { "accept" } else { "look-again" }} disabled={busy} {onclick}
                        aria-label={say_with(label, &[("tool", &tool.name)])}>
                        { icon(act) }{ say(key) }
                    </button>
                </div>
                if !is_read { <p class="line" role="status"><span class="warn-ink">{ icon(Icon::Expiring) }</span>{ say("held-moved") }</p> }
                { for held.parts.iter().map(|each| part(each, held.is_new)) }
            </div>
        }
    };
    let rows: Html = held.iter().map(one).collect();
    let accept_all = props.accept.reform(move |_: MouseEvent| all.clone());
    html! {
        <section class="panel" aria-labelledby="held-title">
            <div class="bar">
                <div class="grow"><h2 id="held-title">{ say_count("held-title", held.len()) }</h2>
                    <p class="sub">{ say("held-sentence") }</p></div>
                if many {
                    <button type="button" disabled={busy || !all_are_read} onclick={accept_all}>{ say("held-accept-all") }</button>
                }
            </div>
            { rows }
        </section>
    }
}

/// One member. Of a new tool all is new, so nothing is marked.
fn part(part: &Part, is_new: bool) -> Html {
    let words = part.words.iter().map(|run| {
        let text = inert_block(&run.text);
        match run.how {
            How::Added if !is_new => html! { <ins>{ text }</ins> },
            How::Removed => html! { <del>{ text }</del> },
            How::Same | How::Added => html! { text },
        }
    });
    html! {
        <>
            <p class="label">{ inert(&part.member) }</p>
            <pre class="diff" tabindex="0" aria-label={inert(&part.member)}>{ for words }</pre>
        </>
    }
}
