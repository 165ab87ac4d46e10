//! `moved`, `adopt` and `delegate` against what is declared.
//!
//! In: the project and the declarations. Out: findings where one of them says something that
//! cannot be. What the old addresses were is the ledger's knowledge and is not asked here.

use std::collections::BTreeSet;

use super::Declaration;
use crate::addr::Address;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::plan::moves::Renames;
use crate::project::Project;
use crate::text::Span;

/// Looks at all three. `removed` may name what is still declared: a file that it no longer writes.
pub(super) fn check(project: &Project, declarations: &[Declaration], out: &mut Diagnostics) {
    let addresses: BTreeSet<Address> = declarations
        .iter()
        .flat_map(|it| [it.address.clone(), it.address.family()])
        .collect();
    let declared = |address: &Address| addresses.contains(address);
    let renames = Renames::of(&project.moved);
    for moved in &project.moved {
        // a move may go on by another, as one of last month does by one of today
        let is_there = renames.now(&moved.to, &declared).is_some() || out.may_declare(&moved.to);
        if !is_there {
            out.push(nothing("moved", &moved.to, moved.span, declarations));
        }
        // another entry may lead back to it
        let comes_back = project
            .moved
            .iter()
            .any(|other| other.to == moved.from || other.to.family() == moved.from);
        if declared(&moved.from) && !comes_back {
            let message = format!(
                "`moved` takes `{}` away from where it is, and it is still declared",
                moved.from
            );
            let found = Diagnostic::new(Code::Refactoring, message).at(moved.span, "");
            out.push(
                found.help(
                    "declare it under the new address only, or take the entry out of `moved`",
                ),
            );
        }
    }
    for delegate in project
        .delegate
        .iter()
        .filter(|delegate| !declared(&delegate.address))
    {
        if out.may_declare(&delegate.address) {
            continue;
        }
        out.push(nothing(
            "delegate",
            &delegate.address,
            delegate.span,
            declarations,
        ));
    }
    for adopt in &project.adopt {
        if !declared(&adopt.address) && !out.may_declare(&adopt.address) {
            out.push(nothing("adopt", &adopt.address, adopt.span, declarations));
        }
    }
}

fn nothing(word: &str, address: &Address, span: Span, declarations: &[Declaration]) -> Diagnostic {
    let message = format!("`{word}` names `{address}`, and nothing declares it");
    let found = Diagnostic::new(Code::Refactoring, message).at(span, "");
    let known: Vec<String> = declarations
        .iter()
        .map(|it| it.address.to_string())
        .collect();
    match did_you_mean(&address.to_string(), known.iter().map(String::as_str)) {
        Some(near) => found.help(format!("did you mean `{near}`? Where the entry was applied everywhere, take it out")),
        None => found.help("take the entry out where it was applied everywhere; `loom graph --format json` lists all addresses"),
    }
}
