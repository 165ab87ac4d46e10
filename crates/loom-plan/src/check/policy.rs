//! The user's own policies: Rego in `policy/`, in the shape that Conftest made common.
//!
//! In: the texts of the policies, and inputs: the data of files, and the project's graph. Out:
//! [`Verdict`]s: what `deny`, `violation` and `warn` say, rules whose names go on with `_` too.
//!
//! Package `loom` is asked about the graph, every other one about each document of each file, which
//! is `input` as it is; `data.conftest.file` and `data.loom.file` say which file that is.
//!
//! Invariants: a policy is a function of its input and ends: there is no clock, network, randomness
//! or environment in what it may call, and it is stopped after [`STEPS`] steps (tests below).
//!
//! Deliberately not here: which files there are, and what an accepted finding is.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diag::{Code, Diagnostic, Severity};

/// How many steps the policies may take for one input.
pub const STEPS: u64 = 2_000_000;
/// The package that is asked about the graph.
pub const GRAPH_PACKAGE: &str = "loom";

/// A policy's file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Source {
    /// Its path, seen from the root.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What a policy is asked about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Subject<'a> {
    /// The project's graph.
    Graph,
    /// A file of this path, written by this artifact.
    File {
        /// Seen from the root.
        path: Cow<'a, str>,
        /// Where it is loom's.
        address: Option<String>,
    },
}

/// What a policy said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Package and rule: `main.deny_latest`.
    pub code: String,
    /// `deny` and `violation` are errors.
    pub severity: Severity,
    /// Its words.
    pub message: String,
    /// `address` of an object: what it is about.
    pub address: Option<String>,
}

/// The severity of what a rule of this name says; `None` for any other rule.
pub(crate) fn severity_of(rule: &str) -> Option<Severity> {
    let severities = [
        ("deny", Severity::Error),
        ("violation", Severity::Error),
        ("warn", Severity::Warning),
    ];
    let found = severities.into_iter().find(|(word, _)| {
        rule.strip_prefix(word)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    });
    found.map(|(_, severity)| severity)
}

/// What the value of a rule says: a set of texts, or of objects with `msg`; of a rule that is only
/// true, that it holds.
#[cfg(feature = "rego")]
fn verdicts(package: &str, rule: &str, value: &Value) -> Vec<Verdict> {
    let Some(severity) = severity_of(rule) else {
        return Vec::new();
    };
    let one = |value: &Value| {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let message = match value {
            Value::String(text) => text.clone(),
            Value::Object(_) => text("msg")?,
            Value::Bool(true) => format!("`{rule}` holds"),
            Value::Null | Value::Bool(false) | Value::Number(_) | Value::Array(_) => return None,
        };
        Some(Verdict {
            code: format!("{package}.{rule}"),
            severity,
            message,
            address: text("address"),
        })
    };
    match value {
        Value::Array(items) => items.iter().filter_map(one).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            one(value).into_iter().collect()
        }
    }
}

/// What reading a policy may cost, in tries of the engine.
#[cfg(feature = "rego")]
const TRIES: u64 = 1 << 20;

