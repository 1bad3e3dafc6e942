//! Tools that are held back: what each tells, word by word, and the button that accepts it.

use super::pill::pill;
use crate::{
    icons::{Icon, icon},
    inert::{inert, inert_block},
    say::{say, say_count, say_with},
    state::Tone,
};
use wire::{HeldView, How, Part, SeenTool, ToolView};
use yew::prelude::*;

/// The held ones of these tools; nothing where none is. `accept` gets them as they are shown here.
pub fn held(tools: &[ToolView], slug: &str, busy: bool, accept: &Callback<Vec<SeenTool>>) -> Html {
    let held: Vec<(&ToolView, &HeldView)> = tools
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
    let many = all.len() > 1;
    let accept_all = accept.reform(move |_: MouseEvent| all.clone());
    let one = |entry: &(&ToolView, &HeldView)| {
        let (tool, held) = entry;
        let seen = seen(entry);
        let onclick = accept.reform(move |_: MouseEvent| vec![seen.clone()]);
        let (picture, word) = if held.is_new {
            (Icon::Add, "held-new")
        } else {
            (Icon::Rename, "held-changed")
        };
        html! {
            <div class="held" key={tool.name.clone()} data-testid="held" data-name={inert(&tool.name)}>
                <div class="line">
                    <code><span class="sub">{ format!("{slug}.") }</span>{ inert(&tool.name) }</code>
                    { pill(Tone::Warn, picture, say(word)) }
                    <span class="grow" />
                    <button type="button" data-testid="accept" disabled={busy} {onclick}
                        aria-label={say_with("held-accept-name", &[("tool", &tool.name)])}>
                        { icon(Icon::Healthy) }{ say("held-accept") }
                    </button>
                </div>
                { for held.parts.iter().map(|each| part(each, held.is_new)) }
            </div>
        }
    };
    html! {
        <section class="panel" aria-labelledby="held-title">
            <div class="bar">
                <div class="grow"><h2 id="held-title">{ say_count("held-title", held.len()) }</h2>
                    <p class="sub">{ say("held-sentence") }</p></div>
                if many {
                    <button type="button" disabled={busy} onclick={accept_all}>{ say("held-accept-all") }</button>
                }
            </div>
            { for held.iter().map(one) }
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
