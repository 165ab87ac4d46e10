//! What strace wrote, as finished system calls.
//!
//! In: the log of `strace -f -xx -y`. Out: [`Call`]s in the order in which they ended, those of all
//! threads together; strings and paths are bytes again.
//!
//! Invariants: a call that another thread interrupts in the log is put together again (test
//! `a_call_that_is_told_in_two_lines_is_one`); a string that strace cut short is an error, never
//! shorter data (test `a_string_that_was_cut_short_is_an_error`).
//!
//! Deliberately not here: what a call means (`operation`).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use crate::Outcome;

/// A system call that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// Its name, such as `openat`.
    pub(crate) name: String,
    arguments: Vec<String>,
    result: String,
}

/// The finished calls of a log.
pub(crate) fn calls(log: &str) -> Outcome<Vec<Call>> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for line in log.lines() {
        let (thread, text) = line.split_once(' ').ok_or_else(|| unreadable(line))?;
        let text = text.trim_start();
        if text.starts_with("+++") || text.starts_with("---") {
            continue;
        }
        if let Some(first) = text.strip_suffix("<unfinished ...>") {
            begun.insert(thread, first);
        } else if let Some(resumed) = text.strip_prefix("<... ") {
            let (_, rest) = resumed
                .split_once(" resumed>")
                .ok_or_else(|| unreadable(line))?;
            let first = begun.remove(thread).ok_or_else(|| unreadable(line))?;
            found.push(call(&format!("{first}{rest}"))?);
        } else {
            found.push(call(text)?);
        }
    }
    Ok(found)
}

fn unreadable(line: &str) -> String {
    format!(
        "strace wrote a line that cannot be read: {}",
        line.chars().take(200).collect::<String>()
    )
}

/// `name(arguments) = result`.
fn call(text: &str) -> Outcome<Call> {
    let (name, rest) = text.split_once('(').ok_or_else(|| unreadable(text))?;
    let mut arguments = vec![String::new()];
    let mut depth = 0_usize;
    let mut end = None;
    for (at, character) in rest.char_indices() {
        match character {
            ')' if depth == 0 => {
                end = Some(at);
                break;
            }
            ',' if depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' => {
                depth = depth.checked_sub(1).ok_or_else(|| unreadable(text))?;
            }
            _ => {}
        }
        arguments
            .last_mut()
            .ok_or_else(|| unreadable(text))?
            .push(character);
    }
    let result = end
        .and_then(|end| rest[end + 1..].trim_start().strip_prefix("= "))
        .ok_or_else(|| unreadable(text))?;
    let arguments = arguments
        .iter()
        .map(|argument| argument.trim().to_owned())
        .collect();
    Ok(Call {
        name: name.to_owned(),
        arguments,
        result: result.to_owned(),
    })
}

impl Call {
    /// What it returned; `None` where it failed or never returned.
    pub(crate) fn result(&self) -> Option<u64> {
        self.result
            .split(['<', ' '])
            .next()
            .and_then(|number| number.parse().ok())
    }

    /// An argument as strace wrote it.
    pub(crate) fn argument(&self, index: usize) -> Outcome<&str> {
        self.arguments
            .get(index)
            .map(String::as_str)
            .ok_or_else(|| format!("the call `{}` has no argument {index}", self.name))
    }

    /// Whether an argument has a flag.
    pub(crate) fn has(&self, index: usize, flag: &str) -> bool {
        self.arguments
            .get(index)
            .is_some_and(|argument| argument.split('|').any(|one| one == flag))
    }

    /// A number, in decimal or octal.
    pub(crate) fn number(&self, index: usize) -> Outcome<u64> {
        let text = self.argument(index)?;
        let octal = text.strip_prefix('0').filter(|digits| !digits.is_empty());
        let number = octal.map_or_else(
            || text.parse().ok(),
            |digits| u64::from_str_radix(digits, 8).ok(),
        );
        number.ok_or_else(|| format!("the argument `{text}` of `{}` is no number", self.name))
    }

