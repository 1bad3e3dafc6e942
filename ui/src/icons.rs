//! Icons: Lucide's, drawn inline so that they take the colour of the text.

use icondata_core::IconData;
use icondata_lu as lu;
use std::{cell::RefCell, collections::HashMap};
use yew::{AttrValue, Html};

/// What an icon means here. One picture for one meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Icon {
    Integrations,
    Notices,
    Activity,
    Crons,
    Agents,
    Tasks,
    Settings,
    Search,
    Only,
    Add,
    More,
    Healthy,
    Expiring,
    Failing,
    Refused,
    Off,
    Busy,
    Info,
    Close,
    Back,
    Open,
    Down,
    Key,
    Reconnect,
    Test,
    Rename,
    Disconnect,
    Copy,
    Show,
    Hide,
    Browser,
    Sample,
    Mcp,
    Api,
    Document,
    Lock,
    Link,
    Unknown,
    Offline,
}

impl Icon {
    fn data(self) -> &'static IconData {
        match self {
            Self::Integrations => lu::LuLayoutGrid,
            Self::Notices => lu::LuBell,
            Self::Activity => lu::LuActivity,
            Self::Crons => lu::LuClock,
            Self::Agents => lu::LuBot,
            Self::Tasks => lu::LuListTodo,
            Self::Settings => lu::LuSettings,
            Self::Search => lu::LuSearch,
            Self::Only => lu::LuListFilter,
            Self::Add => lu::LuPlus,
            Self::More => lu::LuEllipsis,
            Self::Healthy => lu::LuCheck,
            Self::Expiring => lu::LuTriangleAlert,
            Self::Failing | Self::Close => lu::LuX,
            Self::Refused => lu::LuBan,
            Self::Off => lu::LuPower,
            Self::Busy => lu::LuLoaderCircle,
            Self::Info => lu::LuInfo,
            Self::Back => lu::LuArrowLeft,
            Self::Open => lu::LuChevronRight,
            Self::Down => lu::LuChevronDown,
            Self::Key => lu::LuKeyRound,
            Self::Reconnect => lu::LuRefreshCw,
            Self::Test => lu::LuActivity,
            Self::Rename => lu::LuPencil,
            Self::Disconnect => lu::LuUnplug,
            Self::Copy => lu::LuCopy,
            Self::Show => lu::LuEye,
            Self::Hide => lu::LuEyeOff,
            Self::Browser => lu::LuExternalLink,
            Self::Sample => lu::LuFlaskConical,
            Self::Mcp => lu::LuServer,
            Self::Api => lu::LuGlobe,
            Self::Document => lu::LuFileText,
            Self::Lock => lu::LuLock,
            Self::Link => lu::LuLink2,
            Self::Unknown => lu::LuCircleHelp,
            Self::Offline => lu::LuWifiOff,
        }
    }
}

thread_local! {
    static DRAWN: RefCell<HashMap<Icon, AttrValue>> = RefCell::default();
}

/// The icon, 16 px, for decoration: its meaning always stands beside it in words.
pub fn icon(icon: Icon) -> Html {
    let svg = DRAWN.with_borrow_mut(|drawn| {
        drawn
            .entry(icon)
            .or_insert_with(|| {
                let class = if icon == Icon::Busy {
                    " class=\"spin\""
                } else {
                    ""
                };
                drawn_as(icon.data(), class).into()
            })
            .clone()
    });
    Html::from_html_unchecked(svg)
}

/// A brand's picture, for decoration.
pub fn picture(data: &IconData) -> Html {
    Html::from_html_unchecked(drawn_as(data, " class=\"brand-icon\"").into())
}

fn drawn_as(data: &IconData, class: &str) -> String {
    let view = data.view_box.unwrap_or("0 0 24 24");
    // Static pictures of a crate's: no foreign text is in it.
    format!(
        "<svg viewBox=\"{view}\" aria-hidden=\"true\"{class}>{}</svg>",
        data.data
    )
}
