use super::*;
use proptest::prelude::*;
use reqwest::header::HeaderValue;
use rstest::rstest;

#[rstest]
#[case(200, &[], None)]
#[case(204, &[], None)]
#[case(304, &[], Some((ErrorCode::BadAnswer, "why", "HTTP 304")))]
#[case(400, &[], Some((ErrorCode::BadAnswer, "why", "HTTP 400")))]
#[case(401, &[], Some((ErrorCode::Rejected, "status", "401")))]
#[case(403, &[], Some((ErrorCode::Forbidden, "status", "403")))]
#[case(403, &[("retry-after", "7")], Some((ErrorCode::RateLimited, "seconds", "7")))]
#[case(403, &[("x-ratelimit-remaining", "12"), ("x-ratelimit-reset", "1800")], Some((ErrorCode::Forbidden, "status", "403")))]
#[case(403, &[("x-ratelimit-remaining", "0")], Some((ErrorCode::RateLimited, "seconds", "60")))]
#[case(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1800")],
    Some((ErrorCode::RateLimited, "seconds", "1800")))]
#[case(403, &[("date", "Sun, 09 Sep 2001 01:46:40 GMT"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000001800")],
    Some((ErrorCode::RateLimited, "seconds", "1800")))]
#[case::milliseconds(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000001800000")],
    Some((ErrorCode::RateLimited, "seconds", "60")))]
#[case(429, &[("ratelimit-remaining", "0"), ("ratelimit-reset", "9")], Some((ErrorCode::RateLimited, "seconds", "9")))]
#[case(429, &[("retry-after", "7"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "9")],
    Some((ErrorCode::RateLimited, "seconds", "7")))]
#[case(404, &[], Some((ErrorCode::BadAnswer, "why", "HTTP 404")))]
#[case(407, &[], Some((ErrorCode::Unreachable, "why", "the network's proxy asks for a sign-in")))]
#[case(429, &[], Some((ErrorCode::RateLimited, "seconds", "60")))]
#[case(429, &[("retry-after", "7")], Some((ErrorCode::RateLimited, "seconds", "7")))]
#[case(429, &[("retry-after", " 7 ")], Some((ErrorCode::RateLimited, "seconds", "7")))]
#[case(429, &[("retry-after", "-7")], Some((ErrorCode::RateLimited, "seconds", "60")))]
#[case(429, &[("retry-after", "soon")], Some((ErrorCode::RateLimited, "seconds", "60")))]
#[case(429, &[("retry-after", "99999999999999999999")], Some((ErrorCode::RateLimited, "seconds", "60")))]
#[case(429, &[("retry-after", "999999999")], Some((ErrorCode::RateLimited, "seconds", "86400")))]
#[case(429, &[("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:51:37 GMT")],
    Some((ErrorCode::RateLimited, "seconds", "120")))]
#[case(429, &[("retry-after", "Sun, 06 Nov 1994 08:51:37 GMT")], Some((ErrorCode::RateLimited, "seconds", "0")))]
#[case(500, &[], Some((ErrorCode::ServerError, "status", "500")))]
#[case(500, &[("retry-after", "7")], Some((ErrorCode::ServerError, "status", "500")))]
#[case(503, &[], Some((ErrorCode::ServerError, "status", "503")))]
#[case(503, &[("retry-after", "7")], Some((ErrorCode::RateLimited, "seconds", "7")))]
fn a_status_means(
    #[case] status: u16,
    #[case] headers: &[(&'static str, &'static str)],
    #[case] expected: Option<(ErrorCode, &str, &str)>,
) {
    let headers = headers.iter().map(|(name, value)| {
        (
            name.parse().expect("a header name"),
            HeaderValue::from_static(value),
        )
    });
    let found = classify(status, &headers.collect(), "api.example");
    let found = found.as_ref();
    assert_eq!(
        found.map(|error| error.code),
        expected.map(|(code, ..)| code)
    );
    if let (Some(found), Some((_, name, value))) = (found, expected) {
        assert_eq!(found.args[name], value);
        assert_eq!(found.args["host"], "api.example");
    }
}

#[rstest]
#[case("plain words", "plain words")]
#[case("  a\r\n\tb\u{0}c  ", "a b c")]
#[case("\u{1b}[31mred\u{1b}[0m", "[31mred [0m")]
#[case("safe\u{202e}gpj.exe", "safegpj.exe")]
#[case("a\u{200b}b\u{feff}c\u{2060}d", "abcd")]
#[case("hi\u{e0049}\u{e0047}\u{e004e}", "hi")]
#[case("flag \u{1f3f4}\u{e0067}\u{e0062}\u{e007f}", "flag \u{1f3f4}")]
#[case("<script>alert(1)</script>", "<script>alert(1)</script>")]
#[case("", "")]
fn text_from_elsewhere_is_inert(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(inert(text), expected);
}

proptest! {
    #[test]
    fn inert_text_is_short_and_holds_nothing_hidden(text in any::<String>(), times in 1usize..40) {
        let shown = inert(&text.repeat(times));
        prop_assert!(shown.chars().count() <= 300, "{}", shown.chars().count());
        prop_assert!(!shown.chars().any(|c| c.is_control() || is_invisible(c)));
        prop_assert_eq!(inert(&shown), shown.clone(), "doing it twice changes nothing");
    }
}
