//! Texts become data again: what the kinds share to read a file that is there.
//!
//! In: a text. Out: nodes or settings, or nothing where the data would not be all that the text
//! says: errors, more than one document where one is expected, tags that a node does not hold.

use loom_plan::diag::Diagnostics;
use loom_plan::node::{self, Map, Node};
use loom_plan::provider::{Draft, Existing, Fit, Order};
use loom_plan::text::{SourceId, Sources, Span};

/// The documents of a YAML or JSON text.
pub(crate) fn documents(text: &str) -> Option<Vec<Node>> {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let id = sources.add("file", text);
    let documents = node::parse(&sources, id, &mut found);
    (!found.has_errors() && !has_tag(text)).then_some(documents)
}

/// The one document of a text, where it is a mapping.
pub(crate) fn mapping(text: &str) -> Option<Node> {
    let mut documents = documents(text)?;
    let document = documents.pop().filter(|_| documents.is_empty())?;
    document.as_map().is_some().then_some(document)
}

/// Whether a word begins with `!`, as a tag does. A text that only looks so is taken for one too.
fn has_tag(text: &str) -> bool {
    let words = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(str::split_whitespace);
    words
        .filter_map(|word| word.strip_prefix('!'))
        .any(|rest| rest.starts_with(|c: char| c.is_alphabetic() || c == '!'))
}

/// A draft with one setting.
pub(crate) fn setting(name: &str, value: Node, fit: Fit) -> Draft {
    let mut map = Map::default();
    map.insert(name, value);
    Draft {
        settings: Node::map(nowhere(), map),
        path: None,
        fit,
        order: Order::Told,
    }
}

/// A draft of a whole text as `content`.
pub(crate) fn content(file: &Existing<'_>, fit: Fit) -> Draft {
    setting("content", Node::string(nowhere(), file.text), fit)
}

/// Whether a file's name ends in one of these, as `.yml`.
pub(crate) fn ends(file: &Existing<'_>, endings: &[&str]) -> bool {
    file.path
        .extension()
        .is_some_and(|extension| endings.contains(&extension))
}

/// The place of values that stand in no input file.
pub(crate) fn nowhere() -> Span {
    Span::start_of(SourceId::first())
}
