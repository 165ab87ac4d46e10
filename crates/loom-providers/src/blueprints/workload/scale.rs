//! How many pods there are, and how many may go at once.

use serde_json::{Value as Json, json};

use super::model::Facts;

/// What scales the Deployment of a colour, where the service scales by itself.
pub(super) fn autoscaler(facts: &Facts, color: Option<&str>) -> Option<Json> {
    let autoscale = facts.autoscale?;
    let name = facts.deployment(color);
    Some(json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": facts.metadata(&name, color),
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": name },
            "minReplicas": autoscale.min,
            "maxReplicas": autoscale.max,
            "metrics": [{
                "type": "Resource",
                "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": autoscale.cpu } },
            }],
            "behavior": { "scaleDown": { "stabilizationWindowSeconds": 300 } },
        },
    }))
}

/// One pod at a time may be evicted, where there is more than one. A budget for a single pod
/// would only keep nodes from being drained.
pub(super) fn disruption_budget(facts: &Facts) -> Option<Json> {
    let fewest = facts
        .autoscale
        .map_or(facts.replicas, |autoscale| autoscale.min);
    (fewest > 1).then(|| {
        json!({
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": facts.metadata(facts.service.as_str(), None),
            "spec": {
                "maxUnavailable": 1,
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
                "selector": { "matchLabels": facts.selector(None) },
            },
        })
    })
}
