//! Credentials in base64, and such that a line end parts.
//!
//! In: the place of a literal as base64 writes it. Out: the range of the run of base64 around it, if
//! what it comes to holds a credential. One layer is taken off, not two.

use std::ops::Range;

use super::Found;
use super::name::Named;
use super::value::Written;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What is always in the base64 of a text that holds the literal: one form for each place in a
/// group of three bytes.
pub(super) fn forms(literal: &str) -> impl Iterator<Item = String> {
    (0..3).filter_map(move |offset| {
        let bytes = [&[0_u8; 2][..offset], literal.as_bytes()].concat();
        let bit = |at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
        let first = (offset * 8).div_ceil(6);
        let last = bytes.len() * 8 / 6;
        let letters = (first..last).map(|letter| {
            let value = (0..6).fold(0_u8, |value, at| value << 1 | bit(letter * 6 + at));
            char::from(ALPHABET[usize::from(value)])
        });
        let form: String = letters.collect();
        (form.len() >= 4).then_some(form)
    })
}

/// The run of base64 around a place; lines as an encoder breaks them belong together.
pub(super) fn run_around(text: &str, at: &Range<usize>) -> Range<usize> {
    let bytes = text.as_bytes();
    let letter =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    let left = bytes[..at.start].iter().rev().take_while(letter).count();
    let start = at.start - left;
    let mut end = at.end + bytes[at.end..].iter().take_while(letter).count();
    let mut line = end - start;
    while line >= 60 {
        let blank = bytes[end..]
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count();
        let next = bytes[end + blank..].iter().take_while(letter).count();
        if blank == 0 || next < 16 {
            break;
        }
        end += blank + next;
        line = next;
    }
    end += bytes[end..]
        .iter()
        .take_while(|byte| **byte == b'=')
        .count();
    start..end
}

/// What base64 comes to, of either alphabet, with or without padding.
pub(super) fn decode(run: &str) -> String {
    let mut bytes = Vec::with_capacity(run.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in run.bytes() {
        let byte = match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => byte,
        };
        let Some(value) = ALPHABET.iter().position(|letter| *letter == byte) else {
            continue;
        };
        bits = bits << 6 | u32::try_from(value).unwrap_or_default();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xFF).unwrap_or_default());
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A text whose continued lines (`\` at the end) are joined, and where each of its bytes stood.
pub(super) fn joined(text: &str) -> (String, Vec<usize>) {
    let (mut joined, mut places) = (String::with_capacity(text.len()), Vec::new());
    let mut rest = 0;
    while rest < text.len() {
        let end = text[rest..]
            .find("\\\n")
            .map_or(text.len(), |end| rest + end);
        joined.push_str(&text[rest..end]);
        places.extend(rest..end);
        let after = (end + 2).min(text.len());
        let indent = text[after..]
            .bytes()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        rest = after + indent;
    }
    places.push(text.len());
    (joined, places)
}

/// Web credentials after a word: `Basic …`, whose text is `user:password`.
pub(super) fn basic(text: &str, word: &Range<usize>) -> Option<Found> {
    let rest = &text[word.end..];
    let run = run_around(rest, &(0..0));
    let decoded = decode(&rest[run.clone()]);
    let (user, password) = decoded.split_once(':')?;
    let is_text = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let obvious = password.len() < 6 || super::value::is_placeholder(password) || password == user;
    (run.len() >= 12 && is_text(user) && is_text(password) && !obvious).then(|| Found {
        range: word.end + run.start..word.end + run.end,
        what: "a user and a password in base64",
    })
}

/// `Bearer …`.
pub(super) fn bearer(text: &str, word: &Range<usize>) -> Option<Found> {
    let rest = &text[word.end..];
    let letter =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '/' | '=');
    let token = &rest[..rest.find(|c| !letter(c)).unwrap_or(rest.len())];
    let is_token =
        token.len() >= 16 && super::value::judge(Named::Secret, token, Written::Literal).is_some();
    is_token.then(|| Found {
        range: word.end..word.end + token.len(),
        what: "a bearer's token",
    })
}

/// A JSON Web Token (RFC 7519): three parts, of which the first two are JSON objects.
pub(super) fn web_token(text: &str, at: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    let letter = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let part = |from: usize| {
        from + bytes[from..]
            .iter()
            .take(32 * 1024)
            .take_while(letter)
            .count()
    };
    let dot = |at: usize| (bytes.get(at) == Some(&b'.')).then_some(at + 1);
    let header = part(at);
    let payload = dot(header)?;
    let end = part(payload);
    let signature = dot(end)?;
    let close = part(signature);
    let object = |range: Range<usize>| {
        let decoded = decode(&text[range]);
        decoded.starts_with('{').then_some(decoded)
    };
    object(at..header)?;
    let sample = object(payload..end)?.contains("\"John Doe\"");
    (!sample && header - at >= 10 && close - signature >= 10).then_some(Found {
        range: at..close,
        what: "a JSON Web Token",
    })
}
