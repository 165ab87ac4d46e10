//! `loom explain`: why a file, a line of it, or an error is there.

use std::io::Write;

use loom_plan::addr::{Address, RepoPath};
use loom_plan::check::RULES;
use loom_plan::diag::{Code, did_you_mean, one_of};
use loom_plan::intent::Declaration;
use loom_plan::project::view::Read;
use loom_plan::render::Output;

use super::{Desk, Failure, pass};
use crate::exit::Exit;
use crate::report::check;
use crate::report::style::visible;

/// Prints the page of a code. Needs no repository.
pub(crate) fn code(text: &str, out: &mut dyn Write) -> Result<Exit, Failure> {
    if let Some(code) = Code::parse(text) {
        write!(out, "{}", code.page())?;
        return Ok(Exit::Done);
    }
    if let Some(page) = check::page(text) {
        write!(out, "{page}")?;
        return Ok(Exit::Done);
    }
    let known = || {
        Code::ALL
            .iter()
            .map(|code| code.as_str())
            .chain(RULES.iter().map(|rule| rule.code))
    };
    let help = did_you_mean(&text.to_uppercase(), known())
        .map_or_else(String::new, |near| format!("; did you mean {near}?"));
    Err(Failure::Environment(format!(
        "there is no error code {text}{help}"
    )))
}

/// Explains an address, a path, or a path and a line (`PATH:LINE`).
pub(crate) fn run(desk: &Desk<'_>, subject: &str, out: &mut dyn Write) -> Result<Exit, Failure> {
    let compiled = pass::compile(desk, None)?;
    compiled.warn(desk.streams.err)?;
    desk.steps.pause();
    let (path, line) = match subject.rsplit_once(':') {
        Some((path, line)) if !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit()) => {
            (path, line.parse::<usize>().ok())
        }
        _ => (subject, None),
    };
    let forms = compiled.here.forms(path).unwrap_or_default();
    let paths: Vec<RepoPath> = forms
        .iter()
        .filter_map(|form| RepoPath::new(form).ok())
        .collect();
    let outputs: Vec<&Output> = paths
        .iter()
        .map(|path| compiled.desired.at(path).collect::<Vec<_>>())
        .find(|outputs| !outputs.is_empty())
        .unwrap_or_default();
    if !outputs.is_empty() {
        for output in outputs {
            explain_output(&compiled, output, out)?;
            match line {
                Some(line) => explain_line(&compiled, output, line, (&desk.root, &mut *out))?,
                None => explain_declaration(&compiled, compiled.desired.declaration(output), out)?,
            }
        }
        return Ok(Exit::Done);
    }
    let address = Address::parse(subject).ok();
    let index = address
        .as_ref()
        .and_then(|address| compiled.desired.ordered.find(address));
    let Some(index) = index else {
        return explain_intent(&compiled, subject, address.as_ref(), out);
    };
    let declaration = &compiled.desired.ordered.declarations[index];
    writeln!(out, "{} writes", declaration.address)?;
    for place in &compiled.desired.linked[index].places {
        writeln!(out, "  {}", place.path)?;
    }
    explain_declaration(&compiled, declaration, out)?;
    Ok(Exit::Done)
}

/// A blueprint, or a shared address without its item: what it makes.
fn explain_intent(
    compiled: &pass::Compiled,
    subject: &str,
    address: Option<&Address>,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let declarations = &compiled.desired.ordered.declarations;
    let made: Vec<&Declaration> = declarations
        .iter()
        .filter(|it| Some(&it.intent) == address || Some(&it.address.family()) == address)
        .collect();
    let Some(first) = made.first() else {
        let Some(address) = address else {
            let known: Vec<&RepoPath> = compiled
                .desired
                .outputs
                .iter()
                .map(|output| &output.place.path)
                .collect();
            let near = super::paths::nearest(subject.trim_start_matches("./"), &known);
            let help = if near.is_empty() {
                "`loom graph --format json` lists addresses and files".to_owned()
            } else {
                format!("did you mean {}?", one_of(near.iter().map(String::as_str)))
            };
            return Err(Failure::Environment(format!(
                "{subject} is neither an address, nor a file that loom writes, nor an error code; {help}"
            )));
        };
        return Err(pass::unknown(address, declarations));
    };
    writeln!(out, "{subject} makes")?;
    for declaration in &made {
        let index = compiled.desired.ordered.find(&declaration.address);
        for place in index
            .into_iter()
            .flat_map(|index| &compiled.desired.linked[index].places)
        {
            writeln!(out, "  {}: {}", declaration.address, place.path)?;
        }
    }
    explain_declaration(compiled, first, out)?;
    Ok(Exit::Done)
}

