//! Brand icons (Simple Icons), by the names that manifests use. Only those that are named here are in
//! the window's program, whose size is budgeted; a provider without one has a letter.

use crate::icons::picture;
use icondata_core::IconData;
use icondata_si as si;
use yew::Html;

fn data(name: &str) -> Option<&'static IconData> {
    let data = match name {
        "atlassian" => si::SiAtlassian,
        "cloudflare" => si::SiCloudflare,
        "github" => si::SiGithub,
        "gitlab" => si::SiGitlab,
        "google" => si::SiGoogle,
        "hubspot" => si::SiHubspot,
        "linear" => si::SiLinear,
        "notion" => si::SiNotion,
        "sentry" => si::SiSentry,
        "slack" => si::SiSlack,
        "stripe" => si::SiStripe,
        _ => return None,
    };
    Some(data)
}

/// The brand's picture, in the colour of the text around it.
#[must_use]
pub fn brand(name: &str) -> Option<Html> {
    data(name).map(picture)
}

/// `#rrggbb` as three numbers.
#[must_use]
pub fn rgb(colour: &str) -> Option<[u8; 3]> {
    let digits = colour.strip_prefix('#').filter(|d| d.len() == 6)?;
    let at = |from: usize| u8::from_str_radix(digits.get(from..from + 2)?, 16).ok();
    Some([at(0)?, at(2)?, at(4)?])
}

/// Whether dark letters are read more easily on it than white ones: by its brightness, roughly
/// (ITU-R BT.601). Brands are drawn in white as a rule, so white stands until it is hard to see.
#[must_use]
pub fn is_light([red, green, blue]: [u8; 3]) -> bool {
    let of = |part: u8, weight: u32| u32::from(part) * weight;
    of(red, 299) + of(green, 587) + of(blue, 114) > 170_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_or_refused() {
        assert_eq!(rgb("#635bff"), Some([0x63, 0x5b, 0xff]));
        for bad in ["635bff", "#635bf", "#gggggg", "#é5bff", "red", "#12345é"] {
            assert_eq!(rgb(bad), None, "{bad}");
        }
    }

    #[test]
    fn dark_letters_stand_on_light_grounds_only() {
        for (colour, light) in [
            ("#ffffff", true),
            ("#ffe01b", true),
            ("#f38020", false),
            ("#ff5c35", false),
            ("#635bff", false),
            ("#191919", false),
        ] {
            assert_eq!(rgb(colour).map(is_light), Some(light), "{colour}");
        }
    }

    #[test]
    fn an_unknown_brand_has_no_picture() {
        assert!(brand("stripe").is_some());
        assert!(brand("nobody").is_none());
    }
}
