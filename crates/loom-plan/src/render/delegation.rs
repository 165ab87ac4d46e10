//! What `delegate` leaves to somebody, taken out of what is compared and put into what is written.

use std::sync::Arc;

use super::{Delegated, Desired, Output};
use crate::addr::{ContentHash, RepoPath};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::header;
use crate::keys::delegate::{
    Left, Raised, documents, raised, taken, with_versions_of, without_versions, without_versions_in,
};
use crate::keys::{self, Format, Formats};
use crate::project::Delegate;
use crate::snapshot::{Content, Part};

/// Marks the outputs that have delegated keys, and takes those out of their contents.
pub(super) fn take_out(desired: &mut Desired, delegates: &[Delegate], out: &mut Diagnostics) {
    if delegates.is_empty() {
        return;
    }
    let (mut used, mut several) = (vec![false; delegates.len()], Vec::new());
    // an artifact may write files of other formats besides
    let (mut can, mut cannot) = (
        vec![false; delegates.len()],
        vec![None::<RepoPath>; delegates.len()],
    );
    for at in 0..desired.outputs.len() {
        let output = &desired.outputs[at];
        let address = &desired.declaration(output).address;
        let names = |delegate: &Delegate| {
            delegate.address == *address || delegate.address == address.family()
        };
        let mine: Vec<usize> = (0..delegates.len())
            .filter(|at| names(&delegates[*at]))
            .collect();
        let Some(first) = mine.first() else { continue };
        let Ok(text) = desired.text(output) else {
            continue;
        };
        let Some(format) = keys::versions_of(desired.formats, &output.place.path)
            .filter(|_| !matches!(output.part, Part::Block(_)))
        else {
            for at in mine {
                cannot[at].get_or_insert_with(|| output.place.path.clone());
            }
            continue;
        };
        let mut patterns = Vec::new();
        for at in mine.iter().copied() {
            can[at] = true;
            match leads_to(format, (&output.place.path, &text), &delegates[at]) {
                Ok(true) => {
                    used[at] = true;
                    patterns.push(delegates[at].keys.clone());
                }
                Ok(false) => {}
                Err(found) => {
                    used[at] = true;
                    out.push(found);
                }
            }
        }
        let Some(to) = (!patterns.is_empty()).then(|| delegates[*first].to.clone()) else {
            several.extend((documents(format, &text) > 1).then(|| address.clone()));
            continue;
        };
        let left = Left::of(format, &text, patterns);
        desired.outputs[at].delegated = Some(Arc::new(Delegated { left, to }));
        desired.outputs[at].content = content(desired.formats, &desired.outputs[at], &text);
    }
    for (at, delegate) in delegates.iter().enumerate() {
        if used[at] || !is_declared(desired, delegate) {
            continue;
        }
        if let (false, Some(path)) = (can[at], &cannot[at]) {
            let message = format!(
                "versions in {path} cannot be delegated: it is not all or keys of a YAML, JSON, TOML or HCL file, nor a Dockerfile"
            );
            let found = Diagnostic::new(Code::Part, message).at(delegate.span, "");
            out.push(found.help("take the entry out of `delegate`"));
            continue;
        }
        let message = format!(
            "`{}` writes none of the keys that are left to {}",
            delegate.address, delegate.to
        );
        let found = Diagnostic::new(Code::NothingDelegated, message).at(delegate.keys_span, "");
        let has_several = several
            .iter()
            .any(|it| *it == delegate.address || it.family() == delegate.address);
        out.push(found.help(if has_several {
            "the file holds several documents: name the one in front, `[kind=Deployment, name=api].spec`, or write `[*]` for any"
        } else {
            "write the keys as they stand in the file: `*` for any key, `[*]` for any entry of a list"
        }));
    }
}

/// Whether a pattern leads to versions in a text.
///
/// # Errors
/// That it takes a value which holds none.
fn leads_to(
    format: &dyn Format,
    (path, text): (&RepoPath, &str),
    delegate: &Delegate,
) -> Result<bool, Diagnostic> {
    let Some(taken) = taken(format, text, &delegate.keys) else {
        return Ok(false);
    };
    let Some(other) = taken.other else {
        return Ok(taken.versions > 0);
    };
    let line = other.lines().next().unwrap_or_default();
    let message = format!(
        "what is left to {} in {path} holds no version: `{line}`",
        delegate.to
    );
    let found = Diagnostic::new(Code::DelegatedValue, message).at(delegate.keys_span, "");
    Err(found.help(
        "name only keys whose values hold a version or a digest: the tag of an image, the ref of an action, `^1.2.3`, a checksum",
    ))
}

fn is_declared(desired: &Desired, delegate: &Delegate) -> bool {
    desired
        .ordered
        .declarations
        .iter()
        .any(|it| it.address == delegate.address || it.address.family() == delegate.address)
}

/// The content of a text as that of an output counts: without what is delegated.
pub(super) fn content(formats: Formats, output: &Output, text: &str) -> Content {
    let whole = |text: &str| {
        output.part.counts(Content {
            hash: ContentHash::of(text.as_bytes()),
            mode: output.place.mode,
        })
    };
    let format = keys::versions_of(formats, &output.place.path);
    match (&output.part, &output.delegated, format) {
        (Part::Whole, Some(delegated), Some(format)) => {
            whole(&without_versions(format, text, &delegated.left))
        }
        (Part::Keys(_), _, Some(format)) => {
            let data = format
                .read(text)
                .ok()
                .map(|data| without_versions_in(&data, output.left()));
            data.and_then(|data| keys::content(&data, &output.keys))
                .unwrap_or_else(|| whole(text))
        }
        (Part::Whole | Part::Block(_) | Part::Keys(_), _, _) => whole(text),
    }
}

/// A text of loom with the versions that stand in the file.
pub(super) fn with_versions(
    formats: Formats,
    output: &Output,
    text: String,
    there: Option<&str>,
) -> String {
    match (
        output.left(),
        keys::versions_of(formats, &output.place.path),
        there,
    ) {
        (Some(left), Some(format), Some(there)) => with_versions_of(format, &text, there, left),
        (_, _, _) => text,
    }
}

impl Desired {
    /// The content of a file's text as an output's, with the versions that are left to somebody.
    pub fn all_of(&self, output: &Output, text: &str) -> Option<Content> {
        match (
            &output.part,
            keys::versions_of(self.formats, &output.place.path),
        ) {
            (Part::Keys(_), Some(format)) => keys::content(&format.read(text).ok()?, &output.keys),
            (Part::Whole | Part::Block(_) | Part::Keys(_), _) => Some(Content {
                hash: header::content_hash(text.as_bytes(), &output.place.path),
                mode: output.place.mode,
            }),
        }
    }

    /// The versions that are left to somebody and differ between two texts of an output's file.
    pub fn raised(&self, output: &Output, before: &str, after: &str) -> Vec<Raised> {
        match (
            output.left(),
            keys::versions_of(self.formats, &output.place.path),
        ) {
            (Some(left), Some(format)) => raised(format, before, after, left),
            (_, _) => Vec::new(),
        }
    }
}
