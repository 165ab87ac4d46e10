//! HCL: bodies in Terraform's JSON configuration syntax become native syntax.
//!
//! In: a body as data
//! (<https://developer.hashicorp.com/terraform/language/syntax/json>). Out: the text that
//! `terraform fmt` would leave as it is, or diagnostics at the values that cannot be written.
//!
//! The JSON syntax does not tell a nested block from an argument whose value is an object;
//! Terraform knows from the provider's schema, which loom does not read. The rule is: in bodies
//! that follow a provider's schema an object, or a list of objects, is a block, unless its key is
//! in [`MAPS`]; in bodies of the language itself it is an argument, unless the language has a
//! block of that name there. A key with ` =` at its end is an argument, one with ` {}` a block,
//! whatever the rule says. The page of `terraform.module` tells users the same.
//!
//! Invariants, tested below: a text becomes code only inside `${…}` or `%{…}`, and only as a
//! valid expression; what [`literal`] gives never becomes code.

mod expression;
mod read;

pub use read::{configuration_of, values_of};

use loom_plan::diag::{Code, Diagnostic};
use loom_plan::node::{Map, Node, Value};

/// Text of people for a body: its `${` and `%{` stand for themselves.
pub fn literal(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

/// The text of a configuration file: `*.tf`.
///
/// # Errors
/// Diagnostics at everything that cannot be written.
pub fn configuration(body: &Node) -> Result<String, Vec<Diagnostic>> {
    write(body, Context::File)
}

/// The text of a file of values: `*.tfvars`.
///
/// # Errors
/// Diagnostics at everything that cannot be written.
pub fn values(body: &Node) -> Result<String, Vec<Diagnostic>> {
    write(body, Context::Arguments)
}

/// Arguments whose value is a map in every provider that has them, as far as is known.
const MAPS: &[&str] = &[
    "annotations",
    "app_settings",
    "binary_data",
    "config",
    "data",
    "default_annotations",
    "default_labels",
    "dimensions",
    "environment_variables",
    "for_each",
    "items",
    "keepers",
    "labels",
    "limits",
    "match_labels",
    "node_labels",
    "node_selector",
    "parameters",
    "query",
    "request_parameters",
    "requests",
    "resource_labels",
    "response_parameters",
    "string_data",
    "tags",
    "tags_all",
    "triggers",
    "triggers_replace",
    "user_labels",
    "variables",
    "vars",
];

/// Lists of plain values are on one line up to this width.
const LINE: usize = 100;

/// What kind of body this is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    File,
    Terraform,
    RequiredProviders,
    /// `resource`, `data`, `ephemeral`.
    Resource,
    Lifecycle,
    Dynamic,
    Provisioner,
    /// A provider's or a block's within a resource.
    Nested,
    Check,
    Variable,
    Output,
    Module,
    Removed,
    /// `moved`, `import`.
    Refactoring,
    /// `locals`, and files of values.
    Arguments,
}

impl Context {
    /// How many labels a block carries, where it is one that the language itself names.
    fn labels(self, key: &str) -> Option<usize> {
        match (self, key) {
            (Self::File, "resource" | "data" | "ephemeral") | (Self::Check, "data") => Some(2),
            (Self::File, "provider" | "variable" | "output" | "module" | "check") => Some(1),
            (Self::File, "terraform" | "locals" | "moved" | "import" | "removed") => Some(0),
            (Self::Terraform, "backend" | "provider_meta") => Some(1),
            (Self::Terraform, "required_providers" | "cloud") => Some(0),
            (Self::Resource | Self::Nested, "dynamic")
            | (Self::Resource | Self::Removed, "provisioner") => Some(1),
            (Self::Resource | Self::Removed, "lifecycle" | "connection")
            | (Self::Provisioner, "connection") => Some(0),
            (Self::Variable, "validation") | (Self::Output, "precondition" | "postcondition") => {
                Some(0)
            }
            (Self::Dynamic, "content") => Some(0),
            _ => None,
        }
    }

