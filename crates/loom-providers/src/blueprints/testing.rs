//! A whole project in memory, for the tests of blueprints: input texts in, file texts out.

use std::collections::BTreeMap;

use loom_plan::addr::RepoPath;
use loom_plan::diag::{Diagnostic, Diagnostics, Severity};
use loom_plan::graph::{self, link};
use loom_plan::input::Memory;
use loom_plan::intent;
use loom_plan::project::read;
use loom_plan::provider::Registry;
use loom_plan::render;
use loom_plan::shape::World;
use loom_plan::text::Sources;

use crate::{BLUEPRINTS, FORMATS, PROVIDERS};

/// The files that a loom.yaml makes, by path and with their headers, or the messages of the errors
/// with their help.
pub(crate) fn files(loom_yaml: &str) -> Result<BTreeMap<String, String>, Vec<String>> {
    let path = RepoPath::new("loom.yaml").expect("a path");
    let input = Memory([(path, loom_yaml.into())].into());
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let project = read::read(&input, &mut sources, &mut found).ok_or_else(|| messages(&found))?;
    let environments: Vec<_> = project
        .environments
        .iter()
        .map(|environment| environment.name.clone())
        .collect();
    let registry = Registry {
        providers: PROVIDERS,
        blueprints: BLUEPRINTS,
        formats: FORMATS,
    };
    let world = World {
        sources: &sources,
        environments: &environments,
    };
    let declarations = intent::compile(&project, &[], registry, world, &mut found);
    let ordered =
        graph::order(declarations, registry, &mut found).ok_or_else(|| messages(&found))?;
    let linked = link::link(&ordered, registry, &link::Files::new(), world, &mut found);
    let desired = render::render(
        ordered,
        linked,
        FORMATS,
        (&[], &|_, _, _| false),
        &mut found,
    );
    if found.has_errors() {
        return Err(messages(&found));
    }
    let texts = desired.outputs.iter().map(|output| {
        (
            output.place.path.to_string(),
            desired.dressed(output).expect("it renders"),
        )
    });
    Ok(texts.collect())
}

/// What each declaration of a loom.yaml waits for, by address.
pub(crate) fn dependencies(loom_yaml: &str) -> BTreeMap<String, Vec<String>> {
    let path = RepoPath::new("loom.yaml").expect("a path");
    let input = Memory([(path, loom_yaml.into())].into());
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let project = read::read(&input, &mut sources, &mut found).expect("a project");
    let environments: Vec<_> = project
        .environments
        .iter()
        .map(|environment| environment.name.clone())
        .collect();
    let registry = Registry {
        providers: PROVIDERS,
        blueprints: BLUEPRINTS,
        formats: FORMATS,
    };
    let world = World {
        sources: &sources,
        environments: &environments,
    };
    let declarations = intent::compile(&project, &[], registry, world, &mut found);
    let ordered = graph::order(declarations, registry, &mut found).expect("an order");
    let address = |index: usize| ordered.declarations[index].address.to_string();
    let before = |index: usize| {
        ordered
            .dependencies(index)
            .map(|(before, _)| address(before))
            .collect()
    };
    (0..ordered.declarations.len())
        .map(|index| (address(index), before(index)))
        .collect()
}

fn messages(found: &Diagnostics) -> Vec<String> {
    let errors = found
        .iter()
        .filter(|diagnostic| diagnostic.severity() == Severity::Error);
    errors
        .map(|Diagnostic { message, help, .. }| {
            format!("{message} | {}", help.as_deref().unwrap_or_default())
        })
        .collect()
}
