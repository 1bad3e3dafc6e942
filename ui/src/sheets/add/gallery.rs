//! The gallery with its data: fetched when the sheet opens, so that a manifest that was just dropped
//! in is there.

use crate::{
    icons::{Icon, icon},
    parts::{
        gallery::{Choice, first_choice, gallery},
        states,
    },
    query::use_query,
    say::say,
};
use web_sys::HtmlInputElement;
use wire::ListProviders;
use yew::prelude::*;

/// The search field of the sheet's header.
pub fn search(typed: &AttrValue, on_typed: &Callback<AttrValue>) -> Html {
    let oninput = on_typed.reform(|e: InputEvent| {
        AttrValue::from(e.target_unchecked_into::<HtmlInputElement>().value())
    });
    html! {
        <label class="field gallery-search">
            { icon(Icon::Search) }
            <input id="gallery-search" type="search" value={typed.clone()} {oninput} autocomplete="off"
                spellcheck="false" maxlength="2000" form="gallery" aria-label={say("gallery-search")}
                placeholder={say("gallery-search")} />
        </label>
    }
}

/// What is typed, and whom it tells what was chosen.
#[derive(Properties, PartialEq)]
pub struct GalleryProps {
    pub typed: AttrValue,
    pub choose: Callback<Pick>,
}

/// What was chosen, with the provider itself where it is one.
#[derive(Clone, PartialEq)]
pub enum Pick {
    Provider(Box<wire::ProviderView>),
    Other(Choice),
}

/// The tiles; Enter in the search chooses the first.
#[component]
pub fn Gallery(props: &GalleryProps) -> Html {
    let query = use_query(ListProviders {}, vec![]);
    let Some(catalogue) = query.data.clone() else {
        return states::shown(&query, states::loading_lines(), |_| Html::default());
    };
    let choose = {
        let (choose, catalogue) = (props.choose.clone(), catalogue.clone());
        Callback::from(move |choice: Choice| {
            let provider = match &choice {
                Choice::Provider(id) => catalogue.providers.iter().find(|p| p.id == *id),
                Choice::Own(..) | Choice::Sample => None,
            };
            choose.emit(match provider {
                Some(provider) => Pick::Provider(Box::new(provider.clone())),
                None => Pick::Other(choice),
            });
        })
    };
    let onsubmit = {
        let (choose, catalogue, typed) = (choose.clone(), catalogue.clone(), props.typed.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            if let Some(choice) = first_choice(&catalogue, &typed) {
                choose.emit(choice);
            }
        })
    };
    html! {
        <form id="gallery" {onsubmit}>{ gallery(&catalogue, &props.typed, &choose) }</form>
    }
}
