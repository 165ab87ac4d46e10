//! What the credentials of an issuer look like: the rules as data, and how one is tried at a place.
//!
//! In: the files in `rules/`, compiled in. Out: [`RULES`], and the range of a credential at a place.
//!
//! A rule is a paragraph. Its first line says what is found; the others have a key and a value:
//!
//! - `at`: the literals, one of which is in every such credential. They are looked for in one scan
//!   of a text, and only where one stands is the form tried.
//! - `form`: a regular expression over bytes, which begins at the literal; a group covers less.
//!   `<uuid>` stands for a UUID.
//! - `before`: so many bytes before the literal it may begin instead.
//! - `case any`: the literals count in any case.
//! - `apart yes`: nothing of a word may stand before it. Else only literals that are words are so.
//! - `mixed yes`: it holds capitals, small letters and digits.
//! - `weak yes`: the group is a password that people choose, and must be a good one.
//! - `holds`: a second expression that must be found in it.
//! - `like`: a sample, made when a test runs, so that no file of ours holds one. `%w36` are 36 random
//!   letters and digits; the other letters are in `sample` of the tests.
//! - `from`: where the issuer describes it.
//!
//! Invariants: each rule finds its sample and not the same with one letter in every random place,
//! and each has a source (tests).

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder};

use super::value;

const FILES: [&str; 4] = [
    include_str!("rules/cloud.txt"),
    include_str!("rules/code.txt"),
    include_str!("rules/people.txt"),
    include_str!("rules/watch.txt"),
];

/// How far a credential is followed from where it begins. Longer ones are covered in part.
const WINDOW: usize = 2 * 1024;

/// All rules.
pub(super) static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let paragraphs = FILES.iter().flat_map(|file| file.split("\n\n"));
    paragraphs.filter_map(Rule::read).collect()
});

/// One rule.
#[derive(Debug, Default)]
pub(super) struct Rule {
    /// What is found, with its article.
    pub(super) what: &'static str,
    /// One of these is in it.
    pub(super) literals: Vec<&'static str>,
    form: &'static str,
    compiled: OnceLock<Regex>,
    before: usize,
    case: Case,
    place: Place,
    mixed: bool,
    weak: bool,
    holds: Option<&'static str>,
    #[cfg(test)]
    pub(super) like: &'static str,
    #[cfg(test)]
    pub(super) from: &'static str,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Case {
    #[default]
    Exact,
    Any,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Also behind other letters, where the literal is no part of a word.
    #[default]
    Anywhere,
    /// Only where a word begins.
    Apart,
}

