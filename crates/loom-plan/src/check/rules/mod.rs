//! The rules, one file for each format, and what they share.

mod compose;
mod dockerfile;
mod expression;
mod kubernetes;
mod network;
mod policy_text;
mod shell;
mod terraform;
mod workflow;

use super::Rule;
use crate::credential::is_secret_name;
use crate::node::{Map, Node, Value};

/// All rules, by their codes.
pub const RULES: &[&Rule] = &[
    &workflow::UNPINNED_ACTION,
    &workflow::UNPINNED_OWN_ACTION,
    &workflow::WRITE_ALL,
    &workflow::NO_PERMISSIONS,
    &workflow::INJECTION,
    &workflow::UNTRUSTED_CHECKOUT,
    &workflow::LONG_LIVED_KEY,
    &workflow::KEPT_TOKEN,
    &workflow::NO_TIMEOUT,
    &workflow::PLAIN_URL,
    &workflow::UNPINNED_IMAGE,
    &workflow::PIPED_SCRIPT,
    &kubernetes::PRIVILEGED,
    &kubernetes::HOST_NAMESPACE,
    &kubernetes::ROOT,
    &kubernetes::ESCALATION,
    &kubernetes::CAPABILITIES,
    &kubernetes::WRITABLE_ROOT,
    &kubernetes::UNPINNED_IMAGE,
    &kubernetes::NO_LIMITS,
    &kubernetes::NO_PROBES,
    &kubernetes::SECRET_DATA,
    &kubernetes::PLAIN_SECRET,
    &kubernetes::WILDCARD_ROLE,
    &kubernetes::PLAIN_INGRESS,
    &kubernetes::EXPOSED_SERVICE,
    &kubernetes::HOST_PATH,
    &dockerfile::ROOT,
    &dockerfile::UNPINNED_IMAGE,
    &dockerfile::SECRET,
    &dockerfile::NO_HEALTHCHECK,
    &dockerfile::REMOTE_ADD,
    &dockerfile::PIPED_SCRIPT,
    &compose::PRIVILEGED,
    &compose::DOCKER_SOCKET,
    &compose::UNPINNED_IMAGE,
    &compose::PUBLIC_DATABASE,
    &compose::PLAIN_SECRET,
    &compose::NO_HEALTHCHECK,
    &compose::NO_LIMITS,
    &compose::HOST_NETWORK,
    &terraform::PUBLIC_DATABASE,
    &terraform::PLAIN_STORAGE,
    &terraform::NO_BACKUPS,
    &terraform::NO_DELETION_PROTECTION,
    &terraform::NO_FINAL_SNAPSHOT,
    &terraform::OPEN_SECURITY_GROUP,
    &terraform::PLAIN_LISTENER,
    &terraform::ALL_RIGHTS,
    &terraform::WIDE_RIGHTS,
    &terraform::PUBLIC_BUCKET,
    &terraform::SECRET_DEFAULT,
    &terraform::SECRET_ARGUMENT,
    &terraform::NO_RETENTION,
    &terraform::NO_ACCESS_LOGS,
    &terraform::PLAIN_STATE,
    &terraform::UNPINNED_MODULE,
    &terraform::PUBLIC_CLUSTER,
    &terraform::PUBLIC_RESOURCE,
];

/// The items of a list; a value that stands alone is its only item.
fn items(node: Option<&Node>) -> &[Node] {
    match node {
        Some(Node {
            value: Value::Seq(items),
            ..
        }) => items,
        Some(node) if !node.is_null() => std::slice::from_ref(node),
        Some(_) | None => &[],
    }
}

/// The entries of a mapping; of anything else, none.
fn fields(node: Option<&Node>) -> impl Iterator<Item = (&str, &Node)> {
    node.and_then(Node::as_map)
        .into_iter()
        .flat_map(Map::iter)
        .map(|(key, node)| (key.as_ref(), node))
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key)?.as_str()
}

/// Every node below one, and the key that it stands under.
fn walk<'a>(node: &'a Node, key: &'a str, see: &mut dyn FnMut(&'a str, &'a Node)) {
    see(key, node);
    match &node.value {
        Value::Seq(items) => items.iter().for_each(|item| walk(item, key, see)),
        Value::Map(map) => map.iter().for_each(|(key, node)| walk(node, key, see)),
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => {}
    }
}

/// A text with the values of variables in it: `$V`, `${V}`, `${V:-otherwise}`. What is not known stays.
fn expanded<'a>(text: &str, value: &dyn Fn(&str) -> Option<&'a str>) -> String {
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let begun = &rest[at..];
        let inside = begun.strip_prefix("${").and_then(|it| it.split_once('}'));
        let (said, known, after) = if let Some((inside, after)) = inside {
            let name = inside.split(|it| !is_name(it)).next().unwrap_or_default();
            let how = &inside[name.len()..];
            let otherwise = how.strip_prefix(":-").or_else(|| how.strip_prefix('-'));
            let instead = how.strip_prefix(":+").or_else(|| how.strip_prefix('+'));
            let known = match (value(name), instead) {
                (Some(_), Some(instead)) => Some(instead),
                (Some(value), None) => Some(value),
                (None, _) => otherwise,
            };
            (&begun[..begun.len() - after.len()], known, after)
        } else {
            let name = &begun[1..];
            let length = name.find(|it| !is_name(it)).unwrap_or(name.len());
            (&begun[..=length], value(&name[..length]), &name[length..])
        };
        out.push_str(known.unwrap_or(said));
        rest = after;
    }
    out + rest
}

/// What is wrong with the reference of an image: no tag, or one that moves.
fn unpinned(image: &str) -> Option<String> {
    let image = &expanded(image.trim(), &|_| None);
    let is_open = image.contains('$') || image.is_empty() || image == "scratch";
    if is_open || image.contains("@sha256:") {
        return None;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once(':') {
        None => Some(format!(
            "the image `{image}` has no tag, which means `latest`"
        )),
        Some((_, tag)) if tag == "latest" || tag.is_empty() => Some(format!(
            "the image `{image}` has the tag `latest`, which moves"
        )),
        Some(_) => None,
    }
}

/// Words at the end of a name that make it say where or how, not what.
const HARMLESS: &[&str] = &[
    "name", "file", "path", "dir", "ttl", "arn", "id", "url", "uri", "expiry", "expires", "length",
    "type", "version", "endpoint",
];

/// Whether a variable of this name with this value is a secret that everybody can read.
fn is_plain_secret(name: &str, value: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let harmless = HARMLESS.iter().any(|word| lower.ends_with(word));
    let value = value.trim();
    let says = !value.is_empty()
        && !value.contains('$')
        && !value.contains("{{")
        && value.parse::<f64>().is_err();
    is_secret_name(name)
        && !harmless
        && says
        && !matches!(value, "true" | "false" | "null" | "none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_and_what_is_not_known_stays() {
        let value = |name: &str| (name == "V").then_some("latest");
        for (text, wanted) in [
            ("node:$V", "node:latest"),
            ("node:${V}-x", "node:latest-x"),
            ("${V:-b}", "latest"),
            ("${W:-b}", "b"),
            ("${W-b}", "b"),
            ("${V:+b}", "b"),
            ("$W/$V", "$W/latest"),
            ("${W}", "${W}"),
            ("$", "$"),
            ("a${", "a${"),
            ("ü$V", "ülatest"),
        ] {
            assert_eq!(expanded(text, &value), wanted, "{text}");
        }
    }
}
