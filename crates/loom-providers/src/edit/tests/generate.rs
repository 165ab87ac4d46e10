//! Texts as nobody writes them twice: every style that a format has, by the throw of dice.

use std::fmt::Write as _;

/// A finite source of choices.
pub(crate) struct Dice {
    bytes: Vec<u8>,
    at: usize,
}

impl Dice {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    /// A number below `sides`; always the first once the dice are used up.
    fn roll(&mut self, sides: usize) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte) % sides
    }

    fn pick(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.roll(choices.len())]
    }

    /// Some distinct names.
    fn names(&mut self, most: usize) -> Vec<&'static str> {
        let first = self.roll(NAMES.len());
        let count = 1 + self.roll(most);
        (0..count)
            .map(|at| NAMES[(first + at) % NAMES.len()])
            .collect()
    }
}

const NAMES: [&str; 7] = ["alpha", "b", "c-d", "name", "run", "id", "z_9"];

/// JSON, with comments sometimes.
pub(super) fn json(dice: &mut Dice) -> String {
    let style = Layout {
        unit: dice.pick(&["  ", "\t", "    "]),
        comments: dice.roll(3) == 0,
    };
    let end = dice.pick(&["\n", ""]);
    format!("{}{end}", json_object(dice, style, 1))
}

/// How a text of JSON is laid out.
#[derive(Clone, Copy)]
struct Layout {
    unit: &'static str,
    comments: bool,
}

fn json_object(dice: &mut Dice, style: Layout, depth: usize) -> String {
    let names = dice.names(4);
    let entries = names.iter().map(|name| {
        format!(
            "{}: {}",
            serde_json::Value::from(*name),
            json_value(dice, style, depth)
        )
    });
    let entries: Vec<String> = entries.collect();
    json_entries(dice, ('{', '}'), entries, style, depth)
}

fn json_value(dice: &mut Dice, style: Layout, depth: usize) -> String {
    match dice.roll(if depth > 3 { 6 } else { 10 }) {
        0 => "0".to_owned(),
        1 => "\"text, with \\\"quotes\\\" {and} // more\"".to_owned(),
        2 => "-1.50e3".to_owned(),
        3 => "null".to_owned(),
        4 => "[]".to_owned(),
        5 => "{}".to_owned(),
        6 => {
            let items = ["\"x\"", "1", "true"][..=dice.roll(3)]
                .iter()
                .map(|item| (*item).to_owned())
                .collect();
            json_entries(dice, ('[', ']'), items, style, depth + 1)
        }
        7 => {
            let items = (0..=dice.roll(2))
                .map(|at| format!("{{ \"name\": \"n{at}\", \"run\": {at} }}"))
                .collect();
            json_entries(dice, ('[', ']'), items, style, depth + 1)
        }
        _ => json_object(dice, style, depth + 1),
    }
}

fn json_entries(
    dice: &mut Dice,
    (open, close): (char, char),
    entries: Vec<String>,
    style: Layout,
    depth: usize,
) -> String {
    if dice.roll(4) == 0 {
        return format!(
            "{open}{}{close}",
            entries.join(dice.pick(&[", ", ",", " , "]))
        );
    }
    let indent = style.unit.repeat(depth);
    let mut out = String::from(open);
    let count = entries.len();
    for (at, entry) in entries.into_iter().enumerate() {
        if style.comments && dice.roll(4) == 0 {
            write!(out, "\n{indent}// a comment").expect("memory takes all");
        }
        let comma = if at + 1 < count || (style.comments && dice.roll(3) == 0) {
            ","
        } else {
            ""
        };
        let behind = if style.comments {
            dice.pick(&["", "", " // behind", " /* block */"])
        } else {
            ""
        };
        write!(out, "\n{indent}{entry}{comma}{behind}").expect("memory takes all");
    }
    write!(out, "\n{}{close}", style.unit.repeat(depth - 1)).expect("memory takes all");
    out
}

