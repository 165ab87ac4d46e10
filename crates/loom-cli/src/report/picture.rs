//! A graph as a picture: SVG, without the help of other programs.
//!
//! In: boxes with a text each, and arrows between them that make no circle. Out: one SVG document.
//! Every arrow leads to the right, from what depends to what it depends on: a box stands in the
//! column behind the last of those that lead to it. Within a column, boxes are near what they are
//! tied to (a few sweeps of barycentres: Sugiyama, Tagawa, Toda 1981). Boxes without arrows stand
//! below, in rows.
//!
//! Invariants: no two boxes overlap (property test); the same graph gives the same bytes; no text
//! is markup. Deliberately not here: what the boxes are.

use std::collections::BTreeMap;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::style::visible;

/// A box.
pub(crate) struct Node {
    /// What stands in it.
    pub(crate) label: String,
    /// What stands out: one word for a style of [`STYLE`], or none.
    pub(crate) class: &'static str,
}

/// An arrow from what depends to what it depends on, both by their place among the boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrow {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Whether the line is dashed.
    pub(crate) line: Stroke,
}

/// How an arrow is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stroke {
    Solid,
    Dashed,
}

/// The width of a character and the measures of boxes, in pixels.
const CHARACTER: usize = 8;
const HEIGHT: usize = 26;
const PADDING: usize = 10;
const GAP: usize = 14;
/// Between columns there is room for arrows.
const CHANNEL: usize = 70;
/// How often each column is put in the order of its neighbours, there and back.
const SWEEPS: usize = 4;
/// Rows of boxes without arrows are at least so wide.
const ROW: usize = 900;

/// Colours for light and dark surroundings.
const STYLE: &str = "text{font:13px ui-monospace,monospace;fill:#1f2328}rect{fill:#f6f8fa;stroke:#8c959f}\
path{fill:none;stroke:#8c959f}marker path{fill:#8c959f}.dashed{stroke-dasharray:5 4}.changed{fill:#fff8c5;stroke:#9a6700}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#161b22;stroke:#6e7681}path{stroke:#6e7681}\
marker path{fill:#6e7681}.changed{fill:#3b2e00;stroke:#d29922}}";

/// Where a box stands: its left upper corner and its width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    left: usize,
    top: usize,
    width: usize,
}

/// Writes the picture. Arrows that lead to no box are none.
///
/// # Errors
/// Those of `out`.
pub(crate) fn svg(nodes: &[Node], arrows: &[Arrow], out: &mut dyn Write) -> io::Result<()> {
    let places = layout(nodes, arrows);
    let right = places
        .iter()
        .map(|place| place.left + place.width)
        .max()
        .unwrap_or(0)
        + GAP;
    let bottom = places
        .iter()
        .map(|place| place.top + HEIGHT)
        .max()
        .unwrap_or(0)
        + GAP;
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{right}\" height=\"{bottom}\" viewBox=\"0 0 {right} {bottom}\">"
    )?;
    writeln!(out, "<style>{STYLE}</style>")?;
    writeln!(
        out,
        "<marker id=\"end\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker>"
    )?;
    for arrow in arrows {
        let (Some(from), Some(to)) = (places.get(arrow.from), places.get(arrow.to)) else {
            continue;
        };
        let (x, y, end, height) = (
            from.left + from.width,
            from.top + HEIGHT / 2,
            to.left,
            to.top + HEIGHT / 2,
        );
        let class = if arrow.line == Stroke::Dashed {
            " class=\"dashed\""
        } else {
            ""
        };
        let bend = CHANNEL / 2;
        writeln!(
            out,
            "<path{class} marker-end=\"url(#end)\" d=\"M{x} {y}C{} {y} {} {height} {end} {height}\"/>",
            x + bend,
            end.saturating_sub(bend)
        )?;
    }
    for (node, place) in nodes.iter().zip(&places) {
        let Place { left, top, width } = place;
        let class = if node.class.is_empty() {
            String::new()
        } else {
            format!(" class=\"{}\"", node.class)
        };
        let label = escape(&node.label);
        write!(
            out,
            "<g data-node=\"{label}\"><rect{class} x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{HEIGHT}\" rx=\"5\"/>"
        )?;
        writeln!(
            out,
            "<text x=\"{}\" y=\"{}\">{label}</text></g>",
            left + PADDING,
            top + HEIGHT * 2 / 3
        )?;
    }
    writeln!(out, "</svg>")
}

