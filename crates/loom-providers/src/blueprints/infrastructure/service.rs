//! What belongs to one service: its database, load balancer, secrets and logs, and on ECS itself.

use loom_plan::addr::Name;
use loom_plan::diag::{Code, Diagnostic};
use loom_plan::intent::context::{Context, Part};
use loom_plan::node::Node;
use loom_plan::project::view::{DatabaseSettings, host_of};
use loom_plan::stack::Orchestration;
use serde_json::{Value as Json, json};

use super::environment::Environment;
use super::source::{self, merge, text};
use super::{Shared, add_to_root, ecs, secrets};
use crate::naming;

/// The components that make up the service's own module.
const OWN: &[&str] = &["database", "load-balancer", "secrets", "logs"];

/// Makes the module.
pub(super) fn part(cx: &mut Context<'_>, wanted: &[&str]) {
    if !OWN.iter().any(|component| wanted.contains(component)) {
        return;
    }
    let (in_cluster, on_ecs) = (
        cx.stack().orchestration() == Orchestration::Kubernetes,
        ecs::runs(cx, wanted),
    );
    let mut sources = vec!["service"];
    let mut locals = json!({});
    if wanted.contains(&"database") {
        let mysql = engine(cx).as_deref() == Some("mysql");
        sources.push("database");
        sources.push(if mysql {
            "database_mysql"
        } else {
            "database_postgresql"
        });
        sources.push(match (on_ecs, in_cluster) {
            (true, _) => "ecs_database",
            (false, true) => "database_from_cluster",
            (false, false) => "database_from_network",
        });
        locals["database_name"] = cx.service().name().identifier().into();
    }
    if wanted.contains(&"load-balancer") {
        sources.push("load_balancer");
        if !on_ecs {
            sources.push(if in_cluster {
                "load_balancer_to_cluster"
            } else {
                "load_balancer_to_network"
            });
        }
    }
    sources.extend(
        ["secrets", "logs"]
            .iter()
            .filter(|component| wanted.contains(component)),
    );
    if on_ecs {
        sources.extend(ecs::sources(cx, wanted));
    }
    let path = format!("infrastructure/terraform/modules/{}", cx.name());
    cx.part(Part::new("terraform.module", source::module(&sources, &locals)).path(path));
}

/// The engine, which is one for all environments because the module is.
fn engine(cx: &Context<'_>) -> Option<String> {
    let environments = cx.environments();
    environments
        .iter()
        .find_map(|environment| Some(cx.service().database(environment.name())?.engine))
}

/// Calls the module in the root of an environment.
pub(super) fn contribute(cx: &mut Context<'_>, names: &Shared, environment: &Environment<'_>) {
    if !OWN.iter().any(|component| environment.wants(component)) {
        return;
    }
    let mut call = json!({
        "source": source::of_module("../modules", cx.name()),
        "name": naming::service_name(cx, &environment.view, cx.name()),
        "stage": environment.stage(),
    });
    if environment.wants("database") || environment.wants("load-balancer") {
        call["vpc_id"] = environment.network_value(&names.network, "vpc_id");
        match environment
            .cluster_security_group(&names.cluster)
            .filter(|_| cx.stack().orchestration() == Orchestration::Kubernetes)
        {
            Some(group) => call["cluster_security_group_id"] = group,
            None if ecs::runs(cx, &environment.wanted) => {}
            None => {
                call["network_cidr_block"] =
                    environment.network_value(&names.network, "cidr_block");
            }
        }
    }
    if environment.wants("database") {
        merge(&mut call, &database(cx, names, environment));
    }
    if environment.wants("load-balancer") {
        merge(&mut call, &load_balancer(cx, names, environment));
    }
    if ecs::runs(cx, &environment.wanted) {
        merge(&mut call, &ecs::arguments(cx, names, environment));
    }
    if environment.wants("secrets") {
        call["secret_name"] = secrets::name(cx, &environment.view).into();
        if let Some(function) = environment
            .setting(cx, &["rotation"])
            .and_then(Node::as_str)
        {
            call["secret_rotation_lambda_arn"] = text(function);
        }
    }
    let identifier = cx.name().identifier();
    let output = json!({
        "description": format!("What is made for {}, for those who set up what uses it.", cx.name()),
        "value": source::expression(&format!("module.{identifier}")),
    });
    let files = json!({
        "main.tf": { "module": { &identifier: call } },
        "outputs.tf": { "output": { &identifier: output } },
    });
    add_to_root(cx, environment, &files);
}