/// YAML in block and flow style.
pub(super) fn yaml(dice: &mut Dice) -> String {
    let step = 2 + 2 * dice.roll(2);
    let head = dice.pick(&["", "---\n", "# head\n\n", "%YAML 1.2\n---\n"]);
    let body = yaml_map(dice, 0, step);
    let tail = dice.pick(&["", "\n# the end\n", "\n\n"]);
    format!("{head}{body}{tail}")
}

fn yaml_map(dice: &mut Dice, indent: usize, step: usize) -> String {
    let mut out = String::new();
    for name in dice.names(4) {
        let pad = " ".repeat(indent);
        match dice.roll(6) {
            0 => writeln!(out, "{pad}# about {name}"),
            1 => writeln!(out),
            _ => Ok(()),
        }
        .expect("memory takes all");
        let key = if dice.roll(5) == 0 {
            format!("\"{name}\"")
        } else {
            name.to_owned()
        };
        write!(out, "{pad}{key}:{}", yaml_value(dice, indent, step)).expect("memory takes all");
    }
    out
}

/// What stands behind a colon, with the end of its line.
fn yaml_value(dice: &mut Dice, indent: usize, step: usize) -> String {
    let comment = dice.pick(&["", "", " # behind"]);
    let deeper = " ".repeat(indent + step);
    match dice.roll(if indent > 8 { 9 } else { 16 }) {
        0 => format!(" 1{comment}\n"),
        1 => format!(" \"double # no \\\" comment\"{comment}\n"),
        2 => format!(" 'it''s'{comment}\n"),
        3 => format!(" plain text: no{comment}\n").replace(": no", ""),
        4 => format!("{comment}\n"),
        5 => format!(" [x, \"y, z\", 3]{comment}\n"),
        6 => format!(" {{ name: x, run: {{ id: 1 }} }}{comment}\n"),
        7 => format!(
            " {}{comment}\n",
            dice.pick(&[
                "~",
                "yes",
                "0o14",
                "1.10",
                "12:30:45",
                "!!str 5",
                "2001-12-14",
                ".inf"
            ])
        ),
        8 => format!(
            " {}\n{deeper}# text\n\n{deeper}  more\n",
            dice.pick(&["|", ">", "|-", ">-"])
        ),
        9 => format!(" plain over\n{deeper}two lines\n"),
        10 => format!(" \"quoted over\n{deeper}two lines\"\n"),
        11 => {
            let dash = " ".repeat(indent + step * dice.roll(2));
            let items = ["one", "'two'", "3", "\"four # 4\""];
            let lines: Vec<String> = items[..=dice.roll(4)]
                .iter()
                .map(|item| format!("{dash}- {item}{comment}\n"))
                .collect();
            format!("\n{}", lines.concat())
        }
        12 => {
            let dash = " ".repeat(indent + step * dice.roll(2));
            let mut lines = String::from("\n");
            for at in 0..=dice.roll(3) {
                let run = dice
                    .pick(&["x", "|\n@    # text\n@    y", "[a, b]", "{ b: 1 }"])
                    .replace('@', &dash);
                write!(lines, "{dash}- name: n{at}\n{dash}  run: {run}\n")
                    .expect("memory takes all");
                if dice.roll(3) == 0 {
                    lines.push('\n');
                }
            }
            lines
        }
        13 => format!("   &anchor{}{} kept\n", indent, dice.roll(90)),
        _ => format!("{comment}\n{}", yaml_map(dice, indent + step, step)),
    }
}

/// TOML with all that it has.
pub(crate) fn toml(dice: &mut Dice) -> String {
    let mut out = String::from(dice.pick(&["", "# head\n\n", "\n"]));
    if dice.roll(2) == 0 {
        toml_values(dice, &mut out, "");
    }
    for name in dice.names(3) {
        let gap = dice.pick(&["", "\n", "\n# about\n"]);
        match dice.roll(4) {
            0 => {
                for at in 0..=dice.roll(2) {
                    write!(out, "{gap}[[list.{name}]]\nname = \"n{at}\"\n")
                        .expect("memory takes all");
                    toml_values(dice, &mut out, "v_");
                }
            }
            1 => {
                writeln!(out, "{gap}[deep.{name}.below]").expect("memory takes all");
                toml_values(dice, &mut out, "");
            }
            _ => {
                writeln!(out, "{gap}[ table.\"{name}\" ] # header").expect("memory takes all");
                toml_values(dice, &mut out, "");
            }
        }
    }
    out
}

