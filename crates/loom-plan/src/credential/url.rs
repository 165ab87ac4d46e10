//! Passwords in addresses: `scheme://user:password@host`.
//!
//! In: the place of a `://`. Out: the range of the password, or of a token that is the user. A
//! password counts by where the host is: on this machine everybody may know it, in a network
//! of containers only a good one is taken for one, and elsewhere every one that is no placeholder.

use std::ops::Range;

use super::{Found, value};

const PASSWORD: &str = "a URL with a password";
const TOKEN: &str = "a URL with a token";

/// Passwords that nobody takes for one.
const OBVIOUS: &[&str] = &[
    "password",
    "passwd",
    "pass",
    "secret",
    "postgres",
    "mysql",
    "root",
    "admin",
    "test",
    "guest",
    "x-oauth-basic",
    "x-token-auth",
    "token",
    "pw",
    "pwd",
    "user",
    "changeit",
];

/// The credential of the address whose `://` stands at a place.
pub(super) fn at(text: &str, literal: &Range<usize>) -> Option<Found> {
    let start = literal.end;
    let scheme = text[..literal.start].bytes().next_back()?;
    if !scheme.is_ascii_alphanumeric() {
        return None;
    }
    let rest = &text[start..text.floor_char_boundary(text.len().min(start + 512))];
    let (info, host) = authority(rest)?;
    let (user, password) = info.split_once(':').unwrap_or((info, ""));
    if is_local(host) {
        return None;
    }
    if is_written(password) && is_password(user, password, host) {
        let from = start + user.len() + 1;
        return Some(Found {
            range: from..from + password.len(),
            what: PASSWORD,
        });
    }
    let token = user.len() >= 20 && value::is_random(user) && !value::is_placeholder(user);
    token.then(|| Found {
        range: start..start + user.len(),
        what: TOKEN,
    })
}

/// User and password, and the host behind them. A password may hold `/`, `?` and `#`, which by the
/// grammar it may not; programs take them all the same.
fn authority(rest: &str) -> Option<(&str, &str)> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '>' | '|' | ',');
    let rest = &rest[..rest.find(ends).unwrap_or(rest.len())];
    let strict = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let is_port = |text: &str| {
        text.split_once(':')
            .is_none_or(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let split = match strict.rsplit_once('@') {
        Some((info, host)) => (info, host),
        None if is_port(strict) || strict.starts_with('[') => return None,
        None => rest.rsplit_once('@')?,
    };
    let (info, host) = split;
    let host = &host[..host
        .find(['/', '?', '#', ':', '\\', ';', ')', ']', '}'])
        .unwrap_or(host.len())];
    let is_host = host.bytes().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'$' | b'{' | b'<')
    });
    // `https://esm.sh:443@1`: a version, and no host
    let is_version = !host.contains('.') && host.bytes().all(|byte| byte.is_ascii_digit());
    (is_host && !is_version || host.is_empty()).then_some((info, host))
}

/// Whether a host is this machine, or stands for any.
fn is_local(host: &str) -> bool {
    let lower = host.to_ascii_lowercase();
    matches!(
        lower.as_str(),
        "localhost" | "127.0.0.1" | "0.0.0.0" | "host" | "hostname" | "host.docker.internal"
    ) || lower.ends_with(".localhost")
        || lower.starts_with("127.")
}

fn is_written(password: &str) -> bool {
    let is_variable = password.starts_with(['{', '*', '[']) || password.ends_with('*');
    !password.is_empty() && !is_variable
}

fn is_password(user: &str, password: &str, host: &str) -> bool {
    let literal = value::literal_part(password);
    let literal = literal.as_str();
    let lower = literal.to_ascii_lowercase();
    if literal.len() < 6
        || literal == user
        || literal.bytes().all(|byte| byte.is_ascii_digit()) && literal.len() < 8
        || OBVIOUS.contains(&lower.as_str())
        || value::is_placeholder(literal)
    {
        return false;
    }
    let elsewhere = host.contains('.') && !host.starts_with(['$', '{', '<']);
    let sorts = value::is_password(literal) || value::is_random(literal);
    elsewhere || sorts || value::is_tangled(literal)
}
