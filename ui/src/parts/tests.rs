//! Parts as strings: what they say, and what they leave out.

mod access;
mod catalogue;
mod tasks;

use super::*;
use crate::{
    state::{Act, Tone},
    time::Now,
};
use fixtures::{NOW, card, health, id, row, tool};
use std::{collections::BTreeSet, rc::Rc};
use wire::{
    AuthView, Because, Day, Error, ErrorCode, Fix, KeyringView, LastUsed, Outcome, Reason,
    ScopeView, Status, TestReport,
};
use yew::{LocalServerRenderer, prelude::*};

#[derive(Properties, PartialEq)]
struct PageProps {
    html: Html,
}

#[component]
fn Page(props: &PageProps) -> Html {
    html! { <ContextProvider<Now> context={Now(NOW)}>{ props.html.clone() }</ContextProvider<Now>> }
}

/// The HTML of a part, as the window would show it at [`NOW`], one tag a line.
fn rendered(html: Html) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime on this thread");
    let renderer = LocalServerRenderer::<Page>::with_props(PageProps { html }).hydratable(false);
    let text = tokio::task::LocalSet::new().block_on(&runtime, renderer.render());
    text.replace("><", ">\n<")
}

fn shown(card: wire::CardView) -> String {
    rendered(html! {
        <card::Card card={Rc::new(card)} testing={false} act={Callback::noop()} menu={Callback::noop()} />
    })
}

#[test]
fn a_healthy_card() {
    insta::assert_snapshot!(shown(card("Orders")));
}

#[test]
fn a_failing_card_says_why_and_has_the_one_button_that_mends_it() {
    let mut card = card("Stripe");
    card.health = health(
        Reason::Rejected {
            since: NOW.plus(-240_000),
        },
        Some(Fix::PasteKey),
    );
    let html = shown(card);
    assert!(html.contains("data-status=\"failing\""));
    assert!(
        html.contains("Failing"),
        "the word stands beside the colour"
    );
    assert!(html.contains("Stripe no longer accepts this credential since 14:02."));
    assert!(html.contains("aria-label=\"Paste a fresh key: Stripe\""));
    assert!(
        !html.contains("aria-label=\"Test: Stripe\""),
        "one button, not two"
    );
}

#[test]
fn an_expiring_card_counts_down() {
    let mut card = card("GitHub");
    card.health = health(
        Reason::EndsOn {
            at: NOW.plus(5 * 86_400_000),
        },
        Some(Fix::Reconnect),
    );
    let html = shown(card.clone());
    assert!(html.contains("Expires in 5 days"), "{html}");
    assert!(
        html.contains("The token of GitHub ends on Fri 27 Nov, 14:06 and cannot renew itself.")
    );
    card.health = health(Reason::EndsOn { at: NOW.plus(-1) }, Some(Fix::Reconnect));
    assert!(
        !shown(card).contains("Expires"),
        "what is over does not count down"
    );
}

#[test]
fn a_card_that_is_switched_off_says_so_and_nothing_else() {
    let mut card = card("Billing");
    card.health = health(Reason::Unreachable { since: NOW }, Some(Fix::Test));
    card.enabled = false;
    let html = shown(card);
    assert!(html.contains("Switched off"));
    assert!(html.contains("aria-label=\"Switch on: Billing\""));
    assert!(
        !html.contains("Failing") && !html.contains("has not answered"),
        "{html}"
    );
}

#[test]
fn a_card_tells_when_and_by_what_it_was_last_used() {
    let mut card = card("Mail");
    assert!(shown(card.clone()).contains("never"));
    card.last_used = Some(LastUsed {
        at: NOW.plus(-12 * 60_000),
        because: Because::task("Inbox triage", None),
    });
    let html = shown(card);
    assert!(
        html.contains("12 min ago") && html.contains("Inbox triage"),
        "{html}"
    );
}

#[test]
fn what_a_card_can_do_names_three_tools_and_counts_the_rest() {
    let mut card = card("Orders");
    (card.tools, card.can) = (27, vec!["a".into(), "b".into(), "c".into()]);
    assert!(shown(card.clone()).contains("a, b, c and 24 more"));
    (card.tools, card.can) = (0, vec![]);
    assert!(shown(card).contains("no tools found"));
}

