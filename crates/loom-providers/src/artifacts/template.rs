//! `template`: a template in the language of `minijinja`, rendered with the variables of its declaration.
//!
//! Invariants, tested below: an undefined name is an error, a template that runs without end is
//! stopped, and what is rendered depends on text and variables alone. Variables are read through
//! [`View`] where the template asks for them, not copied; a template is compiled once per thread.

use std::cell::RefCell;
use std::sync::Arc;

use loom_plan::diag::{Code, Diagnostic};
use loom_plan::node::{self, Node};
use loom_plan::provider::{Artifact, Failure, KindSpec, Nature, Place, Provider, Running};
use loom_plan::shape::{Field, Shape};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

use super::{kubernetes_running, stem};

/// A text with places that variables fill.
pub(crate) struct Template;

static SPEC: KindSpec = KindSpec {
    kind: "template",
    version: 1,
    changelog: &[(1, "The first version.")],
    summary: "A file from a template in MiniJinja's language",
    settings: &[
        Field::optional(
            "source",
            Shape::InputFile,
            "the file that holds the template",
        ),
        Field::optional(
            "text",
            Shape::Text,
            "the template itself; either this or `source`",
        ),
        Field::optional("vars", Shape::Map(&Shape::Any), "the variables, by name"),
    ],
    attributes: &[],
    default_path: "NAME, or NAME-ITEM",
    nature: Nature::Plain,
};

/// Steps that one rendering may take; a page of a few thousand lines needs some 100 000.
const FUEL: u64 = 5_000_000;

/// Characters outside of quotes that one `{{ … }}` or `{% … %}` may hold. Each of them can nest an
/// expression once more, and what is nested is compiled and dropped by functions that call
/// themselves: twice as many still fit the smallest stack that loom runs on.
const MAX_TAG: usize = 2048;

/// Compiled templates that a thread keeps.
const KEPT: usize = 64;

impl Provider for Template {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        let (source, text) = (
            artifact.settings.get("source"),
            artifact.settings.get("text"),
        );
        match (source, text) {
            (Some(source), Some(text)) => {
                let found = Diagnostic::new(
                    Code::BadValue,
                    "a template has either `source` or `text`, and this one has both",
                );
                Err(vec![
                    found
                        .at(text.span, "")
                        .at(source.span, "and here")
                        .help("keep one of the two"),
                ])
            }
            (None, None) => {
                let found =
                    Diagnostic::new(Code::MissingKey, "a template needs `source` or `text`");
                Err(vec![found.at(artifact.settings.span, "").help(
                    "add `source: templates/NAME.j2`, or the template as `text`",
                )])
            }
            (Some(_), None) | (None, Some(_)) => artifact.single("template", &stem(artifact), None),
        }
    }

    fn render(&self, artifact: &Artifact, _place: &Place) -> Result<String, Failure> {
        let setting = artifact
            .settings
            .get("source")
            .or_else(|| artifact.settings.get("text"))
            .unwrap_or(&artifact.settings);
        let text = artifact.file("source").or(setting.as_str()).unwrap_or("");
        if let Some(line) = too_long_tag(text) {
            let message = format!(
                "the template does not render: the expression in line {line} has more than {MAX_TAG} characters"
            );
            let found = Diagnostic::new(Code::Template, message).at(setting.span, "");
            return Err(vec![found.help(
                "divide it with `{% set NAME = … %}`, or give the value in `vars`",
            )]);
        }
        let variables = Variables::of(artifact.settings.get("vars").and_then(Node::as_map));
        render(text, Value::from_object(variables))
            .map_err(|error| vec![diagnostic(&error, text, setting)])
    }

    fn running(&self, text: &str, beside: &dyn Fn(&str) -> Option<String>) -> Vec<Running> {
        kubernetes_running::objects(text, beside)
    }
}

/// The line of the first tag that is too long to be compiled.
fn too_long_tag(text: &str) -> Option<usize> {
    let (mut at, mut is_raw) = (0, false);
    while let Some(found) = text[at..].find('{') {
        let (start, opened) = (at + found, &text[at + found + 1..]);
        let close = match opened.chars().next() {
            Some('{') if !is_raw => "}}",
            Some('%') => "%}",
            Some('#') if !is_raw => {
                at = text[start..]
                    .find("#}")
                    .map_or(text.len(), |end| start + end + 2);
                continue;
            }
            _ => {
                at = start + 1;
                continue;
            }
        };
        let (content, length) = tag(&opened[1..], close);
        let word = opened[1..=content].trim_matches(['-', '+', ' ', '\t', '\r', '\n']);
        match word {
            "raw" => is_raw = true,
            "endraw" => is_raw = false,
            _ if is_raw => {
                at = start + 2;
                continue;
            }
            _ if length > MAX_TAG => return Some(text[..start].matches('\n').count() + 1),
            _ => {}
        }
        at = start + 2 + content;
    }
    None
}

