//! The reducer.

use super::*;
use wasm_bindgen::JsValue;

fn toast(text: &'static str) -> Action {
    Action::Say(Toast {
        tone: Tone::Ok,
        text: text.into(),
        link: None,
        undo: None,
    })
}

#[test]
fn toasts_do_not_pile_up() {
    let state = ["a", "b", "a", "c", "d"]
        .into_iter()
        .fold(Rc::new(State::default()), |state, text| {
            state.reduce(toast(text))
        });
    let texts: Vec<&str> = state.toasts.iter().map(|(_, t)| t.text.as_str()).collect();
    assert_eq!(texts, ["a", "c", "d"]);
    let first = state.toasts[0].0;
    let state = state.reduce(Action::Unsay(first));
    assert_eq!(state.toasts.len(), 2, "each goes by its own number");
    let bad = Action::Say(Toast {
        tone: Tone::Bad,
        text: "the keyring is locked".into(),
        link: None,
        undo: None,
    });
    let state = state.reduce(bad).reduce(Action::UnsayFailures);
    assert_eq!(state.toasts.len(), 2, "only the failure went");
}

#[test]
fn what_is_to_be_read_or_can_be_taken_back_outlives_what_goes_by_itself() {
    let telling = |tone, text: &'static str, undo| {
        Action::Say(Toast {
            tone,
            text: text.into(),
            link: None,
            undo,
        })
    };
    let undo = Some((AttrValue::from("Undo"), Callback::noop()));
    let state = Rc::new(State::default())
        .reduce(telling(Tone::Bad, "failed", None))
        .reduce(telling(Tone::Ok, "deleted", undo.clone()));
    let state = ["a", "b", "c"]
        .into_iter()
        .fold(state, |state, text| state.reduce(toast(text)));
    let texts = |state: &State| -> Vec<AttrValue> {
        state.toasts.iter().map(|(_, t)| t.text.clone()).collect()
    };
    assert_eq!(texts(&state), ["failed", "deleted", "c"]);
    let more = ["2", "3", "4", "5"];
    let state = more.into_iter().fold(state, |state, text| {
        state.reduce(telling(Tone::Ok, text, undo.clone()))
    });
    assert_eq!(
        texts(&state),
        ["failed", "deleted", "2", "3", "4", "5"],
        "each can be taken back"
    );
    let state = state.reduce(toast("d"));
    assert_eq!(texts(&state), ["deleted", "2", "3", "4", "5", "d"]);
}

#[test]
fn repair_all_walks_from_one_to_the_next_and_stops_where_it_is_told_to() {
    let ids: Vec<IntegrationId> = [1_u8, 2, 3]
        .into_iter()
        .map(|n| format!("01890a5d-ac96-774b-bcce-b302099a800{n}"))
        .map(|id| id.parse().expect("a UUID"))
        .collect();
    let open = |state: &State| match state.sheets[..] {
        [(_, Sheet::Reconnect(id))] => Some((id, state.repairs.len())),
        _ => None,
    };
    let state = Rc::new(State::default()).reduce(Action::Repair(ids.clone()));
    assert_eq!(open(&state), Some((ids[0], 2)));
    let state = state.reduce(Action::NextRepair);
    assert_eq!(open(&state), Some((ids[1], 1)));
    let stopped = state.clone().reduce(Action::Close(state.sheets[0].0));
    assert!(stopped.sheets.is_empty() && stopped.repairs.is_empty());
    let left = state
        .clone()
        .reduce(Action::SetUp(Some(("p".into(), None))));
    assert!(left.sheets.is_empty() && left.repairs.is_empty());
    let state = state.reduce(Action::NextRepair);
    assert_eq!(open(&state), Some((ids[2], 0)));
    assert!(state.reduce(Action::NextRepair).sheets.is_empty());
}

#[test]
fn what_comes_while_a_sheet_is_open_stands_in_front_of_it_and_leaves_it_as_it_is() {
    let id: IntegrationId = "01890a5d-ac96-774b-bcce-b302099a8057"
        .parse()
        .expect("a UUID");
    let state = Rc::new(State::default())
        .reduce(Action::Repair(vec![id, id]))
        .reduce(Action::Open(Sheet::Quit))
        .reduce(Action::Open(Sheet::Quit));
    let open: Vec<&Sheet> = state.sheets.iter().map(|(_, sheet)| sheet).collect();
    assert!(
        matches!(open[..], [Sheet::Reconnect(_), Sheet::Quit]),
        "once, in front"
    );
    let (under, front) = (state.sheets[0].0, state.sheets[1].0);
    let answered = state.clone().reduce(Action::Close(front));
    assert_eq!(
        (answered.sheets[0].0, answered.repairs.len()),
        (under, 1),
        "the same sheet, and the walk goes on"
    );
    let state = state.reduce(Action::Close(under));
    assert!(matches!(state.sheets[..], [(_, Sheet::Quit)]));
}

#[test]
fn a_dropped_file_takes_the_place_of_the_choice_but_of_nothing_that_is_typed() {
    let dropped = || Action::Dropped(wasm_bindgen::JsCast::unchecked_into(JsValue::UNDEFINED));
    let state = Rc::new(State::default()).reduce(Action::Open(Sheet::Add));
    let form = state.clone().reduce(Action::Adding(true)).reduce(dropped());
    assert!(matches!(form.sheets[..], [(_, Sheet::Add)]));
    let choice = state.reduce(Action::Adding(false)).reduce(dropped());
    assert!(matches!(choice.sheets[..], [(_, Sheet::OpenApi(_))]));
}

#[test]
fn a_test_is_busy_until_it_ended_even_without_a_report() {
    let id: IntegrationId = "01890a5d-ac96-774b-bcce-b302099a8057"
        .parse()
        .expect("a UUID");
    let state = Rc::new(State::default()).reduce(Action::TestBegan(id));
    assert!(state.testing.contains(&id));
    let state = state.reduce(Action::TestEnded(id, None));
    assert!(state.testing.is_empty() && state.reports.is_empty());
}
