//! Long lists: a page of them at first, more as the reader comes near the end.

use crate::say::say_count;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry};
use yew::prelude::*;

/// How many are left, and whom to tell that more are wanted.
#[derive(Properties, PartialEq)]
pub struct MoreProps {
    pub left: usize,
    pub on_more: Callback<()>,
}

/// A button that presses itself when it comes into sight.
#[component]
pub fn More(props: &MoreProps) -> Html {
    let node = use_node_ref();
    {
        let node = node.clone();
        // Anew after each step, so that one which is still in sight is told again.
        use_effect_with((props.left, props.on_more.clone()), move |(_, on_more)| {
            let on_more = on_more.clone();
            let seen = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
                let visible = entries.iter().any(|entry| {
                    entry
                        .dyn_ref::<IntersectionObserverEntry>()
                        .is_some_and(IntersectionObserverEntry::is_intersecting)
                });
                if visible {
                    on_more.emit(());
                }
            });
            let observer = IntersectionObserver::new(seen.as_ref().unchecked_ref()).ok();
            if let (Some(observer), Some(element)) = (&observer, node.cast::<Element>()) {
                observer.observe(&element);
            }
            move || {
                if let Some(observer) = observer {
                    observer.disconnect();
                }
                drop(seen);
            }
        });
    }
    if props.left == 0 {
        return Html::default();
    }
    let onclick = props.on_more.reform(|_: MouseEvent| ());
    html! {
        <div class="more" ref={node}>
            <button type="button" class="quiet" {onclick}>{ say_count("show-more", props.left) }</button>
        </div>
    }
}
