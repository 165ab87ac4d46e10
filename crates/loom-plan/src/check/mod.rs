//! The security checklist: what a file says that would not pass a careful review.
//!
//! In: a [`Document`], the data of a file of a known format. Out: a [`Hit`] for each place where a
//! [`Rule`] finds something, in the order of the places. [`accept`] says which findings the project
//! takes on, and [`policy`] runs the user's own policies.
//!
//! Invariants: a rule is a function of the document alone; each fires on its own bad sample and not
//! on its good one, and none on a file that loom's own fixtures expect (tests of `loom-providers`).
//!
//! Deliberately not here: how a text becomes a document (`loom-providers`), which files are looked
//! at, and how findings are shown.

pub mod accept;
pub mod asked;
pub mod bars;
pub mod changes;
pub mod policy;
mod rules;
pub mod sarif;

use crate::addr::{Address, ContentHash};
use crate::diag::Severity;
use crate::node::Node;
use crate::text::{Position, Span};

pub use rules::RULES;

/// A format of files that the rules know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// A workflow of GitHub Actions.
    Workflow,
    /// Objects of Kubernetes.
    Kubernetes,
    /// A Dockerfile: a list of instructions, each with `Cmd`, `Flags`, `Value` and `Stage`.
    Dockerfile,
    /// A Compose file.
    Compose,
    /// Terraform, as its JSON configuration syntax has it; expressions are `"${…}"`.
    Terraform,
    /// Data of any other meaning.
    Data,
}

impl Format {
    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Workflow => "GitHub Actions",
            Self::Kubernetes => "Kubernetes",
            Self::Dockerfile => "Dockerfile",
            Self::Compose => "Compose",
            Self::Terraform => "Terraform",
            Self::Data => "any file",
        }
    }

    /// Its name for programs, and the path of a file of it.
    pub fn word_and_sample_path(self) -> (&'static str, &'static str) {
        match self {
            Self::Workflow => ("github-workflow", ".github/workflows/sample.yml"),
            Self::Kubernetes => ("kubernetes", "k8s/sample.yml"),
            Self::Dockerfile => ("dockerfile", "Dockerfile"),
            Self::Compose => ("compose", "compose.yaml"),
            Self::Terraform => ("terraform", "main.tf"),
            Self::Data => ("data", "sample.yml"),
        }
    }
}

/// The data of a file.
#[derive(Clone, Debug)]
pub struct Document {
    /// What they are.
    pub format: Format,
    /// One for each document of the file.
    pub nodes: Vec<Node>,
}

/// One entry of the checklist.
#[derive(Debug)]
pub struct Rule {
    /// Such as `LOOM1203`: never used for anything else.
    pub code: &'static str,
    /// Whether it denies an apply.
    pub severity: Severity,
    /// The files that it is about.
    pub format: Format,
    /// The subject of the checklist.
    pub area: &'static str,
    /// What is wrong, as a clause without a subject's name.
    pub title: &'static str,
    /// Why that matters.
    pub reason: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// A file in which it finds something.
    pub bad: &'static str,
    /// The same, mended.
    pub good: &'static str,
    /// Finds it.
    look: fn(&Document, &mut Hits),
}

/// A place where a rule finds something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The rule's code.
    pub code: &'static str,
    /// The place.
    pub span: Span,
    /// What was found there: one sentence.
    pub message: String,
    /// What it is found in.
    pub evidence: Evidence,
}

/// What a rule finds something in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// In what stands at the place: where that is another text, it is another finding.
    Text,
    /// In what is missing there, whatever else is written at the place.
    Absence,
}

/// What a rule has found so far.
#[derive(Debug, Default)]
struct Hits(Vec<(Span, String, Evidence)>);

impl Hits {
    fn add(&mut self, span: Span, message: impl Into<String>) {
        self.0.push((span, message.into(), Evidence::Text));
    }

    /// Something is missing at a place.
    fn lacks(&mut self, span: Span, message: impl Into<String>) {
        self.0.push((span, message.into(), Evidence::Absence));
    }
}

/// What the checklist says of a document.
pub fn look(document: &Document) -> Vec<Hit> {
    let mut all = Vec::new();
    for rule in RULES.iter().filter(|rule| rule.format == document.format) {
        let mut hits = Hits::default();
        (rule.look)(document, &mut hits);
        all.extend(hits.0.into_iter().map(|(span, message, evidence)| Hit {
            code: rule.code,
            span,
            message,
            evidence,
        }));
    }
    all.sort_by(|one, other| {
        (one.span, one.code, &one.message).cmp(&(other.span, other.code, &other.message))
    });
    all.dedup();
    all
}

/// The rule of a code, in any case.
pub fn rule(code: &str) -> Option<&'static Rule> {
    RULES
        .iter()
        .copied()
        .find(|rule| rule.code.eq_ignore_ascii_case(code))
}

/// Something that a rule or a policy found in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, seen from the root.
    pub path: String,
    /// The line, from 1; `None` where the finding is about the file as a whole.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: usize,
    /// The rule's code, or the package and the name of a policy's rule: `main.deny`.
    pub code: String,
    /// Whether it denies an apply.
    pub severity: Severity,
    /// What was found, without anything that looks like a credential.
    pub message: String,
    /// Why that matters; of a policy, the file that says so.
    pub reason: String,
    /// What to do.
    pub fix: String,
    /// The artifact that writes the file.
    pub address: Option<Address>,
    /// Where that artifact is asked for.
    pub asked: Option<Position>,
    /// Why the project takes it on, where it does.
    pub accepted: Option<String>,
    /// The program that found it, where that was none of loom's own rules and policies.
    pub scanner: Option<String>,
    /// What stands for the literal, where that looks like a credential.
    pub literal: Option<String>,
    /// The setting that the line comes from, where that is known.
    pub setting: Option<Setting>,
    /// How it stands to what is planned.
    pub standing: Standing,
    /// What it is found in, where another text would make it another finding.
    pub touch: Option<ContentHash>,
}

/// A setting of the input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// Such as `services.api.port`.
    pub pointer: String,
    /// Where it stands.
    pub position: Position,
}

/// How a finding stands to what is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is about what is to be, or about what stays.
    Now,
    /// It is about a text that the plan replaces.
    OldText,
    /// It was there before, in a file that loom did not write, and nobody touched it.
    Before,
}

impl Finding {
    /// Whether it denies an apply.
    pub fn denies(&self) -> bool {
        self.severity == Severity::Error && self.accepted.is_none() && !self.is_old()
    }

    /// Whether it is of no concern to what is planned.
    pub fn is_old(&self) -> bool {
        match self.standing {
            Standing::Now => false,
            Standing::OldText | Standing::Before => true,
        }
    }

    /// Whether another finding, of a text that stood there before, is the same.
    pub fn is_as(&self, before: &Self) -> bool {
        (&self.code, &self.message, self.touch) == (&before.code, &before.message, before.touch)
    }

    /// The same without anything in its texts that looks like a credential.
    #[must_use]
    pub fn masked(mut self) -> Self {
        for text in [
            &mut self.message,
            &mut self.reason,
            &mut self.fix,
            &mut self.path,
        ] {
            if let std::borrow::Cow::Owned(masked) = crate::credential::masked(text) {
                *text = masked;
            }
        }
        self
    }
}
