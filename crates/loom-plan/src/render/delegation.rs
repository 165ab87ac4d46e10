//! What `delegate` leaves to somebody, taken out of what is compared and put into what is written.

use std::sync::Arc;

use super::{Delegated, Desired, Output};
use crate::addr::ContentHash;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::keys::delegate::{
    leads_somewhere, with_versions_of, without_versions, without_versions_in,
};
use crate::keys::{self, Formats};
use crate::project::Delegate;
use crate::snapshot::{Content, Part};

/// Marks the outputs that have delegated keys, and takes those out of their contents.
pub(super) fn take_out(desired: &mut Desired, delegates: &[Delegate], out: &mut Diagnostics) {
    if delegates.is_empty() {
        return;
    }
    let mut used = vec![false; delegates.len()];
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
        let Some(format) = keys::format_of(desired.formats, &output.place.path)
            .filter(|_| !matches!(output.part, Part::Block(_)))
        else {
            let message = format!(
                "keys of {} cannot be delegated: it is not all or keys of a YAML, JSON, TOML or HCL file",
                output.place.path
            );
            let found = Diagnostic::new(Code::Part, message).at(delegates[*first].span, "");
            out.push(found.help("take the entry out of `delegate`"));
            for at in mine {
                used[at] = true;
            }
            continue;
        };
        mine.iter()
            .filter(|at| leads_somewhere(format, &text, &delegates[**at].keys))
            .for_each(|at| used[*at] = true);
        let keys = mine.iter().map(|at| delegates[*at].keys.clone()).collect();
        let left = Delegated {
            keys,
            to: delegates[*first].to.clone(),
        };
        desired.outputs[at].delegated = Some(Arc::new(left));
        desired.outputs[at].content = content(desired.formats, &desired.outputs[at], &text);
    }
    for (delegate, _) in delegates
        .iter()
        .zip(used)
        .filter(|(delegate, used)| !used && is_declared(desired, delegate))
    {
        let message = format!(
            "`{}` writes none of the keys that are left to {}",
            delegate.address, delegate.to
        );
        let found = Diagnostic::new(Code::NothingDelegated, message).at(delegate.span, "");
        out.push(found.help("write the keys as they stand in the file: `*` for any key, `[*]` for any entry of a list"));
    }
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
    let format = keys::format_of(formats, &output.place.path);
    match (&output.part, &output.delegated, format) {
        (Part::Whole, Some(delegated), Some(format)) => {
            whole(&without_versions(format, text, &delegated.keys))
        }
        (Part::Keys(_), delegated, Some(format)) => {
            let patterns = delegated
                .as_ref()
                .map_or(&[][..], |delegated| &delegated.keys);
            let data = format
                .read(text)
                .ok()
                .map(|data| without_versions_in(&data, patterns));
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
        &output.delegated,
        keys::format_of(formats, &output.place.path),
        there,
    ) {
        (Some(delegated), Some(format), Some(there)) => {
            with_versions_of(format, &text, there, &delegated.keys)
        }
        (_, _, _) => text,
    }
}
