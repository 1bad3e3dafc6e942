//! Both transports. Values cross as JSON text, which serde reads into the wire's types.

use super::{internal, lean, tell};
use futures::future::LocalBoxFuture;
use js_sys::{Array, Function, JSON, Object, Promise, Reflect};
use std::cell::{Cell, RefCell};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{EventSource, Headers, MessageEvent, RequestInit, Response};
use wire::{Changed, Error};

/// Tauri's door, where the page is inside its window.
fn tauri() -> Option<JsValue> {
    Reflect::get(&crate::page::window(), &"__TAURI_INTERNALS__".into())
        .ok()
        .filter(JsValue::is_object)
}

/// The reply's JSON, awaited.
pub type Sent = LocalBoxFuture<'static, Result<String, Error>>;

/// The reply's JSON to a request's. Boxed: every command shares this one piece of code.
pub fn send(name: &'static str, body: Result<String, ()>) -> Sent {
    Box::pin(async move {
        let body = body.map_err(|()| internal("the request is not JSON"))?;
        match tauri() {
            Some(door) => invoke_json(&door, name, &body).await,
            None => post(name, &body).await,
        }
    })
}

async fn invoke(door: &JsValue, name: &str, args: &JsValue) -> Result<JsValue, JsValue> {
    let invoke: Function = Reflect::get(door, &"invoke".into())?.dyn_into()?;
    let promise: Promise = invoke.call2(door, &name.into(), args)?.dyn_into()?;
    JsFuture::from(promise).await
}

/// The answer that the page asked for before this program was there (assets/early.js), once. Only
/// requests without fields are asked early.
fn early(name: &str) -> Option<Promise> {
    let early = Reflect::get(&crate::page::window(), &"early".into()).ok()?;
    let early: &Object = early.dyn_ref()?;
    let asked = Reflect::get(early, &name.into()).ok()?.dyn_into().ok()?;
    Reflect::delete_property(early, &name.into()).ok()?;
    Some(asked)
}

async fn invoke_json(door: &JsValue, name: &str, body: &str) -> Result<String, Error> {
    let args = Object::new();
    let sent = JSON::parse(body)
        .and_then(|request| Reflect::set(&args, &"request".into(), &request))
        .map_err(|_| internal("the request is not JSON"));
    sent?;
    let answer = match early(name) {
        Some(asked) => JsFuture::from(asked).await,
        None => invoke(door, name, &args).await,
    };
    match answer {
        Ok(value) => Ok(text(&value).unwrap_or_else(|| "null".to_owned())),
        Err(refusal) => Err(text(&refusal)
            .and_then(|json| lean::refusal(&json))
            .unwrap_or_else(|| internal(&refusal.as_string().unwrap_or_else(|| name.to_owned())))),
    }
}

/// JSON text of a value; `None` of undefined.
fn text(value: &JsValue) -> Option<String> {
    JSON::stringify(value)
        .ok()
        .and_then(|json| json.as_string())
}

async fn post(name: &str, body: &str) -> Result<String, Error> {
    let silent = |_| internal("the app does not answer");
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&body.into());
    let headers = Headers::new().map_err(silent)?;
    headers
        .set("content-type", "application/json")
        .map_err(silent)?;
    init.set_headers(&headers);
    let promise = crate::page::window().fetch_with_str_and_init(&format!("/command/{name}"), &init);
    let response: Response = JsFuture::from(promise)
        .await
        .map_err(silent)?
        .dyn_into()
        .map_err(silent)?;
    let answer = JsFuture::from(response.text().map_err(silent)?)
        .await
        .map_err(silent)?;
    let answer = answer.as_string().unwrap_or_default();
    if response.ok() {
        return Ok(answer);
    }
    Err(lean::refusal(&answer)
        .unwrap_or_else(|| internal(&format!("{name} answered HTTP {}", response.status()))))
}

/// Begins to hear of changes, once for the page's life.
pub fn listen() {
    match tauri() {
        Some(door) => listen_tauri(door),
        None => listen_stream(),
    }
}

fn heard(json: &str) {
    tell(Some(&lean::read::<Changed>(json).topics));
}

fn listen_tauri(door: JsValue) {
    let handler = Closure::<dyn FnMut(JsValue)>::new(|event: JsValue| {
        if let Some(json) = Reflect::get(&event, &"payload".into())
            .ok()
            .and_then(|p| text(&p))
        {
            heard(&json);
        }
    });
    spawn_local(async move {
        let listening = async {
            let transform: Function =
                Reflect::get(&door, &"transformCallback".into())?.dyn_into()?;
            let id = transform.call1(&door, handler.as_ref())?;
            let target = Object::new();
            Reflect::set(&target, &"kind".into(), &"Any".into())?;
            let args = Object::from_entries(&Array::of3(
                &Array::of2(&"event".into(), &Changed::EVENT.into()),
                &Array::of2(&"target".into(), &target),
                &Array::of2(&"handler".into(), &id),
            ))?;
            invoke(&door, "plugin:event|listen", &args).await
        };
        let result = listening.await;
        // The window keeps it for its own life.
        handler.forget();
        match result {
            // Whatever changed before the ears were open.
            Ok(_) => tell(None),
            Err(refusal) => web_sys::console::error_2(&"cannot hear of changes:".into(), &refusal),
        }
    });
}

thread_local! {
    static STREAM: RefCell<Option<EventSource>> = const { RefCell::new(None) };
    static OPENED: Cell<bool> = const { Cell::new(false) };
}

fn listen_stream() {
    let Ok(source) = EventSource::new("/events") else {
        return;
    };
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
        if let Some(json) = event.data().as_string() {
            heard(&json);
        }
    });
    source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    let on_open = Closure::<dyn FnMut()>::new(|| {
        // The first opening tells too: a change may have come between page load and now.
        OPENED.set(true);
        tell(None);
    });
    source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
    on_open.forget();
    STREAM.set(Some(source));
}