    /// Whether an object is a block where the language does not say.
    fn follows_a_schema(self) -> bool {
        match self {
            Self::Terraform | Self::Resource | Self::Lifecycle | Self::Nested | Self::Check => true,
            Self::File
            | Self::RequiredProviders
            | Self::Dynamic
            | Self::Provisioner
            | Self::Variable => false,
            Self::Output | Self::Module | Self::Removed | Self::Refactoring | Self::Arguments => {
                false
            }
        }
    }

    /// The body of a block.
    fn inside(self, key: &str) -> Self {
        match (self, key) {
            (Self::File, "resource" | "data" | "ephemeral") | (Self::Check, "data") => {
                Self::Resource
            }
            (Self::File, "terraform") => Self::Terraform,
            (Self::File, "variable") => Self::Variable,
            (Self::File, "output") => Self::Output,
            (Self::File, "module") => Self::Module,
            (Self::File, "check") => Self::Check,
            (Self::File, "removed") => Self::Removed,
            (Self::File, "moved" | "import") => Self::Refactoring,
            (Self::File, "locals") => Self::Arguments,
            (Self::Terraform, "required_providers") => Self::RequiredProviders,
            (Self::Resource | Self::Removed, "lifecycle") => Self::Lifecycle,
            (Self::Resource | Self::Removed, "provisioner") => Self::Provisioner,
            (Self::Resource | Self::Nested, "dynamic") => Self::Dynamic,
            _ => Self::Nested,
        }
    }

    /// Whether the texts of an argument are references, written without `${…}`.
    fn is_reference(self, key: &str) -> bool {
        match self {
            Self::Resource => matches!(key, "provider" | "depends_on"),
            Self::Module => matches!(key, "providers" | "depends_on"),
            Self::Output => key == "depends_on",
            Self::Variable => key == "type",
            Self::Lifecycle => matches!(key, "ignore_changes" | "replace_triggered_by"),
            Self::Dynamic => key == "iterator",
            Self::Provisioner => matches!(key, "when" | "on_failure"),
            Self::Removed | Self::Refactoring => matches!(key, "from" | "to" | "provider"),
            Self::Terraform => key == "experiments",
            Self::File | Self::RequiredProviders | Self::Nested | Self::Check | Self::Arguments => {
                false
            }
        }
    }
}

/// One thing that stands in a body.
enum Item {
    Comment(Vec<String>),
    Argument { key: String, value: Vec<String> },
    Block { header: String, body: Vec<Self> },
}

fn write(body: &Node, context: Context) -> Result<String, Vec<Diagnostic>> {
    let mut reader = Reader { found: Vec::new() };
    let Some(map) = body.as_map() else {
        return Err(vec![unwritable(
            body,
            "the body of a Terraform file must be a mapping",
        )]);
    };
    let items = reader.body(map, context);
    if !reader.found.is_empty() {
        return Err(reader.found);
    }
    let mut out = String::new();
    print(&items, 0, &mut out);
    Ok(out)
}

fn unwritable(node: &Node, message: &str) -> Diagnostic {
    Diagnostic::new(Code::Unwritable, message).at(node.span, "")
}

/// Turns data into items; what cannot be written is collected, and an empty text stands for it.
struct Reader {
    found: Vec<Diagnostic>,
}

impl Reader {
    fn refuse(&mut self, node: &Node, message: &str, help: &str) {
        self.found.push(unwritable(node, message).help(help));
    }

