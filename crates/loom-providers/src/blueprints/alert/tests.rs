//! What a monitor says, by its settings.

use loom_plan::addr::Name;
use loom_plan::node::Node;
use loom_plan::text::{Sources, Span};
use serde_json::{Value as Json, json};

use super::bound::Bound;
use super::datadog::{Monitor, handle, plain};
use super::{Metric, priority};

fn node(json: &Json) -> Node {
    let id = Sources::default().add("loom.yaml", "");
    Node::from_json(Span::start_of(id), json)
}

fn bound(metric: Metric, value: &str) -> Bound {
    Bound::parse(&node(&value.into()), metric).expect("a bound")
}

fn monitor(metric: Metric, value: &str) -> Monitor {
    Monitor {
        service: Name::new("entity-api").expect("a name"),
        title: "Entity API".to_owned(),
        environment: Name::new("production").expect("a name"),
        metric,
        percentile: 95,
        operation: "http.request".to_owned(),
        memory: false,
        bound: bound(metric, value),
        minutes: 5,
        priority: 2,
        handles: vec!["@slack-alerts".to_owned()],
        url: Some("https://api.example.com".to_owned()),
        runbook: Some("${ref:markdown.page.entity-api-rollback.path}".to_owned()),
    }
}

#[test]
fn bounds_are_written_in_the_units_of_datadog() {
    for (metric, written, text) in [
        (Metric::Latency, "500ms", "0.5"),
        (Metric::Latency, "2s", "2"),
        (Metric::Latency, "1500ms", "1.5"),
        (Metric::Latency, "1m", "60"),
        (Metric::ErrorRate, "2%", "0.02"),
        (Metric::ErrorRate, "0.5%", "0.005"),
        (Metric::ErrorRate, "0.02", "0.02"),
        (Metric::Saturation, "90%", "0.9"),
        (Metric::Availability, "100%", "1"),
    ] {
        let bound = bound(metric, written);
        assert_eq!(
            (bound.text(), bound.json().to_string()),
            (text.to_owned(), text.to_owned()),
            "{written}"
        );
    }
    assert_eq!(
        Bound::parse(&node(&json!(0.02)), Metric::ErrorRate),
        Some(bound(Metric::ErrorRate, "2%")),
        "a plain number is a share"
    );
}

#[test]
fn a_bound_that_could_never_be_crossed_is_refused() {
    for (metric, written) in [
        (Metric::Latency, "0ms"),
        (Metric::Latency, "2%"),
        (Metric::Latency, "fast"),
        (Metric::ErrorRate, "500ms"),
        (Metric::ErrorRate, "100%"),
        (Metric::ErrorRate, "-1%"),
        (Metric::Saturation, "120%"),
        (Metric::Availability, "0%"),
        (Metric::Availability, "1e3"),
    ] {
        assert_eq!(
            Bound::parse(&node(&written.into()), metric),
            None,
            "{written}"
        );
    }
}

#[test]
fn the_queries_are_those_of_the_metrics() {
    for (metric, value, query) in [
        (
            Metric::Latency,
            "500ms",
            "avg(last_5m):p95:trace.http.request{service:entity-api,env:production} > 0.5",
        ),
        (
            Metric::ErrorRate,
            "2%",
            "sum(last_5m):default_zero(sum:trace.http.request.errors{service:entity-api,env:production}.as_count()) / \
             sum:trace.http.request.hits{service:entity-api,env:production}.as_count() > 0.02",
        ),
        (
            Metric::Saturation,
            "90%",
            "avg(last_5m):sum:kubernetes.cpu.usage.total{service:entity-api,env:production} / \
             (sum:kubernetes.cpu.limits{service:entity-api,env:production} * 1000000000) > 0.9",
        ),
        (
            Metric::Availability,
            "90%",
            "avg(last_5m):sum:kubernetes_state.deployment.replicas_available{service:entity-api,env:production} / \
             sum:kubernetes_state.deployment.replicas_desired{service:entity-api,env:production} < 0.9",
        ),
    ] {
        assert_eq!(monitor(metric, value).query(), query);
    }
    let memory = Monitor {
        memory: true,
        ..monitor(Metric::Saturation, "80%")
    };
    assert_eq!(
        memory.query(),
        "avg(last_5m):avg:kubernetes.memory.usage_pct{service:entity-api,env:production} > 0.8"
    );
}

#[test]
fn the_threshold_is_the_number_of_the_query_and_a_warning_comes_before_it() {
    for (metric, value, critical, warning) in [
        (Metric::Latency, "500ms", json!(0.5), json!(0.4)),
        (Metric::ErrorRate, "2%", json!(0.02), json!(0.016)),
        (Metric::Availability, "90%", json!(0.9), json!(0.95)),
        (Metric::Availability, "100%", json!(1), Json::Null),
    ] {
        let content = monitor(metric, value).content();
        let thresholds = &content["options"]["thresholds"];
        assert_eq!(
            (&thresholds["critical"], &thresholds["warning"]),
            (&critical, &warning),
            "{value}"
        );
        let query = content["query"].as_str().expect("a query");
        assert!(query.ends_with(&format!(" {critical}")), "{query}");
    }
}

#[test]
fn missing_data_is_told_only_where_it_means_that_the_service_is_gone() {
    let options = |metric, value| monitor(metric, value).content()["options"].clone();
    assert_eq!(options(Metric::Latency, "500ms")["notify_no_data"], false);
    let availability = options(Metric::Availability, "90%");
    assert_eq!(
        (
            &availability["notify_no_data"],
            &availability["no_data_timeframe"]
        ),
        (&json!(true), &json!(10))
    );
}

#[test]
fn text_of_people_is_neither_template_nor_mention_nor_reference() {
    let hostile = Monitor {
        title: "API {{{#is_alert}}} @all\n${ref:file.x.path}\u{7}".to_owned(),
        runbook: None,
        ..monitor(Metric::Latency, "500ms")
    };
    let content = hostile.content();
    let (name, message) = (
        content["name"].as_str().expect("a name"),
        content["message"].as_str().expect("a message"),
    );
    assert_eq!(
        name,
        "[production] API { { {#is_alert} } } (at)all $${ref:file.x.path}: p95 latency above 500 ms"
    );
    assert_eq!(
        message.matches("{{#is_alert}}").count(),
        1,
        "only loom's own"
    );
    assert_eq!(message.matches('@').count(), 1, "only the one who is told");
    assert!(!message.replace("$${ref:", "").contains("${ref:"));
    assert_eq!(plain("a  b\tc"), "a b c");
}

#[test]
fn who_is_told_is_a_channel_a_handle_or_an_address() {
    for (written, mentioned) in [
        ("#alerts", Some("@slack-alerts")),
        ("@pagerduty-entity-api", Some("@pagerduty-entity-api")),
        ("on-call@example.com", Some("@on-call@example.com")),
        ("alerts", None),
        ("#", None),
        ("#alerts {{x}}", None),
        ("@a @b", None),
    ] {
        assert_eq!(handle(written).as_deref(), mentioned, "{written}");
    }
}

#[test]
fn the_most_severe_is_the_first_priority_and_is_said_again() {
    assert_eq!(
        (
            priority(Some("critical")),
            priority(None),
            priority(Some("info"))
        ),
        (1, 2, 5)
    );
    let again = |priority| {
        Monitor {
            priority,
            ..monitor(Metric::Latency, "500ms")
        }
        .content()["options"]["renotify_interval"]
            .clone()
    };
    assert_eq!((again(1), again(3)), (json!(60), json!(0)));
}
