//! The laws that every kind keeps, tested over the slices.

use loom_plan::diag::Diagnostics;
use loom_plan::node::{self, Node};
use loom_plan::provider::Provider;
use loom_plan::text::Sources;

use crate::artifacts::testing::artifact;
use crate::{BLUEPRINTS, PROVIDERS};

const PAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/kinds");

fn page(kind: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the pages are part of the source"
    )]
    std::fs::read_to_string(format!("{PAGES}/{kind}.md"))
        .unwrap_or_else(|error| panic!("docs/kinds/{kind}.md: {error}"))
}

/// All kinds but the one that the core declares itself.
fn declared_by_people() -> impl Iterator<Item = &'static dyn Provider> {
    PROVIDERS
        .iter()
        .copied()
        .filter(|provider| provider.spec().kind != "loom.repository")
}

/// The first entry of the page's example, without the shared keys.
fn example(kind: &str) -> String {
    let page = page(kind);
    let text = page
        .split("\n## Example\n")
        .nth(1)
        .and_then(|rest| rest.split("```").nth(1))
        .expect("an example");
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let id = sources.add(kind, text.trim_start_matches("yaml"));
    let node = node::parse_one(&sources, id, &mut diagnostics).expect("an example in YAML");
    let entry = node
        .get("artifacts")
        .and_then(|list| list.as_seq()?.first())
        .expect("`artifacts` with an entry");
    assert_eq!(entry.get("kind").and_then(Node::as_str), Some(kind));
    let mut settings = entry.as_map().expect("a mapping").clone();
    for shared in ["kind", "name", "path", "service", "each", "own"] {
        settings.remove(shared);
    }
    Node::map(entry.span, settings).to_json().to_string()
}

#[test]
fn kinds_are_sorted_and_unique() {
    let providers: Vec<_> = PROVIDERS
        .iter()
        .map(|provider| provider.spec().kind)
        .collect();
    let blueprints: Vec<_> = BLUEPRINTS
        .iter()
        .map(|blueprint| blueprint.spec().kind)
        .collect();
    for kinds in [&providers, &blueprints] {
        assert!(kinds.windows(2).all(|pair| pair[0] < pair[1]), "{kinds:?}");
    }
    assert!(providers.iter().all(|kind| !blueprints.contains(kind)));
}

#[test]
fn summaries_are_phrases_without_a_full_stop() {
    let providers = PROVIDERS
        .iter()
        .map(|provider| (provider.spec().kind, provider.spec().summary));
    for (kind, summary) in providers.chain(
        BLUEPRINTS
            .iter()
            .map(|blueprint| (blueprint.spec().kind, blueprint.spec().summary)),
    ) {
        assert!(
            !summary.is_empty() && !summary.ends_with('.'),
            "{kind}: {summary}"
        );
    }
}

#[test]
fn every_version_of_a_kind_says_in_a_sentence_what_it_changed() {
    for provider in PROVIDERS {
        let spec = provider.spec();
        let versions: Vec<u32> = spec.changelog.iter().map(|(version, _)| *version).collect();
        assert_eq!(
            versions,
            (1..=spec.version).collect::<Vec<_>>(),
            "{}",
            spec.kind
        );
        for (_, sentence) in spec.changelog {
            let begins = sentence.starts_with(|c: char| c.is_uppercase() || c == '`');
            assert!(
                begins && sentence.ends_with('.') && !sentence.contains('\n'),
                "{}: {sentence}",
                spec.kind
            );
        }
    }
}

#[test]
fn every_artifact_kind_has_a_page_with_everything_of_its_spec() {
    for provider in PROVIDERS {
        let spec = provider.spec();
        let page = page(spec.kind);
        assert!(
            page.starts_with(&format!("# {}\n", spec.kind)),
            "{}: the title",
            spec.kind
        );
        let settings = spec.settings.iter().map(|field| field.name);
        for name in settings.chain(spec.attributes.iter().map(|(name, _)| *name)) {
            assert!(
                page.contains(&format!("| `{name}` |")),
                "{}: the page must have a row for `{name}`",
                spec.kind
            );
        }
        for path in spec
            .default_path
            .split(", or ")
            .flat_map(|path| path.split(" and "))
        {
            assert!(
                page.contains(&format!("`{path}`")),
                "{}: the page must name the default path `{path}`",
                spec.kind
            );
        }
    }
}

#[test]
fn every_blueprint_has_a_page_with_every_setting() {
    for blueprint in BLUEPRINTS {
        let spec = blueprint.spec();
        let page = page(spec.kind);
        assert!(
            page.starts_with(&format!("# {}\n", spec.kind)),
            "{}: the title",
            spec.kind
        );
        for field in spec.settings {
            assert!(
                page.contains(&format!("`{}`", field.name)),
                "{}: the page must name `{}`",
                spec.kind,
                field.name
            );
        }
    }
}

#[test]
fn the_example_of_every_page_renders_to_the_same_bytes_twice() {
    for provider in declared_by_people() {
        let kind = provider.spec().kind;
        let artifact = artifact(provider, &example(kind));
        let places = provider.places(&artifact).expect("places");
        assert!(!places.is_empty(), "{kind}");
        for place in &places {
            let text = provider
                .render(&artifact, place)
                .unwrap_or_else(|found| panic!("{kind}: {found:?}"));
            assert_eq!(
                Ok(&text),
                provider.render(&artifact, place).as_ref(),
                "{kind}"
            );
            assert!(text.ends_with('\n') && !text.contains('\r'), "{kind}");
            assert!(
                text.lines().all(|line| !line.ends_with([' ', '\t'])),
                "{kind}: no trailing blanks"
            );
            assert_eq!(
                provider.explain(&text, &text),
                Vec::<String>::new(),
                "{kind}"
            );
            is_accepted(place.path.extension(), &text);
        }
    }
}

/// By a reader of the format other than the one that wrote it.
fn is_accepted(extension: Option<&str>, text: &str) {
    match extension {
        Some("yml" | "yaml") => {
            for document in serde_yaml::Deserializer::from_str(text) {
                let read: Result<serde_json::Value, _> = serde::Deserialize::deserialize(document);
                assert!(read.is_ok(), "{read:?}\n{text}");
            }
        }
        Some("tf" | "tfvars") => {
            let read: Result<hcl_edit::structure::Body, _> = text.parse();
            assert!(read.is_ok(), "{read:?}\n{text}");
        }
        _ => {}
    }
}

#[test]
fn one_of_several_has_a_path_of_its_own() {
    for provider in declared_by_people() {
        let mut one = artifact(provider, &example(provider.spec().kind));
        let alone = provider.places(&one).expect("places");
        let item = loom_plan::addr::Name::new("staging").expect("a name");
        one.address = loom_plan::addr::Address::new(
            provider.spec().kind,
            one.address.name().clone(),
            Some(item),
        );
        let places = provider.places(&one).expect("places");
        assert!(
            alone
                .iter()
                .zip(&places)
                .all(|(alone, one)| alone.path != one.path),
            "{}",
            provider.spec().kind
        );
    }
}
