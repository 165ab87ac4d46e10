//! The versions of actions and base images that generated files use.
//!
//! In: the name of an action, or of an image and the version that the stack asks for. Out: the
//! exact version, from `pins` of loom.yaml, else from the tables below. A release of loom that
//! changes a table changes files: that is a change of the kind's output and shows in the plan.
//!
//! Deliberately not here: looking versions up. A plan reads nothing but the repository.

use loom_plan::diag::{Code, Diagnostic};
use loom_plan::intent::context::Context;
use serde_json::{Value as Json, json};

/// GitHub actions: name, commit, the version that the commit is.
const ACTIONS: &[(&str, &str, &str)] = &[
    (
        "actions/checkout",
        "3d3c42e5aac5ba805825da76410c181273ba90b1",
        "v7.0.1",
    ),
    (
        "actions/create-github-app-token",
        "bcd2ba49218906704ab6c1aa796996da409d3eb1",
        "v3.2.0",
    ),
    (
        "actions/download-artifact",
        "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
        "v8.0.1",
    ),
    (
        "actions/setup-go",
        "b7ad1dad31e06c5925ef5d2fc7ad053ef454303e",
        "v7.0.0",
    ),
    (
        "actions/setup-node",
        "820762786026740c76f36085b0efc47a31fe5020",
        "v7.0.0",
    ),
    (
        "actions/setup-python",
        "5fda3b95a4ea91299a34e894583c3862153e4b97",
        "v7.0.0",
    ),
    (
        "actions/upload-artifact",
        "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a",
        "v7.0.1",
    ),
    (
        "aws-actions/configure-aws-credentials",
        "517a711dbcd0e402f90c77e7e2f81e849156e31d",
        "v6.2.2",
    ),
    (
        "denoland/setup-deno",
        "e95548e56dfa95d4e1a28d6f422fafe75c4c26fb",
        "v2.0.3",
    ),
    (
        "docker/build-push-action",
        "53b7df96c91f9c12dcc8a07bcb9ccacbed38856a",
        "v7.3.0",
    ),
    (
        "docker/login-action",
        "dbcb813823bdd20940b903addbd779551569679f",
        "v4.6.0",
    ),
    (
        "docker/setup-buildx-action",
        "37fe631027851001ddb9b187196cc803df7f5f0e",
        "v4.3.0",
    ),
    (
        "oven-sh/setup-bun",
        "0c5077e51419868618aeaa5fe8019c62421857d6",
        "v2.2.0",
    ),
];

/// Base images: the name under `pins.images`, the tag's suffix, and versions from the newest line
/// to the oldest; the first is the default.
const IMAGES: &[(&str, &str, &[&str])] = &[
    ("alpine", "", &["3.24.1"]),
    ("debian", "-slim", &["bookworm-20260421"]),
    ("denoland/deno", "", &["2.9.6"]),
    (
        "eclipse-temurin",
        "-jre-alpine",
        &["21.0.9_10", "25.0.3_9", "17.0.13_11"],
    ),
    ("ghcr.io/astral-sh/uv", "", &["0.12.10"]),
    ("golang", "-alpine", &["1.26.5", "1.25.13", "1.24.13"]),
    ("gradle", "", &["9.5.1-jdk21", "9.8.0-jdk25", "9.4.1-jdk17"]),
    (
        "maven",
        "",
        &[
            "3.9.11-eclipse-temurin-21",
            "3.9.16-eclipse-temurin-25",
            "3.9.11-eclipse-temurin-17",
        ],
    ),
    ("mysql", "", &["8.4.11"]),
    (
        "node",
        "-bookworm-slim",
        &["24.21.0", "22.23.2", "20.20.2", "18.20.8"],
    ),
    ("oven/bun", "-slim", &["1.3.14"]),
    ("postgres", "", &["17.6"]),
    (
        "python",
        "-slim-bookworm",
        &["3.13.14", "3.12.13", "3.11.15", "3.10.20", "3.9.25"],
    ),
    ("rust", "-slim-bookworm", &["1.97.0"]),
];

