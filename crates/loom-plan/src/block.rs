//! Owned blocks: a marked region of a file that loom shares with people.
//!
//! In: a file's text, the address that marks the block, and the block's body. Out: the text with
//! the block set or removed. Every byte outside the markers stays as it was, also a byte order mark
//! (laws, tested below), but that a last line without a newline gets one; the markers are lines of their own, in the
//! comment of the file's format.
//!
//! One answer, [`Found`], is given for any text: neither marker, one matched pair, or damage, which
//! names the lines and with which nothing can be set, renamed or removed. So whatever becomes of the
//! markers, either what is between a pair is replaced and every other byte stays, or it is refused
//! (law `whatever_becomes_of_the_markers_no_line_outside_a_pair_is_touched`).
//!
//! A body is always seen with `\n`: where the marker's line, and then every line of the body, ends
//! in `\r\n`, the file's line ends are not the body's. What is set takes the line ends of the file,
//! if they are all the same.

use std::borrow::Cow;
use std::ops::Range;

use crate::addr::Address;
pub use crate::header::comment_of;
use crate::header::delimiters;
use crate::provider::Comment;

fn markers(comment: Comment, address: &str) -> (String, String) {
    let (open, close) = delimiters(comment);
    (
        format!("{open}{BEGIN}{address}{close}"),
        format!("{open}{END}{address}{close}"),
    )
}

const BEGIN: &str = "loom:begin ";
const END: &str = "loom:end ";

/// What a text has between the markers of one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// It has neither marker.
    Absent,
    /// It has one matched pair, with this between.
    Pair(T),
    /// It has markers that do not make one matched pair: only a person can tell what is loom's.
    Damaged(Damage),
}

impl<T> Found<T> {
    /// What stands between a matched pair.
    pub fn pair(self) -> Option<T> {
        match self {
            Self::Pair(body) => Some(body),
            Self::Absent | Self::Damaged(_) => None,
        }
    }

    /// The same with something else of what is between.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Found<U> {
        match self {
            Self::Absent => Found::Absent,
            Self::Pair(body) => Found::Pair(change(body)),
            Self::Damaged(damage) => Found::Damaged(damage),
        }
    }
}

/// Why the markers of an address make no matched pair. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A begin marker and nothing else.
    #[error("line {line} begins the block of `{address}`, and no line ends it")]
    NoEnd {
        /// Whose.
        address: String,
        /// Where.
        line: usize,
    },
    /// An end marker and nothing else.
    #[error("line {line} ends the block of `{address}`, and no line begins it")]
    NoBegin {
        /// Whose.
        address: String,
        /// Where.
        line: usize,
    },
    /// The end stands before the beginning.
    #[error("line {end} ends the block of `{address}` before line {begin} begins it")]
    OutOfOrder {
        /// Whose.
        address: String,
        /// Where it begins.
        begin: usize,
        /// Where it ends.
        end: usize,
    },
    /// A marker stands there more than once.
    #[error(
        "the markers of `{address}` stand there more than once: lines {}",
        list(lines)
    )]
    Doubled {
        /// Whose.
        address: String,
        /// Where.
        lines: Vec<usize>,
    },
    /// A marker is indented, in the comment of another format, or not alone on its line.
    #[error("line {line} is a marker of `{address}`, but not as loom writes it: `{marker}`")]
    Altered {
        /// Whose.
        address: String,
        /// Where.
        line: usize,
        /// How it is written.
        marker: String,
    },
    /// Markers of other blocks stand within the block.
    #[error(
        "the block of `{address}` holds markers of other blocks: lines {}",
        list(lines)
    )]
    Holds {
        /// Whose.
        address: String,
        /// Where the others stand.
        lines: Vec<usize>,
    },
    /// The block stands within another one.
    #[error("the block of `{address}`, from line {line} on, stands within that of `{outer}`")]
    Within {
        /// Whose.
        address: String,
        /// Where it begins.
        line: usize,
        /// Whose block it stands in.
        outer: String,
    },
    /// What should stand between the markers holds a marker itself.
    #[error("what goes into the block of `{address}` holds a marker of a block in its line {line}")]
    InBody {
        /// Whose.
        address: String,
        /// Where in the body.
        line: usize,
    },
    /// A block cannot get the markers of another one that is there.
    #[error("`{from}` is now called `{to}`, and the file has markers of both")]
    Both {
        /// What the block is called there.
        from: String,
        /// What it is to be called.
        to: String,
    },
}

