//! The browser's part of a sign-in, done over plain HTTP: follow redirects, fill in the forms.

use anyhow::{Context as _, Result, bail};
use reqwest::{
    Client, Response, StatusCode,
    header::{COOKIE, LOCATION, SET_COOKIE},
    redirect::Policy,
};
use url::Url;

/// How the person at the browser behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Signs in and agrees.
    Agree,
    /// Signs in and declines.
    Decline,
}

/// Where a sign-in ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The address of the last page: the app's own callback, when all went well.
    pub url: Url,
    pub status: u16,
    pub page: String,
}

/// Opens `start` as a browser would and signs in as `account` wherever a page asks, until a page
/// asks for nothing more. Knows the forms of the peer `oidc`; goes through the SDK's example, which
/// asks for nothing, as well.
///
/// # Errors
/// Where a page cannot be reached, or forms never end.
pub async fn sign_in(start: &str, account: &str, answer: Answer) -> Result<Ended> {
    let mut browser = Browser::new()?;
    let mut url = Url::parse(start).context("the address to open")?;
    let mut form: Option<String> = None;
    for _ in 0..20 {
        let page = browser.load(&url, form.take()).await?;
        if let Some(target) = page
            .headers()
            .get(LOCATION)
            .filter(|_| page.status().is_redirection())
        {
            url = url.join(target.to_str()?)?;
            continue;
        }
        let status = page.status();
        let text = page.text().await?;
        let Some(action) = attribute(&text, "<form", "action").filter(|_| status == StatusCode::OK)
        else {
            return Ok(Ended {
                url,
                status: status.as_u16(),
                page: text,
            });
        };
        let prompt = attribute(&text, "name=\"prompt\"", "value").unwrap_or_default();
        if prompt == "consent" && answer == Answer::Decline {
            url = url.join(&abort_link(&text).context("the page offers no way to decline")?)?;
            continue;
        }
        url = url.join(&action)?;
        let mut filled = url::form_urlencoded::Serializer::new(String::new());
        filled.append_pair("prompt", &prompt);
        if prompt == "login" {
            filled
                .append_pair("login", account)
                .append_pair("password", "any password");
        }
        form = Some(filled.finish());
    }
    bail!("the pages never end; the last was {url}")
}

/// Opens the page of a device flow as a person would: types the code, confirms, signs in as `account`
/// and agrees.
///
/// # Errors
/// Where a page cannot be reached, or forms never end.
pub async fn type_code(page: &str, code: &str, account: &str) -> Result<()> {
    let mut browser = Browser::new()?;
    let mut url = Url::parse(page).context("the page")?;
    let mut form: Option<String> = None;
    for _ in 0..20 {
        let page = browser.load(&url, form.take()).await?;
        let to = page.headers().get(LOCATION);
        if let Some(target) = to.filter(|_| page.status().is_redirection()) {
            url = url.join(target.to_str()?)?;
            continue;
        }
        let status = page.status();
        let text = page.text().await?;
        let Some(action) = attribute(&text, "<form", "action") else {
            anyhow::ensure!(status == StatusCode::OK, "{url} answered {status}: {text}");
            return Ok(());
        };
        url = url.join(&action)?;
        let mut filled = url::form_urlencoded::Serializer::new(String::new());
        for name in ["xsrf", "prompt"] {
            if let Some(value) = attribute(&text, &format!("name=\"{name}\""), "value") {
                filled.append_pair(name, &value);
            }
        }
        if text.contains("name=\"user_code\"") {
            filled
                .append_pair("user_code", code)
                .append_pair("confirm", "yes");
        }
        if text.contains("name=\"login\"") {
            filled
                .append_pair("login", account)
                .append_pair("password", "any password");
        }
        form = Some(filled.finish());
    }
    bail!("the pages never end; the last was {url}")
}

/// Just enough of a browser: cookies by host and path, no scripts.
struct Browser {
    client: Client,
    cookies: Vec<Cookie>,
}

struct Cookie {
    host: String,
    path: String,
    name: String,
    value: String,
}