    fn body(&mut self, map: &Map, context: Context) -> Vec<Item> {
        let mut items = Vec::new();
        for (key, node) in map.iter() {
            if key.as_ref() == "//" {
                items.push(comment(node));
            } else if let Some(key) = key.strip_suffix(" =") {
                items.push(self.argument(key, node, context));
            } else if let Some(key) = key.strip_suffix(" {}") {
                self.blocks(key, node, (0, context.inside(key)), &mut items);
            } else if let Some(labels) = context.labels(key) {
                self.blocks(key, node, (labels, context.inside(key)), &mut items);
            } else if context == Context::File {
                let help = "a configuration file holds terraform, provider, variable, locals, data, ephemeral, resource, module, \
                            output, check, moved, import and removed; values belong into a *.tfvars file";
                self.refuse(
                    node,
                    &format!("`{key}` is not a block of Terraform's language"),
                    help,
                );
            } else if context.follows_a_schema()
                && is_block(key, node)
                && !context.is_reference(key)
            {
                self.blocks(key, node, (0, context.inside(key)), &mut items);
            } else {
                items.push(self.argument(key, node, context));
            }
        }
        items
    }

    /// The blocks below a key: `labels` more levels of names, then a body or a list of bodies.
    fn blocks(
        &mut self,
        header: &str,
        node: &Node,
        (labels, inside): (usize, Context),
        items: &mut Vec<Item>,
    ) {
        let key = header.split(' ').next().unwrap_or(header);
        self.identifier(key, node);
        match (&node.value, labels) {
            (Value::Null, _) => {}
            (Value::Seq(nodes), _) => {
                for node in nodes.iter() {
                    self.blocks(header, node, (labels, inside), items);
                }
            }
            (Value::Map(map), 0) => {
                let body = self.body(map, inside);
                items.push(Item::Block {
                    header: header.to_owned(),
                    body,
                });
            }
            (Value::Map(map), _) => {
                for (label, node) in map.iter() {
                    if label.as_ref() == "//" {
                        items.push(comment(node));
                        continue;
                    }
                    if !is_label(label) {
                        let help = "labels hold letters, digits, `_`, `-`, `.` and `/`";
                        self.refuse(
                            node,
                            &format!("`{label}` cannot be a label of `{key}`"),
                            help,
                        );
                    }
                    self.blocks(
                        &format!("{header} \"{label}\""),
                        node,
                        (labels - 1, inside),
                        items,
                    );
                }
            }
            (Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_), _) => {
                let message =
                    format!("`{key}` is a block: it must be a mapping or a list of mappings");
                self.refuse(node, &message, "give it a body, `{}` for an empty one");
            }
        }
    }

    fn identifier(&mut self, key: &str, node: &Node) {
        if !is_identifier(key) {
            let help = "names of arguments and blocks hold letters, digits, `_` and `-`, and begin with a letter or `_`";
            self.refuse(
                node,
                &format!("`{key}` cannot be the name of an argument or block"),
                help,
            );
        }
    }

    fn argument(&mut self, key: &str, node: &Node, context: Context) -> Item {
        self.identifier(key, node);
        let value = if context.is_reference(key) {
            self.references(node)
        } else if context == Context::RequiredProviders {
            self.requirement(node)
        } else {
            self.value(node, true)
        };
        Item::Argument {
            key: key.to_owned(),
            value,
        }
    }

    /// An entry of `required_providers`: an object in which one key holds references.
    fn requirement(&mut self, node: &Node) -> Vec<String> {
        let Some(map) = node.as_map() else {
            return self.value(node, false);
        };
        let mut items = Vec::new();
        for (key, node) in map.iter() {
            let value = if key.as_ref() == "configuration_aliases" {
                self.references(node)
            } else {
                self.value(node, false)
            };
            items.push(Item::Argument {
                key: self.key(key, node),
                value,
            });
        }
        object(&items)
    }

    /// A value whose texts are references: one, a list, or (for `providers`) an object of them.
    fn references(&mut self, node: &Node) -> Vec<String> {
        match &node.value {
            Value::String(text) => vec![self.text(node, expression::reference(text))],
            Value::Seq(nodes) => {
                let items = nodes.iter().map(|node| self.references(node)).collect();
                list(items)
            }
            Value::Map(map) => {
                let mut items = Vec::new();
                for (key, node) in map.iter() {
                    let key = self.text(node, expression::reference(key));
                    items.push(Item::Argument {
                        key,
                        value: self.references(node),
                    });
                }
                object(&items)
            }
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => {
                self.value(node, false)
            }
        }
    }

    /// An expression, by lines. A heredoc ends a line, so that it cannot stand in a list.
    fn value(&mut self, node: &Node, heredoc: bool) -> Vec<String> {
        match &node.value {
            Value::Null => vec!["null".to_owned()],
            Value::Bool(value) => vec![value.to_string()],
            Value::Integer(value) => vec![value.to_string()],
            Value::Float(float) if !float.value.is_finite() => {
                self.refuse(
                    node,
                    "HCL has no number that is infinite or not a number",
                    "write a finite number",
                );
                Vec::new()
            }
            Value::Float(float) => vec![number(&float.text, float.value)],
            Value::String(text) => match expression::heredoc(text).filter(|_| heredoc) {
                Some(Ok(lines)) => {
                    let lines = lines.into_iter().map(|line| indented(&line, 2));
                    ["<<-EOT".to_owned()]
                        .into_iter()
                        .chain(lines)
                        .chain(["EOT".to_owned()])
                        .collect()
                }
                Some(Err(error)) => vec![self.text(node, Err(error))],
                None => vec![self.text(node, expression::from_text(text))],
            },
            Value::Seq(nodes) => {
                let items = nodes.iter().map(|node| self.value(node, false)).collect();
                list(items)
            }
            Value::Map(map) => {
                let mut items = Vec::new();
                for (key, node) in map.iter() {
                    items.push(Item::Argument {
                        key: self.key(key, node),
                        value: self.value(node, true),
                    });
                }
                object(&items)
            }
        }
    }

    /// The key of an object: an identifier as it is, an expression in brackets, else in quotes.
    fn key(&mut self, key: &str, node: &Node) -> String {
        let reserved = matches!(key, "for" | "if" | "in" | "true" | "false" | "null");
        if is_identifier(key) && !reserved {
            return key.to_owned();
        }
        let written = self.text(node, expression::from_text(key));
        if written.starts_with('"') {
            written
        } else {
            format!("({written})")
        }
    }

    fn text(&mut self, node: &Node, written: Result<String, String>) -> String {
        written.unwrap_or_else(|error| {
            let message = format!("this is not an expression of HCL: {error}");
            self.refuse(
                node,
                &message,
                "where `${` is meant as text, write `$${`, and `%%{` for `%{`",
            );
            String::new()
        })
    }
}

