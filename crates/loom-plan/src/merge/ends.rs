//! Line ends: a merge is made over lines that end in `\n`, and the file keeps its own.
//!
//! In: the text that is there, and what a merge of it came to. Out: that with the line ends of the
//! file: a line that was there ends as it did, one that loom brings as most lines of the file do.

use std::borrow::Cow;

use super::Sides;
use super::align::matches;
use crate::header::line_end;

/// The observed text with `\n` alone, if the line ends are the file's and no part of what loom renders.
pub(super) fn bare(sides: Sides<'_>) -> Cow<'_, str> {
    let is_foreign = sides.observed.contains("\r\n")
        && !sides.base.contains('\r')
        && !sides.desired.contains('\r');
    if is_foreign {
        Cow::Owned(sides.observed.replace("\r\n", "\n"))
    } else {
        Cow::Borrowed(sides.observed)
    }
}

/// A text that was made from a bare one, with the line ends of `observed`.
pub(super) fn restored(merged: &str, observed: &str) -> String {
    let mine: Vec<&str> = observed.split_inclusive('\n').collect();
    let end_of = |line: &str| {
        if line.ends_with("\r\n") { "\r\n" } else { "\n" }
    };
    let most = line_end(observed);
    let bare = |line: &&str| {
        line.trim_end_matches('\n')
            .trim_end_matches('\r')
            .to_owned()
    };
    let known: Vec<String> = mine.iter().map(bare).collect();
    let lines: Vec<&str> = merged.split_inclusive('\n').collect();
    let texts: Vec<String> = lines.iter().map(bare).collect();
    // where all lines end alike there is nothing to look up
    let is_mixed = mine
        .iter()
        .filter(|line| line.ends_with('\n'))
        .any(|line| end_of(line) != most);
    let places = if is_mixed {
        matches(&texts, &known)
    } else {
        vec![None; lines.len()]
    };
    let mut text = String::with_capacity(merged.len() + lines.len());
    for (line, place) in lines.iter().zip(places) {
        let before = place.map(|at| mine[at]).filter(|line| line.ends_with('\n'));
        let Some(bare) = line.strip_suffix('\n') else {
            text.push_str(line);
            continue;
        };
        text.push_str(bare);
        text.push_str(before.map_or(most, end_of));
    }
    text
}