impl Browser {
    fn new() -> Result<Self> {
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            cookies: vec![],
        })
    }

    async fn load(&mut self, url: &Url, form: Option<String>) -> Result<Response> {
        let mut request = match form {
            Some(form) => {
                let request = self.client.post(url.clone()).body(form);
                request.header("content-type", "application/x-www-form-urlencoded")
            }
            None => self.client.get(url.clone()),
        };
        let host = url.host_str().unwrap_or_default();
        let sent: Vec<_> = self
            .cookies
            .iter()
            .filter(|cookie| cookie.host == host && url.path().starts_with(&cookie.path))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        if !sent.is_empty() {
            request = request.header(COOKIE, sent.join("; "));
        }
        let page = request
            .send()
            .await
            .with_context(|| format!("opening {}", url.path()))?;
        for line in page.headers().get_all(SET_COOKIE) {
            self.keep(host, line.to_str()?);
        }
        Ok(page)
    }

    fn keep(&mut self, host: &str, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let path = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case("path"))
            .map_or("/", |(_, path)| path);
        self.cookies
            .retain(|cookie| (&*cookie.host, &*cookie.path, &*cookie.name) != (host, path, name));
        if !value.is_empty() {
            let [host, path, name, value] = [host, path, name, value].map(str::to_owned);
            self.cookies.push(Cookie {
                host,
                path,
                name,
                value,
            });
        }
    }
}

/// The value of an attribute of the first tag that holds `mark`.
fn attribute(page: &str, mark: &str, name: &str) -> Option<String> {
    let at = page.find(mark)?;
    let start = page[..=at].rfind('<')?;
    let tag = &page[start..start + page[start..].find('>')?];
    let value = tag.split_once(&format!("{name}=\""))?.1.split('"').next()?;
    Some(value.replace("&amp;", "&"))
}

/// Where "Cancel" leads.
fn abort_link(page: &str) -> Option<String> {
    let at = page.find("/abort\"")?;
    let start = page[..at].rfind('"')? + 1;
    Some(page[start..at + "/abort".len()].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::Peer;

    /// A page of the app's own, where the browser ends.
    async fn callback() -> Result<String> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/callback", listener.local_addr()?);
        let page = axum::Router::new().route("/callback", axum::routing::get(|| async { "back" }));
        tokio::spawn(async move { axum::serve(listener, page).await });
        Ok(url)
    }

    #[tokio::test]
    async fn a_person_signs_in_at_the_real_server_or_declines() -> Result<()> {
        let server = Peer::start("oidc", &[]).await?;
        let callback = callback().await?;
        let mut start = Url::parse(&server.url)?.join("/auth")?;
        start.query_pairs_mut().extend_pairs([
            ("client_id", "chief-preregistered"),
            ("response_type", "code"),
            ("redirect_uri", &callback),
            ("scope", "tools:read"),
            ("resource", "http://127.0.0.1:9/mcp"),
            ("state", "s-1"),
            (
                "code_challenge",
                "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            ),
            ("code_challenge_method", "S256"),
        ]);
        for (answer, expected) in [
            (Answer::Agree, ("code", None)),
            (Answer::Decline, ("error", Some("access_denied"))),
        ] {
            let ended = sign_in(start.as_str(), "ann", answer).await?;
            assert_eq!(
                (ended.status, &*ended.page),
                (200, "back"),
                "{answer:?} ended at {}",
                ended.url
            );
            let told = |name: &str| {
                ended
                    .url
                    .query_pairs()
                    .find(|(n, _)| n == name)
                    .map(|(_, value)| value.into_owned())
            };
            let found =
                told(expected.0).with_context(|| format!("{answer:?} brought {}", ended.url))?;
            assert!(
                expected.1.is_none_or(|value| value == found),
                "{answer:?} brought {}",
                ended.url
            );
            assert_eq!(told("state").as_deref(), Some("s-1"));
            assert_eq!(told("iss").as_deref(), Some(server.fact("issuer")?));
        }
        Ok(())
    }
}
