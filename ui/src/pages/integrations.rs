//! Every integration as a card, with what needs the admin above them.

mod filter;
mod first_run;

use crate::{
    icons::{Icon, icon},
    ipc,
    keys::use_key,
    page,
    parts::{
        card::{Card, MenuAt},
        crons::can_resume,
        menu::{Menu, MenuItem},
        more::More,
        need::{need, needs_admin},
        states,
    },
    say::{say, say_count, say_with},
    state::{Act, Action, Frame, Sheet},
};
pub use filter::Chip;
use filter::haystack;
use first_run::FirstRun;
use gloo_timers::callback::Timeout;
use std::rc::Rc;
use web_sys::HtmlInputElement;
use wire::{CardView, Fix, IntegrationId, ResumeCrons, Status};
use yew::{platform::spawn_local, prelude::*};

/// Cards at first, and with each step towards the end: more than a window shows, and few enough that
/// a keystroke in the search is painted within 50 ms.
const STEP: usize = 18;
/// Cards in the page's first frame: what a window of the usual size shows. The others follow.
const FIRST: usize = 9;

/// The page.
#[component]
pub fn Integrations() -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let focus = use_callback((), |(), ()| page::focus("search"));
    use_key("/", focus);
    let cards = &frame.cards;
    match &cards.data {
        Some(data) if data.is_empty() => html! { <>{ states::stale(cards) }<FirstRun /></> },
        Some(_) | None => html! {
            <>
                { header(&frame) }
                { states::shown(cards, states::loading_cards(), |data| html! { <Cards cards={data.clone()} /> }) }
            </>
        },
    }
}

fn header(frame: &Frame) -> Html {
    let add = frame
        .dispatch
        .reform(|_: MouseEvent| Action::Open(Sheet::Add));
    let counts = frame.cards.data.as_deref().map(|cards| counts(cards));
    html! {
        <header class="page">
            <div><h1 tabindex="-1" id="title">{ say("integrations") }</h1>
                <div class="sub">{ counts.unwrap_or_default() }</div></div>
            <span class="grow" />
            { search_field(frame) }
            <button type="button" class="primary" data-testid="add-integration" onclick={add}>
                { icon(Icon::Add) }{ say("add-integration") }
            </button>
        </header>
    }
}

/// "14 connected · 12 healthy · 1 expiring · 1 failing".
fn counts(cards: &[CardView]) -> AttrValue {
    let on = |status| {
        cards
            .iter()
            .filter(|c| c.enabled && c.health.status == status)
            .count()
    };
    let mut told = vec![say_count("count-connected", cards.len())];
    told.extend(
        [
            (on(Status::Healthy), "count-healthy"),
            (on(Status::Expiring), "count-expiring"),
            (on(Status::Failing), "count-failing"),
            (
                cards.iter().filter(|card| !card.enabled).count(),
                "count-off",
            ),
        ]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, key)| say_count(key, n)),
    );
    told.join(" · ").into()
}

fn search_field(frame: &Frame) -> Html {
    let search = frame.state.search.clone();
    let oninput = frame.dispatch.reform(|e: InputEvent| {
        Action::Search(e.target_unchecked_into::<HtmlInputElement>().value().into())
    });
    let onkeydown = {
        let dispatch = frame.dispatch.clone();
        Callback::from(move |e: KeyboardEvent| {
            if e.key() == "Escape" {
                dispatch.emit(Action::Search(AttrValue::default()));
            }
        })
    };
    html! {
        <label class="field search">
            { icon(Icon::Search) }
            <input id="search" type="search" placeholder={say("search")} aria-label={say("search")}
                autocomplete="off" spellcheck="false" value={search} {oninput} {onkeydown} />
            <kbd aria-hidden="true">{ "/" }</kbd>
        </label>
    }
}

#[derive(Properties, PartialEq)]
struct CardsProps {
    cards: Rc<Vec<CardView>>,
}

#[component]
fn Cards(props: &CardsProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let (search, chip) = (frame.state.search.clone(), frame.state.chip);
    let shown = use_state(|| FIRST);
    {
        // Another question begins at the top of its own list.
        let shown = shown.setter();
        use_effect_with((search.clone(), chip), move |_| {
            let timer = Timeout::new(0, move || shown.set(STEP));
            move || drop(timer)
        });
    }
    let menu = use_state(|| None::<MenuAt>);

    // One pointer per card, so that a card which did not change is not even compared deeply.
    let before = use_mut_ref(Vec::<Rc<CardView>>::new);
    let cards = use_memo(props.cards.clone(), move |cards| {
        let mut before = before.borrow_mut();
        let kept: Vec<Rc<CardView>> = cards
            .iter()
            .enumerate()
            .map(|(i, card)| match before.get(i) {
                Some(old) if **old == *card => old.clone(),
                Some(_) | None => Rc::new(card.clone()),
            })
            .collect();
        before.clone_from(&kept);
        Rc::new(kept)
    });
    let haystacks = use_memo(cards.clone(), |cards| {
        cards
            .iter()
            .map(|card| haystack(card))
            .collect::<Vec<String>>()
    });
    let open_menu = {
        let menu = menu.clone();
        use_callback((), move |at: MenuAt, ()| menu.set(Some(at)))
    };
    let choose = frame.dispatch.reform(Action::Choose);

    let wanted = search.to_lowercase();
    let found: Vec<&Rc<CardView>> = cards
        .iter()
        .zip(haystacks.iter())
        .filter(|(card, hay)| {
            chip.takes(card) && wanted.split_whitespace().all(|w| hay.contains(w))
        })
        .map(|(card, _)| card)
        .collect();
    let left = found.len().saturating_sub(*shown);
    let on_more = {
        let shown = shown.clone();
        Callback::from(move |()| shown.set(*shown + STEP))
    };
    html! {
        <>
            { need(&cards, &frame.state.testing, &frame.act,
                (&choose.reform(|()| Chip::NeedsYou), &repair_all(&frame, &cards))) }
            { chips(&cards, chip, &choose) }
            if found.is_empty() {
                { nothing_found(&search, chip) }
            }
            <div class="grid">
                { for found.iter().take(*shown).map(|card| html! {
                    <Card key={card.id.to_string()} card={(*card).clone()}
                        testing={frame.state.testing.contains(&card.id)}
                        act={frame.act.clone()} menu={open_menu.clone()} />
                }) }
            </div>
            <More {left} {on_more} />
            { menu.as_ref().and_then(|at| card_menu(&frame, at, menu.clone())).unwrap_or_default() }
        </>
    }
}

