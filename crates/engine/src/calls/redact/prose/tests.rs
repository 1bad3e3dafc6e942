use super::{super::redact, *};
use proptest::prelude::*;
use serde_json::json;
use std::cell::Cell;

fn read(text: &str) -> String {
    super::read(text, super::super::DEPTH, &mut Hidden::default())
}

thread_local! {
    /// Bytes that were looked at on this thread.
    pub(super) static LOOKED: Cell<usize> = const { Cell::new(0) };
}

/// Begins each part of a planted secret, and stands nowhere else.
const SIGN: &str = "zq9";
const PART: &str = "zq9[a-z0-9]{1,8}";

/// Between the parts of a secret that stands in a text as it is.
const IN_TEXT: [&str; 27] = [
    "\u{a0}", "", ",", ";", "&", " ", ", ", "; ", " & ", "/", "?", "#", "@", "|", "!", "-", "~",
    "%", "\\", "(", ")", "$", "'", "{", "[", "\"", ". ",
];
/// How a secret may end.
const ENDS: [&str; 3] = ["", "=", "=="];
/// What an address can carry before its `@`.
const IN_ADDRESS: [&str; 12] = ["", ",", ";", "&", "/", "?", "#", "@", ":", "=", "://", "%"];
/// What has to be written otherwise in some places.
const ANY: [&str; 12] = [
    "", "\"", "'", "&", "=", ": ", ", ", " ", "<", "</", "\n", "`",
];
/// What a header may say.
const IN_HEADER: [&str; 9] = ["", "; ", ", b=\"", "\", c=\"", "=", ": ", "'", ".", ". A"];

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn xml(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('"', "&quot;")
}

/// A secret in each shape in which one has been seen in a text.
fn in_texts(name: &str, secret: &str) -> Vec<String> {
    vec![
        format!("{name}: {secret}"),
        format!("{name}={secret}\nuser=ann"),
        format!("**{name}:** {secret}, and on it goes"),
        format!("{name}:\n  {secret}\n"),
        format!("{name}: |\n  first\n  {secret}\nuser: ann"),
        format!("{name}:\n  - first\n  - {secret}\nuser: ann"),
        format!("the new {name} is: {secret} (keep it)"),
        format!("token=Bearer {secret}"),
        format!("auth_token: Basic {secret}"),
        format!("The users' {name}: '{}'", secret.replace('\'', "")),
        format!("The admins' {name}: {secret}"),
        format!("Your {name}: {secret}\n\n- Do not share it"),
        format!("- {name}: {secret}\n  user: ann"),
        format!("R&D {name}: {secret}"),
        format!("{name} (staging): {secret}"),
        format!("The {name} for the new database: {secret}"),
        format!("{name} [staging] = {secret}"),
        format!("**{name} for prod:** {secret}"),
        format!("{name}:\u{a0}{secret}"),
        format!("- name: {name}\n  value: {secret}\n"),
        format!("- value: {secret}\n  name: {name}\n"),
        format!("Server=x;{name}={secret};Database=y"),
    ]
}

fn in_addresses(secret: &str) -> Vec<String> {
    vec![
        format!("postgres://ann:{secret}@db.example/main"),
        format!("see https://ann.lee:{secret}@x.example:80/a?b=c#d, it says"),
    ]
}

fn in_headers(name: &str, secret: &str) -> Vec<String> {
    vec![
        format!("Authorization: Bearer {secret}"),
        format!("Authorization: Digest username=\"ann\", response=\"{secret}\""),
        format!("Authorization: Digest username=\"ann\",\r\n  response=\"{secret}\"\r\nHost: x"),
        format!("Cookie: a=\"b\"; c={secret}\r\nHost: x"),
        format!("Set-Cookie: sid={secret}; Path=/"),
        format!("{{\"{name}\": \"broken\", Authorization: {secret}"),
    ]
}

