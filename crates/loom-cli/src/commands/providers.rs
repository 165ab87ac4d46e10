//! `loom providers`: the kinds, and what there is to know of each.

use std::io::{self, Write};

use loom_plan::diag::{did_you_mean, one_of};
use loom_plan::project::schema::SHARED;
use loom_plan::provider::{BlueprintSpec, KindSpec, Nature, Registry};
use loom_plan::shape::{Field, Need, Shape, describe};
use unicode_width::UnicodeWidthStr as _;

use super::Failure;
use crate::exit::Exit;

/// Lists all kinds, or shows one.
///
/// # Errors
/// Where there is no such kind, or the output cannot be written.
pub(crate) fn run(
    kind: Option<&str>,
    registry: Registry<'_>,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    match kind {
        None => list(registry, out)?,
        Some(kind) => match (registry.provider(kind), registry.blueprint(kind)) {
            (Some(provider), _) => artifact(provider.spec(), out)?,
            (None, Some(blueprint)) => self::blueprint(blueprint.spec(), out)?,
            (None, None) => return Err(unknown(kind, registry)),
        },
    }
    Ok(Exit::Done)
}

fn unknown(kind: &str, registry: Registry<'_>) -> Failure {
    let help = match did_you_mean(kind, registry.kinds()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`loom providers` lists them".to_owned(),
    };
    Failure::Environment(format!("there is no kind `{kind}`; {help}"))
}

fn list(registry: Registry<'_>, out: &mut dyn Write) -> io::Result<()> {
    let blueprints: Vec<[String; 2]> = registry
        .blueprints
        .iter()
        .map(|kind| kind.spec())
        .map(|spec| [spec.kind.to_owned(), spec.summary.to_owned()])
        .collect();
    let artifacts: Vec<[String; 3]> = registry
        .providers
        .iter()
        .map(|kind| kind.spec())
        .map(|spec| {
            [
                spec.kind.to_owned(),
                spec.version.to_string(),
                spec.summary.to_owned(),
            ]
        })
        .collect();
    writeln!(out, "Blueprints say what is wanted, and make artifacts:")?;
    table(&blueprints, out)?;
    writeln!(
        out,
        "\nArtifacts, with the version of each kind, make files:"
    )?;
    table(&artifacts, out)?;
    writeln!(
        out,
        "\n`loom providers show KIND` shows the settings of one."
    )
}

fn artifact(spec: &KindSpec, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{} (artifact, version {})\n{}",
        spec.kind, spec.version, spec.summary
    )?;
    let nature = match spec.nature {
        Nature::Plain => None,
        Nature::Stateful => Some(
            "Stateful: what it describes lives outside the repository, so loom deletes it only where `removed` names it.",
        ),
        Nature::Migration => Some("A migration: once written, it may never change."),
    };
    if let Some(nature) = nature {
        writeln!(out, "{nature}")?;
    }
    writeln!(out, "\nDefault path: {}", spec.default_path)?;
    settings(spec.settings, out)?;
    writeln!(
        out,
        "\nAttributes, for ${{ref:{}.NAME.ATTRIBUTE}}:",
        spec.kind
    )?;
    let own = spec
        .attributes
        .iter()
        .map(|(name, doc)| [(*name).to_owned(), (*doc).to_owned()]);
    let both =
        [["path", "where it is written"], ["name", "its name"]].map(|row| row.map(str::to_owned));
    table(&both.into_iter().chain(own).collect::<Vec<_>>(), out)?;
    writeln!(out, "\nVersions, and what each changed in the files:")?;
    let versions = spec
        .changelog
        .iter()
        .map(|(version, sentence)| [version.to_string(), (*sentence).to_owned()]);
    table(&versions.collect::<Vec<_>>(), out)
}

fn blueprint(spec: &BlueprintSpec, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} (blueprint)\n{}", spec.kind, spec.summary)?;
    settings(spec.settings, out)?;
    writeln!(
        out,
        "\nParts, as the stack calls for them; `with` patches one by its address:"
    )?;
    spec.parts
        .iter()
        .try_for_each(|part| writeln!(out, "  {part}"))
}

fn settings(fields: &[Field], out: &mut dyn Write) -> io::Result<()> {
    let mut rows = Vec::new();
    collect("", fields, &mut rows);
    writeln!(out, "\nSettings:")?;
    if rows.is_empty() {
        writeln!(out, "  It has none of its own.")?;
    } else {
        table(&rows, out)?;
    }
    let shared = SHARED
        .iter()
        .map(|field| field.name)
        .filter(|name| !fields.iter().any(|field| field.name == *name));
    writeln!(
        out,
        "\nKeys that every kind has: {}.",
        shared.collect::<Vec<_>>().join(", ")
    )
}

