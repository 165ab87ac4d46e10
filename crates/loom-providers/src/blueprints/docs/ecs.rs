//! What the pages say of a service on Amazon ECS.
//!
//! In: the facts. Out: commands for the AWS client. They name cluster and region in their first
//! line, so that another environment is a change of that line.

use loom_plan::stack::Strategy;

use super::deployment::ask;
use super::facts::{Environment, Facts};
use super::page::{Page, word};
use super::rollback::probe;

/// How a version takes over.
pub(super) fn takeover(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::BlueGreen => {
            "In each environment ECS starts the new version beside the old one, switches the load balancer when it is well, \
             and keeps the old one for a few minutes more. If the new one does not get well, nothing is switched, or it is \
             switched back."
        }
        Strategy::Rolling | Strategy::Canary => {
            "In each environment ECS replaces the tasks a few at a time, and none is stopped before its successor is well. \
             If the new version does not get well, ECS goes back to the one before."
        }
    }
}

/// The first line of all commands.
fn place(main: &Environment) -> String {
    let or_blank = |value: Option<&str>| word(value.unwrap_or_default());
    format!(
        "cluster={} region={}",
        or_blank(main.cluster.as_deref()),
        or_blank(main.region.as_deref())
    )
}

/// One command of `aws ecs` for the service.
fn ecs(facts: &Facts, verb: &str, rest: &str) -> String {
    let option = if matches!(verb, "update-service") {
        "--service"
    } else {
        "--services"
    };
    let rest = if rest.is_empty() {
        String::new()
    } else {
        format!(" {rest}")
    };
    format!(
        "aws ecs {verb} --cluster \"$cluster\" --region \"$region\" {option} {}{rest}",
        facts.service
    )
}

/// The commands that replace the running tasks by new ones of the same revision.
pub(super) fn restart(facts: &Facts, main: &Environment) -> Vec<String> {
    vec![
        place(main),
        ecs(
            facts,
            "update-service",
            "--force-new-deployment --query service.taskDefinition --output text",
        ),
    ]
}

/// Rolling back.
pub(super) fn rollback(page: &mut Page, facts: &Facts, main: &Environment) {
    page.heading(2, "Go back to the version before");
    page.block(
        "ECS keeps every revision of the task definition. These commands show the newest, the live one first; choose the \
         one that was live before. One whose image is tagged `set-by-pipeline` is none: Terraform registered it.",
    );
    page.commands(&list(facts, main));
    page.commands(&ask("Revision (arn:aws:ecs:...)", "revision", "-r"));
    page.commands(&go_to(facts));
    page.block("It is as safe as a deployment: a task is stopped only when its successor is well.");
    page.heading(2, "See that it is well");
    page.commands(
        &look(facts)
            .into_iter()
            .chain(probe(facts, main))
            .collect::<Vec<_>>(),
    );
}

fn list(facts: &Facts, main: &Environment) -> Vec<String> {
    vec![
        place(main),
        format!("live=$({})", ecs(facts, "describe-services", "--query 'services[0].taskDefinition' --output text")),
        "family=${live##*/} family=${family%:*}".to_owned(),
        "for revision in \"$live\" $(aws ecs list-task-definitions --family-prefix \"$family\" --region \"$region\" \\"
            .to_owned(),
        "  --sort DESC --max-items 6 --query 'taskDefinitionArns[]' --output text | grep --invert-match --line-regexp None); do"
            .to_owned(),
        "  aws ecs describe-task-definition --task-definition \"$revision\" --region \"$region\" \\".to_owned(),
        "    --query 'taskDefinition.[taskDefinitionArn, containerDefinitions[0].image]' --output text".to_owned(),
        "done".to_owned(),
    ]
}

fn go_to(facts: &Facts) -> Vec<String> {
    vec![
        ecs(
            facts,
            "update-service",
            "--task-definition \"$revision\" \\\n  --query service.taskDefinition --output text",
        ),
        ecs(facts, "wait services-stable", ""),
    ]
}

fn look(facts: &Facts) -> Vec<String> {
    vec![ecs(
        facts,
        "describe-services",
        "\\\n  --query 'services[0].deployments[].[status, rolloutState, runningCount, desiredCount, taskDefinition]' --output table",
    )]
}

/// What is running, and why it is not.
pub(super) fn runbook(page: &mut Page, facts: &Facts, main: &Environment) {
    page.block("What is running, and why it is not:");
    let events = ecs(
        facts,
        "describe-services",
        "\\\n  --query 'services[0].events[:10].[createdAt, message]' --output table",
    );
    page.commands(&[vec![place(main)], look(facts), vec![events]].concat());
    page.block("Why tasks stopped, and their logs:");
    page.commands(&[
        format!(
            "aws ecs list-tasks --cluster \"$cluster\" --region \"$region\" --service-name {} --desired-status STOPPED \\\n  \
             --query 'taskArns[]' --output text | xargs -r aws ecs describe-tasks --cluster \"$cluster\" --region \"$region\" \\\n  \
             --query 'tasks[].[stoppedAt, stoppedReason]' --output table --tasks",
            facts.service
        ),
        format!("aws logs tail {} --region \"$region\" --since 30m", word(&main.log_group)),
    ]);
    page.block("If it began with a deployment, take that back first and look for the reason afterwards. The newest revisions:");
    page.commands(&list(facts, main));
    page.commands(&ask("Revision (arn:aws:ecs:...)", "revision", "-r"));
    page.commands(&go_to(facts));
}
