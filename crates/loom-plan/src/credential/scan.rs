//! One scan of a text for the literals of all rules, and what each is part of.
//!
//! In: a text. Out: what in it is a credential, in order, none overlapping. A text without any
//! literal costs one pass of an automaton; only where a literal stands is anything else tried.
//! Every try looks at a bounded piece, so that no text makes the scan long (test
//! `texts_made_to_keep_the_search_busy_do_not`).

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::rule::{self, RULES};
use super::{Found, assigned, encoded, key, url};

/// What a literal is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// A credential of the rule.
    Rule(usize),
    /// `://`.
    Address,
    /// `PRIVATE KEY`.
    Key,
    /// `eyJ`.
    WebToken,
    /// A literal of a rule, in base64.
    Encoded,
    /// A line that goes on.
    Continued,
    /// `Basic `, `Bearer `.
    Basic,
    Bearer,
    /// A word in the name of a secret.
    Name,
}

struct Signs {
    automaton: AhoCorasick,
    /// What each literal means, and whether it counts in this case only.
    meanings: Vec<Sign>,
    literals: Vec<String>,
}

static SIGNS: LazyLock<Signs> = LazyLock::new(|| {
    let mut all: Vec<(String, Sign)> = Vec::new();
    for (index, rule) in RULES.iter().enumerate() {
        all.extend(
            rule.literals
                .iter()
                .map(|literal| ((*literal).to_owned(), Sign::Rule(index))),
        );
    }
    let of_rules = RULES.iter().flat_map(|rule| &rule.literals).copied();
    let mut encoded: Vec<String> = of_rules
        .chain(["-----BEGIN"])
        .filter(|literal| literal.len() >= 4)
        .flat_map(encoded::forms)
        .collect();
    encoded.sort();
    encoded.dedup();
    all.extend(encoded.into_iter().map(|form| (form, Sign::Encoded)));
    let words = assigned::WORDS
        .iter()
        .map(|word| ((*word).to_owned(), Sign::Name));
    all.extend(words);
    for (literal, sign) in [
        ("://", Sign::Address),
        (":\\/\\/", Sign::Address),
        ("PRIVATE KEY", Sign::Key),
        ("eyJ", Sign::WebToken),
        ("\\\n", Sign::Continued),
        ("Basic ", Sign::Basic),
        ("Bearer ", Sign::Bearer),
        ("Authorization: Token ", Sign::Bearer),
        ("Authorization: Bot ", Sign::Bearer),
        ("Authorization: ApiKey ", Sign::Bearer),
        ("Authorization: Splunk ", Sign::Bearer),
    ] {
        all.push((literal.to_owned(), sign));
    }
    let (literals, signs): (Vec<String>, Vec<Sign>) = all.into_iter().unzip();
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .build(&literals)
        .expect("the literals are constants, and far from any limit");
    Signs {
        automaton,
        meanings: signs,
        literals,
    }
});

/// How deep a search is in what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    /// The text itself.
    Outer,
    /// What base64 came to, or a text of joined lines: no further one is looked for.
    Inner,
}

/// All credentials of a text, in order.
pub(super) fn credentials(text: &str) -> Vec<Found> {
    let mut found = search(text, Layer::Outer);
    found.sort_by_key(|it| (it.range.start, std::cmp::Reverse(it.range.end)));
    let mut apart: Vec<Found> = Vec::new();
    for next in found {
        match apart.last_mut() {
            Some(last) if next.range.start < last.range.end => {
                last.range.end = last.range.end.max(next.range.end);
                if last.is_by_name() && !next.is_by_name() {
                    last.what = next.what;
                }
            }
            Some(_) | None => apart.push(next),
        }
    }
    apart
}

fn search(text: &str, layer: Layer) -> Vec<Found> {
    let mut search = Search {
        text,
        layer,
        found: Vec::new(),
        name_end: 0,
        run_end: 0,
        continued: false,
    };
    for hit in SIGNS.automaton.find_overlapping_iter(text) {
        let index = hit.pattern().as_usize();
        search.look(SIGNS.meanings[index], &SIGNS.literals[index], hit.range());
    }
    if search.continued && layer == Layer::Outer {
        let (joined, places) = encoded::joined(text);
        let parted = self::search(&joined, Layer::Inner);
        search.found.extend(parted.into_iter().map(|found| Found {
            range: places[found.range.start]..places[found.range.end - 1] + 1,
            what: found.what,
        }));
    }
    search.found
}

struct Search<'a> {
    text: &'a str,
    layer: Layer,
    found: Vec<Found>,
    /// Where the last name ended that was looked at.
    name_end: usize,
    /// Where the last run of base64 ended that was decoded.
    run_end: usize,
    continued: bool,
}

impl Search<'_> {
    fn look(&mut self, sign: Sign, literal: &str, at: Range<usize>) {
        let text = self.text;
        let exact = &text.as_bytes()[at.clone()] == literal.as_bytes();
        match sign {
            Sign::Rule(index) => {
                let inside =
                    |found: &Found| found.what == RULES[index].what && at.start < found.range.end;
                if self.found.last().is_some_and(inside) {
                    return;
                }
                let what = RULES[index].what;
                let range = RULES[index].at(text, at);
                self.found.extend(range.map(|range| Found { range, what }));
            }
            Sign::Address if exact => self.found.extend(url::at(text, &at)),
            Sign::Key if exact => self.key(&at),
            Sign::WebToken if exact && !is_inside(text.as_bytes(), at.start) => {
                self.found.extend(encoded::web_token(text, at.start));
            }
            Sign::Encoded if exact && self.layer == Layer::Outer => self.encoded(&at),
            Sign::Continued => self.continued = true,
            Sign::Basic => self.found.extend(encoded::basic(text, &at)),
            Sign::Bearer => self.found.extend(encoded::bearer(text, &at)),
            Sign::Name if at.start >= self.name_end => {
                let (name, found) = assigned::at(text, &at);
                self.name_end = name.end;
                self.found.extend(found);
            }
            Sign::Address | Sign::Key | Sign::WebToken | Sign::Encoded | Sign::Name => {}
        }
    }

    fn key(&mut self, at: &Range<usize>) {
        let inside = |found: &Found| at.start < found.range.end && at.start >= found.range.start;
        if !self.found.last().is_some_and(inside) {
            self.found.extend(key::at(self.text, at));
        }
    }

    fn encoded(&mut self, at: &Range<usize>) {
        if at.start < self.run_end {
            return;
        }
        let run = encoded::run_around(self.text, at);
        self.run_end = run.end;
        if run.len() < 24 {
            return;
        }
        let decoded = encoded::decode(&self.text[run.clone()]);
        let inner = search(&decoded, Layer::Inner)
            .into_iter()
            .find(|found| !found.is_by_name());
        self.found.extend(inner.map(|found| Found {
            range: run,
            what: found.what,
        }));
    }
}

/// Whether a place lies inside a run of base64url.
fn is_inside(bytes: &[u8], at: usize) -> bool {
    rule::is_word_before(bytes, at) || (at > 0 && bytes[at - 1] == b'-')
}
