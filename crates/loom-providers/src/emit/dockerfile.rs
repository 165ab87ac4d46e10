//! Instructions of a Dockerfile.
//!
//! In: typed values. Out: one instruction, with its line end. A value cannot begin another
//! instruction nor be expanded: quotes, backslashes and `$` are escaped, line ends, which no value
//! of an instruction can hold, become blanks
//! (<https://docs.docker.com/reference/dockerfile/#environment-replacement>).

use serde_json::Value as Json;

/// `ENV NAME="value"` and its like: `instruction` with pairs, one a line.
pub fn pairs<'a>(instruction: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{}={}", value_word(name), quoted(value)))
        .collect();
    if pairs.is_empty() {
        String::new()
    } else {
        format!("{instruction} {}\n", pairs.join(" \\\n    "))
    }
}

/// `LABEL name="value" …`.
pub fn label<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    pairs("LABEL", labels)
}

/// `ENV NAME="value" …`.
pub fn env<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    pairs("ENV", variables)
}

/// `CMD`, `ENTRYPOINT` or `HEALTHCHECK … CMD` in exec form: a JSON list, which no shell reads and
/// in which nothing is expanded.
pub fn exec<'a>(instruction: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Json = words.into_iter().collect();
    format!("{instruction} {}\n", spaced(&words))
}

/// `COPY --from=… ["source", "target"]`; the JSON form only where a path needs it. Flags are
/// written as they are.
pub fn copy(flags: &[&str], paths: &[&str]) -> String {
    let flags: String = flags.iter().flat_map(|flag| [flag, " "]).collect();
    let plain = |path: &&str| {
        !path.is_empty()
            && path
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_@%+:,./-*?=".contains(&b))
    };
    if paths.iter().all(plain) {
        return format!("COPY {flags}{}\n", paths.join(" "));
    }
    let paths: Json = paths
        .iter()
        .map(|path| one_line(path).replace('$', "\\$"))
        .collect();
    format!("COPY {flags}{}\n", spaced(&paths))
}

/// `RUN` with commands of a shell, each on a line of its own; one that fails ends it.
pub fn run(commands: &[&str]) -> String {
    let commands: Vec<String> = commands.iter().map(|command| one_line(command)).collect();
    if commands.is_empty() {
        String::new()
    } else {
        format!("RUN {}\n", commands.join(" && \\\n    "))
    }
}

/// An instruction with one plain value: `WORKDIR`, `USER`, `ARG`.
pub fn plain(instruction: &str, value: &str) -> String {
    format!("{instruction} {}\n", value_word(value))
}

fn spaced(words: &Json) -> String {
    let words: Vec<String> = words
        .as_array()
        .into_iter()
        .flatten()
        .map(Json::to_string)
        .collect();
    format!("[{}]", words.join(", "))
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                ' '
            } else {
                c
            }
        })
        .collect::<String>()
        .trim()
        .to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('$', "\\$")
}

fn quoted(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("\"{}\"", escaped(&shown))
}

/// A value without quotes; one that needs them has them.
fn value_word(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_@%+:,./-".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::HOSTILE;

    #[test]
    fn instructions_look_as_people_write_them() {
        assert_eq!(
            label([
                ("org.opencontainers.image.title", "Entity API"),
                ("x", "$a")
            ]),
            "LABEL org.opencontainers.image.title=\"Entity API\" \\\n    x=\"\\$a\"\n"
        );
        assert_eq!(
            exec("CMD", ["node", "a \"b\".js"]),
            "CMD [\"node\", \"a \\\"b\\\".js\"]\n"
        );
        assert_eq!(
            copy(&["--from=build"], &["/app/dist", "./dist"]),
            "COPY --from=build /app/dist ./dist\n"
        );
        assert_eq!(copy(&[], &["a b$c", "."]), "COPY [\"a b\\\\$c\", \".\"]\n");
        assert_eq!(
            run(&["apt-get update", "rm -rf /x"]),
            "RUN apt-get update && \\\n    rm -rf /x\n"
        );
        assert_eq!(plain("WORKDIR", "/app"), "WORKDIR /app\n");
        assert_eq!((env([]), run(&[])), (String::new(), String::new()));
    }

    /// The value of `NAME="…"` as the builder's lexer reads it; `None` where it would expand.
    fn read_back(written: &str) -> Option<String> {
        let (mut out, mut chars) = (
            String::new(),
            written.strip_prefix('"')?.strip_suffix('"')?.chars(),
        );
        while let Some(c) = chars.next() {
            match c {
                '\\' => out.push(chars.next()?),
                '$' | '"' => return None,
                c => out.push(c),
            }
        }
        Some(out)
    }

    #[test]
    fn a_value_cannot_leave_its_place() {
        for text in HOSTILE {
            let shown: String = text
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            let line = env([("A", *text)]);
            assert_eq!(line.lines().count(), 1, "{line}");
            let value = line
                .strip_prefix("ENV A=")
                .and_then(|line| line.strip_suffix('\n'))
                .expect("the form");
            assert_eq!(read_back(value), Some(shown));
            let list = exec("CMD", [*text]);
            assert_eq!(
                serde_json::from_str::<Vec<String>>(list.trim_start_matches("CMD ")).expect("JSON"),
                [*text]
            );
            assert_eq!(list.matches('\n').count(), 1, "{list}");
            assert_eq!(copy(&[], &[text, "."]).matches('\n').count(), 1);
            assert_eq!(plain("USER", text).matches('\n').count(), 1);
        }
    }
}
