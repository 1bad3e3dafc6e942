//! Text that came from elsewhere, made safe to read: what cannot be seen is shown as an escape, so
//! that no server can reorder, hide or fake what the admin reads (SECURITY 50). Markup needs no
//! care here: everything is shown as text nodes.

use std::fmt::Write as _;
use yew::AttrValue;

/// One line of foreign text: line breaks and tabs become spaces, the unseen becomes `\u{…}`.
#[must_use]
pub fn inert(text: &str) -> AttrValue {
    show(text, false).into()
}

/// The same for a block that keeps its lines, such as a description or a schema.
#[must_use]
pub fn inert_block(text: &str) -> AttrValue {
    show(text, true).into()
}

fn show(text: &str, block: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut before = None;
    while let Some(c) = rest.next() {
        let is_beside =
            before.replace(c).is_some_and(is_blank) || rest.peek().is_some_and(|c| is_blank(*c));
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' | '\t' if block => shown.push(c),
            '\n' | '\r' | '\t' => shown.push(' '),
            c if is_unseen(c) || is_wide(c) && is_beside => {
                // Writing to a String cannot fail.
                let _ = write!(shown, "\\u{{{:04X}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown
}

/// A blank that fills a line where it is repeated, so that what follows stands far below: one is a matter of
/// typography, two beside each other are not.
fn is_wide(c: char) -> bool {
    is_blank(c) && c != ' '
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() && !c.is_control()
}

/// Characters that change how others are shown, or take part unseen: controls, bidirectional marks,
/// zero-width and invisible ones, fillers, tags and variation selectors (but not U+FE0F, the one
/// that makes an emoji an emoji).
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0E}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_of_any_script_stays_as_it_is() {
        for text in [
            "Orders API",
            "Ünïcode – “quotes” …",
            "日本語",
            "שלום",
            "⚠️ done",
            "a\u{301}",
        ] {
            assert_eq!(inert(text).as_str(), text);
        }
    }

    #[test]
    fn what_reorders_or_hides_text_is_revealed() {
        for (text, shown) in [
            ("safe\u{202E}txt.exe", "safe\\u{202E}txt.exe"),
            ("a\u{2066}b\u{2069}", "a\\u{2066}b\\u{2069}"),
            ("pay\u{200B}pal", "pay\\u{200B}pal"),
            ("x\u{FEFF}", "x\\u{FEFF}"),
            ("x\u{E0041}\u{E007F}", "x\\u{E0041}\\u{E007F}"),
            ("x\u{E0100}", "x\\u{E0100}"),
            ("\u{1b}[31mred", "\\u{001B}[31mred"),
            ("a\u{0}b\u{7f}", "a\\u{0000}b\\u{007F}"),
            ("\u{2028}", "\\u{2028}"),
        ] {
            assert_eq!(inert(text).as_str(), shown);
        }
    }

    #[test]
    fn blanks_that_would_fill_lines_are_revealed() {
        for (text, shown) in [
            ("a\u{A0}\u{A0}b", "a\\u{00A0}\\u{00A0}b"),
            ("a\u{3000} \u{3000} b", "a\\u{3000} \\u{3000} b"),
            (
                "« Oui\u{202F}»\u{A0}: 1\u{A0}000",
                "« Oui\u{202F}»\u{A0}: 1\u{A0}000",
            ),
            ("注文\u{3000}一覧", "注文\u{3000}一覧"),
            ("  {\n    a", "  {\n    a"),
        ] {
            assert_eq!(inert_block(text).as_str(), shown);
        }
    }

    #[test]
    fn lines_are_kept_in_a_block_only() {
        assert_eq!(inert("a\r\nb\tc").as_str(), "a b c");
        assert_eq!(inert_block("a\r\nb\tc").as_str(), "a\nb\tc");
        assert_eq!(
            inert_block("a\rb").as_str(),
            "a b",
            "a lone return hides nothing"
        );
    }
}
