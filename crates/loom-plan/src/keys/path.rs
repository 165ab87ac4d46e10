//! The path of an owned key: `jobs.build.steps[name="Test"].run`.

use std::fmt;
use std::str::FromStr;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The value of a key.
    Key(String),
    /// The entry of a list whose `by` (`name` or `id`) has this value.
    Entry {
        /// `name` or `id`.
        by: String,
        /// Its value, as [`super::Data::canonical`] writes it.
        value: String,
    },
    /// The entry of a list that is this value, as [`super::Data::canonical`] writes it.
    Item(String),
}

/// Where a value stands in a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPath(Vec<Step>);

impl KeyPath {
    /// A path of these steps.
    pub fn new(steps: Vec<Step>) -> Self {
        Self(steps)
    }

    /// The path with one more step.
    #[must_use]
    pub fn with(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// The steps, from the outermost.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The first steps alone.
    #[must_use]
    pub fn first(&self, length: usize) -> Self {
        Self(self.0[..length].to_vec())
    }

    /// Whether another path leads to this value or to something that holds it.
    pub fn begins_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) => {
                    let dot = if at == 0 { "" } else { "." };
                    if is_bare(key) {
                        write!(f, "{dot}{key}")?;
                    } else {
                        write!(f, "{dot}{}", quoted(key))?;
                    }
                }
                Step::Entry { by, value } => write!(f, "[{by}={}]", Shown(value))?,
                Step::Item(value) => write!(f, "[={}]", Shown(value))?,
            }
        }
        Ok(())
    }
}

/// A canonical value: a text and a plain word as they are, anything else quoted behind a `!`.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_text =
            string(self.0).is_ok_and(|(text, rest)| rest.is_empty() && quoted(&text) == self.0);
        if is_text || is_bare(self.0) {
            f.write_str(self.0)
        } else {
            write!(f, "!{}", quoted(self.0))
        }
    }
}

/// As [`Shown`] writes it, at the start; and what stands behind it.
fn shown(text: &str) -> Result<(String, &str), ()> {
    if let Some(quoted) = text.strip_prefix('!') {
        return string(quoted);
    }
    if text.starts_with('"') {
        return string(text).map(|(value, rest)| (quoted(&value), rest));
    }
    let (value, _) = text.split_once(']').ok_or(())?;
    if is_bare(value) {
        Ok((value.to_owned(), &text[value.len()..]))
    } else {
        Err(())
    }
}

fn is_bare(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/' | b'@'))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl FromStr for KeyPath {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (mut rest, mut steps) = (text, Vec::new());
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let (by, behind) = inside.split_once('=').ok_or(())?;
                let (value, behind) = shown(behind)?;
                rest = behind.strip_prefix(']').ok_or(())?;
                let by = by.to_owned();
                steps.push(if by.is_empty() {
                    Step::Item(value)
                } else {
                    Step::Entry { by, value }
                });
                continue;
            }
            let key = if steps.is_empty() {
                rest
            } else {
                rest.strip_prefix('.').ok_or(())?
            };
            if key.starts_with('"') {
                let (key, behind) = string(key)?;
                steps.push(Step::Key(key));
                rest = behind;
            } else {
                let end = key.find(['.', '[']).unwrap_or(key.len());
                let (key, behind) = key.split_at(end);
                if !is_bare(key) {
                    return Err(());
                }
                steps.push(Step::Key(key.to_owned()));
                rest = behind;
            }
        }
        if steps.is_empty() {
            Err(())
        } else {
            Ok(Self(steps))
        }
    }
}

/// A quoted text at the start, and what stands behind it.
fn string(text: &str) -> Result<(String, &str), ()> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = values.next().ok_or(())?.map_err(|_| ())?;
    Ok((value, &text[values.byte_offset()..]))
}

impl serde::Serialize for KeyPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for KeyPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|()| serde::de::Error::custom(format!("`{text}` is not the path of a key")))
    }
}
