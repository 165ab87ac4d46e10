//! The job that deploys to Amazon ECS: one more revision of the task definition, and the service
//! told to run it. How it takes over, rolling or blue-green, is said by the service itself, and so
//! is the circuit breaker that takes back what does not get well.
//!
//! The revision begins as the newest of its family, so that variables and sizes that Terraform
//! changed meanwhile come along; only the image is another. Programs: the AWS client and `jq`.
//!
//! Each script reads environment variables and files in `$RUNNER_TEMP`; none holds a text of a
//! person. They run under `bash -eo pipefail`.

use serde_json::{Value as Json, json};

use super::super::model::{Role, Stage};
use super::deploy::{BROKEN, probe_public};

/// The steps.
pub(super) fn steps(role: &Role, stage: &Stage) -> Vec<Json> {
    let new = json!({ "REVISION": "${{ steps.new.outputs.revision }}" });
    let mut steps = vec![
        super::image::take_role(role),
        json!({ "name": "Remember the live revision", "id": "live", "run": READ_LIVE }),
        json!({ "name": "Register the new revision", "id": "new", "run": REGISTER }),
    ];
    if let Some(command) = &stage.migrate {
        let env = json!({ "MIGRATE": command, "REVISION": new["REVISION"] });
        steps.push(json!({ "name": "Migrate the database", "env": env, "run": MIGRATE }));
    }
    steps.push(json!({ "name": "Deploy", "env": new, "run": UPDATE }));
    steps.push(json!({ "name": "Wait for the new revision", "env": new, "run": WAIT }));
    steps.extend(probe_public(stage));
    steps.push(json!({
        "name": "Go back to the live revision",
        "if": BROKEN,
        "env": { "REVISION": "${{ steps.live.outputs.revision }}" },
        "run": UNDO,
    }));
    steps.push(json!({ "name": "Show what ECS says", "if": BROKEN, "run": EVENTS }));
    steps
}

/// The service as it is, and the revision that it runs; empty where none of its versions ran yet.
const READ_LIVE: &str = r#"aws ecs describe-services --cluster "$CLUSTER" --services "$SERVICE" --output json |
  jq '.services[] | select(.status == "ACTIVE")' > "$RUNNER_TEMP/service.json"
if [ ! -s "$RUNNER_TEMP/service.json" ]; then
  echo "::error::The cluster $CLUSTER has no service $SERVICE: apply its infrastructure first."
  exit 1
fi
revision=$(jq --raw-output '.taskDefinition' "$RUNNER_TEMP/service.json")
image=$(aws ecs describe-task-definition --task-definition "$revision" --output json |
  jq --raw-output '.taskDefinition.containerDefinitions[] | select(.name == $ENV.SERVICE) | .image')
case "$image" in
  *:set-by-pipeline) revision= ;;
esac
echo "Live: ${revision:-none}."
echo "revision=$revision" >> "$GITHUB_OUTPUT"
"#;

/// Registers the newest revision of the family again, with the image by digest.
const REGISTER: &str = r#"family=$(jq --raw-output '.taskDefinition | sub(".*/"; "") | sub(":[0-9]+$"; "")' "$RUNNER_TEMP/service.json")
aws ecs describe-task-definition --task-definition "$family" --include TAGS --output json | jq '
  ((.tags // []) | map(select(.key | startswith("aws:") | not))) as $tags
  | .taskDefinition
  | .containerDefinitions |= map(if .name == $ENV.SERVICE then .image = $ENV.IMAGE else . end)
  | del(.taskDefinitionArn, .revision, .status, .requiresAttributes, .compatibilities)
  | del(.registeredAt, .registeredBy, .deregisteredAt)
  | if $tags == [] then . else .tags = $tags end
' > "$RUNNER_TEMP/revision.json"
revision=$(aws ecs register-task-definition --cli-input-json "file://$RUNNER_TEMP/revision.json" \
  --query taskDefinition.taskDefinitionArn --output text)
echo "New: $revision."
echo "revision=$revision" >> "$GITHUB_OUTPUT"
"#;

/// Runs the migration as a task of the new revision, in the service's own network.
const MIGRATE: &str = r#"jq '.networkConfiguration' "$RUNNER_TEMP/service.json" > "$RUNNER_TEMP/network.json"
jq --null-input '{ containerOverrides: [{ name: $ENV.SERVICE, command: ["/bin/sh", "-c", $ENV.MIGRATE] }] }' \
  > "$RUNNER_TEMP/overrides.json"
aws ecs run-task --cluster "$CLUSTER" --task-definition "$REVISION" --launch-type FARGATE \
  --network-configuration "file://$RUNNER_TEMP/network.json" --overrides "file://$RUNNER_TEMP/overrides.json" \
  --output json > "$RUNNER_TEMP/started.json"
if ! task=$(jq --exit-status --raw-output '.tasks[0].taskArn' "$RUNNER_TEMP/started.json"); then
  echo "::error::The migration could not be started: $(jq --compact-output '.failures' "$RUNNER_TEMP/started.json")"
  exit 1
fi
aws ecs wait tasks-stopped --cluster "$CLUSTER" --tasks "$task" ||
  aws ecs wait tasks-stopped --cluster "$CLUSTER" --tasks "$task"
aws ecs describe-tasks --cluster "$CLUSTER" --tasks "$task" --output json > "$RUNNER_TEMP/stopped.json"
if ! jq --exit-status '.tasks[0].containers[] | select(.name == $ENV.SERVICE) | .exitCode == 0' "$RUNNER_TEMP/stopped.json" > /dev/null; then
  jq '.tasks[0] | { stoppedReason, containers: [.containers[] | { name, exitCode, reason }] }' "$RUNNER_TEMP/stopped.json"
  echo "::error::The migration failed; nothing was deployed. Its log is in the log group of the service, in the stream of ${task##*/}."
  exit 1
fi
"#;

/// Tells the service to run the new revision.
const UPDATE: &str = r#"aws ecs update-service --cluster "$CLUSTER" --service "$SERVICE" --task-definition "$REVISION" \
  --query service.taskDefinition --output text
"#;

/// Waits until the service is at rest, and sees that it rests on the new revision: the circuit
/// breaker may have gone back to the one before.
const WAIT: &str = r#"aws ecs wait services-stable --cluster "$CLUSTER" --services "$SERVICE" ||
  aws ecs wait services-stable --cluster "$CLUSTER" --services "$SERVICE"
for _ in $(seq 60); do
  state=$(aws ecs describe-services --cluster "$CLUSTER" --services "$SERVICE" --output json |
    jq --raw-output '.services[0].deployments[] | select(.status == "PRIMARY") | "\(.taskDefinition) \(.rolloutState)"')
  case "$state" in
    "$REVISION COMPLETED") exit 0 ;;
    "$REVISION IN_PROGRESS") sleep 10 ;;
    *) break ;;
  esac
