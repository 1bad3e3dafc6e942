//! What happens when agents call a tool: a quiet choice of three, with what holds by itself named.

use crate::{
    inert::inert,
    say::{say, say_with},
};
use web_sys::HtmlSelectElement;
use wire::{AgentId, AgentView, Choice, ToolView};
use yew::prelude::*;

/// A choice that was made.
pub struct Chosen {
    pub tool: String,
    /// `None`: for all.
    pub agent: Option<AgentId>,
    /// `None`: what holds by itself.
    pub choice: Option<Choice>,
    /// Where it was made: what is refused is not to stand there.
    pub at: HtmlSelectElement,
}

/// The word of a choice.
pub fn word(choice: Choice) -> AttrValue {
    say(match choice {
        Choice::Allow => "choice-allow",
        Choice::Ask => "choice-ask",
        Choice::Deny => "choice-deny",
    })
}

/// The choice for every agent.
pub fn for_all(tool: &ToolView, on: &Callback<Chosen>) -> Html {
    let name = tool.name.clone();
    let itself = say_with("policy-default", &[("choice", &word(tool.policy.default))]);
    choose(
        say_with("policy-of", &[("tool", &name)]),
        (itself, tool.policy.chosen),
        on.reform(move |(choice, at)| Chosen {
            tool: name.clone(),
            agent: None,
            choice,
            at,
        }),
    )
}

/// The choices for each agent. A denial for all is not loosened by one.
pub fn for_each(tool: &ToolView, agents: &[AgentView], on: &Callback<Chosen>) -> Html {
    if agents.is_empty() {
        return Html::default();
    }
    let row = |agent: &AgentView| {
        let (name, id) = (tool.name.clone(), agent.id);
        let own = tool.policy.agents.iter().find(|each| each.agent == id);
        let args = [("tool", name.as_str()), ("agent", agent.name.as_str())];
        let control = choose(
            say_with("policy-of-agent", &args),
            (say("policy-as-all"), own.map(|own| own.choice)),
            on.reform(move |(choice, at)| Chosen {
                tool: name.clone(),
                agent: Some(id),
                choice,
                at,
            }),
        );
        html! { <><dt>{ inert(&agent.name) }</dt><dd>{ control }</dd></> }
    };
    html! {
        <>
            <p class="label">{ say("policy-agents") }</p>
            <dl class="wide">{ for agents.iter().map(row) }</dl>
            if tool.policy.chosen == Some(Choice::Deny) { <p class="sub">{ say("policy-wall") }</p> }
        </>
    }
}

fn choose(
    label: AttrValue,
    (itself, chosen): (AttrValue, Option<Choice>),
    on: Callback<(Option<Choice>, HtmlSelectElement)>,
) -> Html {
    let onchange = on.reform(|e: Event| {
        let at = e.target_unchecked_into::<HtmlSelectElement>();
        let value = at.value();
        let choice = Choice::ALL
            .into_iter()
            .find(|choice| choice.as_str() == value);
        (choice, at)
    });
    let option = |choice: Choice| {
        html! { <option value={choice.as_str()} selected={chosen == Some(choice)}>{ word(choice) }</option> }
    };
    html! {
        <select class={classes!("policy", chosen.is_none().then_some("is-default"))} aria-label={label}
            data-testid="policy" {onchange}>
            <option value="" selected={chosen.is_none()}>{ itself }</option>
            { for Choice::ALL.into_iter().map(option) }
        </select>
    }
}
