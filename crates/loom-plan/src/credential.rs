//! Literals that look like credentials: found, refused, and kept out of every output.
//!
//! In: nodes and texts. Out: a finding at each place, and the same node without the literal; the
//! sources are redacted, so that a report that prints the line prints `*`.
//!
//! Two signs are taken: the form of a known token, anywhere; and high entropy in a secret's place
//! (`JWT_SECRET`, `apiToken` …). Placeholders, references to secrets, hashes of commits and images
//! are none. Deliberately not here: files that loom does not read as input (`check`).

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::node::{Map, Node, Value};
use crate::text::{SourceId, Sources, Span, offset};

/// What tokens of a service look like: how they begin, what follows, and how long that is.
struct Format {
    prefix: &'static str,
    tail: fn(u8) -> bool,
    length: RangeInclusive<usize>,
    what: &'static str,
}

const fn format(
    prefix: &'static str,
    tail: fn(u8) -> bool,
    length: RangeInclusive<usize>,
    what: &'static str,
) -> Format {
    Format {
        prefix,
        tail,
        length,
        what,
    }
}

fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

const FORMATS: &[Format] = &[
    format("AKIA", upper, 16..=16, "an AWS access key"),
    format("ASIA", upper, 16..=16, "an AWS access key"),
    format("ghp_", alphanumeric, 30..=255, "a GitHub token"),
    format("gho_", alphanumeric, 30..=255, "a GitHub token"),
    format("ghu_", alphanumeric, 30..=255, "a GitHub token"),
    format("ghs_", alphanumeric, 30..=255, "a GitHub token"),
    format("ghr_", alphanumeric, 30..=255, "a GitHub token"),
    format("github_pat_", word, 22..=255, "a GitHub token"),
    format("glpat-", word, 20..=255, "a GitLab token"),
    format("xoxa-", word, 10..=255, "a Slack token"),
    format("xoxb-", word, 10..=255, "a Slack token"),
    format("xoxp-", word, 10..=255, "a Slack token"),
    format("xoxr-", word, 10..=255, "a Slack token"),
    format("xoxs-", word, 10..=255, "a Slack token"),
    format("sk_live_", alphanumeric, 16..=255, "a Stripe key"),
    format("rk_live_", alphanumeric, 16..=255, "a Stripe key"),
    format("AIza", word, 35..=255, "a Google API key"),
    format("npm_", alphanumeric, 36..=255, "an npm token"),
];

/// Words that say that a literal only stands for a credential.
const PLACEHOLDERS: &[&str] = &[
    "example",
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "xxxx",
    "dummy",
    "your",
];
/// Passwords that nobody takes for one.
const OBVIOUS: &[&str] = &[
    "password", "passwd", "pass", "secret", "postgres", "mysql", "root", "admin", "test", "guest",
];

/// What high entropy in a secret's place is called.
const RANDOM: &str = "a random value";

/// A credential in a text.
struct Found {
    range: Range<usize>,
    what: &'static str,
}

/// Reports every credential in a node and returns the node without it. A stage that calls this
/// ends with [`hide`].
pub fn guard(node: &Node, sources: &mut Sources, out: &mut Diagnostics) -> Node {
    Guard { sources, out }
        .node(node, false)
        .unwrap_or_else(|| node.clone())
}

/// Reports every known token in a file that becomes part of an output as it is. A stage that calls
/// this ends with [`hide`].
pub fn refuse(id: SourceId, sources: &Sources, out: &mut Diagnostics) {
    for Found { range, what } in tokens(&sources.get(id).text) {
        out.push(finding(span_of(id, &range), what));
    }
}

fn finding(span: Span, what: &str) -> Diagnostic {
    let place = if what == RANDOM {
        " in a secret's place"
    } else {
        ""
    };
    let finding = Diagnostic::new(
        Code::Credential,
        format!("this looks like a credential: {what}{place}"),
    );
    let finding = finding.at(
        span,
        "a literal that everybody who reads the repository can use",
    );
    finding.help("take it out, replace it where it was issued, and refer to it: `secret: true`, or `secret: { from: …, key: … }`")
}

/// Redacts in the sources what [`guard`] reported, and what has the form of a known token in those
/// from the `first` on, wherever it stands (comments, prose); and the latter in the texts of the
/// findings. Once for a whole stage: each redaction copies the text.
pub fn hide(sources: &mut Sources, first: usize, out: &mut Diagnostics) {
    let reported = out
        .iter()
        .filter(|found| found.code == Code::Credential)
        .flat_map(|found| &found.labels);
    let mut spans: Vec<Span> = reported.map(|label| label.span).collect();
    for id in sources.ids().skip(first) {
        let found = tokens(&sources.get(id).text);
        spans.extend(found.iter().map(|found| span_of(id, &found.range)));
    }
    sources.redact(&spans);
    for diagnostic in out.iter_mut() {
        let texts = diagnostic.labels.iter_mut().map(|label| &mut label.text);
        for text in texts
            .chain([&mut diagnostic.message])
            .chain(&mut diagnostic.help)
        {
            if let Cow::Owned(masked) = masked(text) {
                *text = masked;
            }
        }
    }
}

