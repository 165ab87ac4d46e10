//! The Terraform state of an environment, and the bucket that keeps it.

use loom_plan::intent::context::Context;
use serde_json::json;

use super::environment::Environment;
use super::source::{self, merge, text};
use super::{Shared, add_to_root, module_path, share};
use crate::naming;

/// Adds the backend to the environment's root and, where the component is wanted, the root that
/// makes the bucket before it.
pub(super) fn contribute(cx: &mut Context<'_>, names: &Shared, environment: &Environment<'_>) {
    let bucket = bucket(cx, environment);
    let mut backend = json!({
        "bucket": text(&bucket),
        "key": format!("{}/terraform.tfstate", names.project),
        "region": text(&environment.region),
        "encrypt": true,
        "use_lockfile": true,
    });
    if let Some(account) = naming::account(&environment.view) {
        backend["allowed_account_ids"] = json!([text(&account)]);
    }
    let mut root = environment.provider(cx);
    root["backend.tf"] = json!({ "terraform": { "backend": { "s3": backend } } });
    add_to_root(cx, environment, &root);

    let given =
        environment.view.text("stateBucket").is_some() && cx.setting("components").is_none();
    if environment.wants("state") && !given {
        share(
            cx,
            &names.state,
            None,
            module_path(&names.state),
            source::module(&["state"], &json!({})),
        );
        bootstrap(cx, names, environment, &bucket);
    }
}

/// The bucket of an environment: its `stateBucket`, else one that is called after the project.
fn bucket(cx: &Context<'_>, environment: &Environment<'_>) -> String {
    environment.view.text("stateBucket").unwrap_or_else(|| {
        let name = format!(
            "{}-{}-terraform-state",
            cx.project_name(),
            environment.name()
        );
        let account = naming::account(&environment.view)
            .map_or_else(String::new, |account| format!("-{account}"));
        naming::shortened(&format!("{name}{account}"), 58)
    })
}

/// The root that makes the bucket: applied once, by hand, with a state of its own beside it.
fn bootstrap(cx: &mut Context<'_>, names: &Shared, environment: &Environment<'_>, bucket: &str) {
    let identifier = names.state.identifier();
    let mut files = environment.provider(cx);
    merge(
        &mut files,
        &json!({
            "main.tf": { "module": { &identifier: {
                "source": source::of_module("../../modules", &names.state),
                "bucket_name": text(bucket),
            } } },
            "backend.tf": { "terraform": { "backend": { "local": { "path": "terraform.tfstate" } } } },
            "outputs.tf": { "output": { "bucket_name": {
                "description": "Bucket of the Terraform state.",
                "value": source::expression(&format!("module.{identifier}.bucket_name")),
            } } },
        }),
    );
    let path = format!("infrastructure/terraform/bootstrap/{}", environment.name());
    share(
        cx,
        &names.bootstrap,
        Some(environment.name()),
        path,
        json!({ "files": files }),
    );
}