/// Resumes crons that only wait for it, tests what only has to answer again, and walks through what needs the
/// admin's hand: what fails first.
fn repair_all(frame: &Frame, cards: &Rc<Vec<Rc<CardView>>>) -> Callback<()> {
    let (frame, cards) = (frame.clone(), cards.clone());
    Callback::from(move |()| {
        let (mut walk, mut resumed) = (vec![], vec![]);
        for card in cards.iter().filter(|card| needs_admin(card)) {
            if can_resume(card) {
                resumed.push(card.id);
            }
            match card.health.fix {
                Some(Fix::Reconnect | Fix::PasteKey) => walk.push((card.health.status, card.id)),
                Some(fix) => frame.act.emit((card.id, fix.into())),
                None => {}
            }
        }
        walk.sort_by_key(|(status, _)| std::cmp::Reverse(*status));
        let walk = walk.into_iter().map(|(_, id)| id).collect();
        frame.dispatch.emit(Action::Repair(walk));
        if !resumed.is_empty() {
            spawn_local(resume(frame.clone(), resumed));
        }
    })
}

/// Resumes the crons of all of these, and says once how many.
async fn resume(frame: Frame, all: Vec<IntegrationId>) {
    let mut count = 0;
    for integration in all {
        match ipc::call(ResumeCrons { integration }).await {
            Ok(resumed) => count += resumed.going,
            Err(error) => frame.say_failed(&error),
        }
    }
    if count > 0 {
        frame.say(say_count("crons-resumed", count as usize));
    }
}

fn nothing_found(search: &AttrValue, chip: Chip) -> Html {
    if search.is_empty() {
        states::empty(say(chip.empty()), AttrValue::default())
    } else {
        states::empty(
            say_with("nothing-found", &[("search", search)]),
            say("nothing-found-hint"),
        )
    }
}

fn chips(cards: &[Rc<CardView>], chosen: Chip, choose: &Callback<Chip>) -> Html {
    html! {
        <div class="chips" role="group" aria-label={say("filter")}>
            { for Chip::ALL.into_iter().map(|chip| {
                let count = cards.iter().filter(|card| chip.takes(card)).count();
                let onclick = choose.reform(move |_: MouseEvent| chip);
                html! {
                    <button type="button" class="chip" aria-pressed={(chip == chosen).to_string()} {onclick}>
                        { say(chip.label()) }
                        if chip != Chip::All { <span class="n">{ count }</span> }
                    </button>
                }
            }) }
        </div>
    }
}

fn card_menu(frame: &Frame, at: &MenuAt, menu: UseStateHandle<Option<MenuAt>>) -> Option<Html> {
    let card = frame.card(at.id)?;
    let items = menu_items(card, &frame.act);
    let on_close = Callback::from(move |()| menu.set(None));
    Some(html! {
        <Menu label={say_with("more-for", &[("name", &card.name)])} right={at.right} below={at.below}
            {items} {on_close} />
    })
}

fn menu_items(card: &CardView, act: &Callback<(IntegrationId, Act)>) -> Vec<MenuItem> {
    let id = card.id;
    let item = |icon, label: AttrValue, what: Act| MenuItem {
        icon,
        label,
        on: act.reform(move |()| (id, what)),
        danger: what == Act::Disconnect,
    };
    let (switch, on) = if card.enabled {
        ("switch-off", false)
    } else {
        ("fix-switch-on", true)
    };
    let (key, reconnect) = if crate::sheets::takes_key(card) {
        (Icon::Key, "fix-paste-key")
    } else {
        (Icon::Reconnect, "fix-reconnect")
    };
    vec![
        item(Icon::Open, say("open"), Act::Open),
        item(Icon::Test, say("fix-test"), Act::Test),
        item(key, say(reconnect), Act::Reconnect),
        item(Icon::Rename, say("rename"), Act::Rename),
        item(Icon::Off, say(switch), Act::Switch(on)),
        item(Icon::Disconnect, say("disconnect"), Act::Disconnect),
    ]
}

/// How many cards need the admin.
#[must_use]
pub fn anyone_needs(cards: &[CardView]) -> usize {
    cards.iter().filter(|card| needs_admin(card)).count()
}