fn escape(text: &str) -> String {
    visible(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn width(node: &Node) -> usize {
    node.label.width() * CHARACTER + 2 * PADDING
}

fn layout(nodes: &[Node], arrows: &[Arrow]) -> Vec<Place> {
    let arrows: Vec<Arrow> = arrows
        .iter()
        .filter(|arrow| arrow.from.max(arrow.to) < nodes.len())
        .copied()
        .collect();
    let mut columns = columns(nodes.len(), &arrows);
    sweep(&mut columns, &arrows, nodes.len());
    let mut places = vec![Place::default(); nodes.len()];
    let (mut left, mut bottom) = (GAP, GAP);
    for column in &columns {
        for (row, node) in column.iter().enumerate() {
            places[*node] = Place {
                left,
                top: GAP + row * (HEIGHT + GAP),
                width: width(&nodes[*node]),
            };
        }
        bottom = bottom.max(GAP + column.len() * (HEIGHT + GAP));
        left += column
            .iter()
            .map(|node| width(&nodes[*node]))
            .max()
            .unwrap_or(0)
            + CHANNEL;
    }
    rows(nodes, &arrows, (left.max(ROW), bottom), &mut places);
    places
}

/// The boxes that have arrows, by the length of the longest way that leads to them.
fn columns(count: usize, arrows: &[Arrow]) -> Vec<Vec<usize>> {
    let mut open = vec![0_usize; count];
    let mut after: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for arrow in arrows {
        open[arrow.to] += 1;
        after.entry(arrow.from).or_default().push(arrow.to);
    }
    let mut column: Vec<usize> = (0..count)
        .filter(|node| open[*node] == 0 && after.contains_key(node))
        .collect();
    let mut columns = Vec::new();
    while !column.is_empty() {
        let mut next = Vec::new();
        for to in column.iter().filter_map(|node| after.get(node)).flatten() {
            open[*to] -= 1;
            if open[*to] == 0 {
                next.push(*to);
            }
        }
        next.sort_unstable();
        columns.push(std::mem::replace(&mut column, next));
    }
    columns
}

/// Puts each column in the order of the middle of its neighbours, to the right and back.
fn sweep(columns: &mut [Vec<usize>], arrows: &[Arrow], count: usize) {
    let mut neighbours: Vec<[Vec<usize>; 2]> = vec![[Vec::new(), Vec::new()]; count];
    for arrow in arrows {
        neighbours[arrow.to][0].push(arrow.from);
        neighbours[arrow.from][1].push(arrow.to);
    }
    let mut rank = vec![0_usize; count];
    let number = |column: &[usize], rank: &mut Vec<usize>| {
        column
            .iter()
            .enumerate()
            .for_each(|(row, node)| rank[*node] = row);
    };
    for column in columns.iter() {
        number(column, &mut rank);
    }
    for turn in 0..SWEEPS * 2 {
        let side = turn % 2;
        let order: Vec<usize> = if side == 0 {
            (0..columns.len()).collect()
        } else {
            (0..columns.len()).rev().collect()
        };
        for index in order {
            let column = &mut columns[index];
            // in thousandths of a row: whole numbers sort alike on every machine
            let middle = |node: &usize| match neighbours[*node][side].as_slice() {
                [] => rank[*node] * 1000,
                tied => tied.iter().map(|other| rank[*other]).sum::<usize>() * 1000 / tied.len(),
            };
            let mut keyed: Vec<(usize, usize, usize)> = column
                .iter()
                .map(|node| (middle(node), rank[*node], *node))
                .collect();
            keyed.sort_unstable();
            *column = keyed.into_iter().map(|(_, _, node)| node).collect();
            number(column, &mut rank);
        }
    }
}

/// Places the boxes without arrows in rows, below `bottom`.
fn rows(nodes: &[Node], arrows: &[Arrow], (right, bottom): (usize, usize), places: &mut [Place]) {
    let mut tied = vec![false; nodes.len()];
    for arrow in arrows {
        (tied[arrow.from], tied[arrow.to]) = (true, true);
    }
    let (mut left, mut top) = (GAP, bottom);
    for (node, place) in nodes
        .iter()
        .zip(places)
        .zip(&tied)
        .filter(|(_, tied)| !**tied)
        .map(|(it, _)| it)
    {
        let width = width(node);
        if left > GAP && left + width > right {
            (left, top) = (GAP, top + HEIGHT + GAP);
        }
        *place = Place { left, top, width };
        left += width + GAP;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nodes(count: usize) -> Vec<Node> {
        (0..count)
            .map(|index| Node {
                label: format!("file.a{}", "x".repeat(index % 7)),
                class: "",
            })
            .collect()
    }

    fn arrows(pairs: &[(usize, usize)]) -> Vec<Arrow> {
        // a lower number depends on a higher one, so that there is no circle
        let arrow = |(one, other): &(usize, usize)| Arrow {
            from: *one.min(other),
            to: *one.max(other),
            line: Stroke::Solid,
        };
        pairs
            .iter()
            .filter(|(one, other)| one != other)
            .map(arrow)
            .collect()
    }

    proptest! {
        #[test]
        fn boxes_do_not_overlap_and_arrows_lead_to_the_right(
            count in 1_usize..30, pairs in proptest::collection::vec((0_usize..30, 0_usize..30), 0..60),
        ) {
            let pairs: Vec<(usize, usize)> = pairs.into_iter().map(|(one, other)| (one % count, other % count)).collect();
            let arrows = arrows(&pairs);
            let places = layout(&nodes(count), &arrows);
            for (index, one) in places.iter().enumerate() {
                for other in &places[..index] {
                    let apart = one.left + one.width <= other.left || other.left + other.width <= one.left
                        || one.top + HEIGHT <= other.top || other.top + HEIGHT <= one.top;
                    prop_assert!(apart, "{one:?} {other:?}");
                }
            }
            for arrow in arrows {
                prop_assert!(places[arrow.from].left + places[arrow.from].width < places[arrow.to].left);
            }
        }
    }

    #[test]
    fn a_picture_is_one_document_in_which_no_text_is_markup() {
        let mut out = Vec::new();
        let node = |label: &str, class| Node {
            label: label.to_owned(),
            class,
        };
        let nodes = [
            node("a</text><script>&\u{1b}\"", "changed"),
            node("b", ""),
            node("alone", ""),
        ];
        svg(
            &nodes,
            &[Arrow {
                from: 0,
                to: 1,
                line: Stroke::Dashed,
            }],
            &mut out,
        )
        .expect("writing to memory cannot fail");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(
            text.contains("a&lt;/text&gt;&lt;script&gt;&amp;⟨U+001B ESCAPE⟩&quot;")
                && !text.contains("<script>"),
            "{text}"
        );
        assert_eq!(
            (
                text.matches("<rect").count(),
                text.matches("class=\"dashed\"").count()
            ),
            (3, 1)
        );
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
    }

    #[test]
    fn lines_of_a_chain_do_not_cross_where_they_need_not() {
        // 0 leads to 5, 1 to 4, 2 to 3: the second column turns round
        let arrows = arrows(&[(0, 5), (1, 4), (2, 3)]);
        let places = layout(&nodes(6), &arrows);
        assert!(
            arrows
                .iter()
                .all(|arrow| places[arrow.from].top == places[arrow.to].top),
            "{places:?}"
        );
    }
}
