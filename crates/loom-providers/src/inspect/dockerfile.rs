//! Dockerfiles: a list of instructions with `Cmd`, `Flags`, `Value`, `JSON` and `Stage`, as Conftest
//! has them; `ENV`, `ARG` and `LABEL` have one `KEY=VALUE` for each word.

use loom_plan::diag::{Code, Diagnostic, Diagnostics};
use loom_plan::node::Node;
use loom_plan::text::{SourceId, Sources, Span};
use parse_dockerfile::{Instruction, parse};
use serde_json::{Value, json};

pub(super) fn read(id: SourceId, sources: &Sources, out: &mut Diagnostics) -> Option<Node> {
    let text = &*sources.get(id).text;
    let file = match parse(text) {
        Ok(file) => file,
        Err(error) => {
            let before: usize = text
                .split_inclusive('\n')
                .take(error.line().saturating_sub(1))
                .map(str::len)
                .sum();
            let at = u32::try_from(before).unwrap_or(u32::MAX);
            let found = Diagnostic::new(Code::Syntax, format!("this is not a Dockerfile: {error}"));
            out.push(
                found
                    .at(
                        Span {
                            source: id,
                            start: at,
                            end: at,
                        },
                        "",
                    )
                    .help("`docker build --check .` says more"),
            );
            return None;
        }
    };
    let starts: Vec<(usize, usize)> = file.instructions.iter().map(keyword).collect();
    let ends = starts
        .iter()
        .skip(1)
        .map(|(start, _)| *start)
        .chain([text.len()]);
    let mut stage = -1_i64;
    let instructions = file.instructions.iter().zip(&starts).zip(ends).map(|((instruction, (start, after)), end)| {
        if let Instruction::From(_) = instruction {
            stage += 1;
        }
        let command = text[*start..*after].to_ascii_lowercase();
        let (flags, rest) = arguments(&text[*after..end]);
        let (json, value) = value(&command, &rest);
        let data = json!({ "Cmd": command, "Flags": flags, "JSON": json, "Stage": stage.max(0), "Value": value });
        let length = without_comments_behind(&text[*start..end]).len();
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Node::from_json(Span { source: id, start: offset(*start), end: offset(start + length) }, &data)
    });
    let instructions: Vec<Node> = instructions.collect();
    Some(Node::seq(Span::start_of(id), instructions))
}

/// The text of an instruction without blank lines and comments behind it, which belong to what follows.
fn without_comments_behind(text: &str) -> &str {
    let mut text = text.trim_end();
    while let Some((before, last)) = text.rsplit_once('\n') {
        if !last.trim_start().starts_with('#') {
            break;
        }
        text = before.trim_end();
    }
    text
}

/// The flags of an instruction, and the rest of its text: comments, and the ends of lines that go
/// on, are left out.
fn arguments(text: &str) -> (Vec<String>, String) {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let joined: Vec<&str> = lines
        .map(|line| line.trim_end().strip_suffix('\\').unwrap_or(line).trim())
        .collect();
    let mut rest = joined.join("\n").trim().to_owned();
    let mut flags = Vec::new();
    while let Some(flag) = rest
        .strip_prefix("--")
        .and_then(|_| rest.split_whitespace().next())
        .map(str::to_owned)
    {
        rest = rest[flag.len()..].trim_start().to_owned();
        flags.push(flag);
    }
    (flags, rest)
}

/// Whether the arguments are a JSON list, and the arguments.
fn value(command: &str, rest: &str) -> (bool, Vec<String>) {
    if let Ok(Value::Array(items)) = serde_json::from_str::<Value>(rest)
        && let Some(words) = items
            .iter()
            .map(|it| it.as_str().map(str::to_owned))
            .collect()
    {
        return (true, words);
    }
    let whole = matches!(
        command,
        "run" | "cmd" | "entrypoint" | "healthcheck" | "shell" | "onbuild"
    );
    let words = if whole {
        vec![rest.to_owned()]
    } else {
        quoted_words(command, rest)
    };
    (false, words)
}

/// The words of a text; a blank in quotes divides none. `ENV NAME VALUE` is `NAME=VALUE`.
fn quoted_words(command: &str, text: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c.is_whitespace() => {
                words.push(String::new());
                continue;
            }
            Some(_) | None => {}
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    if let ("env" | "label", [name, rest @ ..]) = (command, words.as_slice())
        && !name.contains('=')
    {
        return vec![format!("{name}={}", rest.join(" "))];
    }
    words
}

/// Where an instruction's keyword begins and ends.
fn keyword(instruction: &Instruction<'_>) -> (usize, usize) {
    let keyword = match instruction {
        Instruction::Add(it) => &it.add,
        Instruction::Arg(it) => &it.arg,
        Instruction::Cmd(it) => &it.cmd,
        Instruction::Copy(it) => &it.copy,
        Instruction::Entrypoint(it) => &it.entrypoint,
        Instruction::Env(it) => &it.env,
        Instruction::Expose(it) => &it.expose,
        Instruction::From(it) => &it.from,
        Instruction::Healthcheck(it) => &it.healthcheck,
        Instruction::Label(it) => &it.label,
        Instruction::Maintainer(it) => &it.maintainer,
        Instruction::Onbuild(it) => &it.onbuild,
        Instruction::Run(it) => &it.run,
        Instruction::Shell(it) => &it.shell,
        Instruction::Stopsignal(it) => &it.stopsignal,
        Instruction::User(it) => &it.user,
        Instruction::Volume(it) => &it.volume,
        Instruction::Workdir(it) => &it.workdir,
        _ => return (0, 0),
    };
    (keyword.span.start, keyword.span.end)
}
