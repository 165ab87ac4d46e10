//! What others bring: providers, which turn one artifact into bytes, and blueprints, which turn
//! an intent into artifacts.
//!
//! Invariants: a provider is a function of the artifact that it is given and of nothing else; the
//! core checks what comes back (`render`): UTF-8 by type, `\n` line ends, one newline at the end,
//! the same bytes twice (a law that is tested over every registered kind).
//!
//! Deliberately not here: which kinds there are. The binary brings a [`Registry`].

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::addr::{Address, Name, RepoPath};
use crate::diag::Diagnostic;
use crate::handoff::fact::Fact;
use crate::intent::context::Context;
use crate::keys::Formats;
use crate::node::Node;
use crate::shape::Field;

/// Whether a file may be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// An ordinary file: 0644.
    Plain,
    /// A program: 0755.
    Executable,
}

/// How a format writes a comment of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comment {
    /// `# …`
    Hash,
    /// `// …`
    Slashes,
    /// `-- …`
    Dashes,
    /// `<!-- … -->`
    Html,
    /// `/* … */`
    Stars,
    /// `; …`
    Semicolon,
}

/// Why loom does not change or remove an artifact as freely as others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Its file is all there is.
    Plain,
    /// Something outside the repository is left stranded when it goes: Terraform and its like.
    Stateful,
    /// Once applied somewhere it may never change: SQL migrations.
    Migration,
}

/// What there is to know of an artifact kind before one is declared.
#[derive(Debug)]
pub struct KindSpec {
    /// Such as `kubernetes.manifest`.
    pub kind: &'static str,
    /// Raised when the same settings come out as other bytes.
    pub version: u32,
    /// What each version changed, from the first one on: a sentence for whoever reviews the files.
    pub changelog: &'static [(u32, &'static str)],
    /// One line.
    pub summary: &'static str,
    /// Its settings, without the shared keys (`path`, `own`, …).
    pub settings: &'static [Field],
    /// What it publishes for references, beyond `path` and `name`: name and one line.
    pub attributes: &'static [(&'static str, &'static str)],
    /// Where it is written when nobody says, for people: `.github/workflows/NAME.yml`.
    pub default_path: &'static str,
    /// How freely it may change.
    pub nature: Nature,
}

/// One artifact as a provider sees it: references resolved, settings checked against the spec.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// What it is called.
    pub address: Address,
    /// `path`, where somebody said it.
    pub path: Option<RepoPath>,
    /// The service that it is about.
    pub service: Option<Name>,
    /// The settings, a mapping.
    pub settings: Node,
    /// The texts of the files that settings of the shape `InputFile` name, by setting.
    pub files: Vec<(&'static str, Arc<str>)>,
}

/// One output of an artifact: where it goes and how it is dressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Unique within the artifact; for a module the file's name, else the kind's last word.
    pub name: Arc<str>,
    /// Where it is written.
    pub path: RepoPath,
    /// Whether it may be run.
    pub mode: Mode,
    /// The comment that carries loom's header; `None` where there is to be no header.
    pub header: Option<Comment>,
}

/// Attributes that an artifact publishes for `${ref:…}`.
pub type Attributes = BTreeMap<String, Node>;

/// What a provider could not do, at the places of the settings that are to blame.
pub type Failure = Vec<Diagnostic>;

/// Something outside the repository that would be lost with a change of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lost {
    /// The component that it belongs to, in a blueprint's word: `database`.
    pub component: String,
    /// Its own name in the format: `aws_db_instance.this`.
    pub name: String,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of something that is lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It goes, and nothing comes in its place.
    Destroyed,
    /// A new one, empty, comes in its place, because this setting cannot be changed in place.
    Replaced(String),
}

/// The texts of files, by the directory that they are in.
pub trait Texts {
    /// The files of a directory; the root is `""`.
    fn folder(&self, folder: &str) -> Vec<(RepoPath, String)>;
}

/// A change of a file, with what stands around it before and after.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    /// Where the file stands.
    pub stands: &'a RepoPath,
    /// Where it will stand: another path where it moves.
    pub comes: &'a RepoPath,
    /// The files as they stand.
    pub before: &'a dyn Texts,
    /// The files as they will be.
    pub after: &'a dyn Texts,
}

/// Something outside the repository that was made from a text, and goes on when the text is gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Running {
    /// What it is: ``Deployment `api` ``.
    pub what: String,
    /// Where, as a clause after it: `` in the namespace `shop` ``; empty where that needs no word.
    pub place: String,
    /// The command that ends it, around what it is called there, so that one can end several.
    pub end: (String, String),
    /// What it is called there: `deployment/api`.
    pub target: String,
}

impl Running {
    /// The command that ends all of these, which are in one place.
    pub fn ended_by((before, after): &(String, String), targets: &[&str]) -> String {
        format!("{before} {}{after}", targets.join(" "))
    }
}

/// A file that is there and that loom did not write.
#[derive(Clone, Copy, Debug)]
pub struct Existing<'a> {
    /// Where.
    pub path: &'a RepoPath,
    /// What it holds.
    pub text: &'a str,
    /// Whether it may be run.
    pub mode: Mode,
}

/// A file as settings of a kind.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The settings, a mapping. Drafts of one kind and one `path` are put together.
    pub settings: Node,
    /// What `path` says, where that is not the file's own.
    pub path: Option<RepoPath>,
    /// How well the kind fits.
    pub fit: Fit,
    /// Whether rendering keeps the order of the file's parts.
    pub order: Order,
}

/// Whether the order of a format's parts says anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It does, as far as anybody knows.
    Told,
    /// It does not, as that of Terraform's blocks, and rendering may change it.
    Free,
}

