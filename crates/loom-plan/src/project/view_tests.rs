use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::addr::RepoPath;
use crate::input::Memory;
use crate::text::Sources;

const LOOM: &str = "loom: 1
project: shop
environments:
  staging: { url: https://staging.example.com:8443/x }
  production: { url: https://example.com }
services:
  api:
    path: ./apps/api/
    port: { default: 80, staging: 8080 }
    autoscale: { max: { default: 2, production: 9 }, cpu: 65% }
    database: { class: { staging: small, production: large } }
    environment:
      KEY: { secret: { from: vault, key: a/b } }
      LEVEL: { value: { default: info, staging: debug } }
      PLAIN:
  worker: { expose: none }
";

fn with_project(looks: impl FnOnce(&Project)) {
    let path = |text| RepoPath::new(text).expect("a path");
    let include = "loom: 1\nservices: { web: { path: ., migrations: ../db/, expose: internal } }\n";
    let text = format!(
        "{LOOM}include: [apps/web/loom.yaml]\nstack: {{ runtime: node, backend: {{ database: mysql }} }}\n"
    );
    let input = Memory(
        [
            (path("loom.yaml"), Arc::from(text)),
            (path("apps/web/loom.yaml"), Arc::from(include)),
        ]
        .into(),
    );
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let project = crate::project::read::read(&input, &mut sources, &mut out);
    assert!(out.is_empty(), "{out:?}");
    looks(&project.expect("a project"));
}

fn service<'a>(project: &'a Project, reads: &'a Reads, name: &str) -> ServiceView<'a> {
    ServiceView {
        project,
        service: &project.services[&Name::new(name).expect("a name")],
        reads,
    }
}

fn environment<'a>(project: &'a Project, reads: &'a Reads, at: usize) -> EnvironmentView<'a> {
    EnvironmentView {
        environment: &project.environments[at],
        reads,
    }
}

#[test]
fn a_setting_holds_by_environment_by_default_or_for_all() {
    with_project(|project| {
        let reads = Reads::default();
        let (api, staging, production) = (
            service(project, &reads, "api"),
            environment(project, &reads, 0),
            environment(project, &reads, 1),
        );
        let port = |environment: &EnvironmentView<'_>| {
            api.setting_in(&["port"], environment.name())
                .and_then(Node::as_integer)
        };
        assert_eq!(
            (port(&staging), port(&production), api.port()),
            (Some(8080), Some(80), Some(80))
        );
        assert_eq!((api.replicas(&staging), api.replicas(&production)), (2, 3));
        assert_eq!(
            api.autoscale(&staging),
            Some(Autoscale {
                min: 2,
                max: 2,
                cpu: 65
            })
        );
        assert_eq!(
            api.autoscale(&production),
            Some(Autoscale {
                min: 3,
                max: 9,
                cpu: 65
            })
        );
        let database = api.database(staging.name()).expect("the stack has one");
        assert_eq!(
            (database.engine.as_str(), database.class.as_deref()),
            ("mysql", Some("small"))
        );
    });
}

#[test]
fn directories_are_seen_from_the_root() {
    with_project(|project| {
        let reads = Reads::default();
        let paths = ["api", "web", "worker"].map(|name| service(project, &reads, name).path());
        assert_eq!(paths, ["apps/api", "apps/web", "."]);
        assert_eq!(
            service(project, &reads, "web").migrations().as_deref(),
            Some("apps/db")
        );
    });
}

#[test]
fn the_only_public_service_takes_the_url_of_the_environment() {
    with_project(|project| {
        let reads = Reads::default();
        let staging = environment(project, &reads, 0);
        assert_eq!(
            service(project, &reads, "api").url(&staging).as_deref(),
            Some("https://staging.example.com:8443/x")
        );
        assert_eq!(service(project, &reads, "worker").url(&staging), None);
        assert_eq!(staging.host_name().as_deref(), Some("staging.example.com"));
    });
}

#[test]
fn variables_come_in_order_with_their_values_or_where_their_secrets_are() {
    with_project(|project| {
        let reads = Reads::default();
        let variables = service(project, &reads, "api").variables(&project.environment_names[0]);
        assert_eq!(
            variables
                .iter()
                .map(|variable| variable.name.as_str())
                .collect::<Vec<_>>(),
            ["KEY", "LEVEL", "PLAIN"]
        );
        assert_eq!(
            variables[0].secret,
            Some(Secret {
                from: Some("vault".to_owned()),
                key: Some("a/b".to_owned())
            })
        );
        assert_eq!(
            (variables[1].value.as_deref(), variables[2].value.as_deref()),
            (Some("debug"), None)
        );
    });
}

#[test]
fn what_was_read_is_remembered_with_its_environment_and_what_was_not_there_too() {
    with_project(|project| {
        let reads = Reads::default();
        let api = service(project, &reads, "api");
        let (staging, production) = (&project.environment_names[0], &project.environment_names[1]);
        api.setting_in(&["port"], staging);
        api.setting_in(&["port"], production);
        api.setting_in(&["image"], staging);
        let of_staging = reads.of(Some(staging));
        let of_staging: BTreeMap<&str, &Read> = of_staging
            .iter()
            .map(|(pointer, read)| (pointer.as_str(), read))
            .collect();
        let pointers: Vec<&str> = of_staging.keys().copied().collect();
        assert_eq!(
            pointers,
            ["services.api.image", "services.api.port.staging"]
        );
        assert_eq!(of_staging["services.api.image"].value, None);
        assert!(reads.of(None).contains("services.api.port.default"));
        assert_ne!(
            hash_of(None),
            of_staging["services.api.port.staging"].hash()
        );
    });
}

#[test]
fn a_host_is_what_stands_between_scheme_and_port() {
    for (url, host) in [
        ("https://a.b:1/c", "a.b"),
        ("a.b/c", "a.b"),
        ("http://a?x#y", "a"),
        ("", ""),
    ] {
        assert_eq!(host_of(url), host);
    }
}