#[test]
fn scopes_stand_in_full_and_what_was_not_granted_is_not_counted() {
    let mut card = card("GitHub");
    let scope = |name: &str, plain: Option<&str>, granted| ScopeView {
        name: name.into(),
        plain: plain.map(Into::into),
        granted,
        tools: vec![],
    };
    card.scopes = vec![
        scope("workflow", Some("manage workflows"), false),
        scope("repo:read", Some("Read code"), true),
        scope("tools:call", None, true),
    ];
    let html = shown(card);
    assert!(html.contains("Scopes (2)"));
    assert!(html.contains("Read code") && html.contains("<small>repo:read</small>"));
    assert!(html.contains("Not granted: manage workflows"));
    assert!(
        html.find("tools:call") < html.find("workflow"),
        "granted ones come first"
    );
}

#[test]
fn text_from_a_server_can_neither_be_markup_nor_hide() {
    let mut card = card("<img src=x>\u{202E}gnp.exe");
    card.account = Some("<script>alert(1)</script>\u{200B}".into());
    card.can = vec!["\u{E0041}tag".into()];
    let html = shown(card);
    assert!(
        !html.contains("<script>") && !html.contains("<img"),
        "{html}"
    );
    assert!(
        html.contains("\\u{202E}gnp.exe")
            && html.contains("\\u{200B}")
            && html.contains("\\u{E0041}")
    );
    assert!(!html.contains(['\u{202E}', '\u{200B}', '\u{E0041}']));
}

#[test]
fn without_a_network_a_card_is_grey_and_tells_how_old_it_is() {
    let mut card = card("GitHub");
    assert!(!shown(card.clone()).contains("Last checked"));
    card.stale = true;
    card.health.checked_at = Some(NOW.plus(-14 * 60_000));
    let html = shown(card);
    for part in ["is-stale", "Last checked", "14 min ago"] {
        assert!(html.contains(part), "no {part}: {html}");
    }
}

#[test]
fn the_strip_is_one_sentence_for_who_cannot_see_it() {
    let mut days = vec![Day::Healthy; 24];
    days.push(Day::Troubled);
    days.extend([Day::Failing; 5]);
    let html = rendered(strip::strip(&days));
    assert!(
        html.contains(
            "aria-label=\"Last 30 days: 24 days healthy, 1 day troubled, 5 days failing\""
        ),
        "{html}"
    );
    assert_eq!(html.matches("<i").count(), 30);
    let html = rendered(strip::strip(&[Day::Unknown; 30]));
    assert!(html.contains("nothing checked yet"));
}

#[test]
fn what_needs_the_admin_is_a_row_each_and_the_rest_is_counted() {
    let failing = |n: u32| {
        let mut card = card(&format!("Card {n}"));
        card.id = id(n);
        card.health = health(Reason::IssuerChanged, Some(Fix::Reconnect));
        Rc::new(card)
    };
    let show = |cards: &[Rc<wire::CardView>]| {
        rendered(need::need(
            cards,
            &BTreeSet::new(),
            &Callback::noop(),
            (&Callback::noop(), &Callback::noop()),
        ))
    };
    let mut off = (*failing(9)).clone();
    off.enabled = false;
    assert_eq!(
        show(&[Rc::new(card("Fine")), Rc::new(off)]),
        "",
        "nobody needs anything"
    );
    let four = show(&(0..4).map(failing).collect::<Vec<_>>());
    assert_eq!(four.matches("data-testid=\"need\"").count(), 4);
    assert_eq!(
        four.matches("class=\"primary\"").count(),
        1,
        "one thing is the next to do"
    );
    let one = show(&[failing(1)]);
    assert!(!one.contains("repair-all"), "one needs no walk");
    assert!(four.contains("Repair all"));
    let ten = show(&(0..10).map(failing).collect::<Vec<_>>());
    assert_eq!(ten.matches("data-testid=\"need\"").count(), 3);
    assert!(ten.contains("7 more need you."));
}

#[test]
fn a_row_of_activity() {
    let rows = Rc::new(vec![
        Rc::new(row(1, Outcome::Ok)),
        Rc::new(row(2, Outcome::Failed)),
    ]);
    insta::assert_snapshot!(rendered(html! { <rows::Rows {rows} named={true} /> }));
}