/// How many bytes stand before what closes a tag, and how many characters of these are outside of quotes.
fn tag(text: &str, close: &str) -> (usize, usize) {
    let (mut quote, mut is_escaped, mut length) = (None, false, 0);
    for (at, c) in text.char_indices() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if c == '\\' => is_escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if text[at..].starts_with(close) => return (at, length),
            None if c == '"' || c == '\'' => quote = Some(c),
            None => length += 1,
        }
    }
    (text.len(), length)
}

/// Compiled templates, each by the index of its text: comparing texts takes less than hashing them.
struct Compiled {
    texts: Vec<String>,
    environment: Environment<'static>,
}

fn render(text: &str, variables: Value) -> Result<String, Error> {
    thread_local! {
        static COMPILED: RefCell<Compiled> = RefCell::new(Compiled { texts: Vec::new(), environment: environment() });
    }
    COMPILED.with_borrow_mut(|Compiled { texts, environment }| {
        let known = texts.iter().position(|known| known == text);
        if known.is_none() && texts.len() >= KEPT {
            texts.clear();
            environment.clear_templates();
        }
        let name = known.unwrap_or(texts.len()).to_string();
        if known.is_none() {
            environment.add_template_owned(name.clone(), text.to_owned())?;
            texts.push(text.to_owned());
        }
        environment.get_template(&name)?.render(variables)
    })
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let mut syntax = SyntaxConfig::builder();
    syntax
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true);
    environment.set_syntax(
        syntax
            .build()
            .expect("the delimiters are the language's own"),
    );
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(write);
    environment
}

/// `true` and not Python's `True`: what is not a text or a number is written as JSON.
fn write(output: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    use minijinja::value::ValueKind as Kind;
    if let Some(text) = value.as_str() {
        return Ok(output.write_str(text)?);
    }
    if matches!(
        value.kind(),
        Kind::Bool | Kind::None | Kind::Seq | Kind::Map | Kind::Iterable
    ) {
        let json = serde_json::to_string(value)
            .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
        return Ok(output.write_str(&json)?);
    }
    minijinja::escape_formatter(output, state, value)
}

fn diagnostic(error: &Error, text: &str, setting: &Node) -> Diagnostic {
    let excerpt = error
        .range()
        .and_then(|range| text.get(range))
        .unwrap_or("")
        .trim();
    let what = match (error.kind(), error.detail()) {
        (ErrorKind::UndefinedError, _) if !excerpt.is_empty() => {
            format!("`{excerpt}` is not defined")
        }
        (ErrorKind::OutOfFuel, _) => format!("it takes more than {FUEL} steps"),
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    };
    let line = error.line().map_or_else(String::new, |line| {
        format!(", in line {line} of the template")
    });
    let found = Diagnostic::new(
        Code::Template,
        format!("the template does not render: {what}{line}"),
    )
    .at(setting.span, "");
    if error.kind() == ErrorKind::UndefinedError {
        return found.help(
            "add the name to `vars`, or give it a value there: `{{ name | default(\"…\") }}`",
        );
    }
    if error.kind() == ErrorKind::OutOfFuel {
        return found.help("look for a loop over a very long range");
    }
    found.help("the language is described at https://docs.rs/minijinja/latest/minijinja/syntax/")
}

/// A value as templates see it; lists and mappings stay where they are.
fn view(node: &Node) -> Value {
    match &node.value {
        node::Value::Null => Value::from(()),
        node::Value::Bool(value) => Value::from(*value),
        node::Value::Integer(value) => Value::from(*value),
        node::Value::Float(float) => float
            .whole()
            .map_or_else(|| Value::from(float.value), Value::from),
        node::Value::String(text) => Value::from(Arc::clone(text)),
        node::Value::Seq(items) => Value::from_object(Items(Arc::clone(items))),
        node::Value::Map(map) => Value::from_object(View(Arc::clone(map))),
    }
}

/// The variables themselves: each is made a value once, and not wherever the template names it.
#[derive(Debug)]
struct Variables(Vec<(Arc<str>, Value)>);

impl Variables {
    fn of(map: Option<&node::Map>) -> Self {
        Self(
            map.into_iter()
                .flat_map(node::Map::iter)
                .map(|(name, node)| (Arc::clone(name), view(node)))
                .collect(),
        )
    }
}

impl Object for Variables {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.0
            .iter()
            .find(|(name, _)| name.as_ref() == key)
            .map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(
            self.0
                .iter()
                .map(|(name, _)| Value::from(Arc::clone(name)))
                .collect(),
        )
    }
}

#[derive(Debug)]
struct View(Arc<node::Map>);

