//! Secrets: by reference only.
//!
//! A manager's secret becomes an `ExternalSecret` of the External Secrets Operator, which keeps a
//! Secret of the cluster equal to it. It looks for a `ClusterSecretStore` that is called like the
//! manager. `existing` names a Secret that somebody else keeps. `ci` is refused where it is read:
//! nothing brings a secret of the CI into the cluster.

use std::collections::BTreeMap;

use loom_plan::intent::context::Context;
use loom_plan::project::view::{EnvironmentView, Secret};
use loom_plan::stack::Hosting;
use serde_json::{Value as Json, json};

use super::model::{Facts, Source};
use crate::naming;

/// Where the value of a variable is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::blueprints) struct Keeping {
    /// The manager's word, such as `aws-secrets-manager`, `existing` or `ci`.
    pub(in crate::blueprints) manager: String,
    /// The Secret of the cluster; of the CI for `ci`.
    pub(in crate::blueprints) secret: String,
    /// The key in it.
    pub(in crate::blueprints) key: String,
    /// The key in the manager, and the property of its value where that is a JSON object; `None`
    /// where the Secret is all there is.
    pub(in crate::blueprints) remote: Option<(String, Option<String>)>,
}

impl Keeping {
    /// Where a variable's secret is kept in an environment.
    pub(in crate::blueprints) fn of(
        cx: &Context<'_>,
        environment: &EnvironmentView<'_>,
        variable: &str,
        secret: &Secret,
    ) -> Self {
        let service = cx.service().name();
        let own = manager_of(cx.stack().hosting());
        let manager = secret.from.clone().unwrap_or_else(|| own.to_owned());
        match manager.as_str() {
            "existing" => {
                let said = secret.key.as_deref().unwrap_or(variable);
                let (name, key) = said.split_once('/').unwrap_or((service.as_str(), said));
                Self {
                    manager,
                    secret: name.to_owned(),
                    key: key.to_owned(),
                    remote: None,
                }
            }
            "ci" => {
                let name = secret.key.as_deref().unwrap_or(variable);
                Self {
                    manager,
                    secret: name.to_owned(),
                    key: variable.to_owned(),
                    remote: None,
                }
            }
            _ => {
                let name = if manager == own {
                    format!("{service}-secrets")
                } else {
                    format!("{service}-{manager}")
                };
                let remote = remote(
                    &manager,
                    secret.key.as_deref(),
                    &naming::secret_key(cx, environment),
                    variable,
                );
                Self {
                    manager,
                    secret: name,
                    key: variable.to_owned(),
                    remote: Some(remote),
                }
            }
        }
    }
}

/// The key in a manager: what is said, `KEY` or `KEY#PROPERTY`, else the property of the
/// service's own secret that is called like the variable.
fn remote(
    manager: &str,
    said: Option<&str>,
    own: &str,
    variable: &str,
) -> (String, Option<String>) {
    match said {
        Some(said) => match said.split_once('#') {
            Some((key, property)) => (key.to_owned(), Some(property.to_owned())),
            None => (said.to_owned(), None),
        },
        // neither takes a slash in a name
        None if matches!(manager, "gcp-secret-manager" | "azure-key-vault") => {
            (own.replace('/', "-"), Some(variable.to_owned()))
        }
        None => (own.to_owned(), Some(variable.to_owned())),
    }
}

/// The manager of a hosting; without one a Secret of the cluster that somebody keeps.
pub(in crate::blueprints) fn manager_of(hosting: Hosting) -> &'static str {
    match hosting {
        Hosting::Aws => "aws-secrets-manager",
        Hosting::Gcp => "gcp-secret-manager",
        Hosting::Azure => "azure-key-vault",
        Hosting::Vercel | Hosting::Railway | Hosting::Fly | Hosting::SelfHosted | Hosting::None => {
            "existing"
        }
    }
}

/// One `ExternalSecret` for each manager that the variables use.
pub(super) fn external_secrets(facts: &Facts) -> Vec<Json> {
    let mut managers: BTreeMap<&str, (&str, Vec<Json>)> = BTreeMap::new();
    for (_, source) in &facts.variables {
        if let Source::Secret(Keeping {
            manager,
            secret,
            key,
            remote: Some((remote_key, property)),
        }) = source
        {
            let mut remote = json!({ "key": remote_key });
            if let Some(property) = property {
                remote["property"] = property.as_str().into();
            }
            let entry = managers
                .entry(manager)
                .or_insert_with(|| (secret, Vec::new()));
            entry
                .1
                .push(json!({ "secretKey": key, "remoteRef": remote }));
        }
    }
    let object = |(manager, (secret, data)): (&str, (&str, Vec<Json>))| {
        json!({
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "metadata": facts.metadata(secret, None),
            "spec": {
                "refreshInterval": "1h",
                "secretStoreRef": { "kind": "ClusterSecretStore", "name": manager },
                "target": { "name": secret, "creationPolicy": "Owner" },
                "data": data,
            },
        })
    };
    managers.into_iter().map(object).collect()
}