/// The line in which the brackets of a policy are nested so deeply that reading it would not end.
///
/// The engine reads what a bracket holds as one thing and, where that fails, as another, so that each
/// `[` or `{` which begins with another doubles the work. Those that do not are counted alike.
#[cfg(feature = "rego")]
fn nested_too_deeply(text: &str) -> Option<usize> {
    let (mut line, mut depth, mut tries) = (1, 0_u32, 0_u64);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\n' => line += 1,
            '#' => while characters.next_if(|c| *c != '\n').is_some() {},
            '"' => {
                while let Some(c) = characters.next_if(|c| *c != '\n') {
                    match c {
                        '\\' => drop(characters.next_if(|c| *c != '\n')),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '`' => {
                let raw = characters.by_ref().take_while(|c| *c != '`');
                line += raw.filter(|c| *c == '\n').count();
            }
            '[' | '{' => {
                depth += 1;
                tries = tries.saturating_add(1_u64.checked_shl(depth).unwrap_or(u64::MAX));
                if tries > TRIES {
                    return Some(line);
                }
            }
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// A policy that cannot be used.
fn broken(path: &str, what: &str) -> Diagnostic {
    // the message holds lines of the policy, which a person wrote
    let what = crate::credential::masked(what).into_owned();
    Diagnostic::new(Code::Policy, format!("{path}: {what}"))
}

#[cfg(feature = "rego")]
mod engine {
    use std::cell::Cell;
    use std::num::NonZeroU32;
    use std::time::Duration;

    use regorus::Engine;
    use regorus::utils::limits::{ExecutionTimerConfig, TimeSource, set_time_source};
    use serde_json::{Value, json};

    use super::{
        GRAPH_PACKAGE, STEPS, Source, Subject, Verdict, broken, nested_too_deeply, severity_of,
        verdicts,
    };
    use crate::diag::Diagnostic;

    thread_local! {
        /// How often the engine looked at its clock in this thread.
        static LOOKS: Cell<u64> = const { Cell::new(0) };
    }

    /// Not a clock: each look is one nanosecond, so that the limit is one of steps, the same on
    /// every machine.
    struct Steps;

    impl TimeSource for Steps {
        fn now(&self) -> Option<Duration> {
            let looks = LOOKS.get() + 1;
            LOOKS.set(looks);
            Some(Duration::from_nanos(looks))
        }
    }

    /// Policies that were read.
    #[derive(Clone)]
    pub struct Policies {
        engine: Engine,
        /// Their packages, without `data.`, and whether they decide anything is seen when they run.
        packages: Vec<String>,
    }

    impl std::fmt::Debug for Policies {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Policies")
                .field("packages", &self.packages)
                .finish_non_exhaustive()
        }
    }

    impl Policies {
        /// Reads policies.
        ///
        /// # Errors
        /// Everything that is wrong with them.
        pub fn read(sources: &[Source]) -> Result<Self, Vec<Diagnostic>> {
            match set_time_source(&Steps) {
                // it was called before, with the same source
                Ok(()) | Err(_) => {}
            }
            let mut engine = Engine::new();
            engine.set_gather_prints(true);
            let limit = ExecutionTimerConfig {
                limit: Duration::from_nanos(STEPS),
                check_interval: NonZeroU32::MIN,
            };
            engine.set_execution_timer_config(limit);
            let (mut packages, mut found) = (Vec::new(), Vec::new());
            for source in sources {
                match add(&mut engine, source) {
                    Ok(package) => packages.push(package.trim_start_matches("data.").to_owned()),
                    Err(error) => found.push(broken(&source.path, &error)),
                }
            }
            packages.sort();
            packages.dedup();
            if found.is_empty() {
                Ok(Self { engine, packages })
            } else {
                Err(found)
            }
        }

        /// Whether a package is asked about the graph.
        pub fn asks_about_graph(&self) -> bool {
            self.packages.iter().any(|package| is_about_graph(package))
        }

        /// Whether a package is asked about files.
        pub fn asks_about_files(&self) -> bool {
            self.packages.iter().any(|package| !is_about_graph(package))
        }

        /// What the policies say of an input.
        ///
        /// # Errors
        /// A policy that cannot be evaluated, or does not end.
        pub fn ask(
            &self,
            subject: &Subject<'_>,
            input: &Value,
        ) -> Result<Vec<Verdict>, Diagnostic> {
            let (mut engine, mut said) = (self.engine.clone(), Vec::new());
            let graph = matches!(subject, Subject::Graph);
            let name = match subject {
                Subject::Graph => "the graph",
                Subject::File { path, .. } => path,
            };
            let fail = |error: &dyn std::fmt::Display| {
                let text = error.to_string();
                let text = text.trim();
                let limit = text.contains("limit") && text.contains("exceeded");
                let why = if limit {
                    format!("it did not end within {STEPS} steps")
                } else {
                    text.to_owned()
                };
                broken(
                    "a policy",
                    &format!("it cannot be evaluated for {name}: {why}"),
                )
            };
            engine
                .add_data(data_of(subject).into())
                .map_err(|error| fail(&error))?;
            engine.set_input(input.clone().into());
            for package in self
                .packages
                .iter()
                .filter(|package| is_about_graph(package) == graph)
            {
                let results = engine
                    .eval_query(format!("data.{package}"), false)
                    .map_err(|error| fail(&error))?;
                let values = results
                    .result
                    .into_iter()
                    .flat_map(|result| result.expressions);
                for value in values {
                    let json = value.value.to_json_str().map_err(|error| fail(&error))?;
                    let json: Value = serde_json::from_str(&json).map_err(|error| fail(&error))?;
                    let rules = json
                        .as_object()
                        .into_iter()
                        .flatten()
                        .filter(|(rule, _)| severity_of(rule).is_some());
                    rules.for_each(|(rule, value)| said.extend(verdicts(package, rule, value)));
                }
            }
            Ok(said)
        }
    }

    fn is_about_graph(package: &str) -> bool {
        package
            .strip_prefix(GRAPH_PACKAGE)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Rego as it is now, else as it was before version 1, as most published policies are.
    fn add(engine: &mut Engine, source: &Source) -> Result<String, String> {
        if let Some(line) = nested_too_deeply(&source.text) {
            return Err(format!(
                "the brackets in line {line} are nested too deeply to be read: divide the rule, or keep its data in a rule of their own"
            ));
        }
        let now = engine.add_policy(source.path.clone(), source.text.clone());
        now.or_else(|error| {
            engine.set_rego_v0(true);
            let old = engine.add_policy(source.path.clone(), source.text.clone());
            engine.set_rego_v0(false);
            old.map_err(|_| error.to_string().trim().to_owned())
        })
    }

    /// What a policy may ask of the file besides its data.
    fn data_of(subject: &Subject<'_>) -> Value {
        match subject {
            Subject::Graph => json!({}),
            Subject::File { path, address } => {
                let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
                json!({
                    "conftest": { "file": { "dir": folder, "name": name } },
                    "loom": { "file": { "path": path, "address": address } },
                })
            }
        }
    }
}

#[cfg(not(feature = "rego"))]
mod engine {
    use super::{Diagnostic, Source, Subject, Value, Verdict, broken};

    /// Policies, which this build cannot read: there are none.
    #[derive(Clone, Debug)]
    pub struct Policies;

    impl Policies {
        /// Refuses policies, so that none is passed over without a word.
        ///
        /// # Errors
        /// One for each policy.
        pub fn read(sources: &[Source]) -> Result<Self, Vec<Diagnostic>> {
            let refuse = |source: &Source| {
                broken(
                    &source.path,
                    "this loom was built without Rego (the feature `rego`)",
                )
            };
            if sources.is_empty() {
                Ok(Self)
            } else {
                Err(sources.iter().map(refuse).collect())
            }
        }

        /// No package is.
        pub fn asks_about_graph(&self) -> bool {
            false
        }

        /// No package is.
        pub fn asks_about_files(&self) -> bool {
            false
        }

        /// Nothing.
        ///
        /// # Errors
        /// None.
        pub fn ask(
            &self,
            _subject: &Subject<'_>,
            _input: &Value,
        ) -> Result<Vec<Verdict>, Diagnostic> {
            Ok(Vec::new())
        }
    }
}

pub use engine::Policies;

#[cfg(all(test, feature = "rego"))]
#[path = "policy_tests.rs"]
mod tests;
