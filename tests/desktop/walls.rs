//! What keeps the page in: the window's capability, its content security policy, and its refusal to
//! go anywhere else. As shipped.

use crate::kit::{App, Keyring, on, until};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::{io::AsyncReadExt as _, net::TcpListener};

/// A place outside, which keeps what each visitor says first.
struct Outside {
    address: String,
    visits: Arc<Mutex<Vec<String>>>,
}

impl Outside {
    async fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}/", listener.local_addr()?);
        let visits = Arc::new(Mutex::new(vec![]));
        let kept = visits.clone();
        tokio::spawn(async move {
            while let Ok((mut visitor, _)) = listener.accept().await {
                // Counted at once: one that connects and says nothing has got out, too.
                let place = {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.push(String::new());
                    kept.len() - 1
                };
                let kept = kept.clone();
                tokio::spawn(async move {
                    let mut said = [0; 200];
                    let length = visitor.read(&mut said).await.unwrap_or_default();
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(visit) = kept.get_mut(place) {
                        *visit = String::from_utf8_lossy(&said[..length]).into_owned();
                    }
                });
            }
        });
        Ok(Self { address, visits })
    }

    fn visits(&self) -> Vec<String> {
        self.visits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[tokio::test]
async fn the_page_may_call_the_commands_of_the_table_and_nothing_else() -> Result<()> {
    on(Keyring::Unlocked, "capability", async |desktop| {
        let app = App::start(desktop).await?;
        let told = app.invoke("get_app", json!({ "request": {} })).await?;
        let told = told.map_err(|refused| anyhow::anyhow!("get_app: {refused}"))?;
        ensure!(told["version"].is_string(), "get_app answered {told}");

        // Commands of Tauri's own, of each plugin in the program, and of none.
        for (command, arguments) in [
            ("no_such_command", json!({})),
            ("plugin:window|close", json!({})),
            ("plugin:window|set_title", json!({ "value": "x" })),
            (
                "plugin:webview|create_webview_window",
                json!({ "options": { "label": "x", "url": "https://example.com" } }),
            ),
            ("plugin:webview|internal_toggle_devtools", json!({})),
            (
                "plugin:event|emit",
                json!({ "event": "changed", "payload": {} }),
            ),
            (
                "plugin:event|emit_to",
                json!({ "target": { "kind": "Any" }, "event": "changed" }),
            ),
            ("plugin:app|version", json!({})),
            ("plugin:path|resolve_directory", json!({ "directory": 1 })),
            ("plugin:resources|close", json!({ "rid": 1 })),
            ("plugin:menu|new", json!({})),
            ("plugin:tray|new", json!({})),
            ("plugin:autostart|enable", json!({})),
            ("plugin:image|from_path", json!({ "path": "/etc/passwd" })),
            ("plugin:deep-link|get_current", json!({})),
            ("plugin:deep-link|register", json!({ "protocol": "http" })),
            (
                "plugin:window-state|save_window_state",
                json!({ "flags": 63 }),
            ),
            (
                "plugin:opener|open_url",
                json!({ "url": "https://example.com" }),
            ),
            ("plugin:opener|open_path", json!({ "path": "/etc/passwd" })),
            ("plugin:shell|execute", json!({ "program": "sh" })),
            ("plugin:fs|read_text_file", json!({ "path": "/etc/passwd" })),
            (
                "plugin:http|fetch",
                json!({ "clientConfig": { "url": "https://example.com" } }),
            ),
        ] {
            let said = app.invoke(command, arguments).await?;
            ensure!(said.is_err(), "{command} was carried out: {said:?}");
        }
        app.see("nav.side").await?;
        app.quit().await
    })
    .await
}

/// What a page that was taken over would try. Each step hands its result on by itself; what the
/// policy stops, it tells of.
const TRIES: &str = r#"
const [outside, done] = arguments;
const violations = [];
document.addEventListener('securitypolicyviolation', (e) => violations.push(e.effectiveDirective));
const put = (tag, attributes, text) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text) element.textContent = text;
    document.body.append(element);
    return element;
};
const settled = async (promise) => { try { await promise; return 'done'; } catch { return 'refused'; } };
(async () => {
    const result = {};
    put('script', {}, 'window.inlineRan = true');
    put('div', { onclick: 'window.handlerRan = true' }).click();
    put('a', { href: 'javascript:window.linkRan = true' }).click();
    try { result.eval = (0, eval)('1'); } catch { result.eval = 'refused'; }
    put('script', { src: outside + 'x.js' });
    put('img', { src: outside + 'x.png' });
    put('link', { rel: 'stylesheet', href: outside + 'x.css' });
    put('link', { rel: 'preconnect', href: outside });
    put('link', { rel: 'prefetch', href: outside + 'x' });
    put('iframe', { src: outside });
    put('object', { data: outside });
    put('div', { style: 'color: rgb(1, 2, 3)' });
    result.style = getComputedStyle(document.body.lastChild).color;
    result.fetch = await settled(fetch(outside));
    result.beacon = navigator.sendBeacon(outside, 'x');
    try { new WebSocket(outside.replace('http', 'ws')); } catch { /* told below */ }
    try { new EventSource(outside); } catch { /* told below */ }
    result.opened = window.open(outside) === null;
    put('a', { href: outside, target: '_blank' }).click();
    result.inline = window.inlineRan === true || window.handlerRan === true || window.linkRan === true;
    // Violations are told in tasks of their own.
    while (new Set(violations).size < 6) await new Promise((next) => setTimeout(next, 5));
    result.violations = [...new Set(violations)].sort();
    done(result);
})();
"#;

