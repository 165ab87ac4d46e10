//! Files as documents for the security checklist: the format that path and content tell, and the
//! data with the place of each value.
//!
//! In: a path, and a text among [`Sources`]. Out: a [`Document`], or diagnostics where the text is
//! not of the format that its path tells.
//!
//! Invariants: every value's span lies in the text that it was read from; what a format allows and a
//! document cannot say stays as its source (`"${…}"` in HCL). The data are those that a policy gets:
//! the shapes of Conftest, as far as its documentation says them.
//!
//! Deliberately not here: what is wrong with a document.

mod dockerfile;
mod hcl;

use loom_plan::check::{Document, Format};
use loom_plan::diag::Diagnostics;
use loom_plan::node::{self, MergeKeys, Node};
use loom_plan::text::{SourceId, Sources};

/// What the path of a file says of its format; `None` for one that is not looked into. Whether YAML
/// is Kubernetes', only its content says.
pub fn is_known(path: &str) -> bool {
    by_path(path).is_some()
}

/// Whether its name alone says what a file is: a `.yml` or `.json` may be anything.
pub fn is_certain(path: &str) -> bool {
    by_path(path).is_some_and(|format| format != Format::Data)
}

/// The kinds of Kubernetes that rules look at, but for those that have a template of pods.
const KUBERNETES_KINDS: &[&str] = &[
    "Pod",
    "Secret",
    "ConfigMap",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "Ingress",
    "PersistentVolume",
];
/// What else is in an object of Kubernetes where a rule finds something: pods, or a service's type.
const KUBERNETES_SIGNS: &[&str] = &[
    "template",
    "Template",
    "LoadBalancer",
    "NodePort",
    "externalIPs",
];
/// The blocks of Terraform that rules look at.
const TERRAFORM_BLOCKS: &[&str] = &[
    "resource", "data", "module", "variable", "backend", "provider",
];
/// What rules look for in any block of Terraform.
const TERRAFORM_ARGUMENT: &str = "backup_retention";

/// Whether a rule can find something in a file, as far as that is seen without reading it: a plan of
/// ten thousand files should not read those of which nothing can come.
pub fn may_be_found(path: &str, text: &str) -> bool {
    match by_path(path) {
        None => false,
        Some(Format::Data | Format::Kubernetes) => {
            let is_escaped = ["\\u", "\\U", "\\x"]
                .iter()
                .any(|escape| text.contains(escape));
            let has_sign = || KUBERNETES_SIGNS.iter().any(|sign| text.contains(sign));
            let has_kind = || {
                KUBERNETES_KINDS
                    .iter()
                    .any(|kind| is_single_value(text, kind))
            };
            is_escaped || text.contains("apiVersion") && (has_sign() || has_kind())
        }
        Some(Format::Terraform) => {
            text.contains(TERRAFORM_ARGUMENT)
                || TERRAFORM_BLOCKS.iter().any(|word| begins_block(text, word))
        }
        Some(Format::Workflow | Format::Dockerfile | Format::Compose) => true,
    }
}

/// Whether a word stands where it can be the whole value of a key: not within another word, nor in a list.
fn is_single_value(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].trim_end_matches(|character: char| {
            character.is_whitespace() || ['"', '\''].contains(&character)
        });
        let is_apart = !text[..at].ends_with(char::is_alphanumeric)
            && !text[at + word.len()..].starts_with(char::is_alphanumeric);
        is_apart && !before.ends_with(['-', ',', '['])
    })
}

/// Whether a word stands where a block of HCL can begin with it: alone, with a label or a comment behind it.
fn begins_block(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let is_inside = |character: char| {
            character.is_alphanumeric() || ['_', '-', '.', '"'].contains(&character)
        };
        let is_label =
            |character: char| character.is_whitespace() || ['"', '/'].contains(&character);
        !text[..at].ends_with(is_inside) && text[at + word.len()..].starts_with(is_label)
    })
}

pub(crate) fn by_path(path: &str) -> Option<Format> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let lower = name.to_ascii_lowercase();
    let extension = lower
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension);
    let docker = ["dockerfile", "containerfile"];
    if docker
        .iter()
        .any(|word| lower == *word || lower.starts_with(&format!("{word}.")) || extension == *word)
    {
        return Some(Format::Dockerfile);
    }
    match extension {
        "tf" | "tfvars" => Some(Format::Terraform),
        "yml" | "yaml"
            if folder == ".github/workflows" || folder.ends_with("/.github/workflows") =>
        {
            Some(Format::Workflow)
        }
        "yml" | "yaml" if lower.starts_with("compose.") || lower.starts_with("docker-compose.") => {
            Some(Format::Compose)
        }
        "yml" | "yaml" | "json" => Some(Format::Data),
        _ => None,
    }
}

/// The document of a file; `None` where its format is not known.
pub fn document(
    path: &str,
    id: SourceId,
    sources: &Sources,
    out: &mut Diagnostics,
) -> Option<Document> {
    let format = by_path(path)?;
    let nodes = match format {
        Format::Dockerfile => vec![dockerfile::read(id, sources, out)?],
        Format::Terraform => vec![hcl::read(id, sources, out)?],
        Format::Workflow | Format::Kubernetes | Format::Compose | Format::Data => {
            let before = out.iter().len();
            let merge_keys = if format == Format::Workflow {
                MergeKeys::Refused
            } else {
                MergeKeys::Taken
            };
            let nodes = node::parse_with(merge_keys, sources, id, out);
            if out
                .iter()
                .skip(before)
                .any(|found| found.severity() == loom_plan::diag::Severity::Error)
            {
                return None;
            }
            let nodes = nodes.into_iter().filter(|node| !node.is_null());
            nodes.flat_map(listed).collect()
        }
    };
    let format = if format == Format::Data && nodes.iter().any(is_object) {
        Format::Kubernetes
    } else {
        format
    };
    Some(Document { format, nodes })
}

/// The objects of a `List`, which Kubernetes takes as if each stood alone; a list in it too.
fn listed(node: Node) -> Vec<Node> {
    let is_list = is_object(&node)
        && node
            .get("kind")
            .and_then(Node::as_str)
            .is_some_and(|kind| kind == "List" || kind.ends_with("List"));
    match node.get("items").and_then(Node::as_seq) {
        Some(items) if is_list => items.iter().cloned().flat_map(listed).collect(),
        Some(_) | None => vec![node],
    }
}

/// Whether a document is one of Kubernetes.
fn is_object(node: &Node) -> bool {
    ["apiVersion", "kind"]
        .iter()
        .all(|key| node.get(key).and_then(Node::as_str).is_some())
}

#[cfg(test)]
mod tests;