/// Arguments of the database.
fn database(cx: &mut Context<'_>, names: &Shared, environment: &Environment<'_>) -> Json {
    let production = environment.view.is_production();
    let Some(settings) = cx.service().database(environment.name()) else {
        let pointer = format!("services.{}.database", cx.service().name());
        cx.missing(
            pointer,
            "the engine of the database that is asked for",
            "database: { engine: postgresql, version: 17 }",
        );
        return json!({});
    };
    check_database(cx, environment.name(), &settings);
    let mysql = settings.engine == "mysql";
    let default_class = if production {
        "db.t4g.medium"
    } else {
        "db.t4g.micro"
    };
    json!({
        "database_subnet_ids": environment.network_value(&names.network, "database_subnet_ids"),
        "database_version": text(settings.version.as_deref().unwrap_or(if mysql { "8.4" } else { "17" })),
        "database_class": text(settings.class.as_deref().unwrap_or(default_class)),
        "database_storage": settings.storage.unwrap_or(20),
        "database_backup_retention_days": settings.backup_retention.unwrap_or(if production { 30 } else { 7 }),
    })
}

/// What RDS does not take, said at its place.
fn check_database(cx: &mut Context<'_>, environment: &Name, settings: &DatabaseSettings) {
    let mut say = |key: &str, message: String, help: &str| {
        let found =
            Diagnostic::new(Code::BadValue, message).at(cx.service().span(&["database", key]), "");
        cx.report(found.help(help));
    };
    if let Some(storage) = settings.storage.filter(|storage| *storage < 20) {
        say(
            "storage",
            format!(
                "`storage`: RDS takes at least 20 GiB, and this is {storage} in `{environment}`"
            ),
            "write 20 or more",
        );
    }
    if settings.backup_retention == Some(0) {
        let message = format!(
            "`backupRetention`: 0 in `{environment}` would switch the backups of the database off"
        );
        say("backupRetention", message, "write 1 to 35 days");
    }
    if let Some(version) = settings
        .version
        .as_deref()
        .filter(|version| settings.engine == "mysql" && !version.contains('.'))
    {
        let message = format!(
            "`version`: MySQL has releases such as 8.4, and this is {version} in `{environment}`"
        );
        say(
            "version",
            message,
            "write \"8.4\", or \"8.4.5\" to stay at one minor version",
        );
    }
    if engine(cx).is_some_and(|engine| engine != settings.engine) {
        let message = format!(
            "the database is another engine in `{environment}` than elsewhere, and its module is one"
        );
        let found = Diagnostic::new(Code::NotSupported, message)
            .at(cx.service().span(&["database", "engine"]), "");
        cx.report(found.help("use one engine in all environments"));
    }
}

/// Arguments of the load balancer.
fn load_balancer(cx: &mut Context<'_>, names: &Shared, environment: &Environment<'_>) -> Json {
    let service = cx.service();
    let (port, url) = (service.port(), service.url(&environment.view));
    if port.is_none() {
        let pointer = format!("services.{}.port", service.name());
        cx.missing(
            pointer,
            "the port that the load balancer forwards to",
            "port: 3000",
        );
    }
    if url.is_none() {
        let example = format!("url: {{ {}: https://api.example.com }}", environment.name());
        let pointer = format!("services.{}.url.{}", service.name(), environment.name());
        cx.missing(
            pointer,
            "the host that the load balancer answers for",
            &example,
        );
    }
    let (Some(port), Some(url)) = (port, url) else {
        return json!({});
    };
    let host = host_of(&url);
    let mut arguments = json!({
        "load_balancer_subnet_ids": environment.network_value(&names.network, "public_subnet_ids"),
        "target_group_name": naming::target_group_name(cx, &environment.view),
        "host_name": text(host),
        "service_port": port,
        "health_path": text(&cx.service().health()),
    });
    let certificate = environment.view.text("certificate");
    let derived = || certificate.is_none().then(|| zone_of(host));
    if let Some(zone) = environment.view.text("domain").or_else(derived) {
        arguments["zone_name"] = text(&zone);
    }
    if let Some(certificate) = certificate {
        arguments["certificate_arn"] = text(&certificate);
    }
    if let Some(clients) = environment.texts(cx, &["clients"]) {
        arguments["client_cidr_blocks"] = clients;
    }
    arguments
}

/// The zone that holds a host, by the custom that it is the registered domain: the last two
/// labels, or three below a country's second level such as `co.uk`.
fn zone_of(host: &str) -> String {
    let labels: Vec<&str> = host.split('.').collect();
    let second_level = |label: &str| {
        matches!(
            label,
            "ac" | "co" | "com" | "edu" | "gov" | "net" | "or" | "org"
        )
    };
    let count = match labels.as_slice() {
        [.., second, country] if country.len() == 2 && second_level(second) => 3,
        _ => 2,
    };
    labels[labels.len().saturating_sub(count)..].join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_is_the_registered_domain() {
        for (host, zone) in [
            ("api.example.com", "example.com"),
            ("staging.api.example.com", "example.com"),
            ("example.com", "example.com"),
            ("api.example.co.uk", "example.co.uk"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(zone_of(host), zone);
        }
    }
}
