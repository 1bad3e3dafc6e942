//! A hundred thousand links and callbacks that nobody asked for, against the whole engine while a sign-in
//! waits: nothing changes, nothing breaks, and the record is not filled with them.

use crate::{
    kit::{Home, authority::Authority, browser, targets},
    ways::{odd_way, ready},
};
use anyhow::{Result, ensure};
use chief_tests::random::Random;
use engine::Arrived;
use url::Url;
use wire::{AttemptId, Outcome, Phase};

/// Callbacks at the open door, where somebody says how many: `cargo xtask soak` does.
const CALLBACKS: &str = "CHIEF_CALLBACKS";
/// Those who knock at once.
const LANES: u64 = 4;
/// Rows that a flood may write in a minute; the rest is counted.
const ROWS: usize = 100;

/// `text` with a few things broken in it.
fn broken(random: &mut Random, text: &str) -> String {
    const ODD: [&str; 16] = [
        "&state=x",
        "&code=y",
        "&error=access_denied",
        "&iss=https://evil.example",
        "%00",
        "%",
        "#",
        "?",
        "//",
        "\u{e9}",
        "\n",
        "\0",
        "=",
        "&",
        "+",
        "../",
    ];
    let mut text = text.to_owned();
    for _ in 0..=random.below(3) {
        let at = text.floor_char_boundary(random.below(text.len() + 1));
        match random.below(5) {
            0 => text.truncate(at),
            1 | 2 => text.insert_str(at, ODD[random.below(ODD.len())]),
            3 => text.insert_str(at, &ODD[random.below(ODD.len())].repeat(random.below(40))),
            _ => {
                let end = text.floor_char_boundary((at + 1 + random.below(8)).min(text.len()));
                text.replace_range(at..end.max(at), "~");
            }
        }
    }
    text
}

/// Everything that a forged link must leave as it is.
#[derive(PartialEq, Debug)]
struct Stand {
    tables: Vec<i64>,
    opened: usize,
    raised: u32,
    keyring: Vec<String>,
}

fn stand(home: &Home) -> Result<Stand> {
    let tables = [
        "integrations",
        "credentials",
        "tools",
        "notices",
        "settings",
        "app_credentials",
    ];
    Ok(Stand {
        tables: tables
            .iter()
            .map(|table| home.count(table))
            .collect::<Result<_>>()?,
        opened: home.desk.opened().len(),
        raised: home.desk.raised(),
        keyring: home.keyring.items(),
    })
}

async fn waits(home: &Home, attempt: AttemptId) -> Result<bool> {
    Ok(matches!(
        home.rests(attempt).await?,
        Phase::WaitingForBrowser { .. }
    ))
}

#[tokio::test]
async fn a_hundred_thousand_forged_links_change_no_state_and_do_not_fill_the_record() -> Result<()>
{
    let (odd, home, clock, _) = ready().await?;
    let attempt = home.begin(odd_way("oauth")).await?;
    let start = home.waits_for_browser(attempt).await?;
    let right = browser::to_scheme(&start, "app.chief.integrations").await?;
    let state = right.query_pairs().find(|(name, _)| name == "state");
    let state = state
        .map(|(_, state)| state.into_owned())
        .unwrap_or_default();
    let before = stand(&home)?;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut sent = 0;
    while sent < 100_000 {
        let link = broken(&mut random, right.as_str());
        // One whose state and code are whole may still be the answer.
        if link.contains(&format!("state={state}")) {
            continue;
        }
        sent += 1;
        let arrived = home.engine.deep_link(&link).await?;
        ensure!(arrived != Arrived::Taken, "{link:?}");
    }
    assert!(waits(&home, attempt).await?, "it still waits");
    assert_eq!(stand(&home)?, before, "nothing changed");
    assert_eq!(
        odd.server.seen_at("/token").len(),
        0,
        "no code left the app"
    );
    let refused = home.record().await?;
    let refused = refused.iter().filter(|row| row.outcome == Outcome::Refused);
    assert_eq!(refused.count(), ROWS, "a row for each of the first hundred");

    clock.advance(60_000);
    let began = std::time::Instant::now();
    let told = "99900 more from outside were refused";
    while !home.record().await?.iter().any(|row| row.action == told) {
        crate::kit::tick(began, "the count of the rest").await?;
    }
    assert_eq!(home.engine.deep_link(right.as_str()).await?, Arrived::Taken);
    home.done(attempt).await?;
    Ok(())
}

#[tokio::test]
async fn thousands_of_forged_callbacks_at_the_open_door_change_no_state() -> Result<()> {
    let callbacks: u64 =
        std::env::var(CALLBACKS).map_or(Ok(4_000), |callbacks| callbacks.parse())?;
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let attempt = home.begin(targets::mcp(&authority.resource())).await?;
    let link = home.waits_for_browser(attempt).await?;
    let right = browser::to_callback(&link).await?;
    let state = right.query_pairs().find(|(name, _)| name == "state");
    let state = state
        .map(|(_, state)| state.into_owned())
        .unwrap_or_default();
    let before = stand(&home)?;
    let address = format!("127.0.0.1:{}", right.port().unwrap_or_default());
    let mut tasks = tokio::task::JoinSet::new();
    let each = callbacks.div_ceil(LANES);
    for lane in 0..LANES {
        let (right, state, address) = (right.clone(), state.clone(), address.clone());
        tasks.spawn(async move { knock((lane, each), (&right, &state), &address).await });
    }
    for lane in tasks.join_all().await {
        lane?;
    }
    println!("{} forged callbacks", each * LANES);
    assert!(waits(&home, attempt).await?, "it still waits");
    assert_eq!(stand(&home)?, before, "nothing changed");
    assert_eq!(authority.token_requests("authorization_code"), 0);
    assert_eq!(
        browser::look(&right).await?.0,
        200,
        "the right one still counts"
    );
    home.done(attempt).await?;
    Ok(())
}

/// Broken callbacks as they are on the wire: a browser would mend some of them.
async fn knock(
    (lane, times): (u64, u64),
    (right, state): (&Url, &str),
    address: &str,
) -> Result<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut random = Random(0x2545_f491_4f6c_dd1d ^ (lane + 1));
    let target = format!("{}?{}", right.path(), right.query().unwrap_or_default());
    let mut sent = 0;
    while sent < times {
        let path = broken(&mut random, &target);
        if path.contains(&format!("state={state}")) {
            continue;
        }
        sent += 1;
        let mut socket = tokio::net::TcpStream::connect(address).await?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await?;
        let mut head = [0_u8; 12];
        let got = socket.read(&mut head).await.unwrap_or(0);
        let said = String::from_utf8_lossy(&head[..got]).into_owned();
        // Refused as HTTP, as a page that is not there, or as an answer that is not ours.
        ensure!(
            got == 0 || said.contains(" 4") || said.contains(" 302"),
            "{path:?} was answered {said}"
        );
        ensure!(!said.contains(" 302"), "{path:?} led on");
    }
    Ok(())
}