/// Where a text holds known tokens, and what they are.
pub fn found(text: &str) -> Vec<(Range<usize>, &'static str)> {
    tokens(text)
        .into_iter()
        .map(|found| (found.range, found.what))
        .collect()
}

/// The text with `*` in the place of known tokens.
pub fn masked(text: &str) -> Cow<'_, str> {
    match tokens(text).as_slice() {
        [] => text.into(),
        found => found
            .iter()
            .fold(text.to_owned(), |text, found| mask(&text, &found.range))
            .into(),
    }
}

fn mask(text: &str, range: &Range<usize>) -> String {
    let stars: String = text[range.clone()]
        .chars()
        .map(|c| if c == '\n' { c } else { '*' })
        .collect();
    format!("{}{stars}{}", &text[..range.start], &text[range.end..])
}

fn span_of(source: SourceId, range: &Range<usize>) -> Span {
    Span {
        source,
        start: offset(range.start),
        end: offset(range.end),
    }
}

struct Guard<'a> {
    sources: &'a mut Sources,
    out: &'a mut Diagnostics,
}

impl Guard<'_> {
    /// The node without its credentials; `None` where it has none. `secret` says that it stands in
    /// a secret's place.
    fn node(&mut self, node: &Node, secret: bool) -> Option<Node> {
        let value = match &node.value {
            Value::String(text) => Value::String(self.text(text, node.span, secret)?.into()),
            Value::Seq(items) => {
                let changed: Vec<Option<Node>> =
                    items.iter().map(|item| self.node(item, secret)).collect();
                changed.iter().any(Option::is_some).then(|| {
                    let whole = changed.into_iter().zip(items.iter());
                    Value::Seq(
                        whole
                            .map(|(changed, item)| changed.unwrap_or_else(|| item.clone()))
                            .collect(),
                    )
                })?
            }
            Value::Map(map) => Value::Map(self.map(map, secret)?.into()),
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => return None,
        };
        Some(Node {
            span: node.span,
            value,
        })
    }

    fn map(&mut self, map: &Map, secret: bool) -> Option<Map> {
        // `{ name: DB_PASSWORD, value: … }`, as Kubernetes and Compose write a variable
        let named = map
            .get("name")
            .and_then(Node::as_str)
            .is_some_and(is_secret_name);
        let mut changed: Option<Map> = None;
        for (key, entry) in map.entries() {
            if let Some(masked) = self.text(key, entry.key, false) {
                // the finding ends the run: the key stays only so that the rest is looked at too
                drop(masked);
            }
            let inside = match key.as_ref() {
                "secret" | "description" | "title" | "name" | "key" | "from" => false,
                "value" => secret || named,
                key => {
                    is_secret_name(key)
                        || (secret && !matches!(entry.node.value, Value::Map(_) | Value::Seq(_)))
                }
            };
            if let Some(node) = self.node(&entry.node, inside) {
                changed.get_or_insert_with(|| map.clone()).insert(key, node);
            }
        }
        changed
    }

    fn text(&mut self, text: &str, span: Span, secret: bool) -> Option<String> {
        let mut found = tokens(text);
        if found.is_empty() && secret && is_random(text) {
            found.push(Found {
                range: 0..text.len(),
                what: RANDOM,
            });
        }
        if found.is_empty() {
            return None;
        }
        let inner = self.sources.add_embedded(span, text);
        let mut masked = text.to_owned();
        for Found { range, what } in &found {
            masked = mask(&masked, range);
            self.out.push(finding(span_of(inner, range), what));
        }
        Some(masked)
    }
}

/// Whether a key or a variable is called like something secret. `key` alone is not.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let is = |part: &[u8], word: &str| {
        part[0].eq_ignore_ascii_case(&word.as_bytes()[0])
            && part.eq_ignore_ascii_case(word.as_bytes())
    };
    let holds = |word: &str| {
        name.as_bytes()
            .windows(word.len())
            .any(|part| is(part, word))
    };
    let parted =
        |end: &[u8; 4]| end.eq_ignore_ascii_case(b"_key") || end.eq_ignore_ascii_case(b"-key");
    let key = name.ends_with("Key") || name.as_bytes().last_chunk().is_some_and(parted);
    (key || ["secret", "token", "password", "passwd"]
        .into_iter()
        .any(holds))
        && !holds("public")
}

