//! Merging by lines, as Git does.
//!
//! In: three texts. Out: one, or the lines of the observed text that clash. The text is `diffy`'s;
//! the places of the clashes are found again here, because its answer does not say them.

use diffy::MergeOptions;

use super::align::{Stretch, stretches};
use super::{Clash, Sides};

/// Merges forwards and backwards, which must come to the same. Where equal lines stand side by side
/// it is open which of them somebody changed or took out: the two ways look at it differently.
pub(super) fn merge(sides: Sides<'_>) -> Result<String, Vec<Clash>> {
    let Sides {
        base,
        observed,
        desired,
    } = sides;
    if is_too_much(sides) {
        return Err(clashes(sides));
    }
    let forwards = MergeOptions::new().merge(base, observed, desired);
    let [base, observed, desired] = [base, observed, desired].map(reversed);
    let backwards = MergeOptions::new().merge(&base, &observed, &desired);
    match (forwards, backwards) {
        (Ok(text), Ok(back)) if reversed(&text) == back => Ok(text),
        _ => Err(clashes(sides)),
    }
}

/// How much work a merge may be: lines times lines that differ. Each unit takes some nanoseconds.
const MOST: usize = 1 << 27;

/// Whether so much differs in texts so long that merging them would take minutes. What is counted is
/// what `diffy` does; how many lines differ is told by a comparison that is quick on any text.
fn is_too_much(sides: Sides<'_>) -> bool {
    let [base, observed, desired] = [sides.base, sides.observed, sides.desired]
        .map(|text| text.split_inclusive('\n').collect::<Vec<_>>());
    let work = |other: &[&str]| {
        let equal: usize = similar::capture_diff_slices(similar::Algorithm::Myers, &base, other)
            .iter()
            .filter(|op| op.tag() == similar::DiffTag::Equal)
            .map(|op| op.old_range().len())
            .sum();
        let lines = base.len() + other.len();
        lines.saturating_mul(lines - 2 * equal)
    };
    work(&observed).saturating_add(work(&desired)) > MOST
}

/// The lines from the last to the first. One that has no line end gets one that no text has.
fn reversed(text: &str) -> String {
    let whole = |line: &str| {
        if line.ends_with('\n') {
            line.to_owned()
        } else {
            format!("{line}\0\n")
        }
    };
    text.split_inclusive('\n').rev().map(whole).collect()
}

/// The markers of `diffy`, and those that say which side is which.
const LABELS: [(&str, &str); 3] = [
    ("<<<<<<< ours\n", "<<<<<<< theirs: on the disk\n"),
    ("||||||| original\n", "||||||| what loom rendered last\n"),
    (">>>>>>> theirs\n", ">>>>>>> ours: what loom renders now\n"),
];

/// The merged text, clashes between markers that say which side is which.
pub(super) fn marked(sides: Sides<'_>) -> String {
    let Sides {
        base,
        observed,
        desired,
    } = sides;
    if is_too_much(sides) {
        let whole = |text: &str| {
            let end = if text.is_empty() || text.ends_with('\n') {
                ""
            } else {
                "\n"
            };
            format!("{text}{end}")
        };
        let [base, observed, desired] = [base, observed, desired].map(whole);
        return format!(
            "{}{observed}{}{base}=======\n{desired}{}",
            LABELS[0].1, LABELS[1].1, LABELS[2].1
        );
    }
    let mut options = MergeOptions::new();
    options.set_incomplete_hunk_style(diffy::IncompleteHunkStyle::Git);
    let marked = match options.merge(base, observed, desired) {
        Ok(text) => return text,
        Err(marked) => marked,
    };
    let label = |line: &str| {
        LABELS
            .iter()
            .find(|(known, _)| *known == line)
            .map_or(line.to_owned(), |(_, label)| (*label).to_owned())
    };
    marked.split_inclusive('\n').map(label).collect()
}

/// The lines of the observed text between what all three share, where both sides differ.
fn clashes(sides: Sides<'_>) -> Vec<Clash> {
    let [base, observed, desired] = [sides.base, sides.observed, sides.desired]
        .map(|text| text.split_inclusive('\n').collect::<Vec<_>>());
    let differ = |stretch: &Stretch| {
        let [was, is, becomes] = [
            &base[stretch.base.clone()],
            &observed[stretch.observed.clone()],
            &desired[stretch.desired.clone()],
        ];
        is != becomes && was != is && was != becomes
    };
    let lines = |stretch: Stretch| Clash::Lines {
        first: stretch.observed.start + 1,
        last: stretch.observed.end,
    };
    let found: Vec<Clash> = stretches(&base, &observed, &desired)
        .into_iter()
        .filter(differ)
        .map(lines)
        .collect();
    if found.is_empty() {
        vec![Clash::Lines {
            first: 1,
            last: observed.len(),
        }]
    } else {
        found
    }
}
