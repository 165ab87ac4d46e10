//! Compiling: from what is asked for to declarations.
//!
//! In: project, stories and the kinds. Out: [`Declaration`]s, one for each artifact, blueprints
//! expanded and `${env:…}`, `${service:…}` replaced; `${ref:…}` is left to the graph. Each
//! declaration knows who asked for it and what was read to make it.
//!
//! One pass: [`gather`] what is asked for, [`expand`] the blueprints, make the items of [`each`].

pub mod context;
pub mod each;
pub mod expand;
pub mod gather;
pub mod merge;
mod refactoring;
pub mod reference;

use std::sync::Arc;

use crate::addr::{Address, Name};
use crate::diag::Diagnostics;
use crate::node::{Map, Node};
use crate::project::view::ReadOf;
use crate::project::{OnDrift, Own, Project};
use crate::provider::{Provider, Registry};
use crate::shape::World;
use crate::story::Story;
use crate::text::{SourceId, Span};
use gather::Origin;

/// The kind of the files that loom keeps in every repository.
pub const REPOSITORY_KIND: &str = "loom.repository";

/// An artifact as compiled.
#[derive(Clone)]
pub struct Declaration {
    /// What it is called.
    pub address: Address,
    /// Its kind.
    pub provider: &'static dyn Provider,
    /// The settings, references still in them.
    pub settings: Node,
    /// Where it is written, where somebody said so; references still in it.
    pub path: Option<Node>,
    /// The service that it is about.
    pub service: Option<Name>,
    /// How much of its files is loom's.
    pub own: Own,
    /// What happens to edits, where somebody said so.
    pub on_drift: Option<OnDrift>,
    /// Whether it is never deleted.
    pub retain: bool,
    /// What a person asked for: the blueprint that made it, or itself.
    pub intent: Address,
    /// Who asked.
    pub origins: Arc<Vec<Origin>>,
    /// What comes first, beyond what references say.
    pub depends_on: Vec<(Address, Span)>,
    /// What was read to make it, by pointer.
    pub reads: Arc<ReadOf>,
}

impl std::fmt::Debug for Declaration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Declaration")
            .field("address", &self.address)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Declaration {
    /// The story codes that ask for it, sorted; empty for standing declarations alone.
    pub fn stories(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = self
            .origins
            .iter()
            .filter_map(|origin| Some(origin.task.as_ref()?.story.as_str()))
            .collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// The tasks that it waits for: empty as soon as one of its origins waits for none.
    pub fn waiting(&self) -> &[String] {
        self.origins
            .iter()
            .map(|origin| origin.waiting.as_slice())
            .min_by_key(|waiting| waiting.len())
            .unwrap_or_default()
    }
}

/// Compiles everything that is asked for. Declarations come out by address.
pub fn compile(
    project: &Project,
    stories: &[Story],
    registry: Registry<'_>,
    world: World<'_>,
    out: &mut Diagnostics,
) -> Vec<Declaration> {
    let gathered = gather::gather(project, stories, registry, world, out);
    let (blueprints, artifacts): (Vec<_>, Vec<_>) = gathered
        .into_iter()
        .partition(|it| registry.blueprint(&it.entry.kind).is_some());
    let mut declarations = expand::expand(project, &blueprints, registry, out);
    for artifact in &artifacts {
        if let Some(provider) = registry.provider(&artifact.entry.kind) {
            declarations.extend(each::declare(project, artifact, provider, registry, out));
        }
    }
    declarations.extend(
        registry
            .provider(REPOSITORY_KIND)
            .map(|provider| repository(project, provider)),
    );
    declarations.sort_by(|one, other| one.address.cmp(&other.address));
    report_twins(&declarations, out);
    refactoring::check(project, &declarations, out);
    declarations.dedup_by(|one, other| one.address == other.address);
    declarations.shrink_to_fit();
    declarations
}

/// The artifact that loom keeps in every repository.
fn repository(project: &Project, provider: &'static dyn Provider) -> Declaration {
    let name = Name::new("loom").expect("`loom` is a name");
    let address = Address::new(REPOSITORY_KIND, name, None);
    Declaration {
        intent: address.clone(),
        address,
        provider,
        settings: Node::map(Span::start_of(SourceId::first()), Map::default()),
        path: None,
        service: None,
        own: Own::File,
        on_drift: Some(project.on_drift),
        retain: false,
        origins: Arc::default(),
        depends_on: Vec::new(),
        reads: Arc::default(),
    }
}

/// Two declarations of one address that came by different ways, such as a blueprint's part and an
/// artifact of the same name.
fn report_twins(declarations: &[Declaration], out: &mut Diagnostics) {
    use crate::diag::{Code, Diagnostic};
    for pair in declarations
        .windows(2)
        .filter(|pair| pair[0].address == pair[1].address)
    {
        let message = format!(
            "`{}` is made by `{}` and by `{}`",
            pair[0].address, pair[0].intent, pair[1].intent
        );
        let mut found = Diagnostic::new(Code::DeclaredTwice, message);
        for declaration in pair {
            found = found.at(declaration.settings.span, "from here");
        }
        out.push(found.help("give one of them another `name`"));
    }
}
