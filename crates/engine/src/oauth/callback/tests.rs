use super::*;
use proptest::prelude::*;
use rstest::rstest;

#[rstest]
#[case("state=s&code=c", true)]
#[case("state=s&code=c&iss=https%3A%2F%2Fas.example", true)]
#[case("state=s&error=access_denied&error_description=no", true)]
#[case("state=s&code=c&session_state=x&session_state=y", true)]
#[case("state=s", true)]
#[case("", false)]
#[case("code=c", false)]
#[case("state=s&state=s&code=c", false)]
#[case("state=s&code=c&code=d", false)]
#[case("state=s&code=c&iss=a&iss=a", false)]
#[case("state=s&code=c&error=access_denied", false)]
fn a_query_is_an_answer_or_not(#[case] query: &str, #[case] is_one: bool) {
    assert_eq!(Callback::parse(query).is_some(), is_one, "{query}");
}

#[test]
fn values_are_decoded() {
    let found =
        Callback::parse("code=a%2Bb+c&state=%C3%A4&iss=https%3A%2F%2Fx%2F").expect("an answer");
    assert_eq!(found.code.as_ref().map(Secret::reveal), Some("a+b c"));
    assert!(found.is_for(&Secret::new("\u{e4}")));
    assert_eq!(found.iss.as_deref(), Some("https://x/"));
}

#[test]
fn what_is_too_long_is_no_answer() {
    let long = "x".repeat(LONGEST + 1);
    assert!(Callback::parse(&format!("state=s&code={long}")).is_none());
    assert!(Callback::parse(&format!("state=s&code=c&other={}", long.repeat(5))).is_none());
}

#[rstest]
#[case("")]
#[case("stat")]
#[case("state2")]
#[case("STATE")]
fn only_the_very_state_is_for_it(#[case] other: &str) {
    let found = Callback::parse("state=state&code=c").expect("an answer");
    assert!(found.is_for(&Secret::new("state")));
    assert!(!found.is_for(&Secret::new(other)));
}

proptest! {
    #[test]
    fn nothing_in_a_query_breaks_the_reader(query in any::<String>()) {
        if let Some(found) = Callback::parse(&query) {
            prop_assert!(!found.is_for(&Secret::new("a state that was never sent")));
        }
    }
}
