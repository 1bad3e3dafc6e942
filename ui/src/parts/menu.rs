//! The menu of a card: the platform's popover, with arrow keys.

use crate::{
    icons::{Icon, icon},
    page,
};
use std::cell::RefCell;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

/// One thing to do.
#[derive(Clone, PartialEq)]
pub struct MenuItem {
    pub icon: Icon,
    pub label: AttrValue,
    pub on: Callback<()>,
    /// It destroys something.
    pub danger: bool,
}

/// The menu's items and its place.
#[derive(Properties, PartialEq)]
pub struct MenuProps {
    pub label: AttrValue,
    /// CSS pixels in the window: the menu's right edge and its upper edge.
    pub right: f64,
    pub below: f64,
    pub items: Vec<MenuItem>,
    pub on_close: Callback<()>,
}

/// Shown as long as it is rendered: a click elsewhere, Esc or a choice closes it.
#[component]
pub fn Menu(props: &MenuProps) -> Html {
    let node = use_node_ref();
    // Where the focus was, and goes back to.
    let before = use_mut_ref(|| None::<Element>);
    {
        let (node, before) = (node.clone(), before.clone());
        use_effect_with((props.right, props.below), move |(right, below)| {
            if let Some(menu) = node.cast::<HtmlElement>() {
                before.replace(page::focused());
                let _ = menu.show_popover();
                place(&menu, *right, *below);
                step(&menu, Step::First);
            }
        });
    }
    let ontoggle = {
        let (node, before, on_close) = (node.clone(), before.clone(), props.on_close.clone());
        Callback::from(move |_: Event| {
            let open = node
                .cast::<Element>()
                .is_some_and(|menu| menu.matches(":popover-open").unwrap_or(false));
            if !open {
                give_back(&before);
                on_close.emit(());
            }
        })
    };
    let onkeydown = {
        let (node, before) = (node.clone(), before.clone());
        Callback::from(move |e: KeyboardEvent| {
            let wanted = match e.key().as_str() {
                "ArrowDown" => Step::Next,
                "ArrowUp" => Step::Previous,
                "Home" => Step::First,
                "End" => Step::Last,
                "Tab" => {
                    e.prevent_default();
                    hide(&node, &before);
                    return;
                }
                _ => return,
            };
            e.prevent_default();
            if let Some(menu) = node.cast::<HtmlElement>() {
                step(&menu, wanted);
            }
        })
    };
    let items = props.items.iter().map(|item| {
        let (on, node, before) = (item.on.clone(), node.clone(), before.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            hide(&node, &before);
            on.emit(());
        });
        html! {
            <button type="button" role="menuitem" tabindex="-1"
                class={classes!("quiet", item.danger.then_some("danger"))} {onclick}>
                { icon(item.icon) }{ item.label.clone() }
            </button>
        }
    });
    html! {
        <div ref={node.clone()} class="menu" role="menu" popover="auto" data-testid="menu"
            aria-label={props.label.clone()} {ontoggle} {onkeydown}>
            { for items }
        </div>
    }
}

/// Closes it and gives the focus back; `ontoggle` does the rest.
fn hide(node: &NodeRef, before: &RefCell<Option<Element>>) {
    if let Some(menu) = node.cast::<HtmlElement>() {
        let _ = menu.hide_popover();
        give_back(before);
    }
}

/// Gives the focus back to where it was, unless something else has taken it: a click elsewhere, or
/// the sheet that an item opened.
fn give_back(before: &RefCell<Option<Element>>) {
    let is_lost = page::focused().is_none_or(|now| {
        now.tag_name() == "BODY" || now.closest(".menu").is_ok_and(|m| m.is_some())
    });
    if let Some(before) = before.borrow().as_ref().filter(|_| is_lost) {
        page::focus_on(before);
    }
}

enum Step {
    First,
    Last,
    Next,
    Previous,
}

/// Below the button and ending where it ends; above it or further in where there is no room.
fn place(menu: &HtmlElement, right: f64, below: f64) {
    let window = page::window();
    let size = |value: Result<wasm_bindgen::JsValue, _>| {
        value.ok().and_then(|v| v.as_f64()).unwrap_or(f64::MAX)
    };
    let (width, height) = (size(window.inner_width()), size(window.inner_height()));
    let rect = menu.get_bounding_client_rect();
    let left = (right - rect.width()).clamp(8.0, (width - rect.width() - 8.0).max(8.0));
    let top = if below + rect.height() + 8.0 > height {
        (below - rect.height() - 36.0).max(8.0)
    } else {
        below + 4.0
    };
    // Whole pixels: to print a fraction takes eighteen kilobytes of program.
    page::set_style(menu, "left", &format!("{}px", left as i32));
    page::set_style(menu, "top", &format!("{}px", top as i32));
}

/// Moves the focus among the items, round and round.
fn step(menu: &HtmlElement, step: Step) {
    let Ok(items) = menu.query_selector_all("[role=menuitem]") else {
        return;
    };
    let count = items.length();
    if count == 0 {
        return;
    }
    let focused = page::focused();
    let at = (0..count)
        .find(|i| items.item(*i).as_ref() == focused.as_ref().map(AsRef::<web_sys::Node>::as_ref));
    let next = match (step, at) {
        (Step::First, _) | (Step::Next, None) => 0,
        (Step::Last, _) | (Step::Previous, None) => count - 1,
        (Step::Next, Some(at)) => (at + 1) % count,
        (Step::Previous, Some(at)) => (at + count - 1) % count,
    };
    if let Some(item) = items
        .item(next)
        .and_then(|item| item.dyn_into::<Element>().ok())
    {
        page::focus_on(&item);
    }
}