impl Rule {
    /// A paragraph; comments have none.
    fn read(paragraph: &'static str) -> Option<Self> {
        let mut lines = paragraph.trim().lines();
        let what = lines
            .next()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))?;
        let mut rule = Self {
            what,
            ..Self::default()
        };
        for line in lines {
            let (key, value) = line.trim().split_once(' ').unwrap_or((line, ""));
            rule.set(key, value.trim());
        }
        Some(rule)
    }

    fn set(&mut self, key: &str, value: &'static str) {
        match key {
            "at" => self.literals = value.split(' ').collect(),
            "form" => self.form = value,
            "before" => self.before = value.parse().expect("a number of bytes"),
            "case" => self.case = Case::Any,
            "apart" => self.place = Place::Apart,
            "mixed" => self.mixed = true,
            "weak" => self.weak = true,
            "holds" => self.holds = Some(value),
            #[cfg(test)]
            "like" => self.like = value,
            #[cfg(test)]
            "from" => self.from = value,
            #[cfg(not(test))]
            "like" | "from" => {}
            other => unreachable!("`{other}` is no key of a rule; a test reads all of them"),
        }
    }

    fn compiled(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            let uuid = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
            let form = self.form.replace("<uuid>", uuid);
            let anchor = if self.before == 0 { r"\A" } else { "" };
            let form = format!("{anchor}(?:{form})");
            RegexBuilder::new(&form)
                .unicode(false)
                .build()
                .expect("the forms are constants, and a test compiles each")
        })
    }

    /// What is covered where the literal `at` is part of such a credential.
    pub(super) fn at(&self, text: &str, literal: Range<usize>) -> Option<Range<usize>> {
        let bytes = text.as_bytes();
        let exact = || {
            self.literals
                .iter()
                .any(|wanted| wanted.as_bytes() == &bytes[literal.clone()])
        };
        if self.case == Case::Exact && !exact() {
            return None;
        }
        let from = literal.start.saturating_sub(self.before);
        if self.before == 0 && !self.may_begin(bytes, literal.clone()) {
            return None;
        }
        let window = &bytes[from..bytes.len().min(literal.start + WINDOW)];
        let literal_inside = literal.start - from..literal.end - from;
        let (whole, inner) = self.tried(window, &literal_inside)?;
        let (start, end) = (from + whole.start, from + whole.end);
        let begins = self.before == 0 || start == literal.start || !is_word_before(bytes, start);
        let next = bytes.get(end).filter(|_| whole.end < window.len());
        let ends = !bytes[end - 1].is_ascii_alphanumeric()
            || next.is_none_or(|next| !next.is_ascii_alphanumeric());
        let range = from + inner.start..from + inner.end;
        let found = text.get(range.clone())?;
        let held = self.holds.is_none_or(|holds| {
            let holds = RegexBuilder::new(holds).unicode(false).build();
            holds.is_ok_and(|holds| holds.is_match(&window[whole.clone()]))
        });
        (begins && ends && held && self.is_credential(found, &text[literal])).then_some(range)
    }

    /// The match that covers the literal, and the part of it that is the credential.
    fn tried(&self, window: &[u8], literal: &Range<usize>) -> Option<(Range<usize>, Range<usize>)> {
        let covers =
            |whole: &Range<usize>| whole.start <= literal.start && literal.end <= whole.end;
        let form = self.compiled();
        // groups cost more than a match
        if form.captures_len() == 1 {
            let whole = form.find_iter(window).map(|it| it.range()).find(covers)?;
            return Some((whole.clone(), whole));
        }
        form.captures_iter(window).find_map(|groups| {
            let whole = groups.get(0)?.range();
            let inner = groups.iter().skip(1).flatten().next();
            let inner = inner.map_or(whole.clone(), |inner| inner.range());
            covers(&whole).then_some((whole, inner))
        })
    }

    fn is_credential(&self, found: &str, literal: &str) -> bool {
        if self.weak {
            return value::is_password(found) && !value::is_placeholder(found);
        }
        let body = found.strip_prefix(literal).unwrap_or(found);
        let holds = |is: fn(&u8) -> bool| body.as_bytes().iter().any(is);
        let mixed = holds(u8::is_ascii_lowercase)
            && holds(u8::is_ascii_uppercase)
            && holds(u8::is_ascii_digit);
        (mixed || !self.mixed)
            && (value::has_checksum(found)
                || !(value::is_placeholder(body) || value::is_prose(body)))
    }

    /// Whether a credential may begin at a literal, by what stands before it.
    fn may_begin(&self, bytes: &[u8], literal: Range<usize>) -> bool {
        if !is_word_before(bytes, literal.start) {
            return true;
        }
        let (before, first) = (bytes[literal.start - 1], bytes[literal.start]);
        let other_case = first.is_ascii_uppercase() && before.is_ascii_lowercase();
        let is_sign = |byte: &u8| !byte.is_ascii_alphanumeric();
        let no_word = literal.len() >= 4 && bytes[literal].iter().any(is_sign);
        self.place == Place::Anywhere && (other_case || no_word)
    }
}

/// Whether a part of a word stands before a place. The letter of an escape (`\n`) is none, nor are
/// the digits of one in an address (`%3D`).
pub(super) fn is_word_before(bytes: &[u8], at: usize) -> bool {
    let back = |count: usize| at.checked_sub(count).map(|at| bytes[at]);
    let escaped = back(2) == Some(b'\\') && matches!(back(1), Some(b'n' | b'r' | b't'));
    let percent = back(3) == Some(b'%');
    back(1).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !escaped && !percent
}
