//! Which parts of the infrastructure are wanted.

use loom_plan::intent::context::Context;
use loom_plan::node::Node;
use loom_plan::stack::Orchestration;

/// The components, in the order in which they are documented.
pub(crate) const WORDS: &[&str] = &[
    "database",
    "load-balancer",
    "cluster",
    "registry",
    "secrets",
    "logs",
    "network",
    "state",
];

/// The components that a setting lists; without one, those that service and stack call for.
pub(crate) fn wanted(cx: &Context<'_>, said: Option<&Node>) -> Vec<&'static str> {
    match said.and_then(Node::as_seq) {
        Some(said) => WORDS
            .iter()
            .copied()
            .filter(|word| said.iter().any(|node| node.as_str() == Some(word)))
            .collect(),
        None => WORDS
            .iter()
            .copied()
            .filter(|word| is_called_for(cx, word))
            .collect(),
    }
}

fn is_called_for(cx: &Context<'_>, component: &str) -> bool {
    let service = cx.service();
    match component {
        "database" => cx
            .environments()
            .iter()
            .any(|environment| service.database(environment.name()).is_some()),
        "load-balancer" => service.is_public(),
        "cluster" => matches!(
            cx.stack().orchestration(),
            Orchestration::Kubernetes | Orchestration::Ecs
        ),
        "registry" => cx.stack().registry().is_none() && service.image().is_none(),
        "secrets" => cx
            .environments()
            .iter()
            .any(|environment| !super::secrets::own(cx, environment).is_empty()),
        "network" => ["database", "load-balancer", "cluster"]
            .iter()
            .any(|component| is_called_for(cx, component)),
        _ => true,
    }
}
