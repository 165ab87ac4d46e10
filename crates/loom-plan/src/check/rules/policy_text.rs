//! Policies of AWS as they are written into Terraform: as JSON, in a heredoc, or given to `jsonencode`.
//!
//! In: the text of the argument. Out: the statements that allow something. This is no reader of either
//! language: blanks and quotes go, `=` is `:`, and what stands between braces is one thing. What refers
//! to something else stays unknown, and unknown is not everybody.

/// A statement that allows something: its keys and their values, without blanks and quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement(Vec<(String, String)>);

/// The statements of a policy that allow something.
pub(super) fn statements(policy: &str) -> Vec<Statement> {
    let is_left_out = |it: &char| it.is_whitespace() || matches!(it, '"' | '\\');
    let bare: Vec<char> = policy.chars().filter(|it| !is_left_out(it)).collect();
    let (mut open, mut all) = (Vec::new(), Vec::new());
    for (at, it) in bare.iter().enumerate() {
        match it {
            '{' => open.push(at + 1),
            '}' => {
                if let Some(begin) = open.pop() {
                    let entries = entries(&bare[begin..at]);
                    let allows =
                        |(key, value): &(String, String)| key == "effect" && value == "Allow";
                    if entries.iter().any(allows) {
                        all.push(Statement(entries));
                    }
                }
            }
            _ => {}
        }
    }
    all
}

/// The entries of a mapping: the key in lower case, and what stands behind it.
fn entries(inside: &[char]) -> Vec<(String, String)> {
    let (mut depth, mut parts, mut part) = (0_usize, Vec::new(), String::new());
    for it in inside {
        match it {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(*it);
    }
    parts.push(part);
    // without blanks the end of a line divides nothing any more: a key is where a known one begins
    parts.iter().flat_map(|part| keyed(part)).collect()
}

/// The keys of a statement, the longer before what is part of it.
const KEYS: &[&str] = &[
    "NotPrincipal",
    "Principal",
    "NotResource",
    "Resource",
    "NotAction",
    "Action",
    "Condition",
    "Effect",
    "Sid",
];

/// `Effect=AllowAction=*`, as it is left of two lines, is two entries.
fn keyed(part: &str) -> Vec<(String, String)> {
    let mut marks: Vec<(usize, &str)> = Vec::new();
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(it) = part[at..].chars().next() {
        match it {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let key = KEYS.iter().find(|key| {
            part[at..]
                .strip_prefix(**key)
                .is_some_and(|rest| rest.starts_with([':', '=']))
        });
        if let Some(key) = key.filter(|_| depth == 0) {
            marks.push((at, key));
            at += key.len();
        } else {
            at += it.len_utf8();
        }
    }
    let ends = marks.iter().skip(1).map(|(at, _)| *at).chain([part.len()]);
    let entry = |((at, key), end): (&(usize, &str), usize)| {
        (
            key.to_ascii_lowercase(),
            part[at + key.len() + 1..end].to_owned(),
        )
    };
    marks.iter().zip(ends).map(entry).collect()
}

impl Statement {
    fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(it, _)| it == key)
            .map(|(_, value)| value.as_str())
    }

    /// Whether it allows every action, or all but some.
    pub(super) fn allows_everything(&self) -> bool {
        self.get("notaction").is_some()
            || self
                .get("action")
                .is_some_and(|it| items(it).iter().any(|it| matches!(*it, "*" | "*:*")))
    }

    /// Whether everybody may, whatever else holds.
    pub(super) fn is_for_everybody(&self) -> bool {
        let is_all = |value: &str| match value.strip_prefix('{') {
            None => items(value).contains(&"*"),
            Some(inside) => {
                let inside = inside.trim_end_matches('}').replace('=', ":");
                let parts = inside.split_once("AWS:").map(|(_, rest)| rest.to_owned());
                parts.is_some_and(|rest| {
                    rest == "*" || rest.starts_with("*,") || {
                        let list = rest.strip_prefix('[').and_then(|it| it.split(']').next());
                        list.is_some_and(|list| list.split(',').any(|it| it == "*"))
                    }
                })
            }
        };
        let is_open =
            self.get("principal").is_some_and(is_all) || self.get("notprincipal").is_some();
        is_open && self.get("condition").is_none()
    }
}

/// The items of a list, or the one value.
fn items(value: &str) -> Vec<&str> {
    let value = value.trim_end_matches(',');
    match value.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        Some(list) => list.split(',').collect(),
        None => vec![value],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_however_it_is_written() {
        for policy in [
            r#"${jsonencode({ Statement = [{ Effect = "Allow", Principal = "*", Action = "*" }] })}"#,
            r#"${jsonencode({ Statement = [{ Effect = "Allow", Principal = { AWS = ["*"] }, Action = ["s3:Get", "*"] }] })}"#,
            "${jsonencode({\n Statement = {\n Action = [\"*\"]\n Principal = { AWS = \"*\" }\n Effect = \"Allow\"\n }\n})}",
            r#"<<EOF
{ "Statement": [{"Effect":"Deny","Principal":"*","Action":"x"},{"Sid":"a","Effect":"Allow","Principal":{"AWS":"*"},"Action":"*:*","Resource":"*"}]}
EOF"#,
            r#"{\"Statement\":[{\"Action\":\"*\",\"Principal\":\"*\",\"Effect\":\"Allow\"}]}"#,
        ] {
            let all = statements(policy);
            assert_eq!(all.len(), 1, "{policy}: {all:?}");
            assert!(
                all[0].allows_everything() && all[0].is_for_everybody(),
                "{policy}: {all:?}"
            );
        }
    }

    #[test]
    fn what_is_narrowed_down_is_let_be() {
        for policy in [
            r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:root"},"Action":["s3:*"]}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:Get","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o"}}}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sqs:Send","Resource":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*"}]}"#,
            "${data.aws_iam_policy_document.main.json}",
            "${templatefile(\"policy.json\", {})}",
            "",
        ] {
            let all = statements(policy);
            let is_wide = |it: &Statement| it.allows_everything() || it.is_for_everybody();
            assert!(!all.iter().any(is_wide), "{policy}: {all:?}");
        }
    }
}
