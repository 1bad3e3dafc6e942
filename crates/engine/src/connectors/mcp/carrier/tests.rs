use super::*;
use rstest::rstest;

#[rstest]
#[case::behind_a_proxy(307, "http://mcp.example.com/mcp/", Ok("https://mcp.example.com/mcp/"))]
#[case::permanently(308, "http://mcp.example.com/mcp/", Ok("https://mcp.example.com/mcp/"))]
#[case::without_the_body(301, "/mcp/?key=secret", Err("https://mcp.example.com/mcp/"))]
#[case::neither(
    302,
    "http://mcp.example.com/mcp/",
    Err("https://mcp.example.com/mcp/")
)]
#[case::another_port(
    307,
    "http://mcp.example.com:8080/mcp/",
    Err("http://mcp.example.com:8080")
)]
#[case::another_host(307, "http://mcp.example.org/mcp/", Err("http://mcp.example.org"))]
#[case::another_host_by_tls(308, "//mcp.example.org/key", Err("https://mcp.example.org"))]
fn a_slash_at_the_end_is_followed_or_told(
    #[case] status: u16,
    #[case] location: &str,
    #[case] then: Result<&str, &str>,
) {
    let url = Url::parse("https://mcp.example.com/mcp").expect("a URL");
    let http = crate::http::tests::door();
    let carrier = Carrier::new(http, Reach::default(), url.clone());
    let answer = ::http::Response::builder()
        .status(status)
        .header(header::LOCATION, location)
        .body("")
        .expect("an answer");
    let to = carrier.redirected(&url, &answer.into());
    let to = to
        .map(|to| to.to_string())
        .map_err(|error| error.args["target"].clone());
    assert_eq!(to, then.map(str::to_owned).map_err(str::to_owned));
}
