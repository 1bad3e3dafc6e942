//! Lists of tools that are too long.

use super::{eras::discovered, *};

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

#[rstest]
#[case::older_means_the_end(true, &["", ""], 1)]
#[case::newer_means_another_page(false, &["", "end"], 2)]
#[tokio::test]
async fn an_empty_cursor_is_one_since_2026_07_28(
    #[case] is_older: bool,
    #[case] cursors: &'static [&'static str],
    #[case] expected: usize,
) {
    let pages = Arc::new(AtomicUsize::new(0));
    let count = pages.clone();
    let server = older(move |method, message| match method {
        "tools/list" => {
            let page = count.fetch_add(1, Ordering::Relaxed);
            let mut told = json!({ "tools": [{ "name": format!("t{page}"), "inputSchema": {} }],
                "resultType": "complete", "ttlMs": 0, "cacheScope": "private" });
            if cursors[page.min(1)] != "end" {
                told["nextCursor"] = cursors[page.min(1)].into();
            }
            Some(result(message, &told))
        }
        "server/discover" if !is_older => Some(discovered(message)),
        _ => None,
    })
    .await;
    let listed = mcp(&server.uri()).list_tools(&credential()).await;
    let names: Vec<_> = listed
        .expect("it ends")
        .into_iter()
        .map(|tool| tool.name)
        .collect();
    assert_eq!(names, ["t0", "t1"][..expected]);
    assert_eq!(pages.load(Ordering::Relaxed), expected);
}
