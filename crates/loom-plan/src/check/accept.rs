//! Findings that the project takes on: `policy: { accept: [{ code, address, reason }] }`.
//!
//! In: the entries of loom.yaml, and findings. Out: the same findings, each with the reason of the
//! entry that names it, which entries named none, and the [`Exception`]s that a plan leans on.
//!
//! Invariant: no finding is accepted without a reason (test `a_reason_is_needed`).

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

use super::{Finding, rule};
use crate::addr::Address;
use crate::credential::fingerprint;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::node::Node;
use crate::text::Span;

/// The errors that are findings too.
const FINDINGS: &[Code] = &[Code::Credential, Code::ScanLeftOpen];

/// One entry.
#[derive(Clone, Debug)]
pub struct Accept {
    /// The rule.
    pub code: String,
    /// Where it is accepted.
    pub place: Place,
    /// The literal that is accepted, where the rule is the one about credentials.
    pub literal: Option<String>,
    /// Why.
    pub reason: String,
    /// Where the entry stands.
    pub span: Span,
}

/// What an approval covers of an entry: which rule is silenced where. Never its line or its reason, which
/// change nothing of what is let through.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Exception {
    /// The rule.
    pub code: String,
    /// The artifact, where the entry names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Else the glob of paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// What accepting comes to.
#[derive(Debug, Default)]
pub struct Accepted<'a> {
    /// The entries that name nothing.
    pub unused: Vec<&'a Accept>,
    /// The entries that name something that a rule or a policy found, sorted; what scanners found is
    /// not known wherever the plan is made again.
    pub exceptions: Vec<Exception>,
}

/// Where a finding is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In what an artifact writes; without an item, in all items of it.
    Address(Address),
    /// In the files that a glob names, whoever writes them.
    Path(String),
}

/// A literal that looks like a credential and is accepted as none, in the files of a glob.
#[derive(Clone, Debug)]
pub struct Literal {
    path: String,
    print: String,
}

impl Literal {
    /// The literals that a project accepts, from the node of its loom.yaml. Entries that say
    /// nothing good are left out here; [`Accept::read`] reports them.
    pub(crate) fn all(project: &Node) -> Vec<Self> {
        let entries = project.at(&["policy", "accept"]).and_then(Node::as_seq);
        let entries = entries.unwrap_or_default().iter();
        let read = entries.filter_map(|node| Accept::read(node, &mut Diagnostics::default()));
        read.filter_map(|entry| match (entry.place, entry.literal) {
            (Place::Path(path), Some(print)) => Some(Self { path, print }),
            (Place::Path(_) | Place::Address(_), _) => None,
        })
        .collect()
    }

    /// Whether it is this literal, in this file.
    pub(crate) fn names(&self, file: &str, literal: &str) -> bool {
        self.print == fingerprint(literal)
            && matcher(&self.path).is_some_and(|glob| glob.is_match(file))
    }
}

fn matcher(glob: &str) -> Option<GlobMatcher> {
    let glob = GlobBuilder::new(glob).literal_separator(true).build();
    glob.ok().map(|glob| glob.compile_matcher())
}

