//! A Datadog monitor.
//!
//! The queries follow Datadog's own reference (API v1, *Create a monitor*; *Trace metrics*;
//! *Kubernetes data collected*): latencies are seconds, errors and hits are counts, CPU is used in
//! nanocores and limited in cores.

use loom_plan::addr::Name;
use loom_plan::intent::context::literal;
use serde_json::{Value as Json, json};

use super::Metric;
use super::bound::Bound;

/// One monitor.
#[derive(Clone, Debug)]
pub(super) struct Monitor {
    pub(super) service: Name,
    pub(super) title: String,
    pub(super) environment: Name,
    pub(super) metric: Metric,
    pub(super) percentile: i64,
    /// The name of the service's entry spans.
    pub(super) operation: String,
    /// Whether saturation looks at memory rather than CPU.
    pub(super) memory: bool,
    pub(super) bound: Bound,
    pub(super) minutes: u64,
    pub(super) priority: usize,
    pub(super) handles: Vec<String>,
    pub(super) url: Option<String>,
    /// Where the documents say what to do; may be a reference.
    pub(super) runbook: Option<String>,
}

impl Monitor {
    /// The document, as Datadog's API takes it.
    pub(super) fn content(&self) -> Json {
        json!({
            "name": literal(&format!("[{}] {}: {}", self.environment, plain(&self.title), self.condition())),
            "type": "query alert",
            "query": self.query(),
            "message": self.message(),
            "tags": [format!("service:{}", self.service), format!("env:{}", self.environment), "managed-by:loom"],
            "priority": self.priority,
            "options": self.options(),
        })
    }

    /// What is compared with the bound.
    pub(super) fn query(&self) -> String {
        let scope = format!("{{service:{},env:{}}}", self.service, self.environment);
        let (window, operation, bound) = (
            format!("last_{}m", self.minutes),
            &self.operation,
            self.bound.text(),
        );
        match self.metric {
            Metric::Latency => format!(
                "avg({window}):p{}:trace.{operation}{scope} > {bound}",
                self.percentile
            ),
            Metric::ErrorRate => format!(
                "sum({window}):default_zero(sum:trace.{operation}.errors{scope}.as_count()) / \
                 sum:trace.{operation}.hits{scope}.as_count() > {bound}"
            ),
            Metric::Saturation if self.memory => {
                format!("avg({window}):avg:kubernetes.memory.usage_pct{scope} > {bound}")
            }
            Metric::Saturation => format!(
                "avg({window}):sum:kubernetes.cpu.usage.total{scope} / (sum:kubernetes.cpu.limits{scope} * 1000000000) > {bound}"
            ),
            Metric::Availability => format!(
                "avg({window}):sum:kubernetes_state.deployment.replicas_available{scope} / \
                 sum:kubernetes_state.deployment.replicas_desired{scope} < {bound}"
            ),
        }
    }

    /// `p95 latency above 500 ms`.
    fn condition(&self) -> String {
        let bound = self.bound.words(self.metric);
        match self.metric {
            Metric::Latency => format!("p{} latency above {bound}", self.percentile),
            Metric::ErrorRate => format!("error rate above {bound}"),
            Metric::Saturation => format!(
                "{} above {bound} of its limit",
                if self.memory { "memory" } else { "CPU" }
            ),
            Metric::Availability => format!("available replicas below {bound}"),
        }
    }

    fn message(&self) -> String {
        let (title, condition) = (literal(&plain(&self.title)), self.condition());
        let minutes = match self.minutes {
            1 => "minute".to_owned(),
            minutes => format!("{minutes} minutes"),
        };
        let mut lines = vec![
            "{{#is_alert}}".to_owned(),
            format!(
                "{title} in {}: {condition} over the last {minutes}. It is now {{{{value}}}}.",
                self.environment
            ),
            "{{/is_alert}}".to_owned(),
            "{{#is_warning}}".to_owned(),
            format!(
                "{title} in {} comes near its bound ({condition}). It is now {{{{value}}}}.",
                self.environment
            ),
            "{{/is_warning}}".to_owned(),
        ];
        if self.notifies_no_data() {
            lines.push("{{#is_no_data}}".to_owned());
            lines.push(format!(
                "{title} in {} reports nothing any more: it may be gone altogether.",
                self.environment
            ));
            lines.push("{{/is_no_data}}".to_owned());
        }
        lines.push("{{#is_recovery}}".to_owned());
        lines.push(format!("{title} in {} is well again.", self.environment));
        lines.push("{{/is_recovery}}".to_owned());
        lines.push(String::new());
        if let Some(url) = &self.url {
            lines.push(format!("Address: {}", literal(&plain(url))));
        }
        if let Some(runbook) = &self.runbook {
            lines.push(format!("What to do: {runbook}"));
        }
        lines.push(self.handles.join(" "));
        lines.join("\n")
    }

    /// Replicas that are not reported at all are as bad as replicas that are down; no requests
    /// are nothing to wake anybody for.
    fn notifies_no_data(&self) -> bool {
        self.metric == Metric::Availability
    }

    fn options(&self) -> Json {
        let warning = self.bound.warning(self.metric);
        let mut thresholds = json!({ "critical": self.bound.json() });
        if warning != self.bound {
            thresholds["warning"] = warning.json();
        }
        let mut options =
            json!({ "thresholds": thresholds, "notify_no_data": self.notifies_no_data() });
        if self.notifies_no_data() {
            // Datadog asks for at least twice the window
            options["no_data_timeframe"] = (self.minutes * 2).max(10).into();
        }
        // the two most severe are said again every hour for as long as they last
        options["renotify_interval"] = if self.priority <= 2 { 60 } else { 0 }.into();
        if self.priority <= 2 {
            options["renotify_statuses"] = json!(["alert"]);
        }
        options["evaluation_delay"] = 60.into();
        options["require_full_window"] = false.into();
        options["include_tags"] = true.into();
        options["notify_audit"] = false.into();
        options
    }
}

/// Who is told, as Datadog mentions them: `#alerts` is the Slack channel `@slack-alerts`, a mail
/// address is `@` and the address, and a handle is itself.
pub(super) fn handle(text: &str) -> Option<String> {
    let wellformed = |text: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '@');
        !text.is_empty() && text.chars().all(known)
    };
    if let Some(channel) = text.strip_prefix('#') {
        return wellformed(channel).then(|| format!("@slack-{channel}"));
    }
    let bare = text.strip_prefix('@').unwrap_or(text);
    let mentioned = text.starts_with('@') || bare.contains('@');
    (mentioned && wellformed(bare)).then(|| format!("@{bare}"))
}

/// Text of people as Datadog shows it and does not read it: on one line, without templates
/// (`{{`) and without mentions (`@`).
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
    {
        match c {
            '{' | '}' if plain.ends_with(c) => plain.extend([' ', c]),
            '@' => plain.push_str("(at)"),
            c if c.is_control() => {}
            c => plain.push(c),
        }
    }
    plain
}
