//! References in settings: `${ref:ADDRESS.ATTRIBUTE}`, `${env:SETTING}`, `${service:SETTING}`.
//!
//! In: a text. Out: its pieces. Only what is well-formed is a reference: a known kind and a name
//! and an attribute; a setting in lower camel case. Everything else that begins with `${` is text,
//! so that shell's `${X:-y}`, GitHub's `${{ }}` and Terraform's `${var.x}` pass untouched; a near
//! miss is reported as such, and `$${ref:` is the literal `${ref:`.

use crate::addr::Address;
use crate::node::{Map, Node, Value};

/// What a text is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece<'a> {
    /// Text as it is.
    Text(&'a str),
    /// `${ref:…}`
    Artifact(Address, &'a str),
    /// `${env:…}`
    Environment(&'a str),
    /// `${service:…}`
    Service(&'a str),
    /// Looks like a reference and is none; stays text.
    Near(&'a str),
}

/// Whether a text holds anything that [`pieces`] would take apart. Cheap: most texts do not.
pub fn concerns(text: &str) -> bool {
    text.contains('$')
        && text.split('$').skip(1).any(|rest| {
            ["{ref:", "{env:", "{service:"]
                .iter()
                .any(|word| rest.starts_with(word))
        })
}

/// Takes a text apart. `is_kind` knows the artifact kinds.
pub fn pieces<'a>(text: &'a str, is_kind: &dyn Fn(&str) -> bool) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let (mut rest, mut begin) = (text, 0);
    while let Some(found) = rest[begin..].find("${").map(|at| at + begin) {
        let Some(word) = ["ref:", "env:", "service:"]
            .into_iter()
            .find(|word| rest[found + 2..].starts_with(word))
        else {
            begin = found + 2;
            continue;
        };
        if rest[..found].ends_with('$') {
            pieces.push(Piece::Text(&rest[..found - 1]));
            pieces.push(Piece::Text(&rest[found..found + 2 + word.len()]));
            (rest, begin) = (&rest[found + 2 + word.len()..], 0);
            continue;
        }
        pieces.push(Piece::Text(&rest[..found]));
        let inner = &rest[found + 2 + word.len()..];
        let (piece, after) = match inner.find('}') {
            Some(end) => (
                read(word, &inner[..end], is_kind),
                found + 2 + word.len() + end + 1,
            ),
            None => (None, rest.len()),
        };
        pieces.push(piece.unwrap_or(Piece::Near(&rest[found..after])));
        (rest, begin) = (&rest[after..], 0);
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| *piece != Piece::Text(""));
    pieces
}

fn read<'a>(word: &str, inner: &'a str, is_kind: &dyn Fn(&str) -> bool) -> Option<Piece<'a>> {
    let setting = inner.starts_with(|c: char| c.is_ascii_lowercase())
        && inner
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && !inner.ends_with('.');
    match word {
        "env:" => setting.then_some(Piece::Environment(inner)),
        "service:" => setting.then_some(Piece::Service(inner)),
        _ => split_address(inner, is_kind)
            .map(|(address, attribute)| Piece::Artifact(address, attribute)),
    }
}

/// `kind.name[item].attribute`: the longest known kind, one name, and the rest is the attribute.
fn split_address<'a>(text: &'a str, is_kind: &dyn Fn(&str) -> bool) -> Option<(Address, &'a str)> {
    let dots: Vec<usize> = text.match_indices('.').map(|(at, _)| at).collect();
    let kind_end = dots
        .iter()
        .copied()
        .rev()
        .find(|end| is_kind(&text[..*end]))?;
    let rest = &text[kind_end + 1..];
    let end = match (rest.find('['), rest.find('.')) {
        (Some(open), Some(dot)) if open < dot => rest.find(']')? + 1,
        (_, Some(dot)) => dot,
        (_, None) => return None,
    };
    let attribute = rest[end..]
        .strip_prefix('.')
        .filter(|attribute| !attribute.is_empty())?;
    let address = Address::parse(&text[..kind_end + 1 + end]).ok()?;
    Some((address, attribute))
}

