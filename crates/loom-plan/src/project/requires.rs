//! `requires`: which looms may work with a project.
//!
//! In: loom.yaml. Out: a finding where this loom is none of them, or where the text is no such
//! requirement. Deliberately not here: what a ledger holds (a newer kind's records are refused while
//! planning, by whoever asks for nothing).

use semver::{Prerelease, Version, VersionReq};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::input::{Input, ReadError, load};
use crate::node::Node;
use crate::text::Sources;

/// This loom.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// This loom is none of those that a project asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// Whether a project may be worked with, of whose loom.yaml nothing else is looked at.
///
/// # Errors
/// [`Refused`], and a finding that says why.
pub fn of_project(
    input: &dyn Input,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Result<(), Refused> {
    let path = super::read::root_file();
    // whoever needs the file says that it is not there, or not readable
    if matches!(input.read(&path), Err(ReadError::Missing)) {
        return Ok(());
    }
    let node = load(input, &path, sources, &mut Diagnostics::default());
    node.map_or(Ok(()), |node| check(&node, out))
}

/// Checks the key of a loom.yaml, where it is there.
pub(super) fn check(root: &Node, out: &mut Diagnostics) -> Result<(), Refused> {
    let Some((node, text)) = root
        .get("requires")
        .and_then(|node| Some((node, node.as_str()?)))
    else {
        return Ok(());
    };
    match meets(VERSION, text) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let message =
                format!("this project asks for a loom `{text}`, and this is loom {VERSION}");
            out.push(
                Diagnostic::new(Code::Requires, message)
                    .at(node.span, "")
                    .help("use the loom that the others of your team use: an older one would write its own, older texts back"),
            );
            Err(Refused)
        }
        Err(error) => {
            out.push(
                Diagnostic::new(
                    Code::BadValue,
                    format!("`{text}` is no requirement of a version: {error}"),
                )
                .at(node.span, "")
                .help("write a comparison such as `>=0.2`, or several: `>=0.2, <2`"),
            );
            Err(Refused)
        }
    }
}

/// Whether a version meets a requirement. A version before a release has what the release will have.
fn meets(version: &str, requirement: &str) -> Result<bool, semver::Error> {
    let requirement = VersionReq::parse(requirement)?;
    let mut version = Version::parse(version)?;
    version.pre = Prerelease::EMPTY;
    Ok(requirement.matches(&version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_is_a_comparison_of_versions() {
        let cases = [
            ("0.1.0", ">=0.2", Some(false)),
            ("0.2.0", ">=0.2", Some(true)),
            ("0.2.0-dev.3", ">=0.2", Some(true)),
            ("0.10.0", ">=0.2, <0.3", Some(false)),
            ("0.10.0", ">=0.9", Some(true)),
            ("1.4.2", "1", Some(true)),
            ("1.4.2", "newest", None),
            ("1.4.2", "", None),
        ];
        for (version, requirement, expected) in cases {
            assert_eq!(
                meets(version, requirement).ok(),
                expected,
                "{version} {requirement}"
            );
        }
    }

    #[test]
    fn this_loom_has_a_version() {
        assert!(Version::parse(VERSION).is_ok());
    }
}