/// All known tokens of a text, in order.
fn tokens(text: &str) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut found: Vec<Found> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let begins = || at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        let next = match bytes[at] {
            b'A' | b'g' | b'x' | b's' | b'r' | b'n' if begins() => known_token(text, at),
            b'e' if at == 0 || !word(bytes[at - 1]) => web_token(bytes, at),
            b'-' if begins() => private_key(text, at),
            b':' => password_of_url(text, at),
            _ => None,
        };
        match next {
            Some(next) => {
                at = next.range.end.max(at + 1);
                found.push(next);
            }
            None => at += 1,
        }
    }
    found
}

fn run(bytes: &[u8], wanted: fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| wanted(**byte)).count()
}

fn known_token(text: &str, at: usize) -> Option<Found> {
    let rest = &text.as_bytes()[at..];
    let format = FORMATS
        .iter()
        .find(|format| rest.starts_with(format.prefix.as_bytes()))?;
    let tail = &rest[format.prefix.len()..];
    let end = format.prefix.len()
        + run(
            &tail[..tail.len().min(format.length.end() + 1)],
            format.tail,
        );
    let fits = format.length.contains(&(end - format.prefix.len()));
    (fits && !is_placeholder(&text[at..at + end])).then(|| Found {
        range: at..at + end,
        what: format.what,
    })
}

/// A JSON Web Token: three parts of base64url, the first two being JSON objects (RFC 7519).
fn web_token(bytes: &[u8], at: usize) -> Option<Found> {
    let part = |from: usize, begins: &[u8]| {
        let rest = bytes.get(from..).filter(|rest| rest.starts_with(begins))?;
        let length = run(rest, word);
        (length >= 10).then_some(from + length)
    };
    let dot = |at: usize| (bytes.get(at) == Some(&b'.')).then_some(at + 1);
    let end = part(dot(part(dot(part(at, b"eyJ")?)?, b"eyJ")?)?, b"")?;
    Some(Found {
        range: at..end,
        what: "a JSON Web Token",
    })
}

/// `-----BEGIN … PRIVATE KEY-----`, as far as its end or the text's.
fn private_key(text: &str, at: usize) -> Option<Found> {
    let body = text[at..].strip_prefix("-----BEGIN ")?;
    let label = &body[..body[..body.floor_char_boundary(50)].find("-----")?];
    if !label.ends_with("PRIVATE KEY") {
        return None;
    }
    let close = format!("-----END {label}-----");
    let end = text[at..]
        .find(&close)
        .map_or(text.len(), |end| at + end + close.len());
    Some(Found {
        range: at..end,
        what: "a private key",
    })
}

/// The password of `scheme://user:password@host`.
fn password_of_url(text: &str, at: usize) -> Option<Found> {
    let rest = text[at..].strip_prefix("://")?;
    let authority = &rest[..rest
        .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '?' | '#'))
        .unwrap_or(rest.len())];
    let (user, password) = authority.rsplit_once('@')?.0.split_once(':')?;
    let written = password
        .chars()
        .all(|c| !matches!(c, '$' | '{' | '<' | '*' | '%'));
    if password.is_empty()
        || !written
        || password == user
        || OBVIOUS.contains(&password)
        || is_placeholder(password)
    {
        return None;
    }
    let start = at + "://".len() + user.len() + 1;
    Some(Found {
        range: start..start + password.len(),
        what: "a URL with a password",
    })
}

fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    PLACEHOLDERS.iter().any(|word| lower.contains(word))
}