#[test]
fn a_tool_shows_what_it_takes_and_its_risk_in_words() {
    let props = tools::ToolsProps {
        tools: std::rc::Rc::new(vec![]),
        slug: "sample".into(),
        search: "".into(),
        agents: std::rc::Rc::new(vec![]),
        on_policy: Callback::noop(),
        on_access: Callback::noop(),
    };
    let html = rendered(tools::show(
        &tool("note_clear", wire::Risk::Destroys),
        &props,
    ));
    assert!(
        html.contains("By itself: Ask me"),
        "what holds by itself is named: {html}"
    );
    assert!(html.contains("sample.") && html.contains("note_clear"));
    assert!(html.contains("May destroy"));
    assert!(
        html.contains("&quot;type&quot;: &quot;object&quot;")
            || html.contains("\"type\": \"object\"")
    );
    assert!(html.contains("3fa9c01d"));
}

#[test]
fn a_test_report_tells_what_was_tried_and_what_came_back() {
    let mut report = TestReport {
        at: NOW,
        tried: "GET https://api.example.com/health".into(),
        took_ms: 71,
        error: None,
        answer: "HTTP 200".into(),
        health: health(Reason::Ok, None),
    };
    let html = rendered(test_report::report(&report, &Callback::noop()));
    for part in [
        "GET https://api.example.com/health",
        "HTTP 200",
        "71 ms",
        "The test went well",
    ] {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
    report.error = Some(
        Error::new(ErrorCode::Rejected)
            .with("host", "api.example.com")
            .with("status", "401"),
    );
    report.answer = String::new();
    let html = rendered(test_report::report(&report, &Callback::noop()));
    assert!(html.contains("api.example.com does not accept this credential (HTTP 401)"));
    assert!(html.contains("nothing"), "no answer is said, not left out");
}

#[test]
fn each_trouble_with_the_keyring_has_its_sentence_and_its_button() {
    let show = |keyring| rendered(banner::banner(keyring, false, &Callback::noop()));
    for calm in [
        KeyringView::Unasked,
        KeyringView::Ready,
        KeyringView::SessionOnly,
    ] {
        assert_eq!(show(calm), "");
    }
    let mut sentences = BTreeSet::new();
    for (keyring, button) in [
        (KeyringView::Absent, "Try again"),
        (KeyringView::Locked, "Unlock"),
        (KeyringView::Hanging, "Try again"),
        (KeyringView::Lost, "Review"),
    ] {
        let html = show(keyring);
        assert!(
            html.contains(button) && html.contains("data-testid=\"banner\""),
            "{html}"
        );
        sentences.insert(html);
    }
    assert_eq!(sentences.len(), 4, "four states, four sentences");
}

#[test]
fn a_fields_error_stands_at_the_field_and_is_read_with_it() {
    let html = rendered(html! {
        <field::Field id="url" kind={field::Kind::Url} label="Server URL" value="x" required=true
            hint="A hint." error="This is wrong." on_input={Callback::noop()} />
    });
    assert!(html.contains("aria-invalid=\"true\""));
    assert!(html.contains("aria-describedby=\"url-error url-hint\""));
    assert!(html.contains("id=\"url-error\"") && html.contains("id=\"url-hint\""));
}

#[test]
fn a_secret_is_hidden_while_it_is_typed() {
    let html = rendered(html! {
        <field::Field id="secret" kind={field::Kind::Secret} label="Token" value="hunter2" on_input={Callback::noop()} />
    });
    assert!(
        html.contains("type=\"password\"") && html.contains("autocomplete=\"off\""),
        "{html}"
    );
    assert!(html.contains("aria-label=\"Show\""));
}

#[test]
fn only_three_tones_are_coloured_and_each_status_has_its_own_icon() {
    let of = [Status::Healthy, Status::Expiring, Status::Failing].map(pill::of_status);
    let tones: Vec<&str> = of.iter().map(|(tone, _)| tone.class()).collect();
    assert_eq!(tones, ["ok", "warn", "bad"]);
    assert_eq!(Tone::Quiet.class(), "calm");
    assert!(of[0].1 != of[1].1 && of[1].1 != of[2].1);
}

#[test]
fn every_fix_leads_to_what_it_names() {
    assert_eq!(Act::from(Fix::PasteKey), Act::Reconnect);
    assert_eq!(Act::from(Fix::SwitchOn), Act::Switch(true));
    assert_eq!(Act::from(Fix::Test), Act::Test);
}

#[test]
fn the_samples_key_is_never_asked_for() {
    let mut card = card("Sample");
    card.auth = AuthView::Bearer;
    assert!(crate::sheets::takes_key(&card));
    card.kind = wire::Kind::Sample;
    assert!(!crate::sheets::takes_key(&card));
}

/// Every Rust file of the UI but the tests.
fn sources() -> Vec<(String, String)> {
    fn read(folder: &std::path::Path, found: &mut Vec<(String, String)>) {
        for file in std::fs::read_dir(folder).expect("the sources are there") {
            let path = file.expect("a file").path();
            if path.is_dir() {
                read(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs")
                && !path.ends_with("parts/tests.rs")
            {
                let text = std::fs::read_to_string(&path).expect("a source file");
                found.push((path.display().to_string(), text));
            }
        }
    }
    let mut found = Vec::new();
    read(
        std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")),
        &mut found,
    );
    assert!(found.len() > 40, "the sources were found");
    found
}

#[test]
fn every_sentence_that_is_asked_for_exists() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/words/locales/en-US");
    let sentences = std::fs::read_dir(folder)
        .expect("the language's folder")
        .map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("text"))
        .collect::<Vec<_>>()
        .join("\n");
    let keys: BTreeSet<&str> = sentences
        .lines()
        .filter_map(|line| line.split_once(" =").map(|(key, _)| key))
        .collect();
    for (file, text) in sources() {
        for call in ["say(", "say_with(", "say_count("] {
            for rest in text.split(call).skip(1) {
                let Some(key) = rest
                    .trim_start()
                    .strip_prefix('"')
                    .and_then(|r| r.split('"').next())
                else {
                    continue;
                };
                assert!(
                    keys.contains(key),
                    "{file} asks for {key}, which has no sentence"
                );
            }
        }
    }
}

#[test]
fn nothing_sets_a_style_attribute_which_the_csp_would_drop() {
    for (file, text) in sources() {
        assert!(!text.contains(" style="), "{file}");
        assert!(
            !text.contains("from_html_unchecked") || file.ends_with("icons.rs"),
            "{file}: markup from text"
        );
    }
}

#[test]
fn no_option_is_spread_among_its_siblings() {
    // Yew matches children without keys from the end: an option that is spread into its parent's
    // children (`{ for option }`) would make it build everything before it anew, and lose the focus.
    for (file, text) in sources() {
        for line in text.lines().filter(|line| line.contains("{ for ")) {
            let spread = line.trim_start().trim_start_matches("<>");
            let option = ["and_then", "as_ref().map(", ".get("]
                .iter()
                .any(|part| spread.contains(part));
            assert!(!option, "{file}: {line}");
        }
    }
}

#[test]
fn a_changed_tool_shows_its_words_and_what_is_hidden_in_them() {
    use wire::{HeldView, How, Part, Words};
    let run = |how, text: &str| Words {
        how,
        text: text.into(),
    };
    let held = |is_new| {
        let mut tool = tool("pay", wire::Risk::Writes);
        tool.held = Some(HeldView {
            hash: "ab".into(),
            is_new,
            parts: vec![Part {
                member: "description".into(),
                words: vec![
                    run(How::Same, "Pays "),
                    run(How::Removed, "one"),
                    run(How::Added, "all\u{200b}"),
                ],
            }],
        });
        rendered(html! {
            <crate::parts::held::Held tools={Rc::new(vec![tool])} slug="orders" busy=false accept={Callback::noop()} />
        })
    };
    let html = held(false);
    assert!(html.contains("<del>one</del>"), "{html}");
    assert!(html.contains("<ins>all\\u{200B}</ins>"), "{html}");
    assert!(
        !held(true).contains("<ins>"),
        "all of a new tool is new: nothing is marked"
    );
}