/// A node with every text replaced by what `replace` says; shared as it is where nothing changes.
pub fn map_texts(node: &Node, replace: &mut dyn FnMut(&Node, &str) -> Option<Node>) -> Node {
    changed(node, replace).unwrap_or_else(|| node.clone())
}

fn changed(node: &Node, replace: &mut dyn FnMut(&Node, &str) -> Option<Node>) -> Option<Node> {
    match &node.value {
        Value::Map(_) if !node.may_hold_dollar() => None,
        Value::String(text) if concerns(text) => replace(node, text),
        Value::Seq(items) => {
            let mut new: Option<Vec<Node>> = None;
            for (at, item) in items.iter().enumerate() {
                if let Some(item) = changed(item, replace) {
                    new.get_or_insert_with(|| items.to_vec())[at] = item;
                }
            }
            new.map(|items| Node::seq(node.span, items))
        }
        Value::Map(map) => {
            let mut new: Option<Map> = None;
            for (key, value) in map.iter() {
                if let Some(value) = changed(value, replace) {
                    new.get_or_insert_with(|| Map::clone(map))
                        .insert(key, value);
                }
            }
            new.map(|map| Node::map(node.span, map))
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => {
            None
        }
    }
}

/// Joins pieces: the whole value with its type where it is the only piece, else text.
/// `value` gives what a reference stands for; `None` keeps the text of the reference away.
pub fn join(
    node: &Node,
    pieces: &[Piece<'_>],
    value: &mut dyn FnMut(&Piece<'_>) -> Option<Node>,
) -> Node {
    if let [only] = pieces
        && !matches!(only, Piece::Text(_) | Piece::Near(_))
    {
        return value(only).map_or_else(
            || node.clone(),
            |found| Node {
                span: node.span,
                ..found
            },
        );
    }
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(part) | Piece::Near(part) => text.push_str(part),
            Piece::Artifact(..) | Piece::Environment(_) | Piece::Service(_) => {
                if let Some(found) = value(piece) {
                    text.push_str(
                        &found
                            .scalar_text()
                            .map_or_else(|| found.to_json().to_string(), Into::into),
                    );
                }
            }
        }
    }
    Node::string(node.span, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_kind(text: &str) -> bool {
        matches!(text, "file" | "kubernetes.manifest")
    }

    #[test]
    fn only_what_is_well_formed_is_a_reference() {
        let address = Address::parse("kubernetes.manifest.api[production]").expect("an address");
        let text = "a ${ref:kubernetes.manifest.api[production].port} $${ref:x} ${{ x }} ${X:-y} ${var.x} ${env:vars.x}${ref:nope.x.y}";
        assert_eq!(
            pieces(text, &is_kind),
            [
                Piece::Text("a "),
                Piece::Artifact(address, "port"),
                Piece::Text(" "),
                Piece::Text("${ref:"),
                Piece::Text("x} ${{ x }} ${X:-y} ${var.x} "),
                Piece::Environment("vars.x"),
                Piece::Near("${ref:nope.x.y}"),
            ]
        );
        assert_eq!(
            pieces("${env:Upper}", &is_kind),
            [Piece::Near("${env:Upper}")]
        );
        assert_eq!(
            pieces("${ref:file.x.path", &is_kind),
            [Piece::Near("${ref:file.x.path")]
        );
    }

    #[test]
    fn attributes_may_have_dots() {
        let [Piece::Artifact(address, attribute)] =
            &pieces("${ref:file.x.jobs.build}", &is_kind)[..]
        else {
            unreachable!("one reference")
        };
        assert_eq!(
            (address.to_string().as_str(), *attribute),
            ("file.x", "jobs.build")
        );
    }
}
