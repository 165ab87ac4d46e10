//! `alert`: who is told when a service is slow, fails, is full or is down.
//!
//! In: what is measured, its bound and for how long; the stack's monitoring. Out: one Datadog
//! monitor for each environment.
//!
//! Invariants, tested below: the bound is the same number in the query and in the thresholds, in
//! Datadog's own units (seconds, shares); text of people is never read as a template or a mention.
//!
//! Deliberately not here: other monitoring. Its alerts would be other blueprints of the same
//! settings, and the stack's answer to them is said by name.

mod bound;
mod datadog;
#[cfg(test)]
mod tests;

use loom_plan::diag::{Code, Diagnostic};
use loom_plan::intent::context::{Context, Part};
use loom_plan::node::Node;
use loom_plan::project::view::EnvironmentView;
use loom_plan::provider::{Blueprint, BlueprintSpec, Subject};
use loom_plan::shape::{Field, Shape, milliseconds};
use loom_plan::stack::{Monitoring, Orchestration};
use serde_json::json;

use crate::naming;
use bound::Bound;
use datadog::Monitor;

/// The kind.
#[derive(Debug)]
pub(crate) struct Alert;

static SPEC: BlueprintSpec = BlueprintSpec {
    kind: "alert",
    subject: Subject::Service,
    summary: "Who is told when a service is slow, fails, is full or is down",
    settings: &[
        Field::required("metric", Shape::OneOf(Metric::WORDS), "what is measured"),
        Field::default(
            "percentile",
            Shape::Integer(1, 99),
            "95",
            "of the latency: 50, 75, 90, 95 or 99",
        ),
        Field::optional(
            "above",
            Shape::Scalar,
            "the bound of latency (500ms), error-rate and saturation (2%)",
        ),
        Field::optional("below", Shape::Scalar, "the bound of availability (90%)"),
        Field::default("for", Shape::Duration, "5m", "how long, in whole minutes"),
        Field::required(
            "notify",
            Shape::Either(&[Shape::Text, Shape::List(&Shape::Text)]),
            "who: #channel, @handle or a mail address",
        ),
        Field::default(
            "severity",
            Shape::OneOf(SEVERITIES),
            "high",
            "how bad it is",
        ),
        Field::default(
            "resource",
            Shape::OneOf(&["cpu", "memory"]),
            "cpu",
            "what saturation looks at",
        ),
        Field::default(
            "operation",
            Shape::Text,
            "http.request",
            "the name of the service's entry spans",
        ),
    ],
    parts: &["datadog.monitor.NAME[ENV]"],
};

/// The words of `severity`; the place in the list is Datadog's priority.
const SEVERITIES: &[&str] = &["critical", "high", "medium", "low", "info"];

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::blueprints) enum Metric {
    /// How long requests take.
    Latency,
    /// The share of requests that fail.
    ErrorRate,
    /// The share of its limits that the service uses.
    Saturation,
    /// The share of its replicas that can serve.
    Availability,
}

impl Metric {
    const WORDS: &'static [&'static str] = &["latency", "error-rate", "saturation", "availability"];

    /// The metric that a word stands for.
    pub(in crate::blueprints) fn parse(word: &str) -> Option<Self> {
        match word {
            "latency" => Some(Self::Latency),
            "error-rate" => Some(Self::ErrorRate),
            "saturation" => Some(Self::Saturation),
            "availability" => Some(Self::Availability),
            _ => None,
        }
    }
}

impl Blueprint for Alert {
    fn spec(&self) -> &'static BlueprintSpec {
        &SPEC
    }

    fn expand(&self, cx: &mut Context<'_>) {
        let Some(metric) = cx.text("metric").as_deref().and_then(Metric::parse) else {
            return;
        };
        let served = is_served(cx, metric);
        let bound = Bound::read(cx, metric);
        let minutes = minutes(cx);
        let percentile = percentile(cx);
        let handles = handles(cx);
        let operation = operation(cx);
        let (true, Some(bound), Some(minutes), Some(percentile)) =
            (served, bound, minutes, percentile)
        else {
            return;
        };
        let (Some(operation), Some(handles)) = (operation, handles) else {
            return;
        };
        for environment in environments(cx) {
            let monitor = Monitor {
                service: cx.service().name().clone(),
                title: cx.service().title(),
                environment: environment.name().clone(),
                metric,
                percentile,
                operation: operation.clone(),
                memory: cx.text("resource").as_deref() == Some("memory"),
                bound,
                minutes,
                priority: priority(cx.text("severity").as_deref()),
                handles: handles.clone(),
                url: cx.service().url(&environment),
                runbook: runbook(cx),
            };
            let path = path(cx, &environment);
            let settings = json!({ "content": monitor.content() });
            cx.part(
                Part::new("datadog.monitor", settings)
                    .environment(environment.name())
                    .path(path),
            );
        }
    }
}