fn explain_output(
    compiled: &pass::Compiled,
    output: &Output,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let declaration = compiled.desired.declaration(output);
    let part = match &output.part {
        loom_plan::snapshot::Part::Whole => "",
        loom_plan::snapshot::Part::Block(_) => "a block of ",
        loom_plan::snapshot::Part::Keys(_) => "a part of ",
    };
    writeln!(
        out,
        "{part}{} is written by {}",
        output.place.path, declaration.address
    )?;
    if declaration.intent != declaration.address {
        writeln!(out, "  which {} makes", declaration.intent)?;
    }
    Ok(())
}

fn explain_declaration(
    compiled: &pass::Compiled,
    declaration: &Declaration,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let position = |span| compiled.sources.position(span);
    writeln!(out, "asked for by")?;
    for origin in declaration.origins.iter() {
        match &origin.task {
            Some(task) => {
                let line = format!(
                    "  task {} of {} ({}), {}",
                    task.id,
                    task.story,
                    task.title,
                    position(origin.span)
                );
                writeln!(out, "{}", visible(&line))?;
            }
            None => writeln!(out, "  the project, {}", position(origin.span))?,
        }
    }
    if declaration.origins.is_empty() {
        writeln!(out, "  loom itself, in every repository")?;
    }
    let ordered = &compiled.desired.ordered;
    let index = ordered.find(&declaration.address).unwrap_or_default();
    let mut before: Vec<String> = ordered
        .dependencies(index)
        .map(|(before, _)| ordered.declarations[before].address.to_string())
        .collect();
    before.sort();
    before.dedup();
    if !before.is_empty() {
        writeln!(out, "depends on\n  {}", before.join("\n  "))?;
    }
    let reads: Vec<(&String, &Read)> = declaration
        .reads
        .iter()
        .filter(|(_, read)| read.value.is_some())
        .collect();
    if !reads.is_empty() {
        writeln!(out, "made from")?;
    }
    for (pointer, read) in reads {
        explain_read(compiled, pointer, read, out)?;
    }
    Ok(())
}

fn explain_read(
    compiled: &pass::Compiled,
    pointer: &str,
    read: &Read,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let Some(node) = &read.value else {
        return Ok(());
    };
    let value = match node.scalar_text() {
        Some(text) if text.lines().count() <= 1 && text.chars().count() <= 60 => {
            format!(" = {}", text.trim_end_matches('\n'))
        }
        _ => String::new(),
    };
    let line = format!(
        "  {pointer}{value}, {}",
        compiled.sources.position(node.span)
    );
    Ok(writeln!(out, "{}", visible(&line))?)
}

/// How long the value of a setting is that stands in a line.
fn stands_in(read: &Read, line: &str) -> Option<usize> {
    let text = read.value.as_ref()?.scalar_text()?;
    let is_there = text.len() > 1 && !text.contains('\n') && line.contains(&*text);
    is_there.then_some(text.len())
}

/// The setting that a line of an output comes from: of those whose values stand in it the one that
/// says most.
pub(super) fn setting_in<'a>(
    compiled: &'a pass::Compiled,
    output: &Output,
    line: &str,
) -> Option<(&'a String, &'a Read)> {
    let reads = compiled.desired.declaration(output).reads.iter();
    let found = reads.filter_map(|(pointer, read)| Some((stands_in(read, line)?, pointer, read)));
    found
        .max_by(|(one, first, _), (other, second, _)| one.cmp(other).then(second.cmp(first)))
        .map(|(_, pointer, read)| (pointer, read))
}

/// The settings whose values stand in one line of the file.
fn explain_line(
    compiled: &pass::Compiled,
    output: &Output,
    line: usize,
    (root, out): (&loom_apply::Root, &mut dyn Write),
) -> Result<(), Failure> {
    let path = &output.place.path;
    let bytes = root
        .read_bytes(path)
        .map_err(|error| Failure::Environment(format!("{path}: {error}")))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let Some(content) = line
        .checked_sub(1)
        .and_then(|index| text.lines().nth(index))
    else {
        return Err(Failure::Environment(format!("{path} has no line {line}")));
    };
    writeln!(out, "line {line}: {}", visible(content.trim()))?;
    let declaration = compiled.desired.declaration(output);
    let stands_in = |read: &Read| stands_in(read, content).is_some();
    let found: Vec<(&String, &Read)> = declaration
        .reads
        .iter()
        .filter(|(_, read)| stands_in(read))
        .collect();
    if found.is_empty() {
        writeln!(
            out,
            "no setting's value stands in it: {} writes it for every service of this stack",
            declaration.intent
        )?;
    } else {
        writeln!(out, "these settings' values stand in it")?;
    }
    found
        .into_iter()
        .try_for_each(|(pointer, read)| explain_read(compiled, pointer, read, out))
}