fn comment(node: &Node) -> Item {
    let texts = node
        .as_seq()
        .unwrap_or(std::slice::from_ref(node))
        .iter()
        .filter_map(Node::scalar_text);
    let lines = texts.flat_map(|text| {
        text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
            .map(comment_line)
            .collect::<Vec<_>>()
    });
    Item::Comment(lines.collect())
}

fn comment_line(line: &str) -> String {
    let shown: String = line
        .chars()
        .map(|c| {
            if expression::escape(c).is_some_and(|written| written.starts_with("\\u")) {
                ' '
            } else {
                c
            }
        })
        .collect();
    format!("# {shown}").trim_end().to_owned()
}

fn is_block(key: &str, node: &Node) -> bool {
    let objects = match &node.value {
        Value::Map(_) => true,
        Value::Seq(items) => !items.is_empty() && items.iter().all(|item| item.as_map().is_some()),
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => {
            false
        }
    };
    objects && !MAPS.contains(&key)
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
}

/// As written where HCL reads that as a number, else by value.
fn number(text: &str, value: f64) -> String {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let wellformed = unsigned.starts_with(|c: char| c.is_ascii_digit())
        && unsigned.ends_with(|c: char| c.is_ascii_digit())
        && unsigned
            .bytes()
            .all(|b| !b.is_ascii_alphabetic() || matches!(b, b'e' | b'E'))
        && (unsigned == "0" || !unsigned.starts_with('0') || unsigned.starts_with("0."))
        && !unsigned.contains(".e")
        && !unsigned.contains(".E");
    if wellformed {
        text.to_owned()
    } else {
        value.to_string()
    }
}