done
echo "::error::The new revision did not get well. ECS runs: $state."
exit 1
"#;

/// Back to the revision that was live. Does nothing where it still is, or is again.
const UNDO: &str = r#"if [ -z "$REVISION" ]; then
  echo "This was the first deployment: there is no earlier revision to go back to."
  exit 0
fi
aws ecs update-service --cluster "$CLUSTER" --service "$SERVICE" --task-definition "$REVISION" \
  --query service.taskDefinition --output text
aws ecs wait services-stable --cluster "$CLUSTER" --services "$SERVICE" ||
  aws ecs wait services-stable --cluster "$CLUSTER" --services "$SERVICE"
"#;

/// The newest events of the service.
const EVENTS: &str = r#"aws ecs describe-services --cluster "$CLUSTER" --services "$SERVICE" --output json |
  jq --raw-output '.services[0].events[:10][] | "\(.createdAt) \(.message)"'
"#;

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::READ_LIVE;
    use crate::blueprints::testing::files;
    use crate::naming;

    const PROJECT: &str = "loom: 1
project: shop
stack: { runtime: node, infrastructure: { hosting: aws, ci: github-actions, orchestration: ecs } }
environments:
  production: { url: 'https://example.com', region: eu-west-1 }
services:
  orders: { path: services/orders, port: 8080, commands: { migrate: npm run migrate } }
artifacts:
  - { kind: pipeline, service: orders PIPELINE }
";

    fn job(settings: &str) -> Json {
        let files = files(&PROJECT.replace("PIPELINE", settings))
            .unwrap_or_else(|messages| panic!("{messages:#?}"));
        let workflow: Json =
            serde_yaml::from_str(&files[".github/workflows/deploy-orders.yml"]).expect("YAML");
        workflow["jobs"]["deploy-production"].clone()
    }

    fn names(job: &Json) -> Vec<&str> {
        job["steps"]
            .as_array()
            .expect("steps")
            .iter()
            .filter_map(|step| step["name"].as_str())
            .collect()
    }

    #[test]
    fn a_deployment_is_one_more_revision_that_the_service_is_told_to_run() {
        let job = job("");
        let order = [
            "Take on the role",
            "Remember the live revision",
            "Register the new revision",
            "Deploy",
            "Wait for the new revision",
            "Check the public address",
            "Go back to the live revision",
            "Show what ECS says",
        ];
        assert_eq!(names(&job), order);
        assert_eq!(
            job["env"]["CLUSTER"], "${{ vars.ECS_CLUSTER }}",
            "nothing here makes the cluster"
        );
        assert_eq!(
            job["permissions"],
            serde_json::json!({ "id-token": "write" })
        );
        let text = job.to_string();
        assert!(
            !text.contains("kubectl") && !text.contains("checkout"),
            "{text}"
        );
        for step in job["steps"].as_array().expect("steps") {
            assert!(
                !step["run"].as_str().unwrap_or_default().contains("${{"),
                "{step}"
            );
        }
    }

    #[test]
    fn a_migration_runs_in_the_new_revision_before_the_service_does() {
        let job = job(", migrations: true");
        let names = names(&job);
        let at = |name: &str| {
            names
                .iter()
                .position(|step| *step == name)
                .expect("the step")
        };
        assert!(
            at("Register the new revision") < at("Migrate the database")
                && at("Migrate the database") < at("Deploy")
        );
    }

    #[test]
    fn the_strategy_is_the_services() {
        let refused = files(&PROJECT.replace("PIPELINE", ", strategy: blue-green"))
            .expect_err("it is refused")
            .join("\n");
        assert!(
            refused.contains("on ECS a pipeline has no strategy of its own"),
            "{refused}"
        );
    }

    #[test]
    fn what_terraform_registers_is_known_by_its_tag() {
        assert!(READ_LIVE.contains(&format!("*:{})", naming::COMMITTED_TAG)));
    }
}