/// Where it is written so that nothing of it ends the place that it stands in.
fn written(name: &str, secret: &str) -> Vec<String> {
    let tag = name.replace(' ', "-");
    let json = json!({ "user": "ann", name: secret }).to_string();
    let escaped = serde_json::to_string(&json).unwrap_or_default();
    let string = json!(secret).to_string();
    let deep = json!({ "a": [{ name: { "value": secret } }] });
    let pair = json!({ "name": name, "value": secret }).to_string();
    let first = tag.chars().next().map_or(0, u32::from);
    let coded = format!("%{first:02X}{}", &tag[1..]);
    let (in_query, in_xml) = (percent(secret), xml(secret));
    vec![
        format!("https://x.example/y?{tag}={in_query}"),
        format!("https://x.example/y?a=1&{tag}={in_query}&b=2#c"),
        format!("https://x.example/y#{tag}={in_query}&b=2"),
        format!("https://x.example/y?{coded}={in_query}&b=2"),
        format!(
            "https://x.example/y?to={}",
            percent(&format!("/z?{tag}={in_query}"))
        ),
        format!("https://x.example/y?data={}&b=2", percent(&json)),
        format!("user=ann&{tag}={in_query}&b=2"),
        format!("user=ann&{tag}={string}&b=2"),
        format!("curl https://x.example/y?{tag}={string}"),
        format!("Lost it? {name}: {string}"),
        format!("Here it is: {json} as you asked"),
        format!("\n\n{json}\n"),
        format!("```json\n{json}\n```"),
        format!("The answer was {escaped}."),
        format!("{{not json {json}"),
        format!("{{not json {}", &json[..json.len() - 1]),
        format!("see {deep}"),
        format!("my {name}: {deep}"),
        format!("pairs: {pair}, or {}", &pair[..pair.len() - 1]),
        format!("{name}: {string}, and on it goes"),
        format!("`{name}` = {string}"),
        format!("export {tag}={string}; run"),
        format!("'{name}' => {string},"),
        format!("{tag} = \"\"{string}\"\"\n"),
        format!(
            "curl -H \"{name}: {}\" https://x.example",
            string.trim_matches('"')
        ),
        format!("<a><{tag}>{in_xml}</{tag}></a>"),
        format!("<a><x:{tag} kind=\"b\">\n {in_xml}\n</x:{tag}></a>"),
        format!("<a><{tag}><![CDATA[{}]]></{tag}>", secret.replace("</", "")),
        format!("<{tag}\u{a0}kind=\"b\">{in_xml}</{tag}>"),
        format!("<a user=\"ann\" {tag}=\"{in_xml}\" n=\"1\"/>"),
        format!("<{tag}><{tag}>a</{tag}>{in_xml}</{tag}>"),
        format!("<{tag}>a</{tag}s>{in_xml}</{tag}>"),
        format!("<add value=\"{in_xml}\" key=\"{name}\"/>"),
        format!("<add key=\"{name}\" value=\"{in_xml}\"/>"),
    ]
}

fn parts(separators: &'static [&'static str]) -> impl Strategy<Value = String> {
    let more = prop::collection::vec((prop::sample::select(separators), PART), 0..4);
    let end = prop::sample::select(&ENDS[..]);
    (PART, more, end).prop_map(|(first, more, end)| {
        more.iter()
            .fold(first, |all, (separator, part)| all + separator + part)
            + end
    })
}

/// What stands before a secret: on a line of its own, and on its line.
type Before<'a> = (&'a str, &'a str);

