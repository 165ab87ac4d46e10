//! Characters that do not show, and what they are called.
//!
//! In: a character. Out: whether a reader would miss it, and its name. Which ones those are, the tables
//! of Unicode say: controls, format characters, separators and spaces but the blank, private use, and
//! all of `Default_Ignorable_Code_Point` (Unicode Standard Annex 44), which holds joiners, variation
//! selectors, fillers and tags; and the blank pattern of Braille, which is a symbol without ink. Text
//! that turns the direction of writing is among the format characters (CVE-2021-42574).
//!
//! Deliberately not here: letters that look like others (`а` and `a`). They show.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// Everything that does not show, as a class of characters.
const CLASS: &str = r"[\p{Cc}\p{Cf}\p{Co}\p{Z}\p{Default_Ignorable_Code_Point}\x{2800}]";

static RANGES: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let class = regex_syntax::parse(CLASS).expect("the class is a constant");
    let HirKind::Class(Class::Unicode(class)) = class.into_kind() else {
        return Vec::new();
    };
    let ranges = class.ranges().iter();
    ranges.map(|range| (range.start(), range.end())).collect()
});

/// Whether a character does not show. A blank and a tab do: they hold their place.
pub(crate) fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() && c != '\t';
    }
    let after = RANGES.partition_point(|(_, last)| *last < c);
    RANGES.get(after).is_some_and(|(first, _)| *first <= c)
}

/// What stands for a character that does not show: `⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩`.
pub(super) fn shown(c: char) -> String {
    let code = u32::from(c);
    match (NAMES.binary_search_by_key(&code, |(code, _)| *code), code) {
        (Ok(at), _) => format!("{OPEN}U+{code:04X} {}{CLOSE}", NAMES[at].1),
        (Err(_), 0xfe00..=0xfe0f) => {
            format!(
                "{OPEN}U+{code:04X} VARIATION SELECTOR-{}{CLOSE}",
                code - 0xfdff
            )
        }
        (Err(_), 0xe0100..=0xe01ef) => {
            format!(
                "{OPEN}U+{code:04X} VARIATION SELECTOR-{}{CLOSE}",
                code - 0xe00ef
            )
        }
        (Err(_), 0xe0020..=0xe007e) => {
            let of = char::from_u32(code - 0xe0000).unwrap_or(' ');
            format!("{OPEN}U+{code:04X} TAG {of}{CLOSE}")
        }
        (Err(_), _) => format!("{OPEN}U+{code:04X}{CLOSE}"),
    }
}

/// What the name of a character stands between. Where a text has that itself, with `U+` behind it, it
/// is named too, so that what looks like the name of a character is one.
pub(super) const OPEN: char = '⟨';
const CLOSE: char = '⟩';

