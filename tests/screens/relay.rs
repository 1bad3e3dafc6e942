//! The relay page (`relay/index.html`) in a real browser, as a static host serves it.

use crate::kit::browser::{Browser, complaints, violations};
use anyhow::{Context, Result};
use axum::{Router, http::header, response::IntoResponse, routing::get};
use thirtyfour::{By, WebDriver};

const PAGE: &str = include_str!("../../relay/index.html");

async fn page() -> impl IntoResponse {
    // As `relay/README.md` says.
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, PAGE)
}

/// The page at an address of its own.
async fn host() -> Result<String> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let app = Router::new().route("/back/", get(page));
    tokio::spawn(async move {
        // It only ends with the test.
        let _ = axum::serve(listener, app).await;
    });
    Ok(format!("http://{address}/back/"))
}

async fn shown(page: &WebDriver, css: &str) -> Result<bool> {
    Ok(page.find(By::Css(css)).await?.is_displayed().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_hands_the_query_to_the_app_and_keeps_nothing_of_it() -> Result<()> {
    let url = host().await?;
    let browser = Browser::start().await?;
    let query = "?code=a%2Fb%3Cscript%3E&state=of-this-sign-in&iss=https%3A%2F%2Fissuer.example";
    let page = browser.open(&format!("{url}{query}")).await?;
    let link = page.find(By::Id("go")).await?;
    let target = link
        .attr("href")
        .await?
        .context("the link leads somewhere")?;
    assert_eq!(
        target,
        format!("app.chief.integrations:/oauth/callback{query}"),
        "letter for letter"
    );
    assert_eq!(
        page.current_url().await?.as_str(),
        url,
        "the code leaves the address bar"
    );
    assert!(shown(&page, ".yes").await? && !shown(&page, ".no").await?);
    assert_eq!(link.text().await?, "Return to Chief");
    assert_eq!(
        complaints(&page).await?,
        Vec::<String>::new(),
        "its own policy lets it work"
    );
    assert_eq!(violations(&page).await?, Vec::<String>::new());
    page.quit().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_hands_on_no_answer_that_is_none() -> Result<()> {
    let url = host().await?;
    let browser = Browser::start().await?;
    let page = browser.open(&url).await?;
    let long = format!("?code=c&state={}", "s".repeat(16_384));
    for query in ["", "?", "?x=1", "?code=a", "?state=b", long.as_str()] {
        page.goto(format!("{url}{query}")).await?;
        let link = page.find(By::Id("go")).await?;
        assert_eq!(link.attr("href").await?, None, "{query}");
        assert!(
            shown(&page, ".no").await? && !shown(&page, ".yes").await?,
            "{query}"
        );
    }
    // A script that somebody smuggles in does not run: only the page's own has its hash.
    page.goto(format!(
        "{url}?state=b&error=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E"
    ))
    .await?;
    let images = page.find_all(By::Css("img, iframe, form")).await?;
    assert!(images.is_empty());
    assert_eq!(complaints(&page).await?, Vec::<String>::new());
    page.quit().await?;
    Ok(())
}