fn list(lines: &[usize]) -> String {
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    lines.join(", ")
}

/// The body between the markers of an address, whose lines end in `\n`.
pub fn find<'a>(text: &'a str, comment: Comment, address: &str) -> Found<Cow<'a, str>> {
    locate(text, comment, address).map(|found| {
        let body = &text[found.body];
        let foreign_ends = found.line_end == "\r\n"
            && body
                .split_inclusive('\n')
                .all(|line| line.ends_with("\r\n"));
        if foreign_ends {
            Cow::Owned(body.replace("\r\n", "\n"))
        } else {
            Cow::Borrowed(body)
        }
    })
}

/// Where a block stands in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// What is between the markers.
    body: Range<usize>,
    /// The block with its markers.
    whole: Range<usize>,
    /// How the line of the first marker ends.
    line_end: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Begin,
    End,
}

/// A line that marks the beginning or the end of a block, of whatever address.
#[derive(Debug)]
struct Marker<'a> {
    side: Side,
    address: &'a str,
    /// From 1.
    number: usize,
    /// The line in the text, with its end.
    line: Range<usize>,
    /// Whether it is written as loom writes it, but for blanks at its end.
    is_exact: bool,
}

/// The lines of a text that mark blocks. Those that somebody indented or wrote in another comment
/// are among them: a marker that is overlooked would make another line the end of the block.
fn scan(text: &str, comment: Option<Comment>) -> Vec<Marker<'_>> {
    let mut found = Vec::new();
    if !text.contains(BEGIN.trim_end()) && !text.contains(END.trim_end()) {
        return found;
    }
    let mut at = BYTE_ORDER_MARK.len() * usize::from(text.starts_with(BYTE_ORDER_MARK));
    for (number, line) in text[at..].split_inclusive('\n').enumerate() {
        let range = at..at + line.len();
        at = range.end;
        let bare = line.strip_suffix('\n').unwrap_or(line);
        let bare = bare.strip_suffix('\r').unwrap_or(bare);
        // what stands between carriage returns is a line to some programs
        for piece in bare.split('\r') {
            let Some((side, address)) = marks(piece) else {
                continue;
            };
            let is_exact = comment.is_some_and(|comment| {
                let (begin, end) = markers(comment, address);
                let marker = if side == Side::Begin { begin } else { end };
                bare.trim_end_matches([' ', '\t']) == marker
            });
            found.push(Marker {
                side,
                address,
                number: number + 1,
                line: range.clone(),
                is_exact,
            });
        }
    }
    found
}

/// The block that a line begins or ends, in whatever comment it is written and whatever follows.
fn marks(line: &str) -> Option<(Side, &str)> {
    let bare = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    let (side, rest) = match bare.strip_prefix(BEGIN.trim_end()) {
        Some(rest) => (Side::Begin, rest),
        None => (Side::End, bare.strip_prefix(END.trim_end())?),
    };
    let address = rest.strip_prefix(char::is_whitespace)?;
    let address = address.split_whitespace().next()?;
    let address = address.trim_end_matches(|c: char| !c.is_alphanumeric() && c != ']');
    Address::parse(address).ok()?;
    Some((side, address))
}

