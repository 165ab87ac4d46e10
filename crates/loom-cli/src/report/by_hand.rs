//! What a person changes by hand, where loom refuses to edit: the same pieces for every report.
//!
//! In: a conflict. Out: sentences, each with a text below it: a patch, or a part of the file in its
//! own format. What looks like a credential is hidden, as everywhere.

use loom_plan::credential::masked;
use loom_plan::keys::{Manual, Snippet};
use loom_plan::plan::Conflicting;

/// A sentence, and the text that it is about.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Piece {
    /// The sentence.
    pub(crate) says: String,
    /// What the text is, as Markdown names it: `diff`, `yaml`.
    pub(crate) language: String,
    /// The text; it ends in a newline.
    pub(crate) text: String,
}

/// All that a person changes.
pub(crate) fn pieces(conflict: &Conflicting) -> Vec<Piece> {
    let Some(by_hand) = &conflict.by_hand else {
        return Vec::new();
    };
    let patch = (!by_hand.patch.is_empty()).then(|| Piece {
        says: "This patch makes the change, for `git apply` or `patch -p1`:".to_owned(),
        language: "diff".to_owned(),
        text: masked(&by_hand.patch).into_owned(),
    });
    patch
        .into_iter()
        .chain(
            by_hand
                .snippets
                .iter()
                .map(|snippet| piece(conflict, snippet)),
        )
        .collect()
}

fn piece(conflict: &Conflicting, snippet: &Snippet) -> Piece {
    let (path, line) = (&conflict.path, snippet.line);
    let says = match snippet.change {
        Manual::Add => format!("This belongs into {path}, to line {line}:"),
        Manual::Take => format!("This goes from {path}, line {line}:"),
    };
    let newline = if snippet.text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let text = format!("{}{newline}", masked(&snippet.text));
    Piece {
        says,
        language: path.extension().unwrap_or_default().to_owned(),
        text,
    }
}

/// All pieces as one text, without marks.
pub(crate) fn plain(conflict: &Conflicting) -> String {
    pieces(conflict)
        .into_iter()
        .map(|piece| format!("\n{}\n{}", piece.says, piece.text))
        .collect::<Vec<_>>()
        .concat()
}