/// What is wrong with an entry's `literal`, and the help: the rule about credentials needs one, in a
/// file, and no other rule takes one.
fn misfit(
    code: &str,
    literal: Option<&str>,
    place: &Place,
) -> Option<(&'static str, &'static str)> {
    if !code.eq_ignore_ascii_case(Code::Credential.as_str()) {
        return literal.map(|_| {
            (
                "only a literal that looks like a credential is accepted by its `literal`",
                "take `literal` out, or write `code: LOOM0205`",
            )
        });
    }
    let is_print = |print: &str| {
        let digits = print.strip_prefix('x').unwrap_or_default();
        digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let fits = matches!(place, Place::Path(_)) && literal.is_some_and(is_print);
    (!fits).then_some((
        "this does not say which literal is accepted",
        "write `path: FILE` and `literal:` with the word that the finding tells, so that no other credential passes with it",
    ))
}

impl Accept {
    /// Reads an entry.
    pub(crate) fn read(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        node.as_map()?;
        let text = |key: &str| node.get(key).and_then(Node::as_str);
        let (code, reason) = (text("code")?, text("reason")?);
        let mut wrong = |span: Span, message: String, help: &str| {
            out.push(
                Diagnostic::new(Code::Acceptance, message)
                    .at(span, "")
                    .help(help),
            );
        };
        // what is no code of loom's is a policy's, or a scanner's own
        let is_of_loom = code
            .get(..4)
            .is_some_and(|it| it.eq_ignore_ascii_case("LOOM"));
        let is_finding = FINDINGS
            .iter()
            .any(|it| code.eq_ignore_ascii_case(it.as_str()));
        if is_of_loom && rule(code).is_none() && !is_finding {
            let near = did_you_mean(code, super::RULES.iter().map(|rule| rule.code));
            let help = near.map_or_else(
                || "docs/checks.md lists them".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            wrong(
                node.get("code")?.span,
                format!("there is no rule `{code}`"),
                &help,
            );
            return None;
        }
        if reason.trim().is_empty() {
            let help = "say why it is taken on, so that whoever reads it in a year knows whether that still holds";
            wrong(
                node.get("reason")?.span,
                "a finding is accepted only with a reason".to_owned(),
                help,
            );
            return None;
        }
        let place = match (text("address"), text("path")) {
            (Some(address), None) => Place::Address(Address::parse(address).ok()?),
            (None, Some(path)) => Place::Path(path.trim_start_matches("./").to_owned()),
            (Some(_), Some(_)) | (None, None) => {
                let help = "write `address: KIND.NAME`, or for a file that loom does not write `path: GLOB`; one of them";
                wrong(
                    node.span,
                    "this does not say where the finding is accepted".to_owned(),
                    help,
                );
                return None;
            }
        };
        let literal = text("literal").map(ToOwned::to_owned);
        if let Some((message, help)) = misfit(code, literal.as_deref(), &place) {
            wrong(node.span, message.to_owned(), help);
            return None;
        }
        Some(Self {
            code: code.to_owned(),
            literal,
            place,
            reason: reason.trim().to_owned(),
            span: node.span,
        })
    }

    /// What an approval covers of it.
    pub fn exception(&self) -> Exception {
        // the code of a rule is the same in any case
        let code = rule(&self.code).map_or(self.code.as_str(), |rule| rule.code);
        let (address, path) = match &self.place {
            Place::Address(address) => (Some(address.to_string()), None),
            Place::Path(glob) => (None, Some(glob.clone())),
        };
        Exception {
            code: code.to_owned(),
            address,
            path,
        }
    }

    /// Whether its code can only be one that a scanner gives, as far as the packages of the policies say.
    pub fn is_of_scanner(&self, packages: &[String]) -> bool {
        let is_of_loom = self
            .code
            .get(..4)
            .is_some_and(|it| it.eq_ignore_ascii_case("LOOM"));
        let package = self.code.rsplit_once('.').map(|(package, _)| package);
        !is_of_loom && !package.is_some_and(|it| packages.iter().any(|known| known == it))
    }

    /// Whether it names a finding.
    fn names(&self) -> impl Fn(&Finding) -> bool {
        let glob = match &self.place {
            Place::Address(_) => None,
            Place::Path(glob) => matcher(glob),
        };
        move |finding| {
            let is_there = match &self.place {
                Place::Address(address) => finding
                    .address
                    .as_ref()
                    .is_some_and(|found| found == address || found.family() == *address),
                Place::Path(_) => glob
                    .as_ref()
                    .is_some_and(|glob| glob.is_match(&finding.path)),
            };
            is_there
                && self.code.eq_ignore_ascii_case(&finding.code)
                && self.literal == finding.literal
        }
    }
}

/// Marks what is accepted.
pub fn accept<'a>(accepted: &'a [Accept], findings: &mut [Finding]) -> Accepted<'a> {
    let mut all = Accepted::default();
    for entry in accepted {
        let (mut is_used, mut is_leaned_on) = (false, false);
        let names = entry.names();
        for finding in findings.iter_mut().filter(|finding| names(finding)) {
            is_used = true;
            is_leaned_on |= finding.scanner.is_none();
            finding.accepted.get_or_insert_with(|| entry.reason.clone());
        }
        if !is_used {
            all.unused.push(entry);
        }
        if is_leaned_on {
            all.exceptions.push(entry.exception());
        }
    }
    all.exceptions.sort();
    all.exceptions.dedup();
    all
}