/// A row for each setting, those of a nested mapping after it: `database.version`, `jobs[].name`.
fn collect(prefix: &str, fields: &[Field], rows: &mut Vec<[String; 4]>) {
    for field in fields {
        let name = format!("{prefix}{}", field.name);
        let need = match field.need {
            Need::Required => "required".to_owned(),
            Need::Optional => String::new(),
            Need::Default(value) => format!("default: {value}"),
        };
        rows.push([name.clone(), form(&field.shape), need, field.doc.to_owned()]);
        nested(&name, &field.shape, rows);
    }
}

fn nested(name: &str, shape: &Shape, rows: &mut Vec<[String; 4]>) {
    match shape {
        Shape::Record(fields) => collect(&format!("{name}."), fields, rows),
        Shape::List(item) => nested(&format!("{name}[]"), item, rows),
        Shape::Map(value) | Shape::Named(value) => nested(&format!("{name}.*"), value, rows),
        Shape::PerEnvironment(inner) => nested(name, inner, rows),
        Shape::Either(shapes) => shapes.iter().for_each(|shape| nested(name, shape, rows)),
        Shape::Any
        | Shape::Text
        | Shape::Scalar
        | Shape::Bool
        | Shape::Integer(..)
        | Shape::Share
        | Shape::Duration
        | Shape::Quantity
        | Shape::Name
        | Shape::Path
        | Shape::InputFile
        | Shape::Address
        | Shape::OneOf(_) => {}
    }
}

/// The form of a value in a few words.
fn form(shape: &Shape) -> String {
    match shape {
        Shape::OneOf(words) => one_of(words.iter().copied()),
        Shape::Integer(min, i64::MAX) => format!("a whole number from {min}"),
        Shape::Integer(min, max) => format!("a whole number from {min} to {max}"),
        Shape::List(item) => format!("a list, each {}", form(item)),
        Shape::Map(value) | Shape::Named(value) => format!("a mapping, each value {}", form(value)),
        Shape::Either(shapes) => shapes.iter().map(form).collect::<Vec<_>>().join(", or "),
        Shape::PerEnvironment(inner) => format!("{}, or one for each environment", form(inner)),
        Shape::Any
        | Shape::Text
        | Shape::Scalar
        | Shape::Bool
        | Shape::Share
        | Shape::Duration
        | Shape::Quantity
        | Shape::Name
        | Shape::Path
        | Shape::InputFile
        | Shape::Address
        | Shape::Record(_) => describe(shape).to_owned(),
    }
}

/// Columns as wide as what they hold; the last one is free.
fn table<const N: usize>(rows: &[[String; N]], out: &mut dyn Write) -> io::Result<()> {
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter()
            .map(|row| row[column].width())
            .max()
            .unwrap_or(0)
    });
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths).filter(|(_, width)| *width > 0) {
            line.extend(["  ", cell, &" ".repeat(width - cell.width())]);
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::pass::REGISTRY;

    fn said(kind: Option<&str>) -> String {
        let mut out = Vec::new();
        assert!(matches!(run(kind, REGISTRY, &mut out), Ok(Exit::Done)));
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn every_kind_is_listed_and_shows_each_of_its_settings() {
        let all = said(None);
        for kind in REGISTRY.kinds() {
            assert!(all.contains(&format!("\n  {kind} ")), "{all}");
            let page = said(Some(kind));
            let artifact = REGISTRY.provider(kind).map(|kind| kind.spec().settings);
            let fields = artifact
                .or_else(|| REGISTRY.blueprint(kind).map(|kind| kind.spec().settings))
                .unwrap_or_default();
            for field in fields {
                assert!(
                    page.contains(field.name) && page.contains(field.doc),
                    "{page}"
                );
            }
        }
    }

    #[test]
    fn nested_settings_and_defaults_have_rows_of_their_own() {
        const INNER: &[Field] = &[Field::required("image", Shape::Text, "what runs")];
        const FIELDS: &[Field] = &[
            Field::default(
                "steps",
                Shape::List(&Shape::Record(INNER)),
                "[]",
                "what is done",
            ),
            Field::optional(
                "port",
                Shape::PerEnvironment(&Shape::Integer(1, 65535)),
                "where it listens",
            ),
        ];
        let mut out = Vec::new();
        settings(FIELDS, &mut out).expect("writing to memory cannot fail");
        insta::assert_snapshot!(String::from_utf8_lossy(&out), @r"

        Settings:
          steps          a list, each a mapping                                       default: []  what is done
          steps[].image  a text                                                       required     what runs
          port           a whole number from 1 to 65535, or one for each environment               where it listens

        Keys that every kind has: kind, name, service, each, environments, path, own, onDrift, dependsOn, retain, replaces, with.
        ");
    }

    #[test]
    fn an_unknown_kind_is_answered_with_the_nearest() {
        let refused =
            run(Some("pipelin"), REGISTRY, &mut Vec::new()).expect_err("there is no such kind");
        assert_eq!(
            refused.to_string(),
            "there is no kind `pipelin`; did you mean `pipeline`?"
        );
    }
}