/// The version and commit of an action, as `github.workflow` takes them.
pub fn action(cx: &Context<'_>, name: &str) -> Json {
    let built_in = ACTIONS.iter().find(|(known, ..)| *known == name);
    let (version, sha) = cx.pinned_action(name).unwrap_or_else(|| match built_in {
        Some((_, sha, version)) => ((*version).to_owned(), (*sha).to_owned()),
        None => (String::new(), String::new()),
    });
    json!({ "version": version, "sha": sha })
}

/// A base image: what stands after `FROM`.
pub fn image(cx: &Context<'_>, name: &str, version: &str) -> String {
    match cx.pinned_image(name) {
        Some((tag, Some(digest))) => format!("{name}:{tag}@{digest}"),
        Some((tag, None)) => format!("{name}:{tag}"),
        None => format!("{name}:{version}{}", suffix(name)),
    }
}

/// What follows the version in an image's built-in tag.
fn suffix(name: &str) -> &'static str {
    IMAGES
        .iter()
        .find(|(known, ..)| *known == name)
        .map_or("", |(_, suffix, _)| suffix)
}

/// The built-in versions of an image, the default first.
fn versions(name: &str) -> &'static [&'static str] {
    IMAGES
        .iter()
        .find(|(known, ..)| *known == name)
        .map_or(&[], |(.., versions)| versions)
}

/// The built-in versions of an image.
pub fn lines(name: &str) -> impl Iterator<Item = &'static str> {
    versions(name).iter().copied()
}

/// The version that `wanted` stands for: itself where it is a full version, the built-in one that
/// begins with it where it is a line such as `22`, the default where nobody asks.
///
/// # Errors
/// The line, where no built-in version begins with it.
pub fn version(name: &str, wanted: Option<&str>) -> Result<String, String> {
    let known = versions(name);
    let Some(wanted) = wanted.map(|wanted| wanted.trim().trim_start_matches(['v', '=', '^', '~']))
    else {
        return known
            .first()
            .map(|version| (*version).to_owned())
            .ok_or_else(String::new);
    };
    let wanted = wanted.trim_end_matches(".x");
    let begins = |version: &&&str| {
        version
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_']))
    };
    match known.iter().find(begins) {
        Some(version) => Ok((*version).to_owned()),
        None if wanted.split('.').count() >= 3 => Ok(wanted.to_owned()),
        None => Err(wanted.to_owned()),
    }
}

/// The version of an image's line, or the default and a finding where there is no such line.
pub fn version_or_report(cx: &mut Context<'_>, name: &str, wanted: Option<&str>) -> String {
    version(name, wanted).unwrap_or_else(|line| {
        let lines = versions(name).join(", ");
        let found = Diagnostic::new(
            Code::BadValue,
            format!("`runtimeVersion`: loom has no built-in version of `{name}` for `{line}`"),
        );
        let place = cx
            .stack()
            .span("runtimeVersion")
            .unwrap_or_else(|| cx.span());
        cx.report(
            found
                .at(place, "")
                .help(format!("write a full version, or a line of these: {lines}")),
        );
        line
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_every_commit_is_a_full_hash() {
        assert!(ACTIONS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(IMAGES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (name, sha, version) in ACTIONS {
            assert!(
                sha.len() == 40 && sha.bytes().all(|b| b.is_ascii_hexdigit()),
                "{name}"
            );
            assert!(version.starts_with('v'), "{name}");
        }
    }

    #[test]
    fn a_line_picks_its_version_and_a_full_version_stands() {
        let version = |name, wanted| version(name, wanted);
        assert_eq!(version("node", Some("22")), Ok("22.23.2".to_owned()));
        assert_eq!(version("node", Some("v20.x")), Ok("20.20.2".to_owned()));
        assert_eq!(version("python", Some("3.9")), Ok("3.9.25".to_owned()));
        assert_eq!(version("node", Some("22.11.0")), Ok("22.11.0".to_owned()));
        assert_eq!(version("node", None), Ok("24.21.0".to_owned()));
        assert_eq!(
            version("eclipse-temurin", Some("17")),
            Ok("17.0.13_11".to_owned())
        );
        assert_eq!(
            version("python", Some("3.1")),
            Err("3.1".to_owned()),
            "3.1 is not the line of 3.13"
        );
        assert_eq!(version("node", Some("2")), Err("2".to_owned()));
    }
}
