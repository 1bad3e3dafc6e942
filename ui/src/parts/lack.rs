//! What a tool was refused for, and the one thing to do about it.

use crate::{
    icons::{Icon, icon},
    say::{say, say_with},
};
use wire::{LackView, Remedy, ToolView};
use yew::prelude::*;

/// Under a tool whose last call was refused for want of a permission.
pub fn lack(tool: &ToolView, on_access: &Callback<String>) -> Html {
    let Some(LackView { scopes, remedy }) = &tool.lacks else {
        return Html::default();
    };
    let lacks = if scopes.is_empty() {
        say("lacks-unnamed")
    } else {
        say_with("lacks", &[("scopes", &scopes.join(", "))])
    };
    let (hint, asks) = match remedy {
        Remedy::SignIn => ("lacks-sign-in", true),
        Remedy::Key => ("lacks-key", false),
        Remedy::Owner => ("lacks-owner", false),
    };
    let onclick = {
        let name = tool.name.clone();
        on_access.reform(move |_: MouseEvent| name.clone())
    };
    html! {
        <div class="lack" data-testid="lack">
            <p><span class="warn-ink">{ icon(Icon::Expiring) }</span><span>{ lacks }{ " " }{ say(hint) }</span></p>
            if asks { <button type="button" {onclick}>{ say("request-access") }</button> }
        </div>
    }
}