fn toml_values(dice: &mut Dice, out: &mut String, lead: &str) {
    let indent = dice.pick(&["", "", "  "]);
    for name in dice.names(3) {
        let name = format!("{lead}{name}");
        let comment = dice.pick(&["", "", "  # behind"]);
        let value = dice.pick(&[
            "1_000",
            "\"text # no\"",
            "'''\n# text\nmore'''",
            "\"\"\"\\\n   x\n# y\"\"\"",
            "1979-05-27T07:32:00-08:00",
            "07:32:00",
            "[1, 2, 3]",
            "[\n    \"a\", # one\n    # two\n    \"b\",\n  ]",
            "{ x = 1, y.z = \"2\" }",
            "[{ name = \"a\", v = 1 }, { name = \"b\" }]",
            "nan",
            "0xdead_beef",
            "{}",
        ]);
        let key = if dice.roll(4) == 0 {
            format!("{name}.\"in.side\"")
        } else {
            name
        };
        writeln!(
            out,
            "{indent}{key} {}= {value}{comment}",
            dice.pick(&["", "  "])
        )
        .expect("memory takes all");
        if dice.roll(4) == 0 {
            out.push_str("# between\n");
        }
    }
}

/// HCL with all that it has.
pub(super) fn hcl(dice: &mut Dice) -> String {
    let mut out = String::from(dice.pick(&["", "# head\n\n", "/* head\n   two */\n"]));
    if dice.roll(3) == 0 {
        hcl_values(dice, &mut out, "");
    }
    for name in dice.names(4) {
        let gap = dice.pick(&["", "\n", "\n// about\n"]);
        let labels = dice.pick(&["one", "one \"x\"", "two \"x\" \"y\"", "two \"x\" \"z\""]);
        if dice.roll(6) == 0 {
            writeln!(out, "{gap}empty_{name} \"{name}\" {{}}").expect("memory takes all");
            continue;
        }
        // a type has one number of labels
        let (kind, labels) = labels.split_once(' ').unwrap_or((labels, ""));
        let kind = if labels.is_empty() { "bare" } else { kind };
        writeln!(
            out,
            "{gap}{kind} {labels}{}{{",
            if labels.is_empty() { "" } else { " " }
        )
        .expect("memory takes all");
        hcl_values(dice, &mut out, "  ");
        if dice.roll(2) == 0 {
            out.push_str("\n  nested {\n");
            hcl_values(dice, &mut out, "    ");
            out.push_str("  }\n");
        }
        out.push_str("}\n");
    }
    out
}

fn hcl_values(dice: &mut Dice, out: &mut String, indent: &str) {
    for name in dice.names(3) {
        let comment = dice.pick(&["", "", " # behind", " // behind"]);
        let value = dice.pick(&[
            "1",
            "\"text # no\"",
            "\"a-${var.x}\"",
            "var.list[0]",
            "[1, \"x\", true]",
            "[\n@  \"a\", # one\n@  \"b\",\n@]",
            "{ x = 1, y = \"2\" }",
            "{\n@  x = 1\n@  \"y:z\" = [\"q\"] # two\n@}",
            "{ for k, v in var.m : k => v }",
            "a ? \"b\" : c",
            "merge(local.a, { b = 1 })",
            "null",
        ]);
        let value = value.replace('@', indent);
        writeln!(
            out,
            "{indent}{} {}= {value}{comment}",
            name.replace('-', "_"),
            dice.pick(&["", "  "])
        )
        .expect("memory takes all");
        if dice.roll(5) == 0 {
            writeln!(
                out,
                "{indent}doc_{} = <<-EOT\n{indent}  # text\n{indent}EOT",
                name.replace('-', "_")
            )
            .expect("memory takes all");
        }
        if dice.roll(4) == 0 {
            writeln!(out, "\n{indent}# between").expect("memory takes all");
        }
    }
}