/// No sign of it, however long the rest is that is hidden, and whatever stands before it.
fn holds_none(
    shapes: Vec<String>,
    (before, near): Before<'_>,
    sign: &str,
) -> Result<(), TestCaseError> {
    for shape in shapes {
        for text in [
            format!("{before}\n{shape}"),
            format!("{near}{shape}"),
            format!("{near}? {shape}"),
        ] {
            let shown = redact(&Value::String(text.clone())).to_string();
            prop_assert!(!shown.contains(sign), "{text:?} was shown as {shown}");
        }
        let shown = redact(&json!({ "content": [{ "text": shape }] })).to_string();
        prop_assert!(!shown.contains(sign), "{shape:?} was shown as {shown}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_part_of_a_planted_secret_survives(
        name in prop::sample::select(vec!["password", "access_token", "client-secret", "X-Api-Key", "API key"]),
        in_text in parts(&IN_TEXT),
        in_address in parts(&IN_ADDRESS),
        in_header in parts(&IN_HEADER),
        any in parts(&ANY),
        digits in "[0-9]{4,8}",
        before in "[a-z ,.{}:=<>%&\\[\\]\"'\n]{0,30}",
    ) {
        // What begins a parameter, a code or a quote would tell where the value ends.
        let near = before.replace(['&', '%'], "");
        let bare = near.replace(['"', '\''], "");
        let (near, bare) = ((&*before, &*near), (&*before, &*bare));
        holds_none(in_texts(name, &in_text), near, SIGN)?;
        holds_none(in_addresses(&in_address), bare, SIGN)?;
        holds_none(in_headers(name, &in_header), bare, SIGN)?;
        holds_none(written(name, &any), bare, SIGN)?;
        holds_none(in_texts(name, &digits), near, &digits)?;
        holds_none(in_addresses(&digits), near, &digits)?;
        holds_none(in_headers(name, &digits), near, &digits)?;
        holds_none(written(name, &digits), bare, &digits)?;
    }

    #[test]
    fn no_line_of_a_key_survives(
        lines in prop::collection::vec("[A-Za-z0-9+/]{64}", 1..4),
        (last, sum) in ("([A-Za-z0-9+/]{4,32}={0,2})?", "(=[A-Za-z0-9]{4})?"),
        joint in prop::sample::select(vec!["\n", "\r\n", "\\n", "\\r\\n", " ", "\n    ", "\n> ", "\\n\" +\n  \""]),
        head in prop::sample::select(vec!["", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AB0102030405060708090a0b0c0d0e0f\n\n", "Version: GnuPG v2\n\n"]),
        end in prop::sample::select(vec!["", "-----END PRIVATE KEY-----", "-----END PRIVATE KEY-----\nDELETE FROM users;"]),
    ) {
        let all: Vec<&str> = lines.iter().chain([&last, &sum]).map(String::as_str).filter(|line| !line.is_empty()).collect();
        let text = format!("select 1; -----BEGIN PRIVATE KEY-----{joint}{head}{}{joint}{end}", all.join(joint));
        for text in [text.clone(), percent(&text)] {
            let shown = read(&text);
            for line in &all {
                let is_there = line.len() > 5 && shown.contains(line);
                prop_assert!(!is_there, "{text:?} was shown as {shown}");
            }
        }
        let shown = read(&text);
        prop_assert!(shown.starts_with("select 1; -----BEGIN PRIVATE KEY-----"), "{shown}");
        prop_assert!(shown.ends_with(end), "{shown}");
    }

    #[test]
    fn no_text_breaks_it(text in "[\\PC\n\"'`\\\\={}:/@<>%&\u{a0}a-f0-9]{0,200}") {
        for text in [text.clone(), format!("password={text}"), format!("<token>{text}?token%3D{text}"), format!("<token\u{a0}{text}"), format!("-----BEGIN{text}\n{}\\{text}", "A".repeat(40))] {
            let shown = read(&text);
            prop_assert!(text.is_empty() || !shown.is_empty());
        }
    }
}

#[test]
fn a_blank_of_any_width_ends_a_tag_s_name() {
    for blank in [' ', '\t', '\u{85}', '\u{a0}', '\u{2028}', '\u{3000}'] {
        let shown = read(&format!("<token{blank}x>abc</token> and on"));
        assert_eq!(
            shown,
            format!("<token{blank}•••• (5 characters)</token> and on")
        );
    }
}

#[test]
fn what_is_no_secret_is_left_as_it_is() {
    for text in [
        "see https://x.example/a?b=c&d=e at 12:30",
        "let total = count::sum(&[1, 2]); // skip the token",
        "user: ann\nrole: \"admin\"\n{\"n\": 1}",
        "git@github.com:acme/site.git",
        "get it from http://localhost:4873/@acme/tokens or https://x.example:8080/a?to=ann@x.example",
        "https://x.example/y?to=https%3A%2F%2Fx.example%2Fz%3Fa%3D1&q=50%25+more",
        "<p class=\"a\">Your <b>password</b> was changed.</p>",
        "name: ann\nvalue: 12",
        "- value: 12\n  name: ann\n- value: eu\n- name: token",
        "https://registry:5000/v2/lib@sha256:ab, http://[::1]:8080/@scope/x and http://gateway:4873/@acme",
        "the token expires at 12:30, and if is_token(x): return",
        "The secret was told. Note: it is none",
        "goes to Kenya by way of Rome: yes",
        "100% of it, <br> 5 < 6 and 7 > 6",
        "",
    ] {
        assert_eq!(read(text), text);
    }
}

#[test]
fn what_stands_around_a_secret_stays() {
    let dots = |n: usize| format!("•••• ({n} characters)");
    for (text, shown) in [
        (
            "https://x.example/y?access_token=abc&page=2",
            format!("https://x.example/y?access_token={}&page=2", dots(3)),
        ),
        (
            "access_token=a,b c&page=2",
            format!("access_token={}&page=2", dots(5)),
        ),
        (
            "Server=x;Password=a;b,c;Database=y",
            format!("Server=x;Password={};Database=y", dots(5)),
        ),
        (
            "level=info token=abc msg=\"it went well\"",
            format!("level=info token={} msg=\"it went well\"", dots(3)),
        ),
        (
            "password: a b\nuser: ann",
            format!("password: {}\nuser: ann", dots(3)),
        ),
        (
            "Set `password=abc` in the file, then restart.",
            format!("Set `password={}` in the file, then restart.", dots(3)),
        ),
        (
            "tokens:\n  - a\n  - b\nuser: ann",
            format!("tokens:\n  {}\nuser: ann", dots(9)),
        ),
        (
            "<a><password>abc</password><user>ann</user></a>",
            format!("<a><password>{}</password><user>ann</user></a>", dots(3)),
        ),
        (
            "<li>Password: abc</li><li>User: ann</li>",
            format!("<li>Password: {}</li><li>User: ann</li>", dots(3)),
        ),
        (
            "Cookie: a=\"b\"; c=d\r\nHost: x.example",
            format!("Cookie: {}\r\nHost: x.example", dots(10)),
        ),
        (
            "curl -H 'Authorization: Digest a=\"b\", c=\"d\"' https://x.example/y",
            format!("curl -H 'Authorization: {}' https://x.example/y", dots(19)),
        ),
        (
            "postgres://ann:a/b?c#d@db.example/main",
            format!("postgres://ann:{}@db.example/main", dots(7)),
        ),
        (
            "-----BEGIN A KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nab==\n-----END A KEY-----\nbye",
            format!(
                "-----BEGIN A KEY-----\n{}\n-----END A KEY-----\nbye",
                dots(45)
            ),
        ),
        (
            "-----BEGIN A KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nTRUNCATE users\n-----END A KEY-----",
            format!(
                "-----BEGIN A KEY-----\n{}\nTRUNCATE users\n-----END A KEY-----",
                dots(40)
            ),
        ),
        (
            "https://x.example/y?a=%70assword%3Dabc&page=2",
            format!("https://x.example/y?a={}&page=2", dots(16)),
        ),
    ] {
        assert_eq!(read(text), shown, "{text:?}");
    }
}

#[test]
fn the_end_of_a_secret_is_not_taken_for_the_beginning_of_something_else() {
    let dots = |n: usize| format!("•••• ({n} characters)");
    for (text, shown) in [
        (
            "Your access token: 482913\n\n- Do not share it",
            format!("Your access token: {}\n\n- Do not share it", dots(6)),
        ),
        (
            "- password: 123456\n  user: ann",
            format!("- password: {}\n  user: ann", dots(6)),
        ),
        (
            "token=Basic YW5uOmh1bnRlcjI= user=ann",
            format!("token={} user=ann", dots(22)),
        ),
        (
            "auth_token: Bearer dGVzdDp0b2tlbg==, and on",
            format!("auth_token: {}", dots(31)),
        ),
        (
            "API\u{a0}key for prod: a b, user: ann",
            format!("API\u{a0}key for prod: {}, user: ann", dots(3)),
        ),
        (
            "token: [see the wiki\n\nAnd on",
            format!("token: {}\n\nAnd on", dots(13)),
        ),
        (
            "http://ann:12345/x@db.example",
            format!("http://ann:{}@db.example", dots(7)),
        ),
        (
            "Lost it? Password: \"hunter2\"",
            format!("Lost it? Password: \"{}\"", dots(7)),
        ),
        (
            "curl https://x/y?token=\"abc\" -v",
            format!("curl https://x/y?token=\"{}\" -v", dots(3)),
        ),
        (
            "user=a&password=\"b c\"&n=1",
            format!("user=a&password=\"{}\"&n=1", dots(3)),
        ),
        (
            "R&D password: correct horse battery",
            format!("R&D password: {}", dots(21)),
        ),
        (
            "The users' password: 'hunter2'",
            format!("The users' password: '{}'", dots(7)),
        ),
        (
            "The admins' password: p@'$ecret",
            format!("The admins' password: {}", dots(9)),
        ),
        (
            "<a href=\"https://x/y?token=abc\">b</a>",
            format!("<a href=\"https://x/y?token={}\">b</a>", dots(3)),
        ),
    ] {
        assert_eq!(read(text), shown, "{text:?}");
    }
}

#[test]
fn a_text_that_mentions_a_password_keeps_its_other_sentences() {
    let text = "Hello Ann. The shop’s password is: correct horse, battery; staple. Please change it soon. \
        If your password is lost, ask Bob. An access token: it ends after an hour. See you on Monday.\n\n\
        About the secret garden, there is nothing to tell.";
    let shown = read(text);
    for kept in [
        "Hello Ann. The shop’s password is: ••••",
        ". Please change it soon. If your password is lost, ask Bob. An access token: ",
        ". See you on Monday.\n\nAbout the secret garden, there is nothing to tell.",
    ] {
        assert!(shown.contains(kept), "{shown}");
    }
    assert!(
        !shown.contains("battery") && !shown.contains("staple"),
        "{shown}"
    );
}

#[test]
fn four_times_the_text_is_looked_at_four_times_as_often() {
    let looked = |part: &str, length: usize| {
        LOOKED.set(0);
        read(&part.repeat(length / part.len()));
        LOOKED.get()
    };
    for part in [
        "password=\"\\\"",
        "[[[[{",
        "token: {\"a\":",
        "a://b:",
        "a://b:c@",
        "-----BEGIN ",
        "-----BEGIN A-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nab\\",
        "secret:::",
        "password = ",
        "password = , ",
        "key: '",
        "token='a'token='a'",
        "token='\n",
        "\\\\\"",
        "<token>",
        "<token ",
        "<token a='b'>c",
        "%41=",
        "a=%41%41%25",
        "%25%25",
        "name: token ",
        "password:\n",
        "password: |\n  a\n",
        "cookie: a,\n ",
        "don't \"`",
        "?token=\"",
        "token: [a\n\n",
        "value: a name: token ",
        "value: a\nname: token\n",
        "<token><token></token>",
        "token for a (b): ",
        "token=Basic a= ",
        "\"token: \"a=\"b",
        "\\\\\"token:",
    ] {
        let (less, more) = (looked(part, 16_000), looked(part, 64_000));
        assert!(
            more <= 5 * less + 16_000,
            "{part:?}: {less} bytes were looked at, and {more} of four times the text"
        );
    }
}
