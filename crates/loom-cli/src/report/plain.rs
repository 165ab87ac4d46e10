//! Text of people in Markdown, of which nothing is markup, and which calls nobody.
//!
//! In: one value: a sentence, a cause, a title. Out: Markdown. A forge reads `@name`, `#1`, `!1` and
//! their like in any text, also behind a backslash, tells the people that are named, and marks what is
//! referred to. It does not in code, so a word with such a sign stands in code.

use loom_providers::emit::markdown::{code, escape};

use super::style::visible;

/// The text as it is.
pub(super) fn plain(text: &str) -> String {
    let text = visible(text);
    let (mut out, mut rest) = (String::new(), String::new());
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 {
            rest.push(' ');
        }
        if calls(word) {
            out += &spaced(&rest);
            rest.clear();
            out += &code(word);
        } else {
            rest.push_str(word);
        }
    }
    out + &spaced(&rest)
}

/// Text between two words of code, with the blanks around it, which `escape` would keep too.
fn spaced(text: &str) -> String {
    let bare = text.trim_matches(' ');
    match text.split_once(bare) {
        Some((before, after)) if !bare.is_empty() => format!("{before}{}{after}", escape(bare)),
        Some(_) | None => text.to_owned(),
    }
}

/// Whether a forge would take a word for a person, an issue or a request.
fn calls(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let number_behind = |sign: &str| {
        lower.match_indices(sign).any(|(at, _)| {
            lower[at + sign.len()..]
                .bytes()
                .next()
                .is_some_and(|byte| byte.is_ascii_digit())
        })
    };
    word.contains('@')
        || ["#", "!", "&", "%", "$", "gh-"]
            .into_iter()
            .any(number_behind)
        || [
            "/issues/",
            "/pull/",
            "/merge_requests/",
            "/discussions/",
            "/epics/",
        ]
        .into_iter()
        .any(|part| lower.contains(part) && lower.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_called_and_nothing_referred_to() {
        for (text, shown) in [
            ("ask @ann today", "ask `@ann` today"),
            ("(@org/team), please", "`(@org/team),` please"),
            ("fixes #12", "fixes `#12`"),
            ("o/r#12 and GH-3", "`o/r#12` and `GH-3`"),
            ("see !7 or &8", "see `!7` or `&8`"),
            ("@`x` y", "`` @`x` `` y"),
            (
                "https://github.com/o/r/issues/1",
                "`https://github.com/o/r/issues/1`",
            ),
            ("# title", "\\# title"),
            ("a C# file", "a C# file"),
            ("*loud*", "\\*loud\\*"),
        ] {
            assert_eq!(plain(text), shown, "{text}");
        }
    }
}