    /// The bytes of a string.
    pub(crate) fn bytes(&self, index: usize) -> Outcome<Vec<u8>> {
        let text = self.argument(index)?;
        let inner = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        inner.and_then(hex).ok_or_else(|| {
            format!(
                "a string of `{}` was cut short or cannot be read",
                self.name
            )
        })
    }

    /// A path argument relative to the directory descriptor before it.
    pub(crate) fn path(&self, directory: usize) -> Outcome<PathBuf> {
        let name = PathBuf::from(OsString::from_vec(self.bytes(directory + 1)?));
        if name.is_absolute() {
            Ok(name)
        } else {
            Ok(self.opened(directory)?.join(name))
        }
    }

    /// A path argument that stands alone.
    pub(crate) fn plain_path(&self, index: usize) -> Outcome<PathBuf> {
        Ok(PathBuf::from(OsString::from_vec(self.bytes(index)?)))
    }

    /// The path behind a descriptor.
    pub(crate) fn opened(&self, index: usize) -> Outcome<PathBuf> {
        let text = self.argument(index)?;
        let inner = text
            .split_once('<')
            .and_then(|(_, rest)| rest.strip_suffix('>'));
        let bytes = inner
            .and_then(hex)
            .ok_or_else(|| format!("strace does not say what `{text}` of `{}` is", self.name))?;
        Ok(PathBuf::from(OsString::from_vec(bytes)))
    }

    /// The number of a descriptor.
    pub(crate) fn descriptor(&self, index: usize) -> Outcome<u64> {
        let text = self.argument(index)?;
        let number = text
            .split('<')
            .next()
            .and_then(|number| number.parse().ok());
        number.ok_or_else(|| format!("`{text}` of `{}` is no descriptor", self.name))
    }
}

/// `\x61\x62` as bytes.
fn hex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.strip_prefix(r"\x")?
        .split(r"\x")
        .map(|pair| {
            u8::from_str_radix(pair, 16)
                .ok()
                .filter(|_| pair.len() == 2)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_name_arguments_and_result() {
        let log = r#"7 openat(4<\x2f\x61>, "\x62", O_RDWR|O_CREAT, 0666) = 5<\x2f\x61\x2f\x62>"#;
        let found = calls(log).expect("a log");
        let [call] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(call.name, "openat");
        assert_eq!(call.path(0), Ok(PathBuf::from("/a/b")));
        assert!(call.has(2, "O_CREAT") && !call.has(2, "O_TRUNC"));
        assert_eq!(
            (call.number(3), call.result(), call.descriptor(0)),
            (Ok(0o666), Some(5), Ok(4))
        );
    }

    #[test]
    fn a_call_is_told_from_its_failure() {
        let log = "7 fsync(3<\\x61>) = -1 EIO (Input/output error)\n7 exit_group(0) = ?\n7 +++ exited with 0 +++\n";
        let results: Vec<_> = calls(log)
            .expect("a log")
            .iter()
            .map(Call::result)
            .collect();
        assert_eq!(results, [None, None]);
    }

    #[test]
    fn a_call_that_is_told_in_two_lines_is_one() {
        let log = "7 fsync(3<\\x61> <unfinished ...>\n8 sync()   = 0\n7 <... fsync resumed>) = 0\n";
        let found = calls(log).expect("a log");
        assert_eq!(
            found
                .iter()
                .map(|call| call.name.as_str())
                .collect::<Vec<_>>(),
            ["sync", "fsync"]
        );
        assert_eq!(found[1].opened(0), Ok(PathBuf::from("a")));
    }

    #[test]
    fn a_string_that_was_cut_short_is_an_error() {
        let found = calls("7 write(3<\\x61>, \"\\x62\"..., 90) = 90\n").expect("a log");
        assert!(
            found[0]
                .bytes(1)
                .is_err_and(|message| message.contains("cut short"))
        );
    }
}
