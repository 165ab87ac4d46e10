//! How long the reader of YAML and JSON takes, by the number of services in a loom.yaml.
//!
//! `cargo bench -p loom-plan`. The time of whole commands is measured by `cargo xtask bench`.

use divan::Bencher;
use divan::counter::BytesCount;
use loom_plan::diag::Diagnostics;
use loom_plan::node;
use loom_plan::text::Sources;

fn main() {
    divan::main();
}

/// A loom.yaml with some services, as a person would write them.
fn yaml(services: usize) -> String {
    let service = |index: usize| {
        format!(
            "  svc-{index:05}:\n    title: Service {index}\n    port: {}\n    replicas: {{ staging: 1, production: 3 }}\n    \
             environment:\n      LOG_LEVEL: {{ value: info, description: \"How much it says\" }}\n    labels:\n      deps: [a, b, c]\n",
            8000 + index % 1000
        )
    };
    let services: String = (0..services).map(service).collect();
    format!("loom: 1\nproject: bench\nservices:\n{services}")
}

/// The same as JSON, such as a board export.
fn json(services: usize) -> String {
    let mut sources = Sources::default();
    let id = sources.add("loom.yaml", yaml(services));
    let node =
        node::parse_one(&sources, id, &mut Diagnostics::default()).expect("the text above is YAML");
    node.to_json().to_string()
}

fn read(bencher: Bencher<'_, '_>, name: &str, text: &str) {
    bencher.counter(BytesCount::of_str(text)).bench(|| {
        let mut sources = Sources::default();
        let id = sources.add(name, text);
        let mut diagnostics = Diagnostics::default();
        let node = node::parse_one(&sources, id, &mut diagnostics);
        assert!(node.is_some() && diagnostics.is_empty());
        node
    });
}

#[divan::bench(args = [10, 100, 1_000])]
fn parse_yaml(bencher: Bencher<'_, '_>, services: usize) {
    read(bencher, "loom.yaml", &yaml(services));
}

#[divan::bench(args = [10, 100, 1_000])]
fn parse_json(bencher: Bencher<'_, '_>, services: usize) {
    read(bencher, "story.json", &json(services));
}
