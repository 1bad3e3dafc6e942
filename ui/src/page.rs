//! The few things of the browser's page that are asked for by hand. All of it is for wasm only;
//! natively (string-render tests) the effects that call it never run.

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Document, EventTarget, HtmlElement, HtmlSelectElement, Window};

/// The browser's window.
///
/// # Panics
/// Outside a browser, where nothing calls it.
#[must_use]
pub fn window() -> Window {
    web_sys::window().expect("the UI runs in a window")
}

/// The page's document.
///
/// # Panics
/// Outside a browser, where nothing calls it.
#[must_use]
pub fn document() -> Document {
    window().document().expect("a window has a document")
}

/// Moves the focus to the element with this id, if it is there.
pub fn focus(id: &str) {
    if let Some(element) = document().get_element_by_id(id) {
        focus_on(&element);
    }
}

/// Moves the focus to this element.
pub fn focus_on(element: &web_sys::Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        // It fails only where the element is gone, and then there is nothing to focus.
        let _ = element.focus();
    }
}

/// Moves the focus to the first element of this selector, if one is there.
pub fn focus_first(css: &str) {
    if let Ok(Some(element)) = document().query_selector(css) {
        focus_on(&element);
    }
}

/// Lets a select show again what holds, since what was chosen in it was refused. (Yew writes `selected` as an
/// attribute, which a choice does not touch.)
pub fn put_back(select: &HtmlSelectElement) {
    let held = select.query_selector("option[selected]").ok().flatten();
    let held = held.and_then(|option| option.get_attribute("value"));
    select.set_value(&held.unwrap_or_default());
}

/// The button that an event is of, where what was hit may be an icon in it. (`current_target` is not it:
/// Yew listens at the root.)
#[must_use]
pub fn button_of(event: &web_sys::Event) -> Option<web_sys::Element> {
    let hit = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    hit.closest("button").ok()?
}

/// The element that has the focus.
#[must_use]
pub fn focused() -> Option<web_sys::Element> {
    document().active_element()
}

fn main() -> Option<web_sys::Element> {
    document().query_selector("main").ok()?
}

/// How far the window's main part is scrolled down, in pixels.
#[must_use]
pub fn scrolled() -> i32 {
    main().map_or(0, |main| main.scroll_top())
}

/// Scrolls it there.
pub fn scroll_to(top: i32) {
    if let Some(main) = main() {
        main.set_scroll_top(top);
    }
}

/// Sets one CSS property by the object model, which the CSP allows where it forbids attributes.
pub fn set_style(element: &HtmlElement, name: &str, value: &str) {
    let _ = element.style().set_property(name, value);
}

/// Shows the theme that was chosen, and keeps it for the next start's first paint (theme.js).
pub fn apply_theme(theme: wire::Theme) {
    let name = match theme {
        wire::Theme::System => None,
        wire::Theme::Light => Some("light"),
        wire::Theme::Dark => Some("dark"),
    };
    if let Some(html) = document().document_element() {
        let _ = match name {
            Some(name) => html.set_attribute("data-theme", name),
            None => html.remove_attribute("data-theme"),
        };
    }
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = match name {
            Some(name) => storage.set_item("theme", name),
            None => storage.remove_item("theme"),
        };
    }
}

/// Puts text on the clipboard.
///
/// # Errors
/// Where the system does not let us.
pub async fn copy(text: &str) -> Result<(), JsValue> {
    let promise = window().navigator().clipboard().write_text(text);
    wasm_bindgen_futures::JsFuture::from(promise)
        .await
        .map(drop)
}

/// A listener on the document or the window, which ends when this is dropped.
pub struct Listener {
    target: EventTarget,
    event: &'static str,
    closure: Closure<dyn FnMut(web_sys::Event)>,
}

impl Listener {
    /// On the document.
    #[must_use]
    pub fn new(event: &'static str, on: impl FnMut(web_sys::Event) + 'static) -> Self {
        Self::at(document().into(), event, Closure::new(on))
    }

    /// On the window.
    #[must_use]
    pub fn on_window(event: &'static str, on: impl FnMut(web_sys::Event) + 'static) -> Self {
        Self::at(window().into(), event, Closure::new(on))
    }

    /// On the part of the window that scrolls.
    #[must_use]
    pub fn on_scroll(on: impl FnMut(web_sys::Event) + 'static) -> Option<Self> {
        Some(Self::at(main()?.into(), "scroll", Closure::new(on)))
    }

    fn at(
        target: EventTarget,
        event: &'static str,
        closure: Closure<dyn FnMut(web_sys::Event)>,
    ) -> Self {
        let _ = target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
        Self {
            target,
            event,
            closure,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self
            .target
            .remove_event_listener_with_callback(self.event, self.closure.as_ref().unchecked_ref());
    }
}