#[tokio::test]
async fn a_page_that_was_taken_over_reaches_nothing_outside() -> Result<()> {
    on(Keyring::Unlocked, "walls", async |desktop| {
        let outside = Outside::open().await?;
        let app = App::start(desktop).await?;
        app.read("h1", "Connect your first integration").await?;
        let home = app.page.current_url().await?;

        let result = app.later(TRIES, vec![json!(outside.address)]).await?;
        for (what, wanted) in [
            ("inline", json!(false)),
            ("eval", json!("refused")),
            ("fetch", json!("refused")),
            ("opened", json!(true)),
        ] {
            assert_eq!(result[what], wanted, "{what}: {result}");
        }
        assert_ne!(result["style"], json!("rgb(1, 2, 3)"), "a style attribute counts");

        // Ways to leave the page. None is taken, and the page lives on.
        for leave in [
            "location.href = arguments[0]",
            "location.replace(arguments[0])",
            "location.href = 'data:text/html,<h1>x</h1>'",
            "location.href = 'file:///etc/passwd'",
            "const form = document.createElement('form'); form.action = arguments[0]; \
             document.body.append(form); form.submit()",
            "const form = document.createElement('form'); form.action = arguments[0]; \
             form.method = 'post'; form.target = '_blank'; document.body.append(form); form.submit()",
            "const meta = document.createElement('meta'); meta.httpEquiv = 'refresh'; \
             meta.content = '0; url=' + arguments[0]; document.head.append(meta)",
            "const link = document.createElement('a'); link.href = arguments[0]; \
             document.body.append(link); link.click()",
        ] {
            app.page
                .execute(leave, vec![json!(outside.address)])
                .await?;
            // The window decides before it takes up the next request of the page.
            for _ in 0..3 {
                let told = app.invoke("get_app", json!({ "request": {} })).await?;
                ensure!(told.is_ok(), "the page is gone after {leave}");
            }
            assert_eq!(app.page.current_url().await?, home, "after {leave}");
        }
        assert_eq!(outside.visits(), Vec::<String>::new(), "somebody got out");
        let windows = desktop.run("wmctrl", &["-l"]).await?;
        assert_eq!(windows.lines().count(), 1, "one window: {windows}");

        // Who counts, counts.
        let there = outside.address.trim_start_matches("http://").trim_end_matches('/');
        tokio::net::TcpStream::connect(there).await?;
        until("a visit to be counted", async || {
            Ok((outside.visits().len() == 1).then_some(()))
        })
        .await?;
        app.press("Connect the sample").await?;
        app.see("[data-testid=card]").await?;
        app.quit().await
    })
    .await
}

#[tokio::test]
async fn the_page_is_sent_with_the_policy_of_the_configuration() -> Result<()> {
    on(Keyring::Unlocked, "policy", async |desktop| {
        let app = App::start(desktop).await?;
        let script = "const done = arguments[0]; \
                      fetch('/').then((answer) => done(answer.headers.get('content-security-policy')))";
        let policy = app.later(script, vec![]).await?;
        let policy = policy.as_str().context("the page has a policy")?.to_owned();
        for (directive, never) in [
            ("script-src", ["'unsafe-inline'", "'unsafe-eval'", "http:", "https:", "*"].as_slice()),
            ("style-src", &["'unsafe-inline'", "http:", "https:", "*"]),
            ("default-src", &["http:", "https:", "*"]),
        ] {
            let sources = policy
                .split(';')
                .find_map(|part| part.trim().strip_prefix(directive))
                .with_context(|| format!("no {directive} in {policy}"))?;
            for source in sources.split_whitespace() {
                ensure!(!never.contains(&source), "{directive} allows {source}");
            }
        }
        assert_eq!(
            app.script("return typeof window.__TAURI__").await?,
            Value::from("undefined"),
            "Tauri's whole interface is not on the page"
        );
        app.quit().await
    })
    .await
}