/// Whether the stack can be served; says why where it cannot.
fn is_served(cx: &mut Context<'_>, metric: Metric) -> bool {
    let monitoring = cx.stack().monitoring();
    if monitoring != Monitoring::Datadog {
        let message =
            format!("alerts are written for Datadog, and the stack's monitoring is `{monitoring}`");
        cx.cannot(
            "infrastructure.monitoring",
            message,
            "set it to `datadog`, or declare the alert in the target's own syntax",
        );
    }
    let orchestration = cx.stack().orchestration();
    let of_pods = matches!(metric, Metric::Saturation | Metric::Availability);
    let pods = !of_pods || orchestration == Orchestration::Kubernetes;
    if !pods {
        let message = format!(
            "saturation and availability are read from Kubernetes, and the stack's orchestration is `{orchestration}`"
        );
        cx.cannot(
            "infrastructure.orchestration",
            message,
            "alert on `latency` or `error-rate`, which are read from traces",
        );
    }
    monitoring == Monitoring::Datadog && pods
}

/// Production, unless the alert says otherwise.
fn environments<'a>(cx: &Context<'a>) -> Vec<EnvironmentView<'a>> {
    let mut environments = cx.environments();
    if !cx.says_environments() {
        environments.retain(EnvironmentView::is_production);
    }
    environments
}

/// One file for each environment. That of production has the alert's bare name, with others or
/// without, so that adding one moves nothing.
fn path(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> String {
    let main =
        naming::registry_environment(cx).is_some_and(|main| main.name() == environment.name());
    let name = if main {
        cx.name().to_string()
    } else {
        format!("{}-{}", cx.name(), environment.name())
    };
    format!("infrastructure/datadog/alerts/{name}.yml")
}

/// Where the documents say what to do. The runbook lists the alerts, so its path is not a
/// reference: each would wait for the other.
fn runbook(cx: &Context<'_>) -> Option<String> {
    let docs = cx.sibling("docs")?;
    let pages = super::docs::pages_of(docs.settings.get("pages"));
    let has = |page: &str| pages.iter().any(|known| known == page);
    let rollback =
        || has("rollback").then(|| format!("${{ref:markdown.page.{}-rollback.path}}", docs.name));
    if has("runbook") {
        Some(super::docs::RUNBOOK.to_owned())
    } else {
        rollback()
    }
}

/// `for` in whole minutes, the finest window that Datadog knows.
fn minutes(cx: &mut Context<'_>) -> Option<u64> {
    let Some(node) = cx.setting("for") else {
        return Some(5);
    };
    let found = node
        .as_str()
        .and_then(milliseconds)
        .filter(|time| *time >= 60_000 && time % 60_000 == 0);
    if found.is_none() {
        let message = format!(
            "`for`: `{}` is not a number of whole minutes",
            node.scalar_text().unwrap_or_default()
        );
        refuse(
            cx,
            node,
            message,
            "Datadog looks at windows of one minute or more: write `for: 5m`",
        );
    }
    found.map(|time| time / 60_000)
}

fn percentile(cx: &mut Context<'_>) -> Option<i64> {
    let Some(node) = cx.setting("percentile") else {
        return Some(95);
    };
    let found = node
        .as_integer()
        .filter(|percentile| matches!(percentile, 50 | 75 | 90 | 95 | 99));
    if found.is_none() {
        let message = format!(
            "`percentile`: Datadog does not keep the percentile {}",
            node.scalar_text().unwrap_or_default()
        );
        refuse(cx, node, message, "choose 50, 75, 90, 95 or 99");
    }
    found
}

/// The name of the entry spans, which becomes part of a metric's name.
fn operation(cx: &mut Context<'_>) -> Option<String> {
    let Some(node) = cx.setting("operation") else {
        return Some("http.request".to_owned());
    };
    let text = node.as_str().unwrap_or_default();
    let wellformed = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
    if !wellformed {
        let help = "write it as Datadog shows it in the service's page, such as `express.request`";
        refuse(
            cx,
            node,
            format!("`operation`: `{text}` is not the name of a span"),
            help,
        );
    }
    wellformed.then(|| text.to_owned())
}

/// Datadog's priority: 1 is the most severe.
fn priority(severity: Option<&str>) -> usize {
    let severity = severity.unwrap_or("high");
    SEVERITIES
        .iter()
        .position(|word| *word == severity)
        .map_or(2, |place| place + 1)
}

/// Who is told, as Datadog mentions them; `None` where one cannot be mentioned.
fn handles(cx: &mut Context<'_>) -> Option<Vec<String>> {
    let node = cx.setting("notify")?;
    let one = std::slice::from_ref(node);
    let mut handles = Vec::new();
    for node in node.as_seq().unwrap_or(one) {
        let Some(handle) = node.as_str().and_then(datadog::handle) else {
            let message = format!(
                "`notify`: `{}` is nobody that Datadog could tell",
                node.scalar_text().unwrap_or_default()
            );
            refuse(
                cx,
                node,
                message,
                "write a Slack channel (\"#alerts\"), a handle (\"@pagerduty-api\") or a mail address",
            );
            return None;
        };
        handles.push(handle);
    }
    Some(handles)
}

fn refuse(cx: &mut Context<'_>, node: &Node, message: String, help: &str) {
    cx.report(
        Diagnostic::new(Code::BadValue, message)
            .at(node.span, "")
            .help(help),
    );
}
