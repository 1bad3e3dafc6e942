//! The sheet: the platform's own modal dialog, which keeps the focus in and closes with Esc.

use crate::{
    icons::{Icon, icon},
    page,
    say::say,
};
use std::cell::{Cell, RefCell};
use web_sys::HtmlDialogElement;
use yew::prelude::*;

thread_local! {
    /// How many sheets are open.
    static OPEN: Cell<u32> = const { Cell::new(0) };
    /// What waits until none is.
    static WAITING: RefCell<Option<Callback<()>>> = const { RefCell::new(None) };
}

/// Does this as soon as no sheet is open: what is typed in one stays. Of several, the last is done.
pub fn once_closed(then: Callback<()>) {
    if OPEN.get() == 0 {
        then.emit(());
    } else {
        WAITING.set(Some(then));
    }
}

/// How wide a sheet is that asks for more than a word.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum Width {
    #[default]
    Normal,
    /// For a choice among many.
    Wide,
}

/// What a sheet holds.
#[derive(Properties, PartialEq)]
pub struct DialogProps {
    pub title: AttrValue,
    /// Esc, the close button, or the platform asked it to close.
    pub on_close: Callback<()>,
    /// Goes one step back; without it there is no back button.
    #[prop_or_default]
    pub on_back: Option<Callback<()>>,
    /// Narrow for a question.
    #[prop_or_default]
    pub narrow: bool,
    #[prop_or_default]
    pub width: Width,
    /// Something runs that closing would not call off: it cannot be closed until that is over.
    #[prop_or_default]
    pub held: bool,
    /// Stands between the title and the close button.
    #[prop_or_default]
    pub tools: Html,
    pub children: Html,
}

/// A modal sheet. Focus goes into it, and back to where it was when the sheet goes.
#[component]
pub fn Dialog(props: &DialogProps) -> Html {
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with((), move |()| {
            OPEN.set(OPEN.get() + 1);
            let before = page::focused();
            if let Some(dialog) = node.cast::<HtmlDialogElement>() {
                // It fails only where the dialog is open already.
                let _ = dialog.show_modal();
            }
            move || {
                OPEN.set(OPEN.get() - 1);
                // After the dialog has left the page: while it is there, nothing else can have
                // the focus. Where the old place is gone too, the page's main part takes it.
                gloo_timers::callback::Timeout::new(0, move || {
                    match before.filter(|element| element.is_connected()) {
                        Some(before) => page::focus_on(&before),
                        None => page::focus("main"),
                    }
                    if OPEN.get() == 0
                        && let Some(then) = WAITING.take()
                    {
                        then.emit(());
                    }
                })
                .forget();
            }
        });
    }
    let held = props.held;
    let onclose = {
        let (on_close, node) = (props.on_close.clone(), node.clone());
        Callback::from(move |_: Event| match node.cast::<HtmlDialogElement>() {
            // An engine lets Esc be refused once, and then closes it all the same.
            Some(dialog) if held => {
                let _ = dialog.show_modal();
            }
            Some(_) | None => on_close.emit(()),
        })
    };
    let oncancel = Callback::from(move |e: Event| {
        if held {
            e.prevent_default();
        }
    });
    let close = props.on_close.reform(|_: MouseEvent| ());
    let back = props.on_back.as_ref().map(|back| {
        let onclick = back.reform(|_: MouseEvent| ());
        html! {
            <button type="button" class="quiet icon" aria-label={say("back")} {onclick}>
                { icon(Icon::Back) }
            </button>
        }
    });
    html! {
        <dialog
            ref={node}
            class={classes!("sheet", props.narrow.then_some("narrow"), (props.width == Width::Wide).then_some("wide"))}
            aria-label={props.title.clone()}
            data-testid="sheet"
            {onclose}
            {oncancel}
        >
            <header>
                { back.unwrap_or_default() }
                <h1 id="sheet-title" tabindex="-1">{ props.title.clone() }</h1>
                <span class="grow" />
                { props.tools.clone() }
                <button type="button" class="quiet icon" aria-label={say("close")} disabled={held} onclick={close}>
                    { icon(Icon::Close) }
                </button>
            </header>
            { props.children.clone() }
        </dialog>
    }
}