/// Where the block of an address stands: the one answer that everything here goes by.
fn locate(text: &str, comment: Comment, address: &str) -> Found<Place> {
    let all = scan(text, Some(comment));
    let mine: Vec<&Marker<'_>> = all.iter().filter(|it| it.address == address).collect();
    let damaged = |damage| Found::Damaged(damage);
    let (one, other) = match mine.as_slice() {
        [] => return Found::Absent,
        several if several.iter().any(|it| !it.is_exact) => {
            return damaged(altered(several, comment));
        }
        [only] => {
            let (address, line) = (address.to_owned(), only.number);
            return damaged(match only.side {
                Side::Begin => Damage::NoEnd { address, line },
                Side::End => Damage::NoBegin { address, line },
            });
        }
        [one, other] => (*one, *other),
        several => return damaged(doubled(several, address)),
    };
    match (one.side, other.side) {
        (Side::Begin, Side::End) => {}
        (Side::End, Side::Begin) => {
            return damaged(Damage::OutOfOrder {
                address: address.to_owned(),
                begin: other.number,
                end: one.number,
            });
        }
        (Side::Begin, Side::Begin) | (Side::End, Side::End) => {
            return damaged(doubled(&[one, other], address));
        }
    }
    if let Some(damage) = entangled(&all, (one, other)) {
        return damaged(damage);
    }
    Found::Pair(Place {
        body: one.line.end..other.line.start,
        whole: one.line.start..other.line.end,
        line_end: line_end(&text[one.line.clone()]),
    })
}