impl Object for View {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.0.get(key).map(view)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(
            self.0
                .iter()
                .map(|(key, _)| Value::from(Arc::clone(key)))
                .collect(),
        )
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.0.len())
    }
}

#[derive(Debug)]
struct Items(Arc<[Node]>);

impl Object for Items {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_usize()?).map(view)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_that_would_nest_without_bound_is_refused_before_it_is_read() {
        let chain = |one: &str, end: &str| {
            format!("a\n{{{{ {}1{} }}}}", one.repeat(3000), end.repeat(3000))
        };
        for (one, end) in [
            ("-", ""),
            ("not ", ""),
            ("", "|abs"),
            ("", ".a"),
            ("1+", ""),
            ("[", "]"),
        ] {
            assert_eq!(too_long_tag(&chain(one, end)), Some(2), "{one}{end}");
        }
        let statement = format!("{{%- if {}1 -%}}x{{% endif %}}", "not ".repeat(3000));
        assert_eq!(too_long_tag(&statement), Some(1));
        let long = "x".repeat(3000);
        let harmless = [
            format!("{{{{ \"{long} }}}}\" }}}} {long}"),
            format!("{{# {long} #}}{long}"),
            format!("{{% raw %}}{{{{ {long} }}}} {{% x{long} %}}{{% endraw %}}{{{{ a }}}}"),
            format!("{{{{ 'it\\'s {long}' }}}}"),
        ];
        for text in harmless {
            assert_eq!(too_long_tag(&text), None, "{text}");
        }
    }
    use crate::artifacts::testing::{artifact, rendered};

    #[test]
    fn variables_of_every_type_are_read() {
        let text = rendered(
            &Template,
            r#"
text: |
  {% for e in env %}
  {{ loop.index }} {{ e.name }}={{ e.value }}
  {% endfor %}
  {% for key, value in labels|items %}
  {{ key }}: {{ value }}
  {% endfor %}
  {{ labels.z }} {{ on }} {{ ratio * 2 }} {{ env[1].name }} {{ env|length }} {{ "<&>" }} {{ labels }}
vars:
  env: [{ name: A, value: 1 }, { name: B, value: "x" }]
  labels: { z: 1, a: 2 }
  on: true
  ratio: 1.5
"#,
        );
        assert_eq!(
            text,
            "1 A=1\n2 B=x\nz: 1\na: 2\n1 true 3.0 B 2 <&> {\"z\":1,\"a\":2}\n"
        );
    }

    #[test]
    fn not_a_byte_is_added() {
        assert_eq!(
            rendered(&Template, "text: \"{{ a }}  \\r\\n\\n\"\nvars: { a: x }\n"),
            "x  \r\n\n"
        );
        assert_eq!(rendered(&Template, "text: a\n"), "a");
    }

    #[test]
    fn the_file_is_read_where_there_is_a_source() {
        let mut artifact = artifact(&Template, "source: a.j2\nvars: { x: 1 }\n");
        artifact.files.push(("source", "x is {{ x }}\n".into()));
        let place = &Template.places(&artifact).expect("places")[0];
        assert_eq!(Template.render(&artifact, place), Ok("x is 1\n".to_owned()));
    }

    fn message(settings: &str) -> String {
        let artifact = artifact(&Template, settings);
        let found = match Template.places(&artifact) {
            Ok(places) => Template
                .render(&artifact, &places[0])
                .expect_err("it is refused"),
            Err(found) => found,
        };
        found[0].message.clone()
    }

    #[test]
    fn what_cannot_be_rendered_is_said_with_its_line() {
        for (settings, expected) in [
            (
                "text: \"a\\n{{ svc.nmae }}\"\nvars: { svc: {} }\n",
                "`svc.nmae` is not defined, in line 2 of the template",
            ),
            (
                "text: \"{{ x }}\"\n",
                "`x` is not defined, in line 1 of the template",
            ),
            ("text: \"{% if %}\"\n", "in line 1 of the template"),
            (
                "text: \"{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}\"\n",
                "more than 5000000 steps",
            ),
            ("text: a\nsource: b\n", "this one has both"),
            ("vars: {}\n", "needs `source` or `text`"),
        ] {
            let message = message(settings);
            assert!(message.contains(expected), "{settings}\n{message}");
        }
    }

    #[test]
    fn more_templates_than_are_kept_render_each_its_own_text() {
        for round in 0..2 {
            for number in 0..3 * KEPT {
                let text = format!("{number} {{{{ x }}}}");
                let mut map = node::Map::default();
                let mut sources = loom_plan::text::Sources::default();
                let span = loom_plan::text::Span::start_of(sources.add("", ""));
                map.insert("x", Node::string(span, "y"));
                assert_eq!(
                    render(&text, view(&Node::map(span, map))).ok(),
                    Some(format!("{number} y")),
                    "round {round}"
                );
            }
        }
    }
}