/// The warning for an entry that names nothing.
pub fn names_nothing(entry: &Accept) -> Diagnostic {
    let message = format!("nothing is found that this accepts: `{}`", entry.code);
    let help = "take the entry out, so that it does not hide a finding of tomorrow";
    Diagnostic::new(Code::AcceptsNothing, message)
        .at(entry.span, "")
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Severity;
    use crate::node;
    use crate::text::Sources;

    fn read(text: &str) -> (Option<Accept>, Vec<String>) {
        let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
        let id = sources.add("loom.yaml", text);
        let node = node::parse_one(&sources, id, &mut out).expect("YAML");
        let entry = Accept::read(&node, &mut out);
        (
            entry,
            out.iter().map(|found| found.message.clone()).collect(),
        )
    }

    fn finding(code: &str, address: Option<&str>, path: &str) -> Finding {
        Finding {
            path: path.to_owned(),
            line: Some(1),
            column: 1,
            code: code.to_owned(),
            severity: Severity::Error,
            message: String::new(),
            reason: String::new(),
            fix: String::new(),
            address: address.map(|it| Address::parse(it).expect("an address")),
            asked: None,
            accepted: None,
            scanner: None,
            literal: None,
            setting: None,
            standing: crate::check::Standing::Now,
            touch: None,
        }
    }

    #[test]
    fn what_only_a_scanner_found_is_accepted_and_no_exception_of_the_plan() {
        let accepted = [
            read("{ code: LOOM1203, address: kubernetes.manifest.a, reason: one }")
                .0
                .expect("good"),
        ];
        let mut findings = [finding("LOOM1203", Some("kubernetes.manifest.a"), "a.yml")];
        findings[0].scanner = Some("scanner".to_owned());
        assert!(accept(&accepted, &mut findings).exceptions.is_empty());
        assert_eq!(findings[0].accepted.as_deref(), Some("one"));
    }

    #[test]
    fn a_reason_is_needed() {
        let (entry, said) =
            read("{ code: LOOM1203, address: kubernetes.manifest.a, reason: \" \" }");
        assert!(entry.is_none());
        assert_eq!(said, ["a finding is accepted only with a reason"]);
    }

    fn entry_of_policy() -> Accept {
        read("{ code: main.deny_latest, reason: x, path: k8s/** }")
            .0
            .expect("good")
    }

    #[test]
    fn a_rule_that_is_not_there_and_a_place_that_is_none_are_errors() {
        assert_eq!(
            read("{ code: LOOM9999, address: file.a, reason: x }").1,
            ["there is no rule `LOOM9999`"]
        );
        let nowhere = ["this does not say where the finding is accepted"];
        assert_eq!(read("{ code: LOOM1203, reason: x }").1, nowhere);
        assert_eq!(
            read("{ code: LOOM1203, reason: x, address: file.a, path: a.yml }").1,
            nowhere
        );
        let which = ["this does not say which literal is accepted"];
        assert_eq!(read("{ code: LOOM0205, reason: x, path: a.yml }").1, which);
        assert_eq!(
            read("{ code: LOOM0205, reason: x, address: file.a, literal: x0123456789ab }").1,
            which
        );
        assert!(
            read("{ code: main.deny_latest, reason: x, path: k8s/** }")
                .0
                .is_some(),
            "a policy's rule has a dot"
        );
        let (entry, said) = read("{ code: DL3008, reason: x, path: Dockerfile }");
        let entry = entry.unwrap_or_else(|| panic!("a scanner has codes of its own: {said:?}"));
        assert!(entry.is_of_scanner(&["main".to_owned()]));
        assert!(!entry_of_policy().is_of_scanner(&["main".to_owned()]));
    }

    #[test]
    fn what_an_entry_names_is_accepted_and_nothing_else() {
        let accepted = [
            read("{ code: loom1203, address: kubernetes.manifest.a, reason: one }")
                .0
                .expect("good"),
            read("{ code: LOOM1203, path: \"legacy/*.yml\", reason: two }")
                .0
                .expect("good"),
            read("{ code: LOOM1201, path: \"legacy/*.yml\", reason: three }")
                .0
                .expect("good"),
        ];
        let mut findings = [
            finding(
                "LOOM1203",
                Some("kubernetes.manifest.a[staging]"),
                "k8s/staging/a.yml",
            ),
            finding("LOOM1203", Some("kubernetes.manifest.ab"), "k8s/ab.yml"),
            finding("LOOM1203", None, "legacy/b.yml"),
            finding("LOOM1203", None, "legacy/deep/b.yml"),
        ];
        let Accepted { unused, exceptions } = accept(&accepted, &mut findings);
        let reasons: Vec<Option<&str>> = findings.iter().map(|it| it.accepted.as_deref()).collect();
        assert_eq!(reasons, [Some("one"), None, Some("two"), None]);
        assert_eq!(unused.len(), 1);
        assert_eq!(unused[0].reason, "three");
        let exception = |address: Option<&str>, path: Option<&str>| Exception {
            code: "LOOM1203".to_owned(),
            address: address.map(str::to_owned),
            path: path.map(str::to_owned),
        };
        let wanted = [
            exception(None, Some("legacy/*.yml")),
            exception(Some("kubernetes.manifest.a"), None),
        ];
        assert_eq!(exceptions, wanted, "the code is the rule's own");
    }
}