/// The names of those that are met most, by the Unicode Character Database (`UnicodeData.txt`, and
/// `NameAliases.txt` for the controls); the others are shown by their number.
const NAMES: &[(u32, &str)] = &[
    (0x0000, "NULL"),
    (0x0007, "ALERT"),
    (0x0008, "BACKSPACE"),
    (0x000a, "LINE FEED"),
    (0x000b, "LINE TABULATION"),
    (0x000c, "FORM FEED"),
    (0x000d, "CARRIAGE RETURN"),
    (0x001b, "ESCAPE"),
    (0x007f, "DELETE"),
    (0x0085, "NEXT LINE"),
    (0x009b, "CONTROL SEQUENCE INTRODUCER"),
    (0x00a0, "NO-BREAK SPACE"),
    (0x00ad, "SOFT HYPHEN"),
    (0x034f, "COMBINING GRAPHEME JOINER"),
    (0x061c, "ARABIC LETTER MARK"),
    (0x115f, "HANGUL CHOSEONG FILLER"),
    (0x1160, "HANGUL JUNGSEONG FILLER"),
    (0x1680, "OGHAM SPACE MARK"),
    (0x17b4, "KHMER VOWEL INHERENT AQ"),
    (0x17b5, "KHMER VOWEL INHERENT AA"),
    (0x180e, "MONGOLIAN VOWEL SEPARATOR"),
    (0x2000, "EN QUAD"),
    (0x2001, "EM QUAD"),
    (0x2002, "EN SPACE"),
    (0x2003, "EM SPACE"),
    (0x2004, "THREE-PER-EM SPACE"),
    (0x2005, "FOUR-PER-EM SPACE"),
    (0x2006, "SIX-PER-EM SPACE"),
    (0x2007, "FIGURE SPACE"),
    (0x2008, "PUNCTUATION SPACE"),
    (0x2009, "THIN SPACE"),
    (0x200a, "HAIR SPACE"),
    (0x200b, "ZERO WIDTH SPACE"),
    (0x200c, "ZERO WIDTH NON-JOINER"),
    (0x200d, "ZERO WIDTH JOINER"),
    (0x200e, "LEFT-TO-RIGHT MARK"),
    (0x200f, "RIGHT-TO-LEFT MARK"),
    (0x2028, "LINE SEPARATOR"),
    (0x2029, "PARAGRAPH SEPARATOR"),
    (0x202a, "LEFT-TO-RIGHT EMBEDDING"),
    (0x202b, "RIGHT-TO-LEFT EMBEDDING"),
    (0x202c, "POP DIRECTIONAL FORMATTING"),
    (0x202d, "LEFT-TO-RIGHT OVERRIDE"),
    (0x202e, "RIGHT-TO-LEFT OVERRIDE"),
    (0x202f, "NARROW NO-BREAK SPACE"),
    (0x205f, "MEDIUM MATHEMATICAL SPACE"),
    (0x2060, "WORD JOINER"),
    (0x2061, "FUNCTION APPLICATION"),
    (0x2062, "INVISIBLE TIMES"),
    (0x2063, "INVISIBLE SEPARATOR"),
    (0x2064, "INVISIBLE PLUS"),
    (0x2066, "LEFT-TO-RIGHT ISOLATE"),
    (0x2067, "RIGHT-TO-LEFT ISOLATE"),
    (0x2068, "FIRST STRONG ISOLATE"),
    (0x2069, "POP DIRECTIONAL ISOLATE"),
    (0x27e8, "MATHEMATICAL LEFT ANGLE BRACKET"),
    (0x2800, "BRAILLE PATTERN BLANK"),
    (0x3000, "IDEOGRAPHIC SPACE"),
    (0x3164, "HANGUL FILLER"),
    (0xfeff, "ZERO WIDTH NO-BREAK SPACE"),
    (0xffa0, "HALFWIDTH HANGUL FILLER"),
    (0xfff9, "INTERLINEAR ANNOTATION ANCHOR"),
    (0xfffa, "INTERLINEAR ANNOTATION SEPARATOR"),
    (0xfffb, "INTERLINEAR ANNOTATION TERMINATOR"),
    (0xe0001, "LANGUAGE TAG"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_sorted_and_all_of_what_does_not_show() {
        assert!(NAMES.is_sorted_by(|one, other| one.0 < other.0));
        for (code, name) in NAMES {
            let c = char::from_u32(*code).expect("a character");
            assert!(is_hidden(c) || c == OPEN, "{name}");
        }
    }

    #[test]
    fn what_does_not_show_is_hidden_and_what_shows_is_not() {
        for c in [
            '\0',
            '\u{8}',
            '\r',
            '\u{7f}',
            '\u{85}',
            '\u{a0}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{180b}',
            '\u{180e}',
            '\u{2003}',
            '\u{200b}',
            '\u{200d}',
            '\u{2028}',
            '\u{202e}',
            '\u{2061}',
            '\u{2065}',
            '\u{206f}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{e000}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff0}',
            '\u{fff9}',
            '\u{1bca0}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e0100}',
            '\u{e0fff}',
            '\u{10fffd}',
        ] {
            assert!(is_hidden(c), "{:x}", u32::from(c));
        }
        for c in [
            ' ', '\t', 'a', 'ü', 'а', '中', '한', '́', '🏻', '\u{fffd}', '⟨',
        ] {
            assert!(!is_hidden(c), "{:x}", u32::from(c));
        }
    }
}