fn object(items: &[Item]) -> Vec<String> {
    if items.is_empty() {
        return vec!["{}".to_owned()];
    }
    let mut body = String::new();
    print(items, 2, &mut body);
    ["{".to_owned()]
        .into_iter()
        .chain(body.lines().map(str::to_owned))
        .chain(["}".to_owned()])
        .collect()
}

fn list(items: Vec<Vec<String>>) -> Vec<String> {
    let flat = items.iter().all(|lines| lines.len() == 1);
    let width: usize = items
        .iter()
        .flatten()
        .map(|item| item.chars().count() + 2)
        .sum();
    if flat && width <= LINE {
        return vec![format!("[{}]", items.concat().join(", "))];
    }
    let mut lines = vec!["[".to_owned()];
    for mut item in items {
        if let Some(last) = item.last_mut() {
            last.push(',');
        }
        lines.extend(item.iter().map(|line| indented(line, 2)));
    }
    lines.push("]".to_owned());
    lines
}

fn indented(line: &str, indent: usize) -> String {
    if line.is_empty() {
        String::new()
    } else {
        format!("{:indent$}{line}", "")
    }
}

/// Writes items at an indentation: an empty line around blocks, `=` aligned among neighbours.
fn print(items: &[Item], indent: usize, out: &mut String) {
    let mut line = |text: &str| {
        out.push_str(&indented(text, indent));
        out.push('\n');
    };
    let mut width = 0;
    for (at, item) in items.iter().enumerate() {
        if at > 0 && is_apart(&items[at - 1], &items[at..]) {
            line("");
        }
        match item {
            Item::Comment(lines) => {
                for text in lines {
                    line(text);
                }
            }
            Item::Argument { key, value } => {
                if at == 0 || !is_aligned(&items[at - 1]) {
                    width = chain_width(&items[at..]);
                }
                let width = if is_aligned(item) { width } else { 0 };
                let (first, rest) = value
                    .split_first()
                    .map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
                line(&format!("{key:width$} = {first}"));
                for text in rest {
                    line(text);
                }
            }
            Item::Block { header, body } if body.is_empty() => line(&format!("{header} {{}}")),
            Item::Block { header, body } => {
                line(&format!("{header} {{"));
                let mut inner = String::new();
                print(body, 2, &mut inner);
                inner.lines().for_each(&mut line);
                line("}");
            }
        }
    }
}

/// Whether an empty line stands between an item and those that follow it.
fn is_apart(before: &Item, rest: &[Item]) -> bool {
    let next = rest.iter().find(|item| !matches!(item, Item::Comment(_)));
    match before {
        Item::Comment(_) => false,
        Item::Block { .. } => true,
        Item::Argument { .. } => matches!(next, Some(Item::Block { .. })),
    }
}

/// Whether `terraform fmt` aligns an argument with its neighbours: its value ends on its first
/// line, a heredoc counting as one line.
fn is_aligned(item: &Item) -> bool {
    match item {
        Item::Argument { value, .. } => {
            value.len() == 1 || value.first().is_some_and(|first| first == "<<-EOT")
        }
        Item::Comment(_) | Item::Block { .. } => false,
    }
}

fn chain_width(items: &[Item]) -> usize {
    let keys = items.iter().map_while(|item| match item {
        Item::Argument { key, .. } if is_aligned(item) => Some(key.chars().count()),
        Item::Argument { .. } | Item::Comment(_) | Item::Block { .. } => None,
    });
    keys.max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
