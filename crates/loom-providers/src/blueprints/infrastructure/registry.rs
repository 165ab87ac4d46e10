//! The registry of a service's images: one for all environments, in production's account.

use loom_plan::diag::{Code, Diagnostic};
use loom_plan::intent::context::{Context, Part};
use serde_json::{Value as Json, json};

use super::add_to_root;
use super::environment::Environment;
use super::source::{self, text};
use crate::naming;

/// Calls the module in the root of the environment that keeps the images.
pub(super) fn contribute(cx: &mut Context<'_>, environment: &Environment<'_>) {
    if !is_home(cx, environment) {
        return;
    }
    let name = format!("{}-registry", cx.name());
    let mut call = json!({
        "source": source::of_module("../modules", &name),
        "repository_name": naming::repository_path(cx),
    });
    let home = naming::account(&environment.view);
    let mut others: Vec<String> = cx
        .all_environments()
        .filter_map(|other| naming::account(&other))
        .collect();
    others.retain(|account| Some(account) != home.as_ref());
    others.sort_unstable();
    others.dedup();
    if home.is_some() && !others.is_empty() {
        call["pull_account_ids"] = others.iter().map(|account| text(account)).collect::<Json>();
    }
    if let Some(role) = environment.view.text("role") {
        call["push_role"] = text(&role);
    }
    let identifier = name.replace('-', "_");
    let output = json!({
        "description": format!("Where the images of {} are kept.", cx.service().name()),
        "value": source::expression(&format!("module.{identifier}.repository_url")),
    });
    let files = json!({
        "main.tf": { "module": { &identifier: call } },
        "outputs.tf": { "output": { format!("{identifier}_url"): output } },
    });
    add_to_root(cx, environment, &files);
}

/// Makes the module, where an environment of the blueprint calls it.
pub(super) fn part(cx: &mut Context<'_>, environments: &[Environment<'_>]) {
    if environments
        .iter()
        .any(|environment| is_home(cx, environment))
    {
        let path = format!("infrastructure/terraform/modules/{}-registry", cx.name());
        cx.part(
            Part::new(
                "terraform.module",
                source::module(&["registry"], &json!({})),
            )
            .suffix("registry")
            .path(path),
        );
        return;
    }
    let listed = cx.setting("components").is_some()
        && environments
            .iter()
            .any(|environment| environment.wants("registry"));
    if let (true, Some(home)) = (listed, naming::registry_environment(cx)) {
        let message = format!(
            "the registry is made in `{}`, and this blueprint is not for that environment",
            home.name()
        );
        let found = Diagnostic::new(Code::BadValue, message).at(cx.span(), "needed here");
        cx.report(found.help(format!(
            "add `{}` to its environments, or take `registry` out of its components",
            home.name()
        )));
    }
}

/// Whether the images are kept in the account of an environment.
fn is_home(cx: &Context<'_>, environment: &Environment<'_>) -> bool {
    let home = naming::registry_environment(cx);
    environment.wants("registry") && home.is_some_and(|home| home.name() == environment.name())
}