/// Whether a text is one long run of letters and digits without a pattern.
fn is_random(text: &str) -> bool {
    let alphabet = text
        .bytes()
        .all(|byte| word(byte) || matches!(byte, b'+' | b'/' | b'=' | b'.' | b'!' | b'@' | b'#'));
    if text.len() < 16 || !alphabet || is_placeholder(text) || is_uuid(text) {
        return false;
    }
    let class = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let bytes = text.as_bytes();
    let changes = bytes
        .windows(2)
        .filter(|pair| class(pair[0]) != class(pair[1]))
        .count();
    changes * 4 >= bytes.len() - 1 && entropy(bytes) >= 3.0
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12]
        && text
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Bits for each byte (Shannon).
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let length = f64::from(offset(bytes.len()));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node;

    /// What is underlined, and the node without its credentials.
    fn guarded(text: &str) -> (Vec<String>, serde_json::Value) {
        let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
        let id = sources.add("loom.yaml", text);
        let node = node::parse_one(&sources, id, &mut out).expect("good YAML");
        let before = sources.clone();
        let node = guard(&node, &mut sources, &mut out);
        hide(&mut sources, 0, &mut out);
        let places = out
            .iter()
            .map(|found| sources.outermost(found.labels[0].span))
            .collect::<Vec<_>>();
        assert!(
            places
                .iter()
                .all(|span| sources.slice(*span).chars().all(|c| c == '*' || c == '\n')),
            "it is redacted"
        );
        (
            places
                .iter()
                .map(|span| before.slice(*span).to_owned())
                .collect(),
            node.to_json(),
        )
    }

    #[test]
    fn known_tokens_are_found_anywhere() {
        let tokens = [
            "AKIA2E0A8F3B244C9986".to_owned(),
            "ASIA2E0A8F3B244C9986".to_owned(),
            format!("ghp_{}", "a1B2c3D4e5".repeat(4)),
            format!("gho_{}", "a1B2c3D4e5".repeat(4)),
            format!("ghs_{}", "a1B2c3D4e5".repeat(4)),
            format!("github_pat_{}", "11A_b2".repeat(10)),
            format!("glpat-{}", "a1-B2_".repeat(4)),
            "xoxb-123456789012-abcdef".to_owned(),
            format!("sk_live_{}", "a1B2c3D4".repeat(3)),
            format!("AIza{}", "a1B2c".repeat(7)),
            format!("npm_{}", "a1B2c3D4e5f6".repeat(3)),
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
                .to_owned(),
        ];
        for token in tokens {
            let (found, node) = guarded(&format!("a:\n- x: 'curl -H \"{token}\" https://x'\n"));
            assert_eq!(found.concat(), token);
            assert!(!node.to_string().contains(&token));
            assert_eq!(masked(&token), "*".repeat(token.len()));
        }
    }

    #[test]
    fn private_keys_are_found_with_their_lines() {
        let key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----";
        let (found, node) = guarded(&format!("a: |\n  {}\n  after\n", key.replace('\n', "\n  ")));
        assert_eq!(found, [key.replace('\n', "\n  ")]);
        assert!(node.to_string().contains("after") && !node.to_string().contains("MHcC"));
        assert!(guarded("a: -----BEGIN PUBLIC KEY-----\n").0.is_empty());
    }

    #[test]
    fn texts_made_to_keep_the_search_busy_do_not() {
        let begun = std::time::Instant::now();
        for piece in [
            "eyJ-",
            "eyJaaaaaaaaaa.",
            "AIza-",
            "://",
            "://a:b@",
            "-----BEGIN ",
            "-----BEGIN PRIVATE KEY",
            "github_pat_",
        ] {
            tokens(&piece.repeat(200_000 / piece.len()));
        }
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
    }

    #[test]
    fn only_the_password_of_a_url_is_covered() {
        assert_eq!(
            guarded("a: 'amqp://app:s3cr3tpw@mq:5672/x'").0,
            ["s3cr3tpw"]
        );
        for good in [
            "https://example.com/a:b@c",
            "postgres://$USER:$PASSWORD@db/x",
            "postgres://app:${DB_PASSWORD}@db/x",
            "postgres://postgres:postgres@localhost/test",
            "postgres://app:changeme@localhost/test",
            "git@github.com:a/b.git",
            "https://user@host/",
        ] {
            assert!(guarded(&format!("a: '{good}'")).0.is_empty(), "{good}");
        }
    }

    #[test]
    fn random_values_are_found_in_the_place_of_a_secret() {
        for text in [
            "JWT_SECRET: { value: q8Zr2LwX9vKt4NbY7mPc }",
            "apiToken: q8Zr2LwX9vKt4NbY7mPc",
            "DB_PASSWORD: { value: { default: q8Zr2LwX9vKt4NbY7mPc } }",
            "env: [{ name: SIGNING_KEY, value: q8Zr2LwX9vKt4NbY7mPc }]",
            "SESSION_SECRET: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ] {
            assert_eq!(guarded(text).0.len(), 1, "{text}");
        }
    }

    #[test]
    fn placeholders_references_and_hashes_are_no_credentials() {
        for text in [
            "API_KEY: '${{ secrets.API_KEY }}'",
            "JWT_SECRET: { secret: { from: vault, key: entity-api/jwt/9f86d081884c7d65 } }",
            "JWT_SECRET: { secret: true, description: q8Zr2LwX9vKt4NbY7mPc }",
            "JWT_SECRET: { value: change-me-in-production-2024 }",
            "API_TOKEN: your-token-1a2B3c4D5e6F7g8H",
            "kms_key: 1234abcd-12ab-34cd-56ef-1234567890ab",
            "key: prod/9f86d081884c7d659a2feaa0/terraform.tfstate",
            "sha: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
            "image: node@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "aws: AKIAIOSFODNN7EXAMPLE",
            "public_key: q8Zr2LwX9vKt4NbY7mPc",
            "API_KEY: ghp_short",
            "tokens_per_minute: 100000",
            "secretName: entity-api-database-credentials",
        ] {
            assert_eq!(guarded(text).0, Vec::<String>::new(), "{text}");
        }
    }
}
