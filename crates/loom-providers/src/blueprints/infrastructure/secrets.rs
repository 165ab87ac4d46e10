//! Secrets: which ones the service reads, and whose they are. Never a value.

use loom_plan::intent::context::Context;
use loom_plan::project::view::EnvironmentView;

use crate::naming;

/// The manager that this blueprint makes secrets in.
pub(super) const MANAGER: &str = "aws-secrets-manager";

/// The variables whose secrets are properties of the service's own secret.
pub(super) fn own(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> Vec<String> {
    kept(cx, environment)
        .into_iter()
        .filter(|(_, key)| key.is_none())
        .map(|(variable, _)| variable)
        .collect()
}

/// Names of all secrets that the services of an environment read: the project's own by their
/// prefix, and those that this service names by a key of its own.
pub(super) fn readable(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> Vec<String> {
    let mut names = vec![format!("{}/{}/*", cx.project_name(), environment.name())];
    for key in kept(cx, environment).into_iter().filter_map(|(_, key)| key) {
        let name = key
            .split_once('#')
            .map_or(key.as_str(), |(name, _)| name)
            .to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The name of the service's own secret.
pub(super) fn name(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> String {
    naming::secret_key(cx, environment)
}

/// The variables that are kept in the manager, each with the key that somebody gave it.
fn kept(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> Vec<(String, Option<String>)> {
    let variables = cx.service().variables(environment.name()).into_iter();
    variables
        .filter_map(|variable| {
            let secret = variable.secret?;
            let here = secret
                .from
                .as_deref()
                .is_none_or(|manager| manager == MANAGER);
            here.then_some((variable.name, secret.key))
        })
        .collect()
}
