//! Lists of tools that are too long.

use super::*;

#[tokio::test]
async fn lists_without_end_are_refused() {
    let pages = Arc::new(Plain::new(0_u32));
    for (name, special) in [
        (
            "the same page again and again",
            (|_, message: &Value| result(message, &json!({ "tools": [], "nextCursor": "again" })))
                as fn(u32, &Value) -> ResponseTemplate,
        ),
        ("ever new pages", |page, message| {
            let tools: Vec<_> = (0..100)
                .map(|n| json!({ "name": format!("t{page}-{n}"), "inputSchema": {} }))
                .collect();
            result(
                message,
                &json!({ "tools": tools, "nextCursor": format!("c{page}") }),
            )
        }),
        ("ever new empty pages", |page, message| {
            result(
                message,
                &json!({ "tools": [], "nextCursor": format!("c{page}") }),
            )
        }),
    ] {
        let count = pages.clone();
        let server = older(move |method, message| {
            (method == "tools/list").then(|| {
                let mut page = count
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                *page += 1;
                special(*page, message)
            })
        })
        .await;
        let error = mcp(&server.uri())
            .list_tools(&credential())
            .await
            .expect_err(name);
        assert!(
            matches!(error.code, ErrorCode::TooLarge | ErrorCode::BadAnswer),
            "{name}: {error}"
        );
    }
}

#[tokio::test]
async fn a_list_whose_pages_are_large_together_is_cut() {
    let pages = Arc::new(AtomicUsize::new(0));
    let count = pages.clone();
    let server = older(move |method, message| {
        (method == "tools/list").then(|| {
            let page = count.fetch_add(1, Ordering::Relaxed);
            let icon = json!([{ "src": "x".repeat(800 * 1024) }]);
            let tools: Vec<_> = (0..10)
                .map(
                    |n| json!({ "name": format!("t{page}-{n}"), "inputSchema": {}, "icons": icon }),
                )
                .collect();
            let next = format!("c{page}");
            result(message, &json!({ "tools": tools, "nextCursor": next }))
        })
    })
    .await;
    let listed = mcp(&server.uri()).list_tools(&credential()).await;
    let error = listed.expect_err("each page is within its limit, all are not");
    assert_eq!(error.code, ErrorCode::TooLarge, "{error}");
    assert_eq!(error.args["limit"], "16 MiB of tools");
    assert_eq!(pages.load(Ordering::Relaxed), 3, "and no more is asked for");
}