/// How well a kind fits a file: the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// The kind is of the file's format, and reads its data.
    Format,
    /// The kind is of the file's format, and takes it as text.
    Text,
    /// The kind takes any text.
    Any,
}

/// One artifact kind.
pub trait Provider: Sync {
    /// What there is to know of the kind.
    fn spec(&self) -> &'static KindSpec;

    /// Where the artifact's outputs go. Cheap: called for every artifact of every run.
    ///
    /// # Errors
    /// Diagnostics, where a setting names a place that cannot be.
    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure>;

    /// What it publishes beyond `path` and `name`. Cheap, as `places`.
    fn attributes(&self, _artifact: &Artifact) -> Attributes {
        Attributes::new()
    }

    /// The text of one output, without loom's header.
    ///
    /// # Errors
    /// Diagnostics, where the settings cannot be written in the format.
    fn render(&self, artifact: &Artifact, place: &Place) -> Result<String, Failure>;

    /// The settings that would render a file, where it looks like one of this kind. What rendering
    /// them keeps of the file is looked at by [`crate::adopt`].
    fn read(&self, _file: &Existing<'_>) -> Option<Draft> {
        None
    }

    /// The settings that differ between two versions of an output, in the format's own terms:
    /// `spec.replicas: 2 → 3`. Empty where the format has no such terms or a text does not parse.
    fn explain(&self, _before: &str, _after: &str) -> Vec<String> {
        Vec::new()
    }

    /// Of a stateful kind: what is lost outside the repository when a file of it changes.
    fn lost(&self, _change: Change<'_>) -> Vec<Lost> {
        Vec::new()
    }

    /// What runs outside the repository because of a text. `beside` reads files of its directory.
    fn running(&self, _text: &str, _beside: &dyn Fn(&str) -> Option<String>) -> Vec<Running> {
        Vec::new()
    }

    /// What a reader of a handoff should know of an artifact, as its settings show it.
    fn facts(&self, _artifact: &Artifact) -> Vec<Fact> {
        Vec::new()
    }
}

impl KindSpec {
    /// What changed after one version, up to another.
    pub fn changes(&self, from: u32, to: u32) -> impl Iterator<Item = &'static str> {
        self.changelog
            .iter()
            .filter(move |(version, _)| (from + 1..=to).contains(version))
            .map(|(_, sentence)| *sentence)
    }
}

/// What a blueprint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A service, which it must name.
    Service,
    /// The whole project: it names no service.
    Project,
}

/// What there is to know of a blueprint before one is declared.
#[derive(Debug)]
pub struct BlueprintSpec {
    /// Such as `pipeline`.
    pub kind: &'static str,
    /// What it is about.
    pub subject: Subject,
    /// One line.
    pub summary: &'static str,
    /// Its settings, without the shared keys (`service`, `environments`, `with`, …).
    pub settings: &'static [Field],
    /// The parts that it may make, as addresses with NAME and ENV, for people.
    pub parts: &'static [&'static str],
}

/// One blueprint kind.
pub trait Blueprint: Sync {
    /// What there is to know of the kind.
    fn spec(&self) -> &'static BlueprintSpec;

    /// Makes the parts, by `cx.part(…)` and `cx.contribute(…)`. What is missing or cannot be
    /// served is said through `cx` too, all of it, rather than by stopping at the first.
    fn expand(&self, cx: &mut Context<'_>);
}

/// The kinds that a run knows.
#[derive(Clone, Copy)]
pub struct Registry<'a> {
    /// Sorted by kind.
    pub providers: &'a [&'static dyn Provider],
    /// Sorted by kind.
    pub blueprints: &'a [&'static dyn Blueprint],
    /// The formats whose keys can be owned.
    pub formats: Formats,
}

impl<'a> Registry<'a> {
    /// The provider of a kind.
    pub fn provider(&self, kind: &str) -> Option<&'static dyn Provider> {
        self.providers
            .iter()
            .copied()
            .find(|provider| provider.spec().kind == kind)
    }

    /// The blueprint of a kind.
    pub fn blueprint(&self, kind: &str) -> Option<&'static dyn Blueprint> {
        self.blueprints
            .iter()
            .copied()
            .find(|blueprint| blueprint.spec().kind == kind)
    }

    /// All kinds, artifacts first.
    pub fn kinds(self) -> impl Iterator<Item = &'static str> + 'a {
        let providers = self.providers.iter().map(|provider| provider.spec().kind);
        providers.chain(
            self.blueprints
                .iter()
                .map(|blueprint| blueprint.spec().kind),
        )
    }
}

impl std::fmt::Debug for Registry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.kinds()).finish()
    }
}

impl Artifact {
    /// The text of the file that a setting names.
    pub fn file(&self, setting: &str) -> Option<&str> {
        self.files
            .iter()
            .find(|(name, _)| *name == setting)
            .map(|(_, text)| text.as_ref())
    }

    /// The one place of a kind with a single output: `path`, or the kind's default.
    ///
    /// # Errors
    /// A diagnostic, where the default is not a path.
    pub fn single(
        &self,
        name: &str,
        default: &str,
        header: Option<Comment>,
    ) -> Result<Vec<Place>, Failure> {
        let path = match &self.path {
            Some(path) => path.clone(),
            None => RepoPath::new(default).map_err(|error| {
                vec![
                    Diagnostic::new(crate::diag::Code::BadValue, error.to_string())
                        .at(self.settings.span, ""),
                ]
            })?,
        };
        Ok(vec![Place {
            name: name.into(),
            path,
            mode: Mode::Plain,
            header,
        }])
    }
}
