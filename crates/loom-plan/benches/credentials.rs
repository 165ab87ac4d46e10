//! How long the search for credentials takes, over ordinary YAML and over texts of which each line
//! holds a literal that a rule begins with.
//!
//! `cargo bench -p loom-plan --bench credentials`.

use divan::Bencher;
use divan::counter::BytesCount;
use loom_plan::credential;

fn main() {
    divan::main();
}

/// Manifests and workflows, as a repository has them: four megabytes.
fn ordinary() -> String {
    let one = |index: usize| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api-{index}\n  labels: {{ app: api-{index}, team: shop }}\n\
             spec:\n  replicas: 3\n  template:\n    spec:\n      containers:\n        - name: api\n          image: ghcr.io/shop/api:1.4.{index}\n\
             \x20         env:\n            - name: LOG_LEVEL\n              value: info\n            - name: DATABASE_URL\n              valueFrom: \
             {{ secretKeyRef: {{ name: api, key: database-url }} }}\n          resources: {{ limits: {{ memory: 256Mi }} }}\n---\n"
        )
    };
    (0..8_000).map(one).collect()
}

/// Lines of which each has a word or a literal that is looked at.
fn suspicious() -> String {
    let one = |index: usize| {
        format!(
            "API_TOKEN_{index}: ${{{{ secrets.API_TOKEN }}}}\nurl: https://api.example.com/v{index}\nghp_short: eyJ\nkey: -u default\n"
        )
    };
    (0..20_000).map(one).collect()
}

fn look(bencher: Bencher<'_, '_>, text: &str) {
    assert!(credential::found(text).is_empty());
    bencher
        .counter(BytesCount::of_str(text))
        .bench(|| credential::found(divan::black_box(text)));
}

#[divan::bench]
fn ordinary_yaml(bencher: Bencher<'_, '_>) {
    look(bencher, &ordinary());
}

#[divan::bench]
fn every_line_suspicious(bencher: Bencher<'_, '_>) {
    look(bencher, &suspicious());
}