fn altered(mine: &[&Marker<'_>], comment: Comment) -> Damage {
    let first = mine
        .iter()
        .find(|it| !it.is_exact)
        .expect("the caller saw one that is not as loom writes it");
    let (begin, end) = markers(comment, first.address);
    Damage::Altered {
        address: first.address.to_owned(),
        line: first.number,
        marker: if first.side == Side::Begin {
            begin
        } else {
            end
        },
    }
}

fn doubled(mine: &[&Marker<'_>], address: &str) -> Damage {
    Damage::Doubled {
        address: address.to_owned(),
        lines: mine.iter().map(|it| it.number).collect(),
    }
}

/// How a pair and the markers of other blocks get into each other's way.
fn entangled(all: &[Marker<'_>], (begin, end): (&Marker<'_>, &Marker<'_>)) -> Option<Damage> {
    let address = begin.address;
    let others = || all.iter().filter(|it| it.address != address);
    let lines: Vec<usize> = others()
        .filter(|it| begin.number < it.number && it.number < end.number)
        .map(|it| it.number)
        .collect();
    if !lines.is_empty() {
        let address = address.to_owned();
        return Some(Damage::Holds { address, lines });
    }
    let outer = others()
        .filter(|it| it.number < begin.number)
        .find(|before| {
            let mut of_it = others().filter(|it| it.address == before.address);
            let open = of_it
                .clone()
                .rfind(|it| it.number < begin.number)
                .is_some_and(|it| it.side == Side::Begin);
            open && of_it
                .find(|it| it.number > end.number)
                .is_some_and(|it| it.side == Side::End)
        })?;
    Some(Damage::Within {
        address: address.to_owned(),
        line: begin.number,
        outer: outer.address.to_owned(),
    })
}

/// The first line of a text that would be taken for the marker of a block, from 1.
pub fn marker_in(text: &str) -> Option<usize> {
    scan(text, None).first().map(|it| it.number)
}

/// What some editors begin a file with.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// How all lines of a text end; `\n` where they differ.
fn line_end(text: &str) -> &'static str {
    let mut lines = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .peekable();
    if lines.peek().is_some() && lines.all(|line| line.ends_with("\r\n")) {
        "\r\n"
    } else {
        "\n"
    }
}

/// The text with the block's body set; a block that is not there yet goes to the end.
///
/// A last line without a newline gets one, and keeps it when the block goes: what somebody appends
/// to the file must not end up behind the marker.
///
/// # Errors
/// Markers that make no pair, there or in the body.
pub fn set(text: &str, comment: Comment, address: &str, body: &str) -> Result<String, Damage> {
    if let Some(line) = marker_in(body) {
        let address = address.to_owned();
        return Err(Damage::InBody { address, line });
    }
    let body = |line_end| {
        if line_end == "\n" {
            body.to_owned()
        } else {
            body.replace('\n', line_end)
        }
    };
    match locate(text, comment, address) {
        Found::Damaged(damage) => Err(damage),
        Found::Pair(found) => Ok(format!(
            "{}{}{}",
            &text[..found.body.start],
            body(found.line_end),
            &text[found.body.end..]
        )),
        Found::Absent => {
            let (begin, end) = markers(comment, address);
            let newline = line_end(text);
            let gap = match text.trim_start_matches(BYTE_ORDER_MARK) {
                "" => String::new(),
                ended if ended.ends_with('\n') => newline.to_owned(),
                _ => newline.repeat(2),
            };
            let set = format!("{text}{gap}{begin}{newline}{}{end}{newline}", body(newline));
            match locate(&set, comment, address) {
                Found::Damaged(damage) => Err(damage),
                Found::Absent | Found::Pair(_) => Ok(set),
            }
        }
    }
}

/// The text with a block under another address, where it stands and as it is.
///
/// # Errors
/// Markers that make no pair, or a block that has the other address already.
pub fn rename(text: &str, comment: Comment, from: &str, to: &str) -> Result<String, Damage> {
    let found = match locate(text, comment, from) {
        Found::Absent => return Ok(text.to_owned()),
        Found::Damaged(damage) => return Err(damage),
        Found::Pair(found) => found,
    };
    if from == to {
        return Ok(text.to_owned());
    }
    if locate(text, comment, to) != Found::Absent {
        return Err(Damage::Both {
            from: from.to_owned(),
            to: to.to_owned(),
        });
    }
    let (old, new) = (markers(comment, from), markers(comment, to));
    let begin = text[found.whole.start..found.body.start].replacen(&old.0, &new.0, 1);
    let end = text[found.body.end..found.whole.end].replacen(&old.1, &new.1, 1);
    let (before, after) = (&text[..found.whole.start], &text[found.whole.end..]);
    Ok(format!("{before}{begin}{}{end}{after}", &text[found.body]))
}

/// The text without the block and the blank line that `set` put before it.
///
/// # Errors
/// Markers that make no pair.
pub fn remove(text: &str, comment: Comment, address: &str) -> Result<String, Damage> {
    let found = match locate(text, comment, address) {
        Found::Absent => return Ok(text.to_owned()),
        Found::Damaged(damage) => return Err(damage),
        Found::Pair(found) => found,
    };
    let (before, after) = (&text[..found.whole.start], &text[found.whole.end..]);
    let before = before
        .strip_suffix(found.line_end)
        .filter(|kept| kept.ends_with('\n'))
        .unwrap_or(before);
    Ok(format!("{before}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A text with the line ends of a file.
    fn with(line_end: &str, text: &str) -> String {
        text.replace('\n', line_end)
    }

    fn body_of(text: &str, comment: Comment) -> Option<String> {
        find(text, comment, "file.x").pair().map(Cow::into_owned)
    }

    proptest! {
        #[test]
        fn every_byte_outside_the_block_stays(
            mark in "\u{feff}?", before in "([a-z#\r ]{0,8}\n){0,4}", after in "(([a-z# ]{0,8}\r?\n){0,4}[a-z]{0,3})",
            one in "([a-z]{0,5}\n){0,3}", two in "([a-z]{0,5}\n){0,3}", line_end in "\r?\n",
        ) {
            let (begin, end) = markers(Comment::Hash, "file.x");
            let text = |body: &str| format!("{mark}{before}{begin}{line_end}{}{end}\n{after}", with(&line_end, body));
            prop_assert_eq!(body_of(&text(&one), Comment::Hash), Some(one.clone()));
            prop_assert_eq!(set(&text(&one), Comment::Hash, "file.x", &two), Ok(text(&two)));
        }

        #[test]
        fn a_block_that_is_added_and_removed_leaves_the_text(
            mark in "\u{feff}?", text in "([a-z# ]{0,8}\n){0,4}[a-z]{0,3}", body in "([a-z]{0,5}\n){0,3}", line_end in "\r?\n",
        ) {
            let text = format!("{mark}{}", with(&line_end, &text));
            let set_in = set(&text, Comment::Html, "file.x", &body).expect("the text has no marker");
            prop_assert_eq!(body_of(&set_in, Comment::Html), Some(body));
            prop_assert!(set_in.starts_with(&text));
            let last = if text.trim_start_matches(BYTE_ORDER_MARK).is_empty() || text.ends_with('\n') { "" } else { super::line_end(&text) };
            prop_assert_eq!(remove(&set_in, Comment::Html, "file.x"), Ok(format!("{text}{last}")));
        }

        #[test]
        fn a_block_that_is_renamed_stays_where_it_is_with_its_line_ends(
            mark in "\u{feff}?", before in "([a-z#\r ]{0,8}\n){0,4}", after in "(([a-z# ]{0,8}\r?\n){0,4}[a-z]{0,3})",
            body in "([a-z]{0,5}\r?\n){0,3}", line_end in "\r?\n",
        ) {
            let text = |address: &str| {
                let (begin, end) = markers(Comment::Hash, address);
                format!("{mark}{before}{begin}{line_end}{body}{end}\n{after}")
            };
            prop_assert_eq!(rename(&text("file.x"), Comment::Hash, "file.x", "file.other"), Ok(text("file.other")));
        }

        #[test]
        fn a_new_block_has_the_line_ends_of_the_file(text in "([a-z# ]{0,8}\r\n){1,4}([a-z]{0,3})", body in "([a-z]{0,5}\n){0,3}") {
            let set_in = set(&text, Comment::Hash, "file.x", &body).expect("the text has no marker");
            prop_assert_eq!(set_in.matches('\n').count(), set_in.matches("\r\n").count());
            prop_assert!(set_in.ends_with('\n'));
        }
    }

    #[test]
    fn a_line_end_that_somebody_changed_is_an_edit() {
        let text = "x\r\n# loom:begin file.x\r\none\r\ntwo\n# loom:end file.x\r\n";
        assert_eq!(
            body_of(text, Comment::Hash).as_deref(),
            Some("one\r\ntwo\n")
        );
    }

    /// Lines of a file that holds markers of two blocks in any order and number, in all the ways in
    /// which people and programs leave them.
    fn shuffled() -> impl Strategy<Value = Vec<String>> {
        let marker = |side: &'static str, address: &'static str| {
            let line = format!("# loom:{side} {address}");
            prop_oneof![
                8 => Just(line.clone()),
                1 => Just(format!("{line}  ")),
                1 => Just(format!("  {line}")),
                1 => Just(line.replace("# ", "#")),
                1 => Just(line.replace("# ", "// ")),
                1 => Just(format!("<!-- loom:{side} {address} -->")),
                1 => Just(format!("x\r{line}")),
            ]
        };
        let line = prop_oneof![
            6 => "[a-z]{1,3}[0-9]{1,4}",
            2 => marker("begin", "file.x"),
            2 => marker("end", "file.x"),
            1 => marker("begin", "file.y"),
            1 => marker("end", "file.y"),
            1 => Just(String::new()),
        ];
        let end = prop_oneof![4 => Just("\n"), 1 => Just("\r\n")];
        proptest::collection::vec((line, end).prop_map(|(line, end)| line + end), 0..14)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// Either what is between one pair is replaced and every other byte stays, or it is refused.
        #[test]
        fn whatever_becomes_of_the_markers_no_line_outside_a_pair_is_touched(lines in shuffled(), is_cut in any::<bool>()) {
            let mut text = lines.concat();
            if is_cut {
                text.pop();
            }
            let exact: Vec<(usize, &str)> = text
                .split('\n')
                .map(|line| line.strip_suffix('\r').unwrap_or(line).trim_end_matches(' '))
                .enumerate()
                .filter(|(_, line)| ["# loom:begin file.x", "# loom:end file.x"].contains(line))
                .collect();
            let has_mine = text.contains(" file.x");
            let has_other = text.contains(" file.y");
            let new = "new\n";
            let after = set(&text, Comment::Hash, "file.x", new);
            match find(&text, Comment::Hash, "file.x") {
                Found::Absent => {
                    prop_assert!(!has_mine);
                    prop_assert!(after.expect("it is appended").starts_with(&text));
                    prop_assert_eq!(remove(&text, Comment::Hash, "file.x"), Ok(text.clone()));
                }
                Found::Pair(_) => {
                    prop_assert_eq!(text.matches(" file.x").count(), 2);
                    let [(begin, _), (end, _)] = exact[..] else { panic!("no pair in {text:?}") };
                    let all: Vec<&str> = text.split_inclusive('\n').collect();
                    let (before, behind) = (all[..=begin].concat(), all[end..].concat());
                    prop_assert!(!all[begin..end].concat().contains(" file.y"));
                    let line_end = if all[begin].ends_with("\r\n") { "new\r\n" } else { new };
                    prop_assert_eq!(after, Ok(format!("{before}{line_end}{behind}")));
                    let removed = remove(&text, Comment::Hash, "file.x").expect("it is a pair");
                    let (before, behind) = (all[..begin].concat(), all[end + 1..].concat());
                    prop_assert!(removed.ends_with(&behind) && before.starts_with(&removed[..removed.len() - behind.len()]));
                    prop_assert!(before.len() + behind.len() - removed.len() <= 2, "at most the blank line that loom put there goes");
                }
                Found::Damaged(damage) => {
                    prop_assert!(has_mine);
                    prop_assert_eq!(after, Err(damage.clone()));
                    prop_assert_eq!(remove(&text, Comment::Hash, "file.x"), Err(damage.clone()));
                    prop_assert_eq!(rename(&text, Comment::Hash, "file.x", "file.z"), Err(damage));
                    prop_assert!(exact.len() != 2 || has_other || text.matches(" file.x").count() != 2
                        || exact[0].1.contains("end") || exact[1].1.contains("begin"), "a sound pair is refused in {text:?}");
                }
            }
        }
    }

    #[test]
    fn each_damage_is_named_with_its_lines() {
        let (begin, end) = ("# loom:begin file.x\n", "# loom:end file.x\n");
        let (other, ended) = ("# loom:begin file.y\n", "# loom:end file.y\n");
        for (text, said) in [
            (
                format!("a\n{begin}b\n"),
                "line 2 begins the block of `file.x`, and no line ends it",
            ),
            (
                format!("a\n{end}b\n"),
                "line 2 ends the block of `file.x`, and no line begins it",
            ),
            (
                format!("{end}b\n{begin}"),
                "line 1 ends the block of `file.x` before line 3 begins it",
            ),
            (
                format!("{begin}{end}a\n{begin}"),
                "the markers of `file.x` stand there more than once: lines 1, 2, 4",
            ),
            (
                format!("{begin}a\n{begin}"),
                "the markers of `file.x` stand there more than once: lines 1, 3",
            ),
            (
                format!("{begin}{other}{ended}{end}"),
                "the block of `file.x` holds markers of other blocks: lines 2, 3",
            ),
            (
                format!("{begin}{other}{end}{ended}"),
                "the block of `file.x` holds markers of other blocks: lines 2",
            ),
            (
                format!("{other}{begin}{end}{ended}"),
                "the block of `file.x`, from line 2 on, stands within that of `file.y`",
            ),
            (
                format!("{begin}a\n  {end}"),
                "line 3 is a marker of `file.x`, but not as loom writes it: `# loom:end file.x`",
            ),
        ] {
            let Found::Damaged(damage) = find(&text, Comment::Hash, "file.x") else {
                panic!("{text}")
            };
            assert_eq!(damage.to_string(), said, "{text}");
        }
    }

    #[test]
    fn blanks_behind_a_marker_and_prose_about_markers_do_no_harm() {
        let text = "# loom:begin file.x \t\na\n# loom:end file.x\n";
        assert_eq!(body_of(text, Comment::Hash).as_deref(), Some("a\n"));
        let prose = "The lines `# loom:begin file.x` and `# loom:end file.x` mark it.\n# loom:begin marks it\n";
        assert_eq!(find(prose, Comment::Hash, "file.x"), Found::Absent);
    }

    #[test]
    fn a_body_that_holds_a_marker_and_an_address_that_is_taken_are_refused() {
        let both =
            "# loom:begin file.x\n# loom:end file.x\n# loom:begin file.y\n# loom:end file.y\n";
        assert!(set("", Comment::Hash, "file.x", "a\n// loom:end file.z\n").is_err());
        assert!(rename(both, Comment::Hash, "file.x", "file.y").is_err());
    }
}
